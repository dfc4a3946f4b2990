//! Each kernel in plain Rust, under the name of its file: what it computes without how. Sums are in f64, so
//! that a kernel's distance from its twin is the kernel's own rounding. Layouts are those of the kernels.
//!
//! Kernels that compute the same share a twin: `matmul_coop`, `matmul_prefill` and `matmul_row` that of `matmul`, followed
//! by what becomes of the product; `attention_coop` and `attention_staged` that of `attention`, and `attention_row`
//! those of `qk_norm_rope` and `attention`.

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

use crate::{Mask, Rows, State};

impl Rows {
    /// Rows the kernel works on.
    pub fn count(self, state: &State) -> usize {
        match self {
            Rows::All => state.rows as usize,
            Rows::Logits => state.logit_rows as usize,
        }
    }

    /// Row of the pass that the kernel's row `row` is.
    pub fn source(self, state: &State, row: usize) -> usize {
        match self {
            Rows::All => row,
            Rows::Logits => state.logit_first as usize + row,
        }
    }
}

/// Positions that row `row` attends to: those below this one.
fn visible(state: &State, mask: u32, row: usize) -> usize {
    if mask == Mask::Block as u32 {
        (state.start + state.rows) as usize
    } else {
        state.start as usize + row + 1
    }
}

/// Rows of logits that ids are chosen from: of a draft, not the last.
fn proposed_rows(state: &State, draft: u32) -> usize {
    state.logit_rows.saturating_sub(draft) as usize
}

/// Σ a·b in f64.
fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

/// 1 / sqrt(mean(x²) + eps) in f64.
fn rms_scale(x: &[f32], eps: f32) -> f64 {
    1.0 / (dot(x, x) / x.len() as f64 + f64::from(eps)).sqrt()
}
