//! What the adapter decides: which variants of the kernels run, and from where on one is better than another.
//!
//! [`Numerics`] decides the order of additions, and with it bits. It depends on tier and adapter alone, never on the
//! number of rows or on a measurement. [`Tuning`]'s other fields decide only speed and memory: any values give the same
//! bits.

use orthrus_shaders::params::padded;
use orthrus_shaders::{
    ActivationLayout, CoopTiling, Epilogue, INPUT_ROOM_OF_SLICE, KvFormat, LaneExchange, MTiles,
    PAIRED_WORKGROUP_BYTES, PREFILL_TILE, Reduce, RowInput, RowQueries, SplitK, TILE, Tier, WeightFormat,
    WeightStaging,
};

use super::adapter::AdapterReport;

/// The choices for one open GPU.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tuning {
    /// What decides bits.
    pub(crate) numerics: Numerics,
    /// How `matmul_coop` gets its tiles of weights.
    pub(crate) staging: WeightStaging,
    /// How lanes of `attention_row` exchange values.
    pub(crate) exchange: LaneExchange,
    /// Whether `attention_staged` runs: it needs subgroups of 32 lanes.
    pub(crate) has_staged_attention: bool,
    /// Whether `attention_paired` runs: it needs those, and more workgroup memory than tier `coop` has to have.
    pub(crate) has_paired_attention: bool,
    /// Upper bound of the KV length for which a block takes `attention_staged` rather than `attention_paired`: until
    /// then there are fewer workgroups than a large GPU runs at a time.
    pub(crate) staged_kv_len: usize,
    /// Largest number of workgroups of `attention_coop`: four for each multiprocessor of a large GPU.
    pub(crate) attention_workgroups: u32,
    /// Tiles of `matmul_prefill` from which on a product of many rows takes it.
    prefill_tiles: usize,
}

/// What decides the order of additions, and so bits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Numerics {
    /// How a workgroup adds up a row.
    pub(crate) reduce: Reduce,
    /// Slices of `matmul`.
    pub(crate) matmul_split_k: SplitK,
    /// Slices of `matmul_row`.
    pub(crate) row_split_k: SplitK,
}

/// How activations and the KV cache of a model are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Layouts {
    /// Activations that weight matrices are multiplied with.
    pub activations: ActivationLayout,
    /// The KV cache.
    pub kv: KvFormat,
}

impl Layouts {
    /// The layouts on `tier`, for weights in `format`: cooperative matrices multiply f16.
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
    /// Largest number of workgroups of `matmul_prefill`: about two for each multiprocessor of a large GPU, and a number
    /// that divides the tiles of the 1.7B and the 8B in the longest prefill pass.
    pub(crate) const PREFILL_WORKGROUPS: usize = 256;

    /// Largest number of rows of a prefill pass.
    pub(crate) fn prefill_rows(activations: ActivationLayout) -> usize {
        match activations {
            ActivationLayout::RowsF32 => 128,
            ActivationLayout::TilesF16 => 2048,
        }
    }

    /// Bytes for the partial results of attention. The rows of a prefill pass go through attention in chunks that fit.
    pub(crate) fn partials_budget(kv: KvFormat) -> u64 {
        match kv {
            KvFormat::RowsF32 => 128 << 20,
            KvFormat::TilesF16 => 64 << 20,
        }
    }

    /// The choices for an adapter whose device has `workgroup_bytes` of workgroup memory. Measured on one NVIDIA H200,
    /// except for software adapters, where a lane takes whole rows: loads are most of a kernel's time there.
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
    /// Each 32 more rows read the weights again. `matmul_prefill` reads them again for each 128, but has too few
    /// workgroups until a large GPU's multiprocessors have a tile each.
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
    /// About one workgroup for each of the 132 multiprocessors of an NVIDIA H200, or all of a matrix's at once, at the
    /// released models' shapes. SwiGLU takes 32 outputs at least: a gate's tile and its up projection's.
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

    /// Where `matmul_row` norms a row of `values` values.
    pub(crate) fn normed_input(self, values: usize) -> RowInput {
        let room = INPUT_ROOM_OF_SLICE * self.row_split_k.count();
        if padded(values) <= room { RowInput::NormedStaged } else { RowInput::Normed }
    }
}

#[cfg(test)]
mod tests {
    use orthrus_shaders::{Epilogue, Reduce, SplitK, TILE};

    use super::Numerics;

    /// A head's logits are summed alike, written or not.
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
