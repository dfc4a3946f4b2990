//! The kernels as data: each is described once, in [`Kernel::spec`].

use crate::compose::{File, wgsl};
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

/// What there is to know of a kernel. Its bindings are read from its WGSL: [`Kernel::bindings`].
pub struct KernelSpec {
    /// The kernel's name, that of its file.
    pub name: &'static str,
    /// The least demanding tier that the kernel runs on.
    pub tier: Tier,
    /// Bytes of the uniform that the host writes, if the kernel has one.
    pub params_bytes: Option<usize>,
    /// The kernel's file, then those of its choices and of what it shares.
    pub(crate) files: Vec<File>,
    /// Constants whose values its choices decide, as WGSL writes them.
    pub(crate) constants: Vec<(&'static str, String)>,
}

impl KernelSpec {
    /// A kernel of every tier, whose uniform is a `Params`.
    fn new<Params>(file: File) -> KernelSpec {
        let params_bytes = Some(size_of::<Params>());
        KernelSpec {
            name: file.name,
            tier: Tier::Baseline,
            params_bytes,
            files: vec![file],
            constants: vec![],
        }
    }

    /// A kernel of every tier, without a uniform.
    fn without_params(file: File) -> KernelSpec {
        KernelSpec { params_bytes: None, ..KernelSpec::new::<()>(file) }
    }

    fn tier(self, tier: Tier) -> KernelSpec {
        KernelSpec { tier: self.tier.max(tier), ..self }
    }

    fn with(mut self, files: impl IntoIterator<Item = File>) -> KernelSpec {
        self.files.extend(files);
        self
    }

    fn constant(mut self, name: &'static str, value: usize) -> KernelSpec {
        self.constants.push((name, format!("u32 = {value}u")));
        self
    }

    /// Adds how activations are stored, for kernels that store one value at a time.
    fn output(mut self, layout: ActivationLayout) -> KernelSpec {
        self.constants.push(("GATED_SCALE", format!("f32 = {:?}", layout.gated_scale())));
        self.tier(layout.tier()).with(match layout {
            ActivationLayout::RowsF32 => vec![wgsl!("lib/output/rows_f32")],
            ActivationLayout::TilesF16 => vec![wgsl!("lib/tile"), wgsl!("lib/output/tiles_f16")],
        })
    }
}

const PACK: File = wgsl!("lib/pack");
const TILE: File = wgsl!("lib/tile");
const HALVES: File = wgsl!("lib/halves");
const MASK: File = wgsl!("lib/attention/mask");
const PARTIALS: File = wgsl!("lib/attention/partials");
const BEST: File = wgsl!("lib/best");
const CANDIDATE: File = wgsl!("lib/candidate");
const RANDOM: File = wgsl!("lib/random");
const PROPOSED_ROWS: File = wgsl!("lib/proposed_rows");
const SAMPLING: File = wgsl!("lib/sampling");
const SAMPLING_CUT: File = wgsl!("lib/sampling_cut");

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
            .constant("TILE_ROWS", rows_per_lane.rows())
            .constant("SLICES", split_k.count()),
            Kernel::MatmulCoop { rows, m_tiles, tiling, staging, epilogue } => {
                KernelSpec::new::<params::MatmulCoop>(wgsl!("matmul_coop"))
                    .tier(Tier::Coop)
                    .with([wgsl!("lib/matmul_coop/params"), staging.file(), rows.file()])
                    .with([m_tiles.file(), tiling.file()])
                    .constant("ROW_TILES", m_tiles.rows() / crate::TILE)
                    .constant("COLUMN_TILES", tiling.outputs() / crate::TILE)
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

    /// The kernel's name, that of its file.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// Every kernel that the engine can dispatch. A test of the engine compares this with what its sessions prepare.
    pub fn all() -> Vec<Kernel> {
        let mut all = vec![
            Kernel::Swiglu,
            Kernel::LogitParts,
            Kernel::SamplingCut,
            Kernel::Sample,
            Kernel::Accept,
            Kernel::Replay,
            Kernel::Copy,
            Kernel::Attention,
            Kernel::AttentionCoop,
            Kernel::AttentionStaged,
            Kernel::AttentionPaired,
        ];
        all.extend(Candidates::ALL.map(Kernel::Argmax));
        all.extend(Reduce::ALL.map(Kernel::Reject));
        all.extend(Kernel::all_norms());
        all.extend(Kernel::all_merges());
        for queries in RowQueries::ALL {
            all.extend(LaneExchange::ALL.map(|exchange| Kernel::AttentionRow { queries, exchange }));
        }
        for weights in WeightFormat::ALL {
            all.extend([Kernel::Embed(weights), Kernel::FillRandom(weights)]);
            all.extend(Kernel::all_portable_matmuls(weights));
            all.extend(Kernel::all_row_matmuls(weights));
        }
        all.extend(Kernel::all_coop_matmuls());
        for split_k in SplitK::COOPERATIVE {
            // Logits are a block's at most, so the head has no prefill kernel.
            let epilogues = [Epilogue::Store, Epilogue::AddResidual, Epilogue::SwiGlu];
            all.extend(epilogues.map(|epilogue| Kernel::MatmulPrefill { split_k, epilogue }));
        }
        all
    }

    fn all_norms() -> Vec<Kernel> {
        let mut all = Vec::new();
        for reduce in Reduce::ALL {
            for kv in KvFormat::ALL {
                all.push(Kernel::QkNormRope { kv, reduce });
            }
            for output in ActivationLayout::ALL {
                all.extend(Rows::ALL.map(|rows| Kernel::RmsNorm { rows, output, reduce }));
            }
        }
        // Tier `coop` has subgroups.
        all.retain(|kernel| {
            !matches!(
                kernel,
                Kernel::QkNormRope { kv: KvFormat::TilesF16, reduce: Reduce::Workgroup }
                    | Kernel::RmsNorm { output: ActivationLayout::TilesF16, reduce: Reduce::Workgroup, .. }
            )
        });
        all
    }

    fn all_merges() -> [Kernel; 3] {
        [
            (KvSplits::Fixed, ActivationLayout::RowsF32),
            (KvSplits::Growing, ActivationLayout::TilesF16),
            (KvSplits::RoundRobin, ActivationLayout::TilesF16),
        ]
        .map(|(splits, output)| Kernel::AttentionMerge { splits, output })
    }

    fn all_portable_matmuls(weights: WeightFormat) -> Vec<Kernel> {
        let mut all = Vec::new();
        for rows_per_lane in RowsPerLane::ALL {
            for split_k in SplitK::PORTABLE {
                for (rows, epilogue) in [
                    (Rows::All, Epilogue::Store),
                    (Rows::All, Epilogue::AddResidual),
                    (Rows::Logits, Epilogue::Store),
                ] {
                    all.push(Kernel::Matmul { weights, rows, rows_per_lane, split_k, epilogue });
                }
            }
        }
        all
    }

    fn all_row_matmuls(weights: WeightFormat) -> Vec<Kernel> {
        // Activations are in tiles on tier `coop`, for weights in f16.
        let layouts = match weights {
            WeightFormat::F16 => ActivationLayout::ALL.to_vec(),
            WeightFormat::F32 => vec![ActivationLayout::RowsF32],
        };
        let rows_f32 = ActivationLayout::RowsF32;
        let mut all = Vec::new();
        for split_k in SplitK::SINGLE_ROW {
            let mut push = |input, epilogue, output| {
                all.push(Kernel::MatmulRow { weights, input, split_k, epilogue, output });
            };
            for input in [RowInput::Normed, RowInput::NormedStaged] {
                push(input, Epilogue::Store, rows_f32);
                push(input, Epilogue::PartialArgmax, rows_f32);
                layouts.iter().for_each(|&layout| push(input, Epilogue::SwiGlu, layout));
            }
            layouts.iter().for_each(|&layout| push(RowInput::plain(layout), Epilogue::AddResidual, rows_f32));
        }
        all
    }

    fn all_coop_matmuls() -> Vec<Kernel> {
        let mut all = Vec::new();
        for staging in WeightStaging::ALL {
            for m_tiles in MTiles::ALL {
                for tiling in CoopTiling::ALL {
                    for (rows, epilogue) in [
                        (Rows::All, Epilogue::Store),
                        (Rows::All, Epilogue::AddResidual),
                        (Rows::All, Epilogue::SwiGlu),
                        (Rows::Logits, Epilogue::Store),
                        (Rows::Logits, Epilogue::PartialArgmax),
                    ] {
                        // A gate's tile of outputs and its up projection's are in one workgroup.
                        if epilogue != Epilogue::SwiGlu || tiling.outputs() == 2 * crate::TILE {
                            all.push(Kernel::MatmulCoop { rows, m_tiles, tiling, staging, epilogue });
                        }
                    }
                }
            }
        }
        all
    }
}

impl KernelSpec {
    /// What `logit_parts` and `sampling_cut` share.
    const SAMPLING_FILES: [File; 5] =
        [SAMPLING, PROPOSED_ROWS, SAMPLING_CUT, wgsl!("lib/logit_part"), wgsl!("lib/logit_key")];

    /// An attention kernel of cooperative matrices.
    fn cooperative_attention(file: File) -> KernelSpec {
        KernelSpec::new::<params::Attention>(file).tier(Tier::Coop).with([
            wgsl!("lib/attention/coop"),
            MASK,
            PARTIALS,
            TILE,
            KvSplits::Growing.file(),
        ])
    }

    /// Adds the epilogue of a cooperative product.
    fn cooperative(self, epilogue: Epilogue) -> KernelSpec {
        const FINISH_TILE: File = wgsl!("lib/matmul_coop/epilogue/finish_tile");
        const NO_ADDEND: File = wgsl!("lib/matmul_coop/epilogue/no_addend");
        let own = match epilogue {
            Epilogue::Store => wgsl!("lib/matmul_coop/epilogue/store"),
            Epilogue::AddResidual => wgsl!("lib/matmul_coop/epilogue/add_residual"),
            Epilogue::SwiGlu => wgsl!("lib/matmul_coop/epilogue/swiglu"),
            Epilogue::PartialArgmax => wgsl!("lib/matmul_coop/epilogue/partial_argmax"),
        };
        let spec = self.with([own]);
        match epilogue {
            Epilogue::Store => spec.with([TILE, FINISH_TILE, NO_ADDEND]),
            Epilogue::AddResidual => spec.with([TILE, FINISH_TILE]),
            Epilogue::SwiGlu => spec.with([FINISH_TILE, NO_ADDEND]).output(ActivationLayout::TilesF16),
            Epilogue::PartialArgmax => spec.with([TILE, CANDIDATE]),
        }
    }

    /// Adds the epilogue of a product with one row.
    fn single_row(self, epilogue: Epilogue, output: ActivationLayout) -> KernelSpec {
        const NO_ADDEND: File = wgsl!("lib/matmul_row/epilogue/no_addend");
        match epilogue {
            Epilogue::Store => self.with([NO_ADDEND, wgsl!("lib/matmul_row/epilogue/store")]),
            Epilogue::AddResidual => self.with([wgsl!("lib/matmul_row/epilogue/add_residual")]),
            Epilogue::SwiGlu => {
                self.with([NO_ADDEND, wgsl!("lib/matmul_row/epilogue/swiglu")]).output(output)
            }
            Epilogue::PartialArgmax => {
                self.with([NO_ADDEND, wgsl!("lib/matmul_row/epilogue/partial_argmax"), CANDIDATE])
            }
        }
    }
}

impl WeightFormat {
    fn file(self) -> File {
        match self {
            WeightFormat::F32 => wgsl!("lib/weights/f32"),
            WeightFormat::F16 => wgsl!("lib/weights/f16"),
        }
    }

    fn write_file(self) -> File {
        match self {
            WeightFormat::F32 => wgsl!("lib/fill_random/weights/f32"),
            WeightFormat::F16 => wgsl!("lib/fill_random/weights/f16"),
        }
    }
}

impl Rows {
    fn file(self) -> File {
        match self {
            Rows::All => wgsl!("lib/rows/all"),
            Rows::Logits => wgsl!("lib/rows/logits"),
        }
    }
}

impl Reduce {
    fn file(self) -> File {
        match self {
            Reduce::Workgroup => wgsl!("lib/reduce/workgroup"),
            Reduce::Subgroup => wgsl!("lib/reduce/subgroup"),
        }
    }
}

impl SplitK {
    /// How `matmul` adds the slices.
    fn portable_file(self) -> File {
        match self {
            SplitK::One => wgsl!("lib/matmul/split_k/one"),
            _ => wgsl!("lib/matmul/split_k/many"),
        }
    }
}

impl Epilogue {
    /// How `matmul` ends: it stores, or adds to what is there.
    fn portable_file(self) -> File {
        match self {
            Epilogue::AddResidual => wgsl!("lib/matmul/epilogue/add_residual"),
            _ => wgsl!("lib/matmul/epilogue/store"),
        }
    }
}

impl MTiles {
    fn file(self) -> File {
        match self {
            MTiles::One => wgsl!("lib/matmul_coop/m_tiles/one"),
            MTiles::Two => wgsl!("lib/matmul_coop/m_tiles/two"),
        }
    }
}

impl CoopTiling {
    fn file(self) -> File {
        match self {
            CoopTiling::N16K16 | CoopTiling::N16K8 => wgsl!("lib/matmul_coop/tiling/n16"),
            CoopTiling::N32K16 | CoopTiling::N32K8 | CoopTiling::N32K4 => wgsl!("lib/matmul_coop/tiling/n32"),
        }
    }
}

impl WeightStaging {
    fn file(self) -> File {
        match self {
            WeightStaging::Direct => wgsl!("lib/matmul_coop/staging/direct"),
            WeightStaging::Staged => wgsl!("lib/matmul_coop/staging/staged"),
        }
    }
}

impl RowInput {
    fn files(self) -> [File; 2] {
        const IS_NORMED: File = wgsl!("lib/matmul_row/input/is_normed");
        const AS_IT_IS: File = wgsl!("lib/matmul_row/input/as_it_is");
        match self {
            RowInput::Normed => [wgsl!("lib/matmul_row/input/normed"), IS_NORMED],
            RowInput::NormedStaged => [wgsl!("lib/matmul_row/input/normed_staged"), IS_NORMED],
            RowInput::RowsF32 => [wgsl!("lib/matmul_row/input/rows_f32"), AS_IT_IS],
            RowInput::TilesF16 => [wgsl!("lib/matmul_row/input/tiles_f16"), AS_IT_IS],
        }
    }
}

impl KvSplits {
    fn file(self) -> File {
        match self {
            KvSplits::Fixed => wgsl!("lib/attention/splits/fixed"),
            KvSplits::Growing => wgsl!("lib/attention/splits/growing"),
            KvSplits::RoundRobin => wgsl!("lib/attention/splits/round_robin"),
        }
    }

    /// What the attention kernel of these splits leaves of each.
    fn partials_file(self) -> File {
        match self {
            KvSplits::Fixed | KvSplits::RoundRobin => wgsl!("lib/attention_merge/partials/sums_f32"),
            KvSplits::Growing => wgsl!("lib/attention_merge/partials/means_f16"),
        }
    }
}

impl RowQueries {
    fn file(self) -> File {
        match self {
            RowQueries::Two => wgsl!("lib/attention_row/queries/two"),
            RowQueries::Four => wgsl!("lib/attention_row/queries/four"),
        }
    }
}

impl LaneExchange {
    fn file(self) -> File {
        match self {
            LaneExchange::Subgroup => wgsl!("lib/attention_row/exchange/subgroup"),
            LaneExchange::Workgroup => wgsl!("lib/attention_row/exchange/workgroup"),
        }
    }
}

impl Candidates {
    fn file(self) -> File {
        match self {
            Candidates::Logits => wgsl!("lib/argmax/candidates/logits"),
            Candidates::Best => wgsl!("lib/argmax/candidates/best"),
        }
    }
}
