//! Rows, masks and sums that several twins share.

use crate::params::State;
use crate::variants::{Mask, Rows};

impl Rows {
    /// The number of rows that the kernel works on.
    pub fn count(self, state: &State) -> usize {
        match self {
            Rows::All => state.rows as usize,
            Rows::Logits => state.logit_rows as usize,
        }
    }

    /// The row of the pass that is the kernel's row `row`.
    pub fn source(self, state: &State, row: usize) -> usize {
        match self {
            Rows::All => row,
            Rows::Logits => state.logit_first as usize + row,
        }
    }
}

/// Row `row` attends to the positions below this one.
pub(super) fn visible(state: &State, mask: u32, row: usize) -> usize {
    if mask == Mask::Block as u32 {
        (state.start + state.rows) as usize
    } else {
        state.start as usize + row + 1
    }
}

/// Rows of logits from which ids are chosen. A draft pass (`draft` = 1) leaves out its last row.
pub(super) fn proposed_rows(state: &State, draft: u32) -> usize {
    state.logit_rows.saturating_sub(draft) as usize
}

/// Σ a·b in f64.
pub(super) fn dot(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
}

/// 1 / sqrt(mean(x²) + eps) in f64.
pub(super) fn rms_scale(x: &[f32], eps: f32) -> f64 {
    1.0 / (dot(x, x) / x.len() as f64 + f64::from(eps)).sqrt()
}
