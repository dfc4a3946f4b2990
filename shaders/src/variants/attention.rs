//! Choices of the attention kernels.

use crate::constants::{
    LONG_SPLIT, MIDDLE_SPLIT, MIDDLE_SPLITS, ROUND_ROBIN_SPLITS, ROUND_ROBIN_TILES, SHORT_SPLIT,
    SHORT_SPLITS, SPLIT, TILE,
};

/// How the KV cache is divided into splits. Attention sums each split by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KvSplits {
    /// [`SPLIT`] positions each.
    Fixed,
    /// Short splits, then middle ones, then long ones: a long text has fewer splits to merge.
    Growing,
    /// A few splits that take turns at the positions, for a single row.
    RoundRobin,
}

impl KvSplits {
    /// Every choice.
    pub const ALL: [KvSplits; 3] = [KvSplits::Fixed, KvSplits::Growing, KvSplits::RoundRobin];

    /// The number of splits of the first `positions` positions.
    pub fn of(self, positions: usize) -> usize {
        match self {
            KvSplits::Fixed => positions.div_ceil(SPLIT),
            KvSplits::Growing => {
                let short = positions.min(SHORT_SPLITS * SHORT_SPLIT);
                let middle = (positions - short).min(MIDDLE_SPLITS * MIDDLE_SPLIT);
                let long = positions - short - middle;
                short.div_ceil(SHORT_SPLIT) + middle.div_ceil(MIDDLE_SPLIT) + long.div_ceil(LONG_SPLIT)
            }
            KvSplits::RoundRobin => positions.div_ceil(ROUND_ROBIN_TILES * TILE).min(ROUND_ROBIN_SPLITS),
        }
    }

    /// Bytes of a value in a split's partial result: a sum in f32, or a mean in f16.
    pub fn partial_bytes(self) -> usize {
        match self {
            KvSplits::Fixed | KvSplits::RoundRobin => 4,
            KvSplits::Growing => 2,
        }
    }
}

/// Queries of a kv head that a workgroup of `attention_row` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowQueries {
    /// Two queries.
    Two,
    /// Four queries.
    Four,
}

impl RowQueries {
    /// Every choice.
    pub const ALL: [RowQueries; 2] = [RowQueries::Two, RowQueries::Four];

    /// Queries a workgroup.
    pub fn queries(self) -> usize {
        match self {
            RowQueries::Two => 2,
            RowQueries::Four => 4,
        }
    }
}

/// How the 32 lanes that share a tile of positions in `attention_row` exchange values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LaneExchange {
    /// By subgroup operations, where every subgroup has 32 lanes.
    Subgroup,
    /// Through workgroup memory.
    Workgroup,
}

impl LaneExchange {
    /// Every choice.
    pub const ALL: [LaneExchange; 2] = [LaneExchange::Subgroup, LaneExchange::Workgroup];
}

/// The positions to which a row attends: `mask` in the uniforms of attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mask {
    /// The AR view: positions up to the row's own.
    Causal = 0,
    /// The diffusion view: the text before the block, and the whole block.
    Block = 1,
}
