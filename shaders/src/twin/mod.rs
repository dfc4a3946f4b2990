//! Each kernel in plain Rust, under the name of its file. Sums are in f64, layouts are those of the kernels.
//!
//! So a kernel's distance from its twin is the kernel's own rounding. Kernels that compute the same share a twin:
//!
//! - [`matmul`]: the matmul kernels. Their epilogues are twins of their own.
//! - [`attention`]: the attention kernels. `attention_row` computes [`qk_norm_rope`] first.

mod accept;
mod argmax;
mod attention;
mod copy;
mod embed;
mod fill_random;
mod logit_parts;
mod matmul;
mod qk_norm_rope;
pub mod random;
mod replay;
mod rms_norm;
mod rows;
mod sample;
mod sampling_cut;
mod swiglu;

pub use accept::accept;
pub use argmax::argmax;
pub use attention::{attention, attention_merge};
pub use copy::copy;
pub use embed::embed;
pub use fill_random::fill_random;
pub use logit_parts::logit_parts;
pub use matmul::matmul;
pub use qk_norm_rope::qk_norm_rope;
pub use replay::replay;
pub use rms_norm::rms_norm;
pub use sample::{reject, sample};
pub use sampling_cut::sampling_cut;
pub use swiglu::swiglu;
