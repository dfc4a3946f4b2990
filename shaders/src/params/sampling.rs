//! Uniforms and results of the kernels that choose ids.

use bytemuck::{Pod, Zeroable};

use super::fields::shared_struct;
use super::grid::{Grid, groups};
use crate::constants::PART;

shared_struct! {
    /// Uniform of `argmax`.
    #[derive(Clone, Copy, Debug, Pod, Zeroable)]
    #[allow(missing_docs, reason = "documented in argmax.wgsl")]
    pub struct Argmax {
        pub candidates: u32,
        pub draft: u32,
        pub pad: [u32; 2],
    }
}

impl Argmax {
    /// Grid for `rows` rows of logits.
    pub fn grid(&self, rows: usize) -> Grid {
        [rows as u32, 1, 1]
    }
}

shared_struct! {
    /// A logit and its id (`lib/candidate.wgsl`).
    #[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
    pub struct Candidate {
        /// The logit. Anything if there was no number.
        pub logit: f32,
        /// The id. [`NO_ID`](crate::NO_ID): there was no number.
        pub id: u32,
    }
}

shared_struct! {
    /// Uniform of `logit_parts`, `sampling_cut` and `sample`.
    #[derive(Clone, Copy, Debug, Pod, Zeroable)]
    #[allow(missing_docs, reason = "documented in lib/sampling.wgsl")]
    pub struct Sampling {
        pub vocabulary: u32,
        pub parts: u32,
        pub groups: u32,
        pub draft: u32,
    }
}

impl Sampling {
    /// Ids a workgroup of `logit_parts` and of `sample`.
    const GROUP: usize = 1024;

    /// For rows of `vocabulary` logits. A draft leaves out its last row.
    pub fn new(vocabulary: usize, draft: bool) -> Sampling {
        Sampling {
            vocabulary: vocabulary as u32,
            parts: groups(vocabulary, PART),
            groups: groups(vocabulary, Sampling::GROUP),
            draft: u32::from(draft),
        }
    }

    /// Grid of `logit_parts` and `sample` for `rows` rows of logits.
    pub fn grid(&self, rows: usize) -> Grid {
        [self.groups, rows as u32, 1]
    }

    /// Grid of `sampling_cut` for `rows` rows of logits.
    pub fn row_grid(&self, rows: usize) -> Grid {
        [rows as u32, 1, 1]
    }
}

shared_struct! {
    /// A part of a row of logits (`lib/logit_part.wgsl`).
    #[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
    pub struct LogitPart {
        /// Key of the largest logit (`lib/logit_key.wgsl`).
        pub key: u32,
        /// Sum of the weights, relative to the largest.
        pub mass: f32,
    }
}

shared_struct! {
    /// The ids of a row that remain after temperature, top-k and top-p (`lib/sampling_cut.wgsl`).
    #[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
    pub struct SamplingCut {
        /// Largest logit.
        pub highest: f32,
        /// Smallest logit that remains.
        pub cut: f32,
        /// Among logits equal to `cut`, ids up to this one remain.
        pub last_id: u32,
        /// Sum of the weights of the ids that remain.
        pub mass: f32,
    }
}

shared_struct! {
    /// Uniform of `reject`.
    #[derive(Clone, Copy, Debug, Pod, Zeroable)]
    #[allow(missing_docs, reason = "documented in reject.wgsl")]
    pub struct Reject {
        pub vocabulary: u32,
        pub pad: [u32; 3],
    }
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
