// Activations in f16 tiles of 16 rows by 16 values, as cooperative matrices load them.
//
// Each tile is contiguous, row after row. The tiles of 16 rows follow each other. Weights have the same layout
// (lib/pack.wgsl).

const TILE_VALUES: u32 = TILE * TILE;

// The index of a value. A row has `tiles` tiles.
fn in_tiles(row: u32, column: u32, tiles: u32) -> u32 {
    return (row / TILE * tiles + column / TILE) * TILE_VALUES + row % TILE * TILE + column % TILE;
}
