// Activations that cooperative matrices read are f16 in tiles of 16 rows by 16 values, each contiguous, row after
// row; the tiles of 16 rows follow each other. (Weights are stored likewise, see lib/pack.wgsl.)

const TILE_VALUES: u32 = TILE * TILE;

// Where a value is whose row has `tiles` tiles.
fn in_tiles(row: u32, column: u32, tiles: u32) -> u32 {
    return (row / TILE * tiles + column / TILE) * TILE_VALUES + row % TILE * TILE + column % TILE;
}
