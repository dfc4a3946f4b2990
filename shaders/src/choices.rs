//! The choices that kernels have, each with the numbers that the host knows of it.

use crate::{
    DEALT_SPLITS, DEALT_TILES, LONG_SPLIT, MIDDLE_SPLIT, MIDDLE_SPLITS, SHORT_SPLIT, SHORT_SPLITS, SPLIT,
    TILE,
};

/// What an adapter must offer for a kernel to run on it (ARCHITECTURE.md, "The rules").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tier {
    /// Core WebGPU limits and no features: every browser.
    Baseline,
    /// Subgroup operations, of any subgroup size.
    Subgroup,
    /// Cooperative matrices of 16 by 16, f16 in and f32 out, and subgroups of 8 to 32, with barriers of them. They
    /// multiply f16 weights; a model in f32 runs as on [`Tier::Subgroup`].
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

    /// Slices that `matmul_row` sums a row in: as many as its workgroups may have lanes for.
    pub fn row_slices(self) -> RowSlices {
        match self {
            Tier::Baseline | Tier::Subgroup => RowSlices::Eight,
            Tier::Coop => RowSlices::Sixteen,
        }
    }
}

/// How a weight is stored on the GPU. Sums are f32 with either, and activations but for those of tier `coop` with f16
/// ([`Output`], [`Cache`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WeightFormat {
    /// 4 bytes.
    F32,
    /// 2 bytes, read without needing the f16 type.
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
    /// All.
    All,
    /// Those whose logits are wanted.
    Logits,
}

/// How many rows a lane of `matmul` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tile {
    /// One.
    One,
    /// Eight, which then share each weight that is read: passes of more than one row.
    Eight,
}

impl Tile {
    /// Rows a lane takes.
    pub fn rows(self) -> usize {
        match self {
            Tile::One => 1,
            Tile::Eight => 8,
        }
    }
}

/// Among how many lanes of `matmul` the row of an output is divided. Decides the order of additions, so a model
/// keeps to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Slices {
    /// One: software adapters.
    One,
    /// Thirty-two: GPUs.
    Many,
}

impl Slices {
    /// Outputs that a workgroup takes.
    pub fn outputs(self) -> usize {
        match self {
            Slices::One => 64,
            Slices::Many => 16,
        }
    }
}

/// What `matmul` does with a product.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Store {
    /// Writes it.
    Value,
    /// Adds it to what is there: the residual.
    Sum,
}

/// How activations are stored that a matrix is multiplied with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Output {
    /// f32, row after row: for `matmul`.
    Rows,
    /// f16 in tiles of 16 by 16 (`lib/tile.wgsl`): for `matmul_coop`, `matmul_prompt`, and `matmul_row` on tier `coop`.
    Tiles,
}

/// How many tiles of 16 rows a workgroup of `matmul_coop` takes. A row has the same bits with each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowTiles {
    /// Passes of up to 16 rows.
    One,
    /// Blocks, and passes of not many more rows.
    Two,
}

impl RowTiles {
    /// Every choice, the smallest first.
    pub const ALL: [RowTiles; 2] = [RowTiles::One, RowTiles::Two];

    /// Rows that a workgroup takes.
    pub fn rows(self) -> usize {
        match self {
            RowTiles::One => TILE,
            RowTiles::Two => 2 * TILE,
        }
    }
}

/// In how many slices the row of an output is summed by `matmul_coop`, `matmul_prompt` and `matmul_row`. Decides the
/// order of additions, so a matrix keeps to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowSlices {
    /// Four.
    Four,
    /// Eight.
    Eight,
    /// Sixteen.
    Sixteen,
}

impl RowSlices {
    /// Every choice.
    pub const ALL: [RowSlices; 3] = [RowSlices::Four, RowSlices::Eight, RowSlices::Sixteen];

    /// How many.
    pub fn count(self) -> usize {
        match self {
            RowSlices::Four => 4,
            RowSlices::Eight => 8,
            RowSlices::Sixteen => 16,
        }
    }
}

/// How `matmul_coop` divides a matrix among workgroups and subgroups. Decides the [`RowSlices`] too, so a matrix keeps to
/// one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Columns {
    /// 16 outputs a workgroup, their rows in 16 slices: small matrices.
    OneLong,
    /// 32 outputs, 16 slices.
    TwoLong,
    /// 16 outputs, 8 slices.
    One,
    /// 32 outputs, 8 slices: large matrices.
    Two,
    /// 32 outputs, 4 slices: the largest gated ones.
    TwoShort,
}

impl Columns {
    /// Every choice.
    pub const ALL: [Columns; 5] =
        [Columns::OneLong, Columns::TwoLong, Columns::One, Columns::Two, Columns::TwoShort];

    /// Outputs that a workgroup takes.
    pub fn outputs(self) -> usize {
        match self {
            Columns::OneLong | Columns::One => TILE,
            Columns::TwoLong | Columns::Two | Columns::TwoShort => 2 * TILE,
        }
    }

    /// Slices that the row of an output is summed in, one a subgroup.
    pub fn slices(self) -> RowSlices {
        match self {
            Columns::OneLong | Columns::TwoLong => RowSlices::Sixteen,
            Columns::One | Columns::Two => RowSlices::Eight,
            Columns::TwoShort => RowSlices::Four,
        }
    }

    /// The choice for a matrix of so many outputs, by measurement at the released models' shapes on a large GPU (132
    /// multiprocessors, an NVIDIA H200): about a workgroup for each of them, or all of a matrix's at once. A gated
    /// product takes 32 outputs at least, gate and up.
    pub fn of(outputs: usize, product: Product) -> Columns {
        match (outputs.div_ceil(TILE), product) {
            (0..=255, Product::Gated) => Columns::TwoLong,
            (0..=255, _) => Columns::OneLong,
            (256..=511, Product::Value | Product::Best) => Columns::One,
            (256..=383, _) => Columns::TwoLong,
            (1024.., Product::Gated) => Columns::TwoShort,
            (384.., _) => Columns::Two,
        }
    }
}

/// How a subgroup of `matmul_coop` gets tiles of weights. An output has the same bits with each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WeightTiles {
    /// It loads them as cooperative matrices.
    Direct,
    /// Its lanes load them, and it takes them from workgroup memory: faster, for subgroups of 32.
    Staged,
}

impl WeightTiles {
    /// Every choice.
    pub const ALL: [WeightTiles; 2] = [WeightTiles::Direct, WeightTiles::Staged];
}

/// What becomes of a product of `matmul_coop`, `matmul_prompt` or `matmul_row`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Product {
    /// It is written.
    Value,
    /// It is added to what is there: the residual.
    Sum,
    /// Gate and up projection are combined: SwiGLU.
    Gated,
    /// Logits, of which a workgroup keeps the largest.
    Best,
}

impl Product {
    /// Every choice.
    pub const ALL: [Product; 4] = [Product::Value, Product::Sum, Product::Gated, Product::Best];
}

/// Where `matmul_row` finds its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// In the residual stream, to be normed on the way.
    Normed,
    /// The same, in workgroup memory: rows that it has room for.
    NormedStaged,
    /// In f32, as it is.
    Rows,
    /// In f16 tiles, as it is.
    Tiles,
}

/// How queries, keys and values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cache {
    /// f32, for `attention`.
    Rows,
    /// f16 in tiles, for `attention_coop`, `attention_staged` and `attention_row`.
    Tiles,
}

impl Cache {
    /// The choice for a tier and a format of weights: cooperative matrices multiply f16.
    pub fn of(tier: Tier, weights: WeightFormat) -> Cache {
        if tier == Tier::Coop && weights == WeightFormat::F16 { Cache::Tiles } else { Cache::Rows }
    }

    /// Bytes of a value.
    pub fn bytes(self) -> usize {
        match self {
            Cache::Rows => 4,
            Cache::Tiles => 2,
        }
    }

    /// The splits that rows go through attention in.
    pub fn splits(self) -> Splits {
        match self {
            Cache::Rows => Splits::Even,
            Cache::Tiles => Splits::Growing,
        }
    }

    /// How what is multiplied with weights is stored beside it.
    pub fn output(self) -> Output {
        match self {
            Cache::Rows => Output::Rows,
            Cache::Tiles => Output::Tiles,
        }
    }
}

/// How the cache is divided into splits, the fixed units of attention.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Splits {
    /// Of [`SPLIT`] positions each: a cache in rows.
    Even,
    /// Short ones, then middle and long ones, of which there are fewer to merge: a cache in tiles.
    Growing,
    /// A few that take turns, for one row of `--ar-kernel fast`: as many as a large GPU works at together.
    Dealt,
}

impl Splits {
    /// Every choice.
    pub const ALL: [Splits; 3] = [Splits::Even, Splits::Growing, Splits::Dealt];

    /// Splits of the first `positions`.
    pub fn of(self, positions: usize) -> usize {
        match self {
            Splits::Even => positions.div_ceil(SPLIT),
            Splits::Growing => {
                let short = positions.min(SHORT_SPLITS * SHORT_SPLIT);
                let middle = (positions - short).min(MIDDLE_SPLITS * MIDDLE_SPLIT);
                let long = positions - short - middle;
                short.div_ceil(SHORT_SPLIT) + middle.div_ceil(MIDDLE_SPLIT) + long.div_ceil(LONG_SPLIT)
            }
            Splits::Dealt => positions.div_ceil(DEALT_TILES * TILE).min(DEALT_SPLITS),
        }
    }

    /// Bytes of a value of what attention leaves of a split: of sums in f32, or of means in f16.
    pub fn partial_bytes(self) -> usize {
        match self {
            Splits::Even | Splits::Dealt => 4,
            Splits::Growing => 2,
        }
    }

    /// How the attention over these is stored, once merged.
    pub fn output(self) -> Output {
        match self {
            Splits::Even => Output::Rows,
            Splits::Growing | Splits::Dealt => Output::Tiles,
        }
    }
}

/// How many queries of a kv head a workgroup of `attention_row` takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowQueries {
    /// Two.
    Two,
    /// Four.
    Four,
}

impl RowQueries {
    /// Every choice.
    pub const ALL: [RowQueries; 2] = [RowQueries::Two, RowQueries::Four];

    /// The choice where so many heads share a kv head.
    pub fn of(heads_per_kv: usize) -> RowQueries {
        if heads_per_kv <= 2 { RowQueries::Two } else { RowQueries::Four }
    }

    /// Queries that a workgroup takes.
    pub fn queries(self) -> usize {
        match self {
            RowQueries::Two => 2,
            RowQueries::Four => 4,
        }
    }
}

/// How the 32 lanes that have a tile of positions in `attention_row` tell each other of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TileLanes {
    /// As a subgroup: where all subgroups are of 32.
    Subgroup,
    /// Through workgroup memory.
    Workgroup,
}

impl TileLanes {
    /// Every choice.
    pub const ALL: [TileLanes; 2] = [TileLanes::Subgroup, TileLanes::Workgroup];
}

/// Among what `argmax` looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Candidates {
    /// All logits.
    Logits,
    /// The best of each workgroup that multiplied ([`Product::Best`]) or drew (`sample`).
    Best,
}

/// Which positions a row attends to: `visible` of the parameters of attention kernels (`lib/visible.wgsl`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Visible {
    /// Up to its own: the AR view.
    Causal = 0,
    /// The text before the block and the whole block: the diffusion view.
    Block = 1,
}
