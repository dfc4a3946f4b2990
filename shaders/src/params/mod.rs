//! Data that host and kernels exchange: each kernel's uniform, the decode state, the result of a cycle.
//!
//! Structs have the fields of the WGSL structs of the same kernel, which document them.

mod attention;
mod elementwise;
mod fields;
mod grid;
mod matmul;
mod memory;
mod sampling;
mod state;

pub use attention::{Attention, AttentionMerge, QkNormRope};
pub use elementwise::{Embed, RmsNorm, Swiglu};
pub use fields::Fields;
pub use grid::Grid;
pub use matmul::{Matmul, MatmulCoop, MatmulRow};
pub use memory::{Copied, FillRandom};
pub use sampling::{Argmax, Candidate, LogitPart, Purpose, Reject, Sampling, SamplingCut};
pub use state::{Acceptance, CycleResult, Finish, State};

pub use crate::layout::padded;
