//! Kernel variants and thresholds of an adapter.
//!
//! [`Numerics`] decides the order of additions, and with it the bits. It depends on tier and adapter alone, never
//! on the number of rows or on a measurement. The other fields of [`Tuning`] decide only speed and memory: any
//! values give the same bits.

use orthrus_shaders::params::padded;
use orthrus_shaders::{
    ActivationLayout, CoopTiling, Epilogue, INPUT_ROOM_OF_SLICE, KvFormat, LaneExchange, MTiles,
    PAIRED_WORKGROUP_BYTES, PREFILL_TILE, Reduce, RowInput, RowQueries, SplitK, TILE, Tier, WeightFormat,
    WeightStaging,
};

use super::adapter::AdapterReport;

/// Kernel variants and thresholds for one open GPU.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tuning {
    /// The choices that decide bits.
    pub(crate) numerics: Numerics,
    /// How subgroups of `matmul_coop` get tiles of weights.
    pub(crate) staging: WeightStaging,
    /// How lanes of `attention_row` exchange values.
    pub(crate) exchange: LaneExchange,
    /// Whether `attention_staged` runs. It needs subgroups of 32 lanes.
    pub(crate) has_staged_attention: bool,
    /// Whether `attention_paired` runs. It needs subgroups of 32 lanes, and more workgroup memory than tier `coop`
    /// requires.
    pub(crate) has_paired_attention: bool,
    /// Upper bound of the KV length for which a block takes `attention_staged` rather than `attention_paired`. Up
    /// to this length, `attention_paired` has fewer workgroups than a large GPU runs at once.
    pub(crate) staged_kv_len: usize,
    /// Largest number of workgroups of `attention_coop`: four for each multiprocessor of a large GPU.
    pub(crate) attention_workgroups: u32,
    /// Number of tiles from which on a matrix product takes `matmul_prefill`.
    prefill_tiles: usize,
}

/// The choices that decide the order of additions, and with it the bits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numerics {
    /// How a workgroup adds up one value of each lane.
    pub(crate) reduce: Reduce,
    /// Split-K of `matmul`.
    pub(crate) matmul_split_k: SplitK,
    /// Split-K of `matmul_row`.
    pub(crate) row_split_k: SplitK,
}

/// Storage layouts of a model's activations and KV cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layouts {
    /// Layout of the activations that weight matrices are multiplied with.
    pub activations: ActivationLayout,
    /// Format of the KV cache.
    pub kv: KvFormat,
}

impl Layouts {
    /// The layouts on `tier`, for weights in `format`. Cooperative matrices multiply f16 only, so f32 weights keep
    /// f32 rows.
    pub fn of(tier: Tier, format: WeightFormat) -> Layouts {
        match (tier, format) {
            (Tier::Coop, WeightFormat::F16) => {
                Layouts { activations: ActivationLayout::TilesF16, kv: KvFormat::TilesF16 }
            }
            _ => Layouts { activations: ActivationLayout::RowsF32, kv: KvFormat::RowsF32 },
        }
    }
}

impl Tuning {
    /// Largest number of workgroups of `matmul_prefill`: about two for each multiprocessor of a large GPU. It
    /// divides the number of tiles in the longest prefill pass of the 1.7B and 8B models.
    pub(crate) const PREFILL_WORKGROUPS: usize = 256;

    /// Largest number of rows of a prefill pass.
    pub(crate) fn prefill_rows(activations: ActivationLayout) -> usize {
        match activations {
            ActivationLayout::RowsF32 => 128,
            ActivationLayout::TilesF16 => 2048,
        }
    }

    /// Size limit of attention's partial results, in bytes. The rows of a prefill pass go through attention in
    /// chunks that fit.
    pub(crate) fn partials_budget(kv: KvFormat) -> u64 {
        match kv {
            KvFormat::RowsF32 => 128 << 20,
            KvFormat::TilesF16 => 64 << 20,
        }
    }

    /// The choices for an adapter whose device has `workgroup_bytes` bytes of workgroup memory.
    ///
    /// The thresholds were measured on an NVIDIA H200. Software adapters spend most of a kernel's time on loads, so
    /// a lane takes whole rows there.
    pub(crate) fn for_adapter(adapter: &AdapterReport, tier: Tier, workgroup_bytes: u32) -> Tuning {
        let has_subgroups_of_32 = adapter.subgroup_sizes == Some((32, 32));
        Tuning {
            numerics: Numerics {
                reduce: if tier == Tier::Baseline { Reduce::Workgroup } else { Reduce::Subgroup },
                matmul_split_k: if adapter.is_software() { SplitK::One } else { SplitK::ThirtyTwo },
                row_split_k: if tier == Tier::Coop { SplitK::Sixteen } else { SplitK::Eight },
            },
            staging: if has_subgroups_of_32 { WeightStaging::Staged } else { WeightStaging::Direct },
            exchange: if has_subgroups_of_32 { LaneExchange::Subgroup } else { LaneExchange::Workgroup },
            has_staged_attention: has_subgroups_of_32,
            has_paired_attention: has_subgroups_of_32 && workgroup_bytes >= PAIRED_WORKGROUP_BYTES,
            staged_kv_len: 6144,
            attention_workgroups: 528,
            prefill_tiles: 96,
        }
    }

    /// Upper bound of the rows for which `matmul_coop` takes `m_tiles`, for a matrix of `outputs` outputs.
    ///
    /// `matmul_coop` reads the weights again for each 32 rows, and `matmul_prefill` for each 128. But
    /// `matmul_prefill` has too few workgroups for a large GPU until most multiprocessors have a tile.
    pub(crate) fn coop_rows(&self, m_tiles: MTiles, outputs: usize) -> usize {
        match m_tiles {
            MTiles::One => 16,
            MTiles::Two => (self.prefill_tiles * PREFILL_TILE * PREFILL_TILE / outputs).max(192),
        }
    }

    /// Queries a workgroup of `attention_row`, where `heads_per_kv` query heads share a kv head.
    pub(crate) fn row_queries(&self, heads_per_kv: usize) -> RowQueries {
        if heads_per_kv <= 2 { RowQueries::Two } else { RowQueries::Four }
    }
}

impl Numerics {
    /// The tiling of `matmul_coop` for a matrix of `outputs` outputs.
    ///
    /// It was chosen for the released models' shapes on an NVIDIA H200, which has 132 multiprocessors. Each
    /// multiprocessor gets about one workgroup, or all workgroups of a matrix run at once. SwiGLU takes at least 32
    /// outputs: a tile of the gate and one of the up projection.
    pub(crate) fn coop_tiling(self, outputs: usize, epilogue: Epilogue) -> CoopTiling {
        match (outputs.div_ceil(TILE), epilogue) {
            (0..=255, Epilogue::SwiGlu) => CoopTiling::N32K16,
            (0..=255, _) => CoopTiling::N16K16,
            (256..=511, Epilogue::Store | Epilogue::PartialArgmax) => CoopTiling::N16K8,
            (256..=383, _) => CoopTiling::N32K16,
            (1024.., Epilogue::SwiGlu) => CoopTiling::N32K4,
            (384.., _) => CoopTiling::N32K8,
        }
    }

    /// How `matmul_row` reads and norms a row of `values` values: in workgroup memory if the row fits.
    pub(crate) fn normed_input(self, values: usize) -> RowInput {
        let room = INPUT_ROOM_OF_SLICE * self.row_split_k.count();
        if padded(values) <= room { RowInput::NormedStaged } else { RowInput::Normed }
    }
}

#[cfg(test)]
mod tests {
    use orthrus_shaders::{Epilogue, Reduce, SplitK, TILE};

    use super::Numerics;

    /// Greedy decoding fuses argmax into the head, and sampling stores the logits: both need the same split-K.
    #[test]
    fn logits_have_the_same_bits_stored_or_not() {
        let numerics = Numerics {
            reduce: Reduce::Subgroup,
            matmul_split_k: SplitK::ThirtyTwo,
            row_split_k: SplitK::Sixteen,
        };
        for outputs in (1..2000).map(|tiles| tiles * TILE) {
            let [stored, best] = [Epilogue::Store, Epilogue::PartialArgmax]
                .map(|epilogue| numerics.coop_tiling(outputs, epilogue).split_k());
            assert_eq!(stored, best, "{outputs}");
        }
    }
}
