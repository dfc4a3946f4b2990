// A chunk is 8 consecutive values of a row, the unit in which rows are read: 16 bytes of f16.
//
// Weight matrices are stored in tiles of 16 rows by 16 values, each contiguous, row after row, so that neighbouring
// lanes read neighbouring chunks and a cooperative matrix is one piece of memory. Rows are padded with zeros to
// whole tiles (two chunks), matrices to whole 32 rows.

struct Chunk {
    lo: vec4<f32>,
    hi: vec4<f32>,
}

// Where chunk `chunk` of row `row` is, in chunks.
fn tiled(row: u32, chunk: u32, chunks: u32) -> u32 {
    return (row / 16u * (chunks / 2u) + chunk / 2u) * 32u + row % 16u * 2u + chunk % 2u;
}
