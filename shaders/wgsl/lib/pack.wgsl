// A pack: 8 consecutive values of a row, 16 bytes of f16. Lanes read rows in packs.
//
// Weight matrices are stored in tiles of 16 rows by 16 values. Each tile is contiguous, row after row, so that
// neighbouring lanes read neighbouring packs and a cooperative matrix is one range of memory. Rows are padded with
// zeros to whole tiles (two packs), matrices to whole 32 rows.

struct Pack {
    lo: vec4<f32>,
    hi: vec4<f32>,
}

// The index of pack `pack` of row `row`, in packs. A row has `packs` packs.
fn tiled(row: u32, pack: u32, packs: u32) -> u32 {
    return (row / TILE * (packs / 2u) + pack / 2u) * (2u * TILE) + row % TILE * 2u + pack % 2u;
}
