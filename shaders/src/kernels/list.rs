//! The list of every kernel.

use super::kernel::Kernel;
use crate::variants::{
    ActivationLayout, Candidates, CoopTiling, Epilogue, KvFormat, KvSplits, LaneExchange, MTiles, Reduce,
    RowInput, RowQueries, Rows, RowsPerLane, SplitK, WeightFormat, WeightStaging,
};

impl Kernel {
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
        let mut all = Vec::new();
        for split_k in SplitK::SINGLE_ROW {
            // Sixteen slices are for tier `coop`, where activations beside f16 weights are in tiles.
            let layout = match (weights, split_k) {
                (WeightFormat::F16, SplitK::Sixteen) => ActivationLayout::TilesF16,
                _ => ActivationLayout::RowsF32,
            };
            let rows_f32 = ActivationLayout::RowsF32;
            for (input, epilogue, output) in [
                (RowInput::Normed, Epilogue::Store, rows_f32),
                (RowInput::Normed, Epilogue::SwiGlu, layout),
                (RowInput::Normed, Epilogue::PartialArgmax, rows_f32),
                (RowInput::NormedStaged, Epilogue::Store, rows_f32),
                (RowInput::NormedStaged, Epilogue::SwiGlu, layout),
                (RowInput::NormedStaged, Epilogue::PartialArgmax, rows_f32),
                (RowInput::plain(layout), Epilogue::AddResidual, rows_f32),
            ] {
                all.push(Kernel::MatmulRow { weights, input, split_k, epilogue, output });
            }
        }
        all
    }

    fn all_coop_matmuls() -> Vec<Kernel> {
        use CoopTiling::{N16K8, N16K16, N32K4, N32K8, N32K16};
        let mut all = Vec::new();
        for (rows, epilogue, tilings) in [
            (Rows::All, Epilogue::Store, [N16K16, N16K8, N32K8]),
            (Rows::All, Epilogue::AddResidual, [N16K16, N32K16, N32K8]),
            // The gate and the up projection have a tile each: 32 outputs together.
            (Rows::All, Epilogue::SwiGlu, [N32K16, N32K8, N32K4]),
            (Rows::Logits, Epilogue::Store, [N16K16, N16K8, N32K8]),
            (Rows::Logits, Epilogue::PartialArgmax, [N16K16, N16K8, N32K8]),
        ] {
            for tiling in tilings {
                for m_tiles in MTiles::ALL {
                    for staging in WeightStaging::ALL {
                        all.push(Kernel::MatmulCoop { rows, m_tiles, tiling, staging, epilogue });
                    }
                }
                // A pass has the logits of one block at most, so the head has no prefill kernel.
                let prefill = Kernel::MatmulPrefill { split_k: tiling.split_k(), epilogue };
                if rows == Rows::All && !all.contains(&prefill) {
                    all.push(prefill);
                }
            }
        }
        all
    }
}
