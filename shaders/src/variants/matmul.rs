//! Choices of the matmul kernels.

use super::formats::ActivationLayout;
use crate::constants::TILE;

/// Rows that a lane of `matmul` takes. A row has the same bits with each choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowsPerLane {
    /// One row, for passes of one row.
    One,
    /// Eight rows, which share each load of a weight.
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

/// Split-K: the number of slices in which an output is summed.
///
/// It decides the order of additions, so a matrix keeps to one choice.
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
    /// The choices of `matmul`: one for software adapters, which want few lanes, and one for GPUs.
    pub const PORTABLE: [SplitK; 2] = [SplitK::One, SplitK::ThirtyTwo];

    /// The choices of `matmul_coop` and `matmul_prefill`.
    pub const COOPERATIVE: [SplitK; 3] = [SplitK::Four, SplitK::Eight, SplitK::Sixteen];

    /// The choices of `matmul_row`, with 32 lanes a slice. Sixteen slices need more lanes than core WebGPU has.
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

/// Tiles of 16 rows that a workgroup of `matmul_coop` takes. A row has the same bits with each choice.
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

/// How `matmul_coop` divides a matrix: outputs a workgroup (N), and slices, one a subgroup (K).
///
/// The slices decide the order of additions, so a matrix keeps to one tiling.
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

    /// Slices of split-K.
    pub fn split_k(self) -> SplitK {
        match self {
            CoopTiling::N16K16 | CoopTiling::N32K16 => SplitK::Sixteen,
            CoopTiling::N16K8 | CoopTiling::N32K8 => SplitK::Eight,
            CoopTiling::N32K4 => SplitK::Four,
        }
    }
}

/// How a subgroup of `matmul_coop` loads tiles of weights. An output has the same bits with each choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WeightStaging {
    /// The subgroup loads tiles from storage as cooperative matrices.
    Direct,
    /// Lanes load tiles into workgroup memory, and the subgroup takes them from there. Subgroups of 32 lanes.
    Staged,
}

impl WeightStaging {
    /// Every choice.
    pub const ALL: [WeightStaging; 2] = [WeightStaging::Direct, WeightStaging::Staged];
}

/// How a matrix product ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Epilogue {
    /// Stores the product.
    Store,
    /// Adds the product to the residual stream.
    AddResidual,
    /// Combines the products of gate and up projection: silu(gate) · up.
    SwiGlu,
    /// Takes the products for logits: each workgroup stores its largest one with its id.
    PartialArgmax,
}

impl Epilogue {
    /// Every choice.
    pub const ALL: [Epilogue; 4] =
        [Epilogue::Store, Epilogue::AddResidual, Epilogue::SwiGlu, Epilogue::PartialArgmax];

    /// The choices of `matmul`.
    pub const PORTABLE: [Epilogue; 2] = [Epilogue::Store, Epilogue::AddResidual];
}

/// The input row of `matmul_row`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowInput {
    /// The residual stream, RMS-normed by each lane for itself.
    Normed,
    /// The residual stream, RMS-normed once a workgroup, in workgroup memory.
    NormedStaged,
    /// Activations in f32.
    RowsF32,
    /// Activations in f16 tiles.
    TilesF16,
}

impl RowInput {
    /// Every choice.
    pub const ALL: [RowInput; 4] =
        [RowInput::Normed, RowInput::NormedStaged, RowInput::RowsF32, RowInput::TilesF16];

    /// The input for activations that need no norm.
    pub fn plain(layout: ActivationLayout) -> RowInput {
        match layout {
            ActivationLayout::RowsF32 => RowInput::RowsF32,
            ActivationLayout::TilesF16 => RowInput::TilesF16,
        }
    }
}
