// A chunk is 8 consecutive values of a row, the unit in which rows are read and padded: 16 bytes of f16.
//
// Weight matrices are interleaved: 16 rows go together, chunk by chunk, so that 16 lanes, one a row, read side
// by side. Rows are padded with zeros to whole chunks, matrices to whole sixteens of rows.

struct Chunk {
    lo: vec4<f32>,
    hi: vec4<f32>,
}

// Where chunk `chunk` of row `row` is, in chunks.
fn interleaved(row: u32, chunk: u32, chunks: u32) -> u32 {
    return (row / 16u * chunks + chunk) * 16u + row % 16u;
}
