//! Every kernel of the dual-view decoder: its WGSL, its typed description, its CPU twin.
//!
//! A kernel is a `.wgsl` file in `wgsl/` that opens with its contract: what it computes, the shape of each
//! binding, its grid. Where it has variants, the choice is a file in `wgsl/lib/` that supplies the functions
//! the kernel calls, and [`Kernel::wgsl`] puts the files end to end. There is no macro language.
//!
//! | module | what it holds |
//! |---|---|
//! | [`kernel`] | the kernels and their choices as data: files, bindings, grid |
//! | [`params`] | the uniform each kernel takes, the decode state, the record of a cycle |
//! | [`twin`] | each kernel in plain Rust, under the same name: documentation and test oracle |
//!
//! This crate knows nothing of wgpu: the engine makes pipelines from what it describes.

// No user may reach a panic. (The packages of tests and benchmarks, which share the workspace's lints, may.)
#![warn(clippy::unwrap_used)]

pub mod kernel;
pub mod params;
pub mod twin;

pub use kernel::{Access, Binding, Kernel, Rows, Slices, Store, Tier, Tile, Visible, WeightFormat};
pub use params::{Record, State};

/// Values in a chunk, the unit in which rows of weights and activations are read and padded.
pub const CHUNK: usize = 8;

/// Rows of a weight matrix that are interleaved (`lib/chunk.wgsl`).
pub const INTERLEAVE: usize = 16;

/// Largest number of rows in a block (`accept` keeps a record of this many picks and drafts).
pub const MAX_BLOCK: usize = 64;

/// Most ids that can end a text.
pub const MAX_END_IDS: usize = 16;

/// Positions in a split of the cache, the fixed unit of `attention`.
pub const SPLIT: usize = 256;

/// Queries that a workgroup of `attention` takes.
pub const TILE_QUERIES: usize = 8;

/// Largest size of an attention head (`attention_merge` has a lane for each four values).
pub const MAX_HEAD_DIM: usize = 256;

/// What `argmax` gives for a row without any number in it.
pub const NO_ID: u32 = u32::MAX;

/// Chunks that hold `values` values.
pub const fn chunks(values: usize) -> usize {
    values.div_ceil(CHUNK)
}

/// Where chunk `chunk` of row `row` of an interleaved matrix is, in chunks.
pub const fn interleaved(row: usize, chunk: usize, chunks: usize) -> usize {
    (row / INTERLEAVE * chunks + chunk) * INTERLEAVE + row % INTERLEAVE
}
