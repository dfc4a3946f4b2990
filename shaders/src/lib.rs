//! Every kernel of the dual-view decoder: its WGSL, its typed description, and CPU twins of what they compute.
//!
//! A kernel is a `.wgsl` file in `wgsl/` that opens with its contract: what it computes, the shape of each
//! binding, its grid. Where it has variants, the choice is a file in `wgsl/lib/` that supplies the functions
//! the kernel calls, and [`Kernel::wgsl`] puts the files end to end. There is no macro language.
//!
//! | | what it holds |
//! |---|---|
//! | [`Kernel`] | the kernels and their choices as data: files, bindings, tiers |
//! | [`params`] | the uniform each kernel takes, the decode state, the record of a cycle |
//! | [`twin`] | what each kernel computes, in plain Rust: documentation and test oracle |
//!
//! This crate knows nothing of wgpu: the engine makes pipelines from what it describes.

// No user may reach a panic. (The packages of tests and benchmarks, which share the workspace's lints, may.)
#![warn(clippy::unwrap_used)]

mod bindings;
mod choices;
mod files;
mod kernel;
pub mod params;
pub mod twin;

pub use bindings::{Access, Binding};
pub use choices::{
    Cache, Candidates, Columns, Input, Output, Product, RowQueries, RowSlices, RowTiles, Rows, Slices,
    Splits, Store, Tier, Tile, TileLanes, Visible, WeightFormat, WeightTiles,
};
pub use kernel::Kernel;
pub use params::{Record, State};

/// Values of a row that `matmul_row` has room for in workgroup memory, for each slice that it sums.
pub const INPUT_ROOM_OF_SLICE: usize = 256;

/// Values in a chunk, the unit in which rows of weights are read.
pub const CHUNK: usize = 8;

/// Rows, and values of a row, in a tile, the unit in which weights are stored and rows are padded (`lib/chunk.wgsl`).
pub const TILE: usize = 16;

/// Rows to whole multiples of which a weight matrix is padded: what a workgroup of `matmul_coop` takes.
pub const MATRIX_ROWS: usize = 2 * TILE;

/// Rows, and outputs, that a workgroup of `matmul_prompt` takes: rows in tiles that a matrix is multiplied with are
/// stored in whole multiples of it.
pub const PROMPT_TILE: usize = 8 * TILE;

/// Workgroups of `matmul_prompt` that there are at most, each of which goes from one tile to the next: about two for
/// each multiprocessor of a large GPU (132, an NVIDIA H200), and a number that divides the tiles of the 1.7B and the 8B
/// in a prompt's longest pass.
pub const PROMPT_WORKGROUPS: usize = 256;

/// Largest number of rows in a block (`accept` keeps a record of this many picks and drafts).
pub const MAX_BLOCK: usize = 64;

/// Most ids that can end a text.
pub const MAX_END_IDS: usize = 16;

/// Positions in a split of the cache, the fixed unit of `attention`.
pub const SPLIT: usize = 256;

/// Positions in a short split of attention over a cache in tiles, how many of them come first, the same of the middle
/// ones after them, and positions in the long ones that follow ([`Splits::Growing`]).
pub const SHORT_SPLIT: usize = 128;
/// See [`SHORT_SPLIT`].
pub const SHORT_SPLITS: usize = 16;
/// See [`SHORT_SPLIT`].
pub const MIDDLE_SPLIT: usize = 512;
/// See [`SHORT_SPLIT`].
pub const MIDDLE_SPLITS: usize = 12;
/// See [`SHORT_SPLIT`].
pub const LONG_SPLIT: usize = 1024;

/// Tiles of positions that a split of `attention_row` has at a time, and the most splits that they are dealt out to
/// ([`Splits::Dealt`]).
pub const DEALT_TILES: usize = 8;
/// See [`DEALT_TILES`].
pub const DEALT_SPLITS: usize = 32;

/// Queries of a kv head to whole multiples of which there is room for them in tiles: those whose sums a subgroup of
/// `attention_staged` or `attention_paired` has.
pub const QUERY_ROOM: usize = 2 * TILE;

/// Values of a head for which there are `attention_staged`, `attention_paired` and `attention_row`.
pub const STAGED_HEAD: usize = 8 * TILE;

/// Queries that a workgroup of `attention_staged` takes.
pub const STAGED_QUERIES: usize = 4 * TILE;

/// Queries that a workgroup of `attention_paired` takes.
pub const PAIRED_QUERIES: usize = 8 * TILE;

/// Bytes of workgroup memory that `attention_paired` wants of an adapter, more than tier `coop` needs.
pub const PAIRED_WORKGROUP_BYTES: u32 = 48 << 10;

/// Most heads that share a kv head where `attention_row` takes their rows: its workgroups read the cache for four.
pub const ROW_HEADS: usize = 8;

/// Queries that a workgroup of `attention` takes.
pub const TILE_QUERIES: usize = 8;

/// Largest size of an attention head (a lane of `attention_merge` has two vec4 of one).
pub const MAX_HEAD_DIM: usize = 256;

/// Most ids of a vocabulary: `distribution` finds one among them by 24 halvings.
pub const MAX_VOCABULARY: usize = 1 << 24;

/// By how much `matmul_coop`, `matmul_prompt` and `matmul_row` scale gated values that they write as f16.
pub const GATED_SCALE: f32 = 0.0625;

/// What `argmax` gives for a row without any number in it.
pub const NO_ID: u32 = u32::MAX;

/// Chunks of a row of `values` values, padded to whole tiles.
pub const fn chunks(values: usize) -> usize {
    values.div_ceil(TILE) * 2
}

/// Where chunk `chunk` of row `row` of a tiled matrix is, in chunks.
pub const fn tiled(row: usize, chunk: usize, chunks: usize) -> usize {
    (row / TILE * (chunks / 2) + chunk / 2) * 2 * TILE + row % TILE * 2 + chunk % 2
}

/// Where a value of activations in tiles is, whose row has `tiles` tiles (`lib/tile.wgsl`).
pub const fn in_tiles(row: usize, column: usize, tiles: usize) -> usize {
    (row / TILE * tiles + column / TILE) * TILE * TILE + row % TILE * TILE + column % TILE
}
