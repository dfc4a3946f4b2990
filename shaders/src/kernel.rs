//! The kernels as data: which files make one, what it binds, what grid it runs on.

use std::fmt::Write;

use crate::{SPLIT, TILE};

/// What an adapter must offer for a kernel to run on it (DESIGN.md, rule 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tier {
    /// Core WebGPU limits and no features: every browser.
    Baseline,
    /// Subgroup operations, of any subgroup size.
    Subgroup,
    /// Cooperative matrices of 16 by 16, f16 in and f32 out, and subgroups of 8 to 32. They multiply f16 weights; a
    /// model in f32 runs as on [`Tier::Subgroup`].
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

/// How a weight is stored on the GPU. Activations and sums are f32 with either.
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
    Row,
    /// Eight, which then share each weight that is read.
    Block,
}

impl Tile {
    /// Rows a lane takes.
    pub fn rows(self) -> usize {
        match self {
            Tile::Row => 1,
            Tile::Block => 8,
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
    /// f16 in tiles of 16 by 16 (`lib/tile.wgsl`): for `matmul_coop`.
    Tiles,
}

/// How many tiles of 16 rows a workgroup of `matmul_coop` takes. A row has the same bits with each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowTiles {
    /// Passes of up to 16 rows.
    One,
    /// Blocks.
    Two,
    /// Prompts.
    Eight,
}

impl RowTiles {
    /// Every choice, the smallest first.
    pub const ALL: [RowTiles; 3] = [RowTiles::One, RowTiles::Two, RowTiles::Eight];

    /// Rows that a workgroup takes.
    pub fn rows(self) -> usize {
        match self {
            RowTiles::One => TILE,
            RowTiles::Two => 2 * TILE,
            RowTiles::Eight => 8 * TILE,
        }
    }
}

/// How `matmul_coop` divides a matrix among workgroups and subgroups. Decides the order of additions, so a matrix
/// keeps to one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Columns {
    /// 16 outputs a workgroup, their rows in 16 slices: small matrices.
    One,
    /// 32 outputs, 16 slices.
    TwoLong,
    /// 32 outputs, 8 slices: large matrices.
    Two,
}

impl Columns {
    /// Every choice.
    pub const ALL: [Columns; 3] = [Columns::One, Columns::TwoLong, Columns::Two];

    /// Outputs that a workgroup takes.
    pub fn outputs(self) -> usize {
        match self {
            Columns::One => TILE,
            Columns::TwoLong | Columns::Two => 2 * TILE,
        }
    }

    /// The choice for a matrix of so many outputs: the largest that leaves a large GPU (132 multiprocessors, an
    /// NVIDIA H200) about a workgroup for each of them, by measurement at the released models' shapes.
    pub fn of(outputs: usize) -> Columns {
        match outputs.div_ceil(TILE) {
            0..=255 => Columns::One,
            256..=383 => Columns::TwoLong,
            384.. => Columns::Two,
        }
    }
}

/// What becomes of a product of `matmul_coop` or `matmul_row`.
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
    /// f16 in tiles, for `attention_coop`.
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

    /// Positions in a split, the fixed unit of attention.
    pub fn split(self) -> usize {
        match self {
            Cache::Rows => SPLIT,
            Cache::Tiles => SPLIT / 2,
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

/// How many queries a workgroup of `attention_coop` takes at a time. A query has the same bits with each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Queries {
    /// 16.
    One,
    /// 32.
    Two,
}

impl Queries {
    /// Every choice.
    pub const ALL: [Queries; 2] = [Queries::One, Queries::Two];

    /// Queries taken at a time.
    pub fn count(self) -> usize {
        match self {
            Queries::One => TILE,
            Queries::Two => 2 * TILE,
        }
    }
}

/// Among what `argmax` looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Candidates {
    /// All logits.
    Logits,
    /// The best of each workgroup that multiplied ([`Product::Best`]).
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

/// A kernel with its choices made. The `.wgsl` file of the same name is its contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each variant is documented by the file it names")]
pub enum Kernel {
    Embed(WeightFormat),
    RmsNorm { rows: Rows, output: Output },
    Matmul { weights: WeightFormat, rows: Rows, tile: Tile, slices: Slices, store: Store },
    MatmulCoop { rows: Rows, row_tiles: RowTiles, columns: Columns, product: Product },
    MatmulRow { weights: WeightFormat, input: Input, product: Product, output: Output },
    QkNormRope(Cache),
    Attention,
    AttentionCoop(Queries),
    AttentionMerge(Output),
    Swiglu,
    Argmax(Candidates),
    Distribution,
    Sample,
    Reject,
    Accept,
    Replay,
    FillRandom(WeightFormat),
    Copy,
}

/// How a kernel uses a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A uniform buffer.
    Uniform,
    /// A storage buffer that is only read.
    Read,
    /// A storage buffer that is written.
    ReadWrite,
}

/// One binding of group 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Its number.
    pub index: u32,
    /// The variable's name in the WGSL.
    pub name: &'static str,
    /// How it is used.
    pub access: Access,
}

const fn uniform(index: u32, name: &'static str) -> Binding {
    Binding { index, name, access: Access::Uniform }
}

const fn read(index: u32, name: &'static str) -> Binding {
    Binding { index, name, access: Access::Read }
}

const fn write(index: u32, name: &'static str) -> Binding {
    Binding { index, name, access: Access::ReadWrite }
}

const EMBED: &[Binding] =
    &[read(0, "state"), uniform(1, "params"), read(2, "weights"), read(3, "tokens"), write(4, "x")];
const RMS_NORM: &[Binding] =
    &[read(0, "state"), uniform(1, "params"), read(2, "x"), read(3, "weight"), write(4, "out")];
const MATMUL: &[Binding] =
    &[read(0, "state"), uniform(1, "params"), read(2, "weights"), read(3, "x"), write(4, "y")];
const MATMUL_COOP: &[Binding] =
    &[read(0, "state"), uniform(1, "params"), read(2, "weights"), read(3, "x"), write(4, "out")];
const MATMUL_ROW_NORMED: &[Binding] = &[
    read(0, "state"),
    uniform(1, "params"),
    read(2, "weights"),
    read(3, "x"),
    write(4, "out"),
    read(5, "norm"),
];
const QK_NORM_ROPE: &[Binding] = &[
    read(0, "state"),
    uniform(1, "params"),
    read(2, "qkv"),
    read(3, "norms"),
    read(4, "rope"),
    write(5, "q"),
    write(6, "keys"),
    write(7, "values"),
];
const ATTENTION: &[Binding] = &[
    read(0, "state"),
    uniform(1, "params"),
    read(2, "q"),
    read(3, "cache_keys"),
    read(4, "cache_values"),
    write(5, "sums"),
    write(6, "stats"),
];
const ATTENTION_COOP: &[Binding] = &[
    read(0, "state"),
    uniform(1, "params"),
    read(2, "q"),
    read(3, "cache_keys"),
    read(4, "cache_values"),
    write(5, "partial_sums"),
    write(6, "stats"),
];
const ATTENTION_MERGE: &[Binding] =
    &[read(0, "state"), uniform(1, "params"), read(2, "sums"), read(3, "stats"), write(4, "out")];
const SWIGLU: &[Binding] = &[read(0, "state"), uniform(1, "params"), read(2, "gate_up"), write(3, "out")];
const ARGMAX_LOGITS: &[Binding] =
    &[read(0, "state"), uniform(1, "params"), read(2, "logits"), write(3, "ids")];
const ARGMAX_BEST: &[Binding] = &[read(0, "state"), uniform(1, "params"), read(2, "best"), write(3, "ids")];
const DISTRIBUTION_BINDINGS: &[Binding] =
    &[read(0, "state"), uniform(1, "params"), read(2, "logits"), write(3, "distributions")];
const SAMPLE: &[Binding] =
    &[read(0, "state"), uniform(1, "params"), read(2, "logits"), read(3, "distributions"), write(4, "ids")];
const REJECT: &[Binding] = &[
    read(0, "state"),
    uniform(1, "params"),
    read(2, "logits"),
    read(3, "distributions"),
    read(4, "draft_logits"),
    read(5, "draft_distributions"),
    read(6, "tokens"),
    write(7, "picks"),
];
const ACCEPT: &[Binding] = &[write(0, "state"), write(1, "tokens"), read(2, "picks"), write(3, "record")];

const REPLAY: &[Binding] = &[read(0, "state"), read(1, "script"), write(2, "tokens")];
const FILL_RANDOM: &[Binding] = &[read(0, "state"), uniform(1, "params"), write(2, "weights")];
const COPY: &[Binding] = &[uniform(0, "params"), read(1, "x"), write(2, "y")];

macro_rules! wgsl {
    ($file:literal) => {
        ($file, include_str!(concat!("../wgsl/", $file, ".wgsl")))
    };
}

type File = (&'static str, &'static str);

const STATE: File = wgsl!("lib/state");
const CHUNK: File = wgsl!("lib/chunk");
const BEST: File = wgsl!("lib/best");
const DISTRIBUTION: File = wgsl!("lib/distribution");
const RANDOM: File = wgsl!("lib/random");
const PROPOSED: File = wgsl!("lib/proposed_rows");
const TILES: File = wgsl!("lib/tile");
const PARTIAL_SUMS: File = wgsl!("lib/partial_sums");
const CANDIDATE: File = wgsl!("lib/candidate");
const NO_ID_FILE: File = wgsl!("lib/no_id");
const VISIBLE: File = wgsl!("lib/visible");
const LAYOUT: File = wgsl!("lib/layout_tiles");

impl WeightFormat {
    fn file(self) -> File {
        match self {
            WeightFormat::F32 => wgsl!("lib/weights_f32"),
            WeightFormat::F16 => wgsl!("lib/weights_f16"),
        }
    }

    fn write_file(self) -> File {
        match self {
            WeightFormat::F32 => wgsl!("lib/write_f32"),
            WeightFormat::F16 => wgsl!("lib/write_f16"),
        }
    }
}

impl Rows {
    fn file(self) -> File {
        match self {
            Rows::All => wgsl!("lib/rows_all"),
            Rows::Logits => wgsl!("lib/rows_logits"),
        }
    }
}

impl Tile {
    fn file(self) -> File {
        match self {
            Tile::Row => wgsl!("lib/tile_row"),
            Tile::Block => wgsl!("lib/tile_block"),
        }
    }
}

impl Slices {
    fn file(self) -> File {
        match self {
            Slices::One => wgsl!("lib/slices_one"),
            Slices::Many => wgsl!("lib/slices_many"),
        }
    }
}

impl Store {
    fn file(self) -> File {
        match self {
            Store::Value => wgsl!("lib/store_value"),
            Store::Sum => wgsl!("lib/store_sum"),
        }
    }
}

impl Output {
    fn files(self) -> &'static [File] {
        match self {
            Output::Rows => &[wgsl!("lib/output_rows")],
            Output::Tiles => &[TILES, wgsl!("lib/output_tiles")],
        }
    }

    fn gated_scale_file(self) -> File {
        match self {
            Output::Rows => wgsl!("lib/gated_as_is"),
            Output::Tiles => wgsl!("lib/gated_scale"),
        }
    }
}

impl RowTiles {
    fn file(self) -> File {
        match self {
            RowTiles::One => wgsl!("lib/rows_one"),
            RowTiles::Two => wgsl!("lib/rows_two"),
            RowTiles::Eight => wgsl!("lib/rows_eight"),
        }
    }
}

impl Columns {
    fn file(self) -> File {
        match self {
            Columns::One => wgsl!("lib/columns_one"),
            Columns::TwoLong => wgsl!("lib/columns_two_long"),
            Columns::Two => wgsl!("lib/columns_two"),
        }
    }
}

impl Product {
    fn coop_files(self) -> Vec<File> {
        match self {
            Product::Value => vec![TILES, wgsl!("lib/product_value")],
            Product::Sum => vec![TILES, wgsl!("lib/product_sum")],
            Product::Gated => {
                let mut files = vec![wgsl!("lib/product_gated"), Output::Tiles.gated_scale_file()];
                files.extend(Output::Tiles.files());
                files
            }
            Product::Best => vec![TILES, wgsl!("lib/product_best"), CANDIDATE, NO_ID_FILE],
        }
    }

    fn row_files(self, output: Output) -> Vec<File> {
        match self {
            Product::Value => vec![wgsl!("lib/row_value")],
            Product::Sum => vec![wgsl!("lib/row_sum")],
            Product::Gated => {
                let mut files = vec![wgsl!("lib/row_gated"), output.gated_scale_file()];
                files.extend(output.files());
                files
            }
            Product::Best => vec![wgsl!("lib/row_best"), CANDIDATE, NO_ID_FILE],
        }
    }
}

impl Input {
    fn file(self) -> File {
        match self {
            Input::Normed => wgsl!("lib/input_normed"),
            Input::Rows => wgsl!("lib/input_rows"),
            Input::Tiles => wgsl!("lib/input_tiles"),
        }
    }
}

impl Cache {
    fn files(self) -> &'static [File] {
        match self {
            Cache::Rows => &[wgsl!("lib/cache_rows")],
            Cache::Tiles => &[TILES, wgsl!("lib/cache_tiles")],
        }
    }
}

impl Output {
    /// An output's splits are those of the attention before it.
    fn split_file(self) -> File {
        match self {
            Output::Rows => wgsl!("lib/split_rows"),
            Output::Tiles => wgsl!("lib/split_tiles"),
        }
    }
}

impl Queries {
    fn file(self) -> File {
        match self {
            Queries::One => wgsl!("lib/queries_one"),
            Queries::Two => wgsl!("lib/queries_two"),
        }
    }
}

impl Candidates {
    fn file(self) -> File {
        match self {
            Candidates::Logits => wgsl!("lib/candidates_logits"),
            Candidates::Best => wgsl!("lib/candidates_best"),
        }
    }
}

impl Tier {
    fn row_slices_file(self) -> File {
        match self {
            Tier::Baseline | Tier::Subgroup => wgsl!("lib/row_slices_eight"),
            Tier::Coop => wgsl!("lib/row_slices_sixteen"),
        }
    }

    fn reduce_file(self) -> File {
        match self {
            Tier::Baseline => wgsl!("lib/reduce_workgroup"),
            Tier::Subgroup | Tier::Coop => wgsl!("lib/reduce_subgroup"),
        }
    }
}

impl Kernel {
    /// Every kernel with every choice.
    pub fn all() -> Vec<Kernel> {
        let mut all = vec![
            Kernel::Swiglu,
            Kernel::Distribution,
            Kernel::Sample,
            Kernel::Reject,
            Kernel::Accept,
            Kernel::Replay,
            Kernel::Copy,
            Kernel::Attention,
        ];
        all.extend([Cache::Rows, Cache::Tiles].map(Kernel::QkNormRope));
        all.extend([Candidates::Logits, Candidates::Best].map(Kernel::Argmax));
        for output in [Output::Rows, Output::Tiles] {
            all.extend([Rows::All, Rows::Logits].map(|rows| Kernel::RmsNorm { rows, output }));
            all.push(Kernel::AttentionMerge(output));
        }
        all.extend(Queries::ALL.map(Kernel::AttentionCoop));
        for weights in WeightFormat::ALL {
            all.extend([Kernel::Embed(weights), Kernel::FillRandom(weights)]);
            all.extend(Kernel::all_matmuls(weights));
        }
        for rows in [Rows::All, Rows::Logits] {
            for row_tiles in RowTiles::ALL {
                for columns in Columns::ALL {
                    // A gate and its up projection are in neighbouring tiles.
                    let product = |product: &Product| *product != Product::Gated || columns != Columns::One;
                    let products = Product::ALL.into_iter().filter(product);
                    all.extend(products.map(|product| Kernel::MatmulCoop {
                        rows,
                        row_tiles,
                        columns,
                        product,
                    }));
                }
            }
        }
        all
    }

    fn all_matmuls(weights: WeightFormat) -> Vec<Kernel> {
        let mut all = Vec::new();
        for rows in [Rows::All, Rows::Logits] {
            for tile in [Tile::Row, Tile::Block] {
                for slices in [Slices::One, Slices::Many] {
                    for store in [Store::Value, Store::Sum] {
                        all.push(Kernel::Matmul { weights, rows, tile, slices, store });
                    }
                }
            }
        }
        for output in [Output::Rows, Output::Tiles] {
            for input in [Input::Normed, Input::Rows, Input::Tiles] {
                for product in Product::ALL {
                    // Only the gate's output has a format to choose.
                    if product == Product::Gated || output == Output::Rows {
                        all.push(Kernel::MatmulRow { weights, input, product, output });
                    }
                }
            }
        }
        all
    }

    /// The least demanding tier that the kernel runs on.
    pub fn least_tier(self) -> Tier {
        match self {
            Kernel::MatmulCoop { .. }
            | Kernel::AttentionCoop(_)
            | Kernel::QkNormRope(Cache::Tiles)
            | Kernel::RmsNorm { output: Output::Tiles, .. }
            | Kernel::AttentionMerge(Output::Tiles)
            | Kernel::MatmulRow { output: Output::Tiles, .. } => Tier::Coop,
            _ => Tier::Baseline,
        }
    }

    /// The kernel's name, that of its file.
    pub fn name(self) -> &'static str {
        self.file().0
    }

    fn file(self) -> File {
        match self {
            Kernel::Embed(_) => wgsl!("embed"),
            Kernel::RmsNorm { .. } => wgsl!("rms_norm"),
            Kernel::Matmul { .. } => wgsl!("matmul"),
            Kernel::MatmulCoop { .. } => wgsl!("matmul_coop"),
            Kernel::MatmulRow { .. } => wgsl!("matmul_row"),
            Kernel::QkNormRope(_) => wgsl!("qk_norm_rope"),
            Kernel::Attention => wgsl!("attention"),
            Kernel::AttentionCoop(_) => wgsl!("attention_coop"),
            Kernel::AttentionMerge(_) => wgsl!("attention_merge"),
            Kernel::Swiglu => wgsl!("swiglu"),
            Kernel::Argmax(_) => wgsl!("argmax"),
            Kernel::Distribution => wgsl!("distribution"),
            Kernel::Sample => wgsl!("sample"),
            Kernel::Reject => wgsl!("reject"),
            Kernel::Accept => wgsl!("accept"),
            Kernel::Replay => wgsl!("replay"),
            Kernel::FillRandom(_) => wgsl!("fill_random"),
            Kernel::Copy => wgsl!("copy"),
        }
    }

    fn files(self, tier: Tier) -> Vec<File> {
        let mut files = vec![self.file(), STATE];
        match self {
            Kernel::Embed(weights) => files.extend([CHUNK, weights.file()]),
            Kernel::RmsNorm { rows, output } => {
                files.extend([rows.file(), tier.reduce_file()]);
                files.extend(output.files());
            }
            Kernel::Matmul { weights, rows, tile, slices, store } => {
                files.extend([CHUNK, weights.file(), rows.file(), tile.file(), slices.file(), store.file()])
            }
            Kernel::MatmulCoop { rows, row_tiles, columns, product } => {
                files.extend([rows.file(), row_tiles.file(), columns.file()]);
                files.extend(product.coop_files());
            }
            Kernel::MatmulRow { weights, input, product, output } => {
                files.extend([CHUNK, weights.file(), Rows::All.file(), input.file(), tier.row_slices_file()]);
                files.extend(product.row_files(output));
            }
            Kernel::QkNormRope(cache) => {
                files.push(tier.reduce_file());
                files.extend(cache.files());
            }
            Kernel::Attention => files.extend([VISIBLE, PARTIAL_SUMS, Output::Rows.split_file()]),
            Kernel::AttentionCoop(queries) => {
                files.extend([VISIBLE, PARTIAL_SUMS, Output::Tiles.split_file(), TILES, queries.file()])
            }
            Kernel::AttentionMerge(output) => {
                files.extend([VISIBLE, PARTIAL_SUMS, output.split_file()]);
                files.extend(output.files());
            }
            Kernel::Argmax(candidates) => {
                files.extend([PROPOSED, BEST, NO_ID_FILE, CANDIDATE, candidates.file()])
            }
            Kernel::Distribution => files.extend([PROPOSED, DISTRIBUTION, tier.reduce_file()]),
            Kernel::Sample => files.extend([PROPOSED, DISTRIBUTION, RANDOM, BEST, NO_ID_FILE]),
            Kernel::Reject => files.extend([DISTRIBUTION, RANDOM, BEST, NO_ID_FILE, tier.reduce_file()]),
            Kernel::FillRandom(weights) => files.extend([RANDOM, LAYOUT, weights.write_file()]),
            Kernel::Swiglu | Kernel::Accept | Kernel::Replay | Kernel::Copy => {}
        }
        files
    }

    /// The WGSL of the kernel for `tier`: its files end to end, and the extensions that they enable, which must stand
    /// before all else.
    pub fn wgsl(self, tier: Tier) -> String {
        let mut extensions: Vec<&str> = Vec::new();
        let mut text = String::new();
        for (name, wgsl) in self.files(tier) {
            let _ = writeln!(text, "// ---- {name}.wgsl");
            for line in wgsl.lines() {
                match line.strip_prefix("enable ") {
                    None => {
                        let _ = writeln!(text, "{line}");
                    }
                    Some(extension) if extensions.contains(&extension) => {}
                    Some(extension) => extensions.push(extension),
                }
            }
        }
        extensions.iter().map(|extension| format!("enable {extension}\n")).collect::<String>() + &text
    }

    /// What the kernel binds in group 0, the same for all its tiers and tiles.
    pub fn bindings(self) -> &'static [Binding] {
        match self {
            Kernel::Embed(_) => EMBED,
            Kernel::RmsNorm { .. } => RMS_NORM,
            Kernel::Matmul { .. } => MATMUL,
            Kernel::MatmulCoop { .. } => MATMUL_COOP,
            Kernel::MatmulRow { input: Input::Normed, .. } => MATMUL_ROW_NORMED,
            Kernel::MatmulRow { .. } => MATMUL_COOP,
            Kernel::QkNormRope(_) => QK_NORM_ROPE,
            Kernel::Attention => ATTENTION,
            Kernel::AttentionCoop(_) => ATTENTION_COOP,
            Kernel::AttentionMerge(_) => ATTENTION_MERGE,
            Kernel::Swiglu => SWIGLU,
            Kernel::Argmax(Candidates::Logits) => ARGMAX_LOGITS,
            Kernel::Argmax(Candidates::Best) => ARGMAX_BEST,
            Kernel::Distribution => DISTRIBUTION_BINDINGS,
            Kernel::Sample => SAMPLE,
            Kernel::Reject => REJECT,
            Kernel::Accept => ACCEPT,
            Kernel::Replay => REPLAY,
            Kernel::FillRandom(_) => FILL_RANDOM,
            Kernel::Copy => COPY,
        }
    }
}
