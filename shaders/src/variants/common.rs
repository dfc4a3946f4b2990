//! Choices that kernels of several families share.

use super::tier::Tier;

/// Which rows of the pass a kernel works on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rows {
    /// Every row.
    All,
    /// The rows whose logits are wanted.
    Logits,
}

impl Rows {
    /// Every choice.
    pub const ALL: [Rows; 2] = [Rows::All, Rows::Logits];
}

/// How a workgroup adds up one value of each lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reduce {
    /// Through workgroup memory: every tier.
    Workgroup,
    /// By subgroups, then across them: from tier `subgroup` on.
    Subgroup,
}

impl Reduce {
    /// Every choice.
    pub const ALL: [Reduce; 2] = [Reduce::Workgroup, Reduce::Subgroup];

    /// The least demanding tier that can reduce so.
    pub fn tier(self) -> Tier {
        match self {
            Reduce::Workgroup => Tier::Baseline,
            Reduce::Subgroup => Tier::Subgroup,
        }
    }
}

/// The candidates among which `argmax` finds the largest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Candidates {
    /// Every logit.
    Logits,
    /// One candidate a workgroup of [`Epilogue::PartialArgmax`](crate::Epilogue::PartialArgmax) or `sample`.
    Best,
}

impl Candidates {
    /// Every choice.
    pub const ALL: [Candidates; 2] = [Candidates::Logits, Candidates::Best];
}
