//! Where values of matrices and activations lie.

use crate::constants::TILE;

/// Values of a row, padded to whole tiles.
pub fn padded(values: usize) -> usize {
    values.next_multiple_of(TILE)
}

/// Packs of a row of `values` values, padded to whole tiles.
pub const fn packs(values: usize) -> usize {
    values.div_ceil(TILE) * 2
}

/// The index of pack `pack` of row `row` in a tiled matrix, in packs. A row has `packs` packs (`lib/pack.wgsl`).
pub const fn tiled(row: usize, pack: usize, packs: usize) -> usize {
    (row / TILE * (packs / 2) + pack / 2) * 2 * TILE + row % TILE * 2 + pack % 2
}

/// The index of a value of activations in tiles. A row has `tiles` tiles (`lib/tile.wgsl`).
pub const fn in_tiles(row: usize, column: usize, tiles: usize) -> usize {
    (row / TILE * tiles + column / TILE) * TILE * TILE + row % TILE * TILE + column % TILE
}
