//! How weights, activations and the KV cache are stored.

use super::attention::KvSplits;
use super::tier::Tier;
use crate::constants::GATED_SCALE;

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

    /// The name that users give and see.
    pub fn name(self) -> &'static str {
        match self {
            WeightFormat::F32 => "f32",
            WeightFormat::F16 => "f16",
        }
    }
}

/// How a kernel stores the activations that a weight matrix multiplies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ActivationLayout {
    /// f32, row after row.
    RowsF32,
    /// f16, in tiles of 16 by 16 (`lib/tile.wgsl`), as cooperative matrices load them.
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

    /// Factor on SwiGLU's output, so that f16 can hold it. The down projection divides by it.
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

/// How the KV cache and the queries of a pass are stored.
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

    /// The splits of attention over a block.
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
