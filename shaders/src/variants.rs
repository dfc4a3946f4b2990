//! The choices that kernels have, each with the numbers that the host knows of it.

use crate::{
    GATED_SCALE, LONG_SPLIT, MIDDLE_SPLIT, MIDDLE_SPLITS, ROUND_ROBIN_SPLITS, ROUND_ROBIN_TILES, SHORT_SPLIT,
    SHORT_SPLITS, SPLIT, TILE,
};

/// What an adapter must offer for a kernel to run on it. Each tier includes those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tier {
    /// Core WebGPU limits and no features: every browser.
    Baseline,
    /// Subgroup operations, of any subgroup size.
    Subgroup,
    /// Cooperative matrices of 16 by 16, f16 in and f32 out, and subgroups of 8 to 32 lanes with barriers of their own.
    /// They multiply f16 weights. A model in f32 runs as on [`Tier::Subgroup`].
    Coop,
}

impl Tier {
    /// Every tier, the most demanding last.
    pub const ALL: [Tier; 3] = [Tier::Baseline, Tier::Subgroup, Tier::Coop];

    /// The name users give and see.
    pub fn name(self) -> &'static str {
        match self {
            Tier::Baseline => "baseline",
            Tier::Subgroup => "subgroup",
            Tier::Coop => "coop",
        }
    }
}

/// How a weight matrix is stored on the GPU. Sums are f32 with every format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WeightFormat {
    /// 4 bytes a weight.
    F32,
    /// 2 bytes a weight, read without the f16 type of WGSL.
    F16,
}

impl WeightFormat {
    /// Every format.
    pub const ALL: [WeightFormat; 2] = [WeightFormat::F32, WeightFormat::F16];

    /// Bytes of one weight.
    pub fn bytes(self) -> usize {
        match self {
            WeightFormat::F32 => 4,
            WeightFormat::F16 => 2,
        }
    }

    /// The name users give and see.
    pub fn name(self) -> &'static str {
        match self {
            WeightFormat::F32 => "f32",
            WeightFormat::F16 => "f16",
        }
    }
}

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
    /// By subgroups first: from tier `subgroup` on.
    Subgroup,
}

impl Reduce {
    /// Every choice.
    pub const ALL: [Reduce; 2] = [Reduce::Workgroup, Reduce::Subgroup];

    /// The least demanding tier that has this way.
    pub fn tier(self) -> Tier {
        match self {
            Reduce::Workgroup => Tier::Baseline,
            Reduce::Subgroup => Tier::Subgroup,
        }
    }
}

/// How many rows a lane of `matmul` takes. A row has the same bits with each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowsPerLane {
    /// One row: passes of one row.
    One,
    /// Eight rows, which share each weight that is read.
    Eight,
}

impl RowsPerLane {
    /// Every choice, the smallest first.
    pub const ALL: [RowsPerLane; 2] = [RowsPerLane::One, RowsPerLane::Eight];

    /// Rows a lane.
    pub fn rows(self) -> usize {
        match self {
            RowsPerLane::One => 1,
            RowsPerLane::Eight => 8,
        }
    }
}

/// How activations are stored that are multiplied with a weight matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActivationLayout {
    /// f32, row after row.
    RowsF32,
    /// f16, in tiles of 16 by 16 (`lib/tile.wgsl`): what cooperative matrices load.
    TilesF16,
}

impl ActivationLayout {
    /// Every choice.
    pub const ALL: [ActivationLayout; 2] = [ActivationLayout::RowsF32, ActivationLayout::TilesF16];

    /// Bytes of a value.
    pub fn bytes(self) -> usize {
        match self {
            ActivationLayout::RowsF32 => 4,
            ActivationLayout::TilesF16 => 2,
        }
    }

    /// Factor by which SwiGLU's output is scaled, so that f16 can hold it. The down projection divides by it.
    pub fn gated_scale(self) -> f32 {
        match self {
            ActivationLayout::RowsF32 => 1.0,
            ActivationLayout::TilesF16 => GATED_SCALE,
        }
    }

    /// The least demanding tier that has this layout.
    pub fn tier(self) -> Tier {
        match self {
            ActivationLayout::RowsF32 => Tier::Baseline,
            ActivationLayout::TilesF16 => Tier::Coop,
        }
    }
}

/// How many tiles of 16 rows a workgroup of `matmul_coop` takes. A row has the same bits with each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MTiles {
    /// 16 rows.
    One,
    /// 32 rows.
    Two,
}

impl MTiles {
    /// Every choice, the smallest first.
    pub const ALL: [MTiles; 2] = [MTiles::One, MTiles::Two];

    /// Rows a workgroup.
    pub fn rows(self) -> usize {
        match self {
            MTiles::One => TILE,
            MTiles::Two => 2 * TILE,
        }
    }
}

/// Split-K: the number of slices in which the row of an output is summed. It decides the order of additions, so a
/// matrix keeps to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SplitK {
    /// One slice.
    One,
    /// Four slices.
    Four,
    /// Eight slices.
    Eight,
    /// Sixteen slices.
    Sixteen,
    /// 32 slices.
    ThirtyTwo,
}

impl SplitK {
    /// The choices of `matmul`: software adapters want few lanes, GPUs many.
    pub const PORTABLE: [SplitK; 2] = [SplitK::One, SplitK::ThirtyTwo];

    /// The choices of `matmul_coop` and `matmul_prefill`.
    pub const COOPERATIVE: [SplitK; 3] = [SplitK::Four, SplitK::Eight, SplitK::Sixteen];

    /// The choices of `matmul_row`, which has 32 lanes a slice: sixteen slices need more lanes than core WebGPU has.
    pub const SINGLE_ROW: [SplitK; 2] = [SplitK::Eight, SplitK::Sixteen];

    /// Number of slices.
    pub fn count(self) -> usize {
        match self {
            SplitK::One => 1,
            SplitK::Four => 4,
            SplitK::Eight => 8,
            SplitK::Sixteen => 16,
            SplitK::ThirtyTwo => 32,
        }
    }
}

/// How `matmul_coop` divides a matrix: outputs a workgroup (N), and slices of a row, one a subgroup (K). The slices
/// decide the order of additions, so a matrix keeps to one tiling.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CoopTiling {
    /// 16 outputs, 16 slices.
    N16K16,
    /// 32 outputs, 16 slices.
    N32K16,
    /// 16 outputs, 8 slices.
    N16K8,
    /// 32 outputs, 8 slices.
    N32K8,
    /// 32 outputs, 4 slices.
    N32K4,
}

impl CoopTiling {
    /// Every choice.
    pub const ALL: [CoopTiling; 5] =
        [CoopTiling::N16K16, CoopTiling::N32K16, CoopTiling::N16K8, CoopTiling::N32K8, CoopTiling::N32K4];

    /// Outputs a workgroup.
    pub fn outputs(self) -> usize {
        match self {
            CoopTiling::N16K16 | CoopTiling::N16K8 => TILE,
            CoopTiling::N32K16 | CoopTiling::N32K8 | CoopTiling::N32K4 => 2 * TILE,
        }
    }

    /// Slices of a row.
    pub fn split_k(self) -> SplitK {
        match self {
            CoopTiling::N16K16 | CoopTiling::N32K16 => SplitK::Sixteen,
            CoopTiling::N16K8 | CoopTiling::N32K8 => SplitK::Eight,
            CoopTiling::N32K4 => SplitK::Four,
        }
    }
}

/// How a subgroup of `matmul_coop` gets tiles of weights. An output has the same bits with each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WeightStaging {
    /// The subgroup loads tiles from storage as cooperative matrices.
    Direct,
    /// Lanes load tiles into workgroup memory, and the subgroup takes them from there: subgroups of 32 lanes.
    Staged,
}

impl WeightStaging {
    /// Every choice.
    pub const ALL: [WeightStaging; 2] = [WeightStaging::Direct, WeightStaging::Staged];
}

/// What a matrix product ends in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Epilogue {
    /// The product is stored.
    Store,
    /// The product is added to the residual stream.
    AddResidual,
    /// The gate's and the up projection's products are combined: silu(gate) · up.
    SwiGlu,
    /// The products are logits, and each workgroup stores its largest one with its id.
    PartialArgmax,
}

impl Epilogue {
    /// Every choice.
    pub const ALL: [Epilogue; 4] =
        [Epilogue::Store, Epilogue::AddResidual, Epilogue::SwiGlu, Epilogue::PartialArgmax];

    /// The choices of `matmul`.
    pub const PORTABLE: [Epilogue; 2] = [Epilogue::Store, Epilogue::AddResidual];
}

/// Where `matmul_row` finds its input row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowInput {
    /// In the residual stream, RMS-normed on the way by each lane for itself.
    Normed,
    /// In the residual stream, RMS-normed once a workgroup, in workgroup memory.
    NormedStaged,
    /// In f32, row after row.
    RowsF32,
    /// In f16 tiles.
    TilesF16,
}

impl RowInput {
    /// Every choice.
    pub const ALL: [RowInput; 4] =
        [RowInput::Normed, RowInput::NormedStaged, RowInput::RowsF32, RowInput::TilesF16];

    /// The input of activations that need no norm.
    pub fn plain(layout: ActivationLayout) -> RowInput {
        match layout {
            ActivationLayout::RowsF32 => RowInput::RowsF32,
            ActivationLayout::TilesF16 => RowInput::TilesF16,
        }
    }
}

/// How the KV cache is stored, and the queries that are compared with its keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KvFormat {
    /// f32 rows, keys with positions innermost (`lib/qk_norm_rope/kv/rows_f32.wgsl`).
    RowsF32,
    /// f16 tiles of 16 by 16 (`lib/qk_norm_rope/kv/tiles_f16.wgsl`).
    TilesF16,
}

impl KvFormat {
    /// Every choice.
    pub const ALL: [KvFormat; 2] = [KvFormat::RowsF32, KvFormat::TilesF16];

    /// Bytes of a value.
    pub fn bytes(self) -> usize {
        match self {
            KvFormat::RowsF32 => 4,
            KvFormat::TilesF16 => 2,
        }
    }

    /// The splits in which rows of a block go through attention.
    pub fn splits(self) -> KvSplits {
        match self {
            KvFormat::RowsF32 => KvSplits::Fixed,
            KvFormat::TilesF16 => KvSplits::Growing,
        }
    }

    /// The least demanding tier that has this format.
    pub fn tier(self) -> Tier {
        match self {
            KvFormat::RowsF32 => Tier::Baseline,
            KvFormat::TilesF16 => Tier::Coop,
        }
    }
}

/// How the KV cache is divided into splits, the units in which attention is summed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KvSplits {
    /// [`SPLIT`] positions each.
    Fixed,
    /// Short splits, then middle ones, then long ones. A long text has fewer splits to merge.
    Growing,
    /// A few splits that take turns at the positions: `--ar-kernel fast`.
    RoundRobin,
}

impl KvSplits {
    /// Every choice.
    pub const ALL: [KvSplits; 3] = [KvSplits::Fixed, KvSplits::Growing, KvSplits::RoundRobin];

    /// Number of splits of the first `positions`.
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

    /// Bytes of a value of a split's partial result: a sum in f32, or a mean in f16.
    pub fn partial_bytes(self) -> usize {
        match self {
            KvSplits::Fixed | KvSplits::RoundRobin => 4,
            KvSplits::Growing => 2,
        }
    }
}

/// How many queries of a kv head a workgroup of `attention_row` takes.
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
    /// As a subgroup, where every subgroup has 32 lanes.
    Subgroup,
    /// Through workgroup memory.
    Workgroup,
}

impl LaneExchange {
    /// Every choice.
    pub const ALL: [LaneExchange; 2] = [LaneExchange::Subgroup, LaneExchange::Workgroup];
}

/// What `argmax` takes the largest of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Candidates {
    /// Every logit.
    Logits,
    /// One candidate a workgroup of the kernel before: of [`Epilogue::PartialArgmax`], or of `sample`.
    Best,
}

impl Candidates {
    /// Every choice.
    pub const ALL: [Candidates; 2] = [Candidates::Logits, Candidates::Best];
}

/// Which positions a row attends to: `mask` of the attention kernels' parameters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Mask {
    /// Positions up to the row's own: the AR view.
    Causal = 0,
    /// The text before the block and the whole block: the diffusion view.
    Block = 1,
}
