//! The kernels as data: each is described once, in [`Kernel::spec`].

use super::file::{
    BEST, CANDIDATE, HALVES, MASK, PACK, PARTIALS, PROPOSED_ROWS, RANDOM, SAMPLING, SAMPLING_CUT, TILE, wgsl,
};
use super::spec::KernelSpec;
use crate::params;
use crate::variants::{
    ActivationLayout, Candidates, CoopTiling, Epilogue, KvFormat, KvSplits, LaneExchange, MTiles, Reduce,
    RowInput, RowQueries, Rows, RowsPerLane, SplitK, Tier, WeightFormat, WeightStaging,
};

/// A kernel with its choices made. The `.wgsl` file of the same name is its contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each variant is documented by the file it names")]
pub enum Kernel {
    Embed(WeightFormat),
    RmsNorm {
        rows: Rows,
        output: ActivationLayout,
        reduce: Reduce,
    },
    Matmul {
        weights: WeightFormat,
        rows: Rows,
        rows_per_lane: RowsPerLane,
        split_k: SplitK,
        epilogue: Epilogue,
    },
    MatmulCoop {
        rows: Rows,
        m_tiles: MTiles,
        tiling: CoopTiling,
        staging: WeightStaging,
        epilogue: Epilogue,
    },
    MatmulPrefill {
        split_k: SplitK,
        epilogue: Epilogue,
    },
    MatmulRow {
        weights: WeightFormat,
        input: RowInput,
        split_k: SplitK,
        epilogue: Epilogue,
        output: ActivationLayout,
    },
    QkNormRope {
        kv: KvFormat,
        reduce: Reduce,
    },
    Attention,
    AttentionCoop,
    AttentionStaged,
    AttentionPaired,
    AttentionRow {
        queries: RowQueries,
        exchange: LaneExchange,
    },
    AttentionMerge {
        splits: KvSplits,
        output: ActivationLayout,
    },
    Swiglu,
    Argmax(Candidates),
    LogitParts,
    SamplingCut,
    Sample,
    Reject(Reduce),
    Accept,
    Replay,
    FillRandom(WeightFormat),
    Copy,
}

impl Kernel {
    /// The kernel's description.
    pub fn spec(self) -> KernelSpec {
        let spec = match self {
            Kernel::Embed(weights) => {
                KernelSpec::new::<params::Embed>(wgsl!("embed")).with([PACK, weights.file()])
            }
            Kernel::RmsNorm { rows, output, reduce } => KernelSpec::new::<params::RmsNorm>(wgsl!("rms_norm"))
                .tier(reduce.tier())
                .with([rows.file(), reduce.file()])
                .output(output),
            Kernel::Matmul { weights, rows, rows_per_lane, split_k, epilogue } => KernelSpec::new::<
                params::Matmul,
            >(wgsl!(
                "matmul"
            ))
            .with([PACK, weights.file(), rows.file(), split_k.portable_file(), epilogue.portable_file()])
            .constant("ROWS_PER_LANE", rows_per_lane.rows())
            .constant("SLICES", split_k.count()),
            Kernel::MatmulCoop { rows, m_tiles, tiling, staging, epilogue } => {
                KernelSpec::new::<params::MatmulCoop>(wgsl!("matmul_coop"))
                    .tier(Tier::Coop)
                    .with([wgsl!("lib/matmul_coop/params"), staging.file(), rows.file()])
                    .with([m_tiles.file(), tiling.file()])
                    .constant("M_TILES", m_tiles.rows() / crate::constants::TILE)
                    .constant("N_TILES", tiling.outputs() / crate::constants::TILE)
                    .constant("SLICES", tiling.split_k().count())
                    .cooperative(epilogue)
            }
            Kernel::MatmulPrefill { split_k, epilogue } => {
                KernelSpec::new::<params::MatmulCoop>(wgsl!("matmul_prefill"))
                    .tier(Tier::Coop)
                    .with([wgsl!("lib/matmul_coop/params"), HALVES, Rows::All.file()])
                    .constant("SLICES", split_k.count())
                    .cooperative(epilogue)
            }
            Kernel::MatmulRow { weights, input, split_k, epilogue, output } => {
                KernelSpec::new::<params::MatmulRow>(wgsl!("matmul_row"))
                    .tier(if split_k == SplitK::Sixteen { Tier::Coop } else { Tier::Baseline })
                    .with([PACK, weights.file(), Rows::All.file()])
                    .with(input.files())
                    .constant("SLICES", split_k.count())
                    .single_row(epilogue, output)
            }
            Kernel::QkNormRope { kv, reduce } => KernelSpec::new::<params::QkNormRope>(wgsl!("qk_norm_rope"))
                .tier(kv.tier().max(reduce.tier()))
                .with([reduce.file()])
                .with(match kv {
                    KvFormat::RowsF32 => vec![wgsl!("lib/qk_norm_rope/kv/rows_f32")],
                    KvFormat::TilesF16 => vec![TILE, wgsl!("lib/qk_norm_rope/kv/tiles_f16")],
                }),
            Kernel::Attention => KernelSpec::new::<params::Attention>(wgsl!("attention")).with([
                MASK,
                PARTIALS,
                KvSplits::Fixed.file(),
            ]),
            Kernel::AttentionCoop => KernelSpec::cooperative_attention(wgsl!("attention_coop")),
            Kernel::AttentionStaged => KernelSpec::cooperative_attention(wgsl!("attention_staged"))
                .with([wgsl!("lib/attention/staged"), HALVES]),
            Kernel::AttentionPaired => KernelSpec::cooperative_attention(wgsl!("attention_paired"))
                .with([wgsl!("lib/attention/staged"), HALVES]),
            Kernel::AttentionRow { queries, exchange } => {
                KernelSpec::new::<params::Attention>(wgsl!("attention_row"))
                    .tier(Tier::Coop)
                    .with([MASK, PARTIALS, TILE, KvSplits::RoundRobin.file()])
                    .with([queries.file(), exchange.file()])
                    .constant("QUERIES", queries.queries())
            }
            Kernel::AttentionMerge { splits, output } => {
                KernelSpec::new::<params::AttentionMerge>(wgsl!("attention_merge"))
                    .with([MASK, PARTIALS, splits.file(), splits.partials_file()])
                    .output(output)
            }
            Kernel::Swiglu => KernelSpec::new::<params::Swiglu>(wgsl!("swiglu")),
            Kernel::Argmax(candidates) => KernelSpec::new::<params::Argmax>(wgsl!("argmax")).with([
                PROPOSED_ROWS,
                BEST,
                CANDIDATE,
                candidates.file(),
            ]),
            Kernel::LogitParts => {
                KernelSpec::new::<params::Sampling>(wgsl!("logit_parts")).with(KernelSpec::SAMPLING_FILES)
            }
            Kernel::SamplingCut => {
                KernelSpec::new::<params::Sampling>(wgsl!("sampling_cut")).with(KernelSpec::SAMPLING_FILES)
            }
            Kernel::Sample => KernelSpec::new::<params::Sampling>(wgsl!("sample")).with([
                SAMPLING,
                PROPOSED_ROWS,
                SAMPLING_CUT,
                RANDOM,
                BEST,
                CANDIDATE,
            ]),
            Kernel::Reject(reduce) => KernelSpec::new::<params::Reject>(wgsl!("reject"))
                .tier(reduce.tier())
                .with([SAMPLING_CUT, RANDOM, BEST, reduce.file()]),
            Kernel::Accept => KernelSpec::without_params(wgsl!("accept")),
            Kernel::Replay => KernelSpec::without_params(wgsl!("replay")),
            Kernel::FillRandom(weights) => KernelSpec::new::<params::FillRandom>(wgsl!("fill_random"))
                .with([RANDOM, wgsl!("lib/fill_random/place"), weights.write_file()]),
            Kernel::Copy => KernelSpec::new::<params::Copied>(wgsl!("copy")),
        };
        spec.with([wgsl!("lib/state")])
    }

    /// The name of the kernel and of its file.
    pub fn name(self) -> &'static str {
        self.spec().name
    }
}
