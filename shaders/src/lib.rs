//! Every kernel of the dual-view decoder: its WGSL, its typed description, and a CPU twin of what it computes.
//!
//! A kernel is a `.wgsl` file in `wgsl/` that opens with its contract: what it computes, the shape of each binding,
//! its grid. A kernel with variants calls functions that a *choice* supplies: each option of a choice is a file in
//! `wgsl/lib/`. [`Kernel::wgsl`] puts the files end to end. There is no macro language.
//!
//! | | holds |
//! |---|---|
//! | [`Kernel`] | the kernels and their choices as data: files, bindings, tiers |
//! | [`params`] | the uniform of each kernel, the decode state, the result of a cycle |
//! | [`twin`] | the kernels in plain Rust: documentation and test oracle |
//!
//! This crate does not use wgpu: its user makes pipelines from the descriptions.

// No user may reach a panic. (The packages of tests and benchmarks, which share the workspace's lints, may.)
#![warn(clippy::unwrap_used)]
#![warn(missing_docs)]

mod constants;
mod kernels;
mod layout;
pub mod params;
pub mod twin;
mod variants;

pub use constants::*;
pub use kernels::{Access, Binding, Kernel, KernelSpec};
pub use layout::{in_tiles, packs, tiled};
pub use params::{Acceptance, CycleResult, Finish, State};
pub use variants::{
    ActivationLayout, Candidates, CoopTiling, Epilogue, KvFormat, KvSplits, LaneExchange, MTiles, Mask,
    Reduce, RowInput, RowQueries, Rows, RowsPerLane, SplitK, Tier, WeightFormat, WeightStaging,
};

/// The examples of README.md.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
