//! Uniforms and results of the kernels that choose ids.

use bytemuck::{Pod, Zeroable};

use super::grid::{Grid, groups};
use crate::constants::PART;

/// Uniform of `argmax`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
#[allow(missing_docs, reason = "documented in argmax.wgsl")]
pub struct Argmax {
    pub candidates: u32,
    pub draft: u32,
    pub pad: [u32; 2],
}

impl Argmax {
    /// Grid for `rows` rows of logits.
    pub fn grid(&self, rows: usize) -> Grid {
        [rows as u32, 1, 1]
    }
}

/// A logit and its id, as `lib/candidate.wgsl` has them.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Candidate {
    /// The logit; any where there was no number.
    pub logit: f32,
    /// The id; [`NO_ID`](crate::NO_ID) where there was no number.
    pub id: u32,
}

/// Uniform of `logit_parts`, `distribution` and `sample`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
#[allow(missing_docs, reason = "documented in lib/sampling.wgsl")]
pub struct Sampling {
    pub vocabulary: u32,
    pub parts: u32,
    pub groups: u32,
    pub draft: u32,
}

impl Sampling {
    /// Ids of a workgroup of `logit_parts` and of `sample`.
    const GROUP: usize = 1024;

    /// For rows of `vocabulary` logits; of a draft, all but the last.
    pub fn new(vocabulary: usize, draft: bool) -> Sampling {
        Sampling {
            vocabulary: vocabulary as u32,
            parts: groups(vocabulary, PART),
            groups: groups(vocabulary, Sampling::GROUP),
            draft: u32::from(draft),
        }
    }

    /// `logit_parts`'s and `sample`'s grid for `rows` rows of logits.
    pub fn grid(&self, rows: usize) -> Grid {
        [self.groups, rows as u32, 1]
    }

    /// `distribution`'s.
    pub fn row_grid(&self, rows: usize) -> Grid {
        [rows as u32, 1, 1]
    }
}

/// What `logit_parts` finds of a part of a row (`lib/logit_part.wgsl`).
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct LogitPart {
    /// Of its largest logit: see `lib/logit_key.wgsl`.
    pub key: u32,
    /// Sum of its weights beside that one's.
    pub mass: f32,
}

/// What `distribution` finds of a row (`lib/sampling_cut.wgsl`).
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct SamplingCut {
    /// Largest logit.
    pub highest: f32,
    /// Smallest one that remains.
    pub cut: f32,
    /// Of those equal to `cut`, ids up to this one remain.
    pub last_id: u32,
    /// Sum of the weights of the ids that remain.
    pub mass: f32,
}

/// Uniform of `reject`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
#[allow(missing_docs, reason = "documented in reject.wgsl")]
pub struct Reject {
    pub vocabulary: u32,
    pub pad: [u32; 3],
}

impl Reject {
    /// Grid for `rows` rows of logits.
    pub fn grid(&self, rows: usize) -> Grid {
        [rows as u32, 1, 1]
    }
}

/// The purpose of a random number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Draws a token: the AR view's, and the diffusion view's under [`Acceptance::Coupled`](crate::Acceptance::Coupled).
    Text = 0,
    /// Draws a draft under [`Acceptance::Rejection`](crate::Acceptance::Rejection).
    Draft = 1,
    /// Decides whether a draft is accepted.
    Accept = 2,
    /// Draws the token that replaces a rejected draft.
    Residual = 3,
}
