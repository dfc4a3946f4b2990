//! The decode state and the result of a cycle.

use bytemuck::{Pod, Zeroable};

use super::fields::shared_struct;
use crate::constants::{MAX_BLOCK, MAX_END_IDS};

shared_struct! {
    /// The decode state (`lib/state.wgsl`).
    #[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
    pub struct State {
        /// Position of row 0. Positions below it are in the KV cache.
        pub start: u32,
        /// Rows of the pass.
        pub rows: u32,
        /// First row whose logits are wanted.
        pub logit_first: u32,
        /// Rows whose logits are wanted.
        pub logit_rows: u32,
        /// Positions that the text may fill: prompt plus token budget.
        pub limit: u32,
        /// Rows of a full block.
        pub block: u32,
        /// A [`Finish`].
        pub finish: u32,
        /// Used entries of `end_ids`.
        pub end_count: u32,
        /// An [`Acceptance`].
        pub acceptance: u32,
        /// Sampling: factor of differences of logits.
        pub inverse_temperature: f32,
        /// Sampling: largest number of ids kept, ties apart. 0: all.
        pub top_k: u32,
        /// Sampling: smallest probability kept. 1 or more: all.
        pub top_p: f32,
        /// Sampling: low and high word of the seed.
        pub seed: [u32; 2],
        /// Unused.
        pub pad: [u32; 2],
        /// Ids that end the text.
        pub end_ids: [u32; MAX_END_IDS],
    }
}

/// Why a generation has ended, if it has: [`State::finish`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The generation goes on.
    Running = 0,
    /// An id that ends the text was produced.
    Stop = 1,
    /// The token budget is used up.
    Length = 2,
    /// A row of logits had no number.
    Invalid = 3,
}

impl From<u32> for Finish {
    /// An unknown value is [`Finish::Invalid`].
    fn from(value: u32) -> Finish {
        match value {
            0 => Finish::Running,
            1 => Finish::Stop,
            2 => Finish::Length,
            _ => Finish::Invalid,
        }
    }
}

/// How ids are chosen and drafts accepted: [`State::acceptance`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// Chooses the largest logit. Accepts a draft that equals the AR view's choice.
    Greedy = 0,
    /// Both views sample with the same random numbers. Accepts a draft that equals the AR view's choice.
    Coupled = 1,
    /// Both views sample. Accepts a draft with probability min(1, p / q), else draws from the residual.
    Rejection = 2,
}

shared_struct! {
    /// The result of a cycle, which `accept` writes for the host.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
    pub struct CycleResult {
        /// 1, or 0: the text was at its end, and the cycle did not run.
        pub ran: u32,
        /// Position of the next cycle's anchor.
        pub start: u32,
        /// Acceptance length: drafts that were accepted.
        pub accepted: u32,
        /// Tokens the cycle added to the text.
        pub emitted: u32,
        /// A [`Finish`].
        pub finish: u32,
        /// Rows of the cycle's block.
        pub rows: u32,
        /// Unused.
        pub pad: [u32; 2],
        /// The first `emitted` entries are the tokens added.
        pub target_tokens: [u32; MAX_BLOCK],
        /// The first `rows - 1` entries are the drafts.
        pub drafts: [u32; MAX_BLOCK],
    }
}
