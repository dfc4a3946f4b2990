//! The `.wgsl` file of each choice.

use super::file::{File, wgsl};
use crate::variants::{
    Candidates, CoopTiling, Epilogue, KvSplits, LaneExchange, MTiles, Reduce, RowInput, RowQueries, Rows,
    SplitK, WeightFormat, WeightStaging,
};

impl WeightFormat {
    pub(super) fn file(self) -> File {
        match self {
            WeightFormat::F32 => wgsl!("lib/weights/f32"),
            WeightFormat::F16 => wgsl!("lib/weights/f16"),
        }
    }

    pub(super) fn write_file(self) -> File {
        match self {
            WeightFormat::F32 => wgsl!("lib/fill_random/weights/f32"),
            WeightFormat::F16 => wgsl!("lib/fill_random/weights/f16"),
        }
    }
}

impl Rows {
    pub(super) fn file(self) -> File {
        match self {
            Rows::All => wgsl!("lib/rows/all"),
            Rows::Logits => wgsl!("lib/rows/logits"),
        }
    }
}

impl Reduce {
    pub(super) fn file(self) -> File {
        match self {
            Reduce::Workgroup => wgsl!("lib/reduce/workgroup"),
            Reduce::Subgroup => wgsl!("lib/reduce/subgroup"),
        }
    }
}

impl SplitK {
    /// The file that adds the slices of `matmul`.
    pub(super) fn portable_file(self) -> File {
        match self {
            SplitK::One => wgsl!("lib/matmul/split_k/one"),
            _ => wgsl!("lib/matmul/split_k/many"),
        }
    }
}

impl Epilogue {
    /// The epilogue of `matmul`.
    pub(super) fn portable_file(self) -> File {
        match self {
            Epilogue::AddResidual => wgsl!("lib/matmul/epilogue/add_residual"),
            _ => wgsl!("lib/matmul/epilogue/store"),
        }
    }
}

impl MTiles {
    pub(super) fn file(self) -> File {
        match self {
            MTiles::One => wgsl!("lib/matmul_coop/m_tiles/one"),
            MTiles::Two => wgsl!("lib/matmul_coop/m_tiles/two"),
        }
    }
}

impl CoopTiling {
    pub(super) fn file(self) -> File {
        match self {
            CoopTiling::N16K16 | CoopTiling::N16K8 => wgsl!("lib/matmul_coop/tiling/n16"),
            CoopTiling::N32K16 | CoopTiling::N32K8 | CoopTiling::N32K4 => wgsl!("lib/matmul_coop/tiling/n32"),
        }
    }
}

impl WeightStaging {
    pub(super) fn file(self) -> File {
        match self {
            WeightStaging::Direct => wgsl!("lib/matmul_coop/staging/direct"),
            WeightStaging::Staged => wgsl!("lib/matmul_coop/staging/staged"),
        }
    }
}

impl RowInput {
    pub(super) fn files(self) -> [File; 2] {
        const NORM_SCALE: File = wgsl!("lib/matmul_row/input/norm_scale");
        const NO_NORM: File = wgsl!("lib/matmul_row/input/no_norm");
        match self {
            RowInput::Normed => [wgsl!("lib/matmul_row/input/normed"), NORM_SCALE],
            RowInput::NormedStaged => [wgsl!("lib/matmul_row/input/normed_staged"), NORM_SCALE],
            RowInput::RowsF32 => [wgsl!("lib/matmul_row/input/rows_f32"), NO_NORM],
            RowInput::TilesF16 => [wgsl!("lib/matmul_row/input/tiles_f16"), NO_NORM],
        }
    }
}

impl KvSplits {
    pub(super) fn file(self) -> File {
        match self {
            KvSplits::Fixed => wgsl!("lib/attention/splits/fixed"),
            KvSplits::Growing => wgsl!("lib/attention/splits/growing"),
            KvSplits::RoundRobin => wgsl!("lib/attention/splits/round_robin"),
        }
    }

    /// The file that reads partial results, as the attention kernel of these splits writes them.
    pub(super) fn partials_file(self) -> File {
        match self {
            KvSplits::Fixed | KvSplits::RoundRobin => wgsl!("lib/attention_merge/partials/sums_f32"),
            KvSplits::Growing => wgsl!("lib/attention_merge/partials/means_f16"),
        }
    }
}

impl RowQueries {
    pub(super) fn file(self) -> File {
        match self {
            RowQueries::Two => wgsl!("lib/attention_row/queries/two"),
            RowQueries::Four => wgsl!("lib/attention_row/queries/four"),
        }
    }
}

impl LaneExchange {
    pub(super) fn file(self) -> File {
        match self {
            LaneExchange::Subgroup => wgsl!("lib/attention_row/exchange/subgroup"),
            LaneExchange::Workgroup => wgsl!("lib/attention_row/exchange/workgroup"),
        }
    }
}

impl Candidates {
    pub(super) fn file(self) -> File {
        match self {
            Candidates::Logits => wgsl!("lib/argmax/candidates/logits"),
            Candidates::Best => wgsl!("lib/argmax/candidates/best"),
        }
    }
}
