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

mod compose;
mod constants;
mod kernel;
pub mod params;
pub mod twin;
mod variants;

pub use compose::{Access, Binding};
pub use constants::*;
pub use kernel::{Kernel, KernelSpec};
pub use params::{Acceptance, CycleResult, Finish, State};
pub use variants::{
    ActivationLayout, Candidates, CoopTiling, Epilogue, KvFormat, KvSplits, LaneExchange, MTiles, Mask,
    Reduce, RowInput, RowQueries, Rows, RowsPerLane, SplitK, Tier, WeightFormat, WeightStaging,
};

/// Chunks of a row of `values` values, padded to whole tiles.
pub const fn packs(values: usize) -> usize {
    values.div_ceil(TILE) * 2
}

/// Where pack `pack` of row `row` of a tiled matrix is, in packs.
pub const fn tiled(row: usize, pack: usize, packs: usize) -> usize {
    (row / TILE * (packs / 2) + pack / 2) * 2 * TILE + row % TILE * 2 + pack % 2
}

/// Where a value of activations in tiles is, whose row has `tiles` tiles (`lib/tile.wgsl`).
pub const fn in_tiles(row: usize, column: usize, tiles: usize) -> usize {
    (row / TILE * tiles + column / TILE) * TILE * TILE + row % TILE * TILE + column % TILE
}
