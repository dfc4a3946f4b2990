//! The kernels as data: which files make one, what it binds, on which tiers it runs.

use std::fmt::Write;

use crate::TILE;
use crate::bindings::{self, Binding};
use crate::choices::{
    Cache, Candidates, Columns, Input, Output, Product, RowQueries, RowSlices, RowTiles, Rows, Slices,
    Splits, Store, Tier, Tile, TileLanes, WeightFormat, WeightTiles,
};
use crate::files::{self, File, wgsl};

/// A kernel with its choices made. The `.wgsl` file of the same name is its contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each variant is documented by the file it names")]
pub enum Kernel {
    Embed(WeightFormat),
    RmsNorm {
        rows: Rows,
        output: Output,
    },
    Matmul {
        weights: WeightFormat,
        rows: Rows,
        tile: Tile,
        slices: Slices,
        store: Store,
    },
    MatmulCoop {
        rows: Rows,
        row_tiles: RowTiles,
        columns: Columns,
        weight_tiles: WeightTiles,
        product: Product,
    },
    MatmulPrompt {
        slices: RowSlices,
        product: Product,
    },
    MatmulRow {
        weights: WeightFormat,
        input: Input,
        product: Product,
        output: Output,
    },
    QkNormRope(Cache),
    Attention,
    AttentionCoop,
    AttentionStaged,
    AttentionPaired,
    AttentionRow {
        queries: RowQueries,
        lanes: TileLanes,
    },
    AttentionMerge(Splits),
    Swiglu,
    Argmax(Candidates),
    Survey,
    Distribution,
    Sample,
    Reject,
    Accept,
    Replay,
    FillRandom(WeightFormat),
    Copy,
}

impl Kernel {
    /// Every kernel with every choice.
    pub fn all() -> Vec<Kernel> {
        let mut all = vec![
            Kernel::Swiglu,
            Kernel::Survey,
            Kernel::Distribution,
            Kernel::Sample,
            Kernel::Reject,
            Kernel::Accept,
            Kernel::Replay,
            Kernel::Copy,
            Kernel::Attention,
            Kernel::AttentionCoop,
            Kernel::AttentionStaged,
            Kernel::AttentionPaired,
        ];
        all.extend([Cache::Rows, Cache::Tiles].map(Kernel::QkNormRope));
        all.extend([Candidates::Logits, Candidates::Best].map(Kernel::Argmax));
        for output in [Output::Rows, Output::Tiles] {
            all.extend([Rows::All, Rows::Logits].map(|rows| Kernel::RmsNorm { rows, output }));
        }
        all.extend(Splits::ALL.map(Kernel::AttentionMerge));
        for queries in RowQueries::ALL {
            all.extend(TileLanes::ALL.map(|lanes| Kernel::AttentionRow { queries, lanes }));
        }
        for weights in WeightFormat::ALL {
            all.extend([Kernel::Embed(weights), Kernel::FillRandom(weights)]);
            all.extend(Kernel::all_matmuls(weights));
        }
        for weight_tiles in WeightTiles::ALL {
            all.extend(Kernel::all_coop_matmuls(weight_tiles));
        }
        for slices in RowSlices::ALL {
            // The head sees no prompt.
            let products = [Product::Value, Product::Sum, Product::Gated];
            all.extend(products.map(|product| Kernel::MatmulPrompt { slices, product }));
        }
        all
    }

    fn all_coop_matmuls(weight_tiles: WeightTiles) -> Vec<Kernel> {
        let mut all = Vec::new();
        for rows in [Rows::All, Rows::Logits] {
            for row_tiles in RowTiles::ALL {
                for columns in Columns::ALL {
                    // A gate and its up projection are in neighbouring tiles.
                    let product = |product: &Product| *product != Product::Gated || columns.outputs() > TILE;
                    let products = Product::ALL.into_iter().filter(product);
                    let kernel =
                        |product| Kernel::MatmulCoop { rows, row_tiles, columns, weight_tiles, product };
                    all.extend(products.map(kernel));
                }
            }
        }
        all
    }

    fn all_matmuls(weights: WeightFormat) -> Vec<Kernel> {
        let mut all = Vec::new();
        for rows in [Rows::All, Rows::Logits] {
            for tile in [Tile::One, Tile::Eight] {
                for slices in [Slices::One, Slices::Many] {
                    for store in [Store::Value, Store::Sum] {
                        all.push(Kernel::Matmul { weights, rows, tile, slices, store });
                    }
                }
            }
        }
        for output in [Output::Rows, Output::Tiles] {
            for input in [Input::Normed, Input::NormedStaged, Input::Rows, Input::Tiles] {
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
            | Kernel::MatmulPrompt { .. }
            | Kernel::AttentionCoop
            | Kernel::AttentionStaged
            | Kernel::AttentionPaired
            | Kernel::AttentionRow { .. }
            | Kernel::QkNormRope(Cache::Tiles)
            | Kernel::RmsNorm { output: Output::Tiles, .. }
            | Kernel::AttentionMerge(Splits::Growing | Splits::Dealt)
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
            Kernel::MatmulPrompt { .. } => wgsl!("matmul_prompt"),
            Kernel::MatmulRow { .. } => wgsl!("matmul_row"),
            Kernel::QkNormRope(_) => wgsl!("qk_norm_rope"),
            Kernel::Attention => wgsl!("attention"),
            Kernel::AttentionCoop => wgsl!("attention_coop"),
            Kernel::AttentionStaged => wgsl!("attention_staged"),
            Kernel::AttentionPaired => wgsl!("attention_paired"),
            Kernel::AttentionRow { .. } => wgsl!("attention_row"),
            Kernel::AttentionMerge(_) => wgsl!("attention_merge"),
            Kernel::Swiglu => wgsl!("swiglu"),
            Kernel::Argmax(_) => wgsl!("argmax"),
            Kernel::Survey => wgsl!("survey"),
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
        let mut files = vec![self.file(), files::STATE];
        match self {
            Kernel::Embed(weights) => files.extend([files::CHUNK, weights.file()]),
            Kernel::RmsNorm { rows, output } => {
                files.extend([rows.file(), tier.reduce_file()]);
                files.extend(output.files());
            }
            Kernel::Matmul { weights, rows, tile, slices, store } => files.extend([
                files::CHUNK,
                weights.file(),
                rows.file(),
                tile.file(),
                slices.file(),
                store.file(),
            ]),
            Kernel::MatmulCoop { rows, row_tiles, columns, weight_tiles, product } => {
                files.extend([files::COOP_PARAMS, weight_tiles.file(), rows.file()]);
                files.extend([row_tiles.file(), columns.file(), columns.slices().file()]);
                files.extend(product.coop_files());
            }
            Kernel::MatmulPrompt { slices, product } => {
                files.extend([files::COOP_PARAMS, files::HALVES, Rows::All.file(), slices.file()]);
                files.extend(product.coop_files());
            }
            Kernel::MatmulRow { weights, input, product, output } => {
                files.extend([files::CHUNK, weights.file(), Rows::All.file(), tier.row_slices().file()]);
                files.extend(input.files());
                files.extend(product.row_files(output));
            }
            Kernel::QkNormRope(cache) => {
                files.push(tier.reduce_file());
                files.extend(cache.files());
            }
            Kernel::Attention => files.extend([files::VISIBLE, files::PARTIALS, Splits::Even.file()]),
            Kernel::AttentionCoop => files.extend(files::ALL_OF_COOP_ATTENTION),
            Kernel::AttentionStaged | Kernel::AttentionPaired => {
                files.extend(files::ALL_OF_COOP_ATTENTION);
                files.extend([files::STAGED_ATTENTION, files::HALVES]);
            }
            Kernel::AttentionRow { queries, lanes } => {
                files.extend([files::VISIBLE, files::PARTIALS, files::TILES, Splits::Dealt.file()]);
                files.extend([queries.file(), lanes.file()]);
            }
            Kernel::AttentionMerge(splits) => {
                files.extend([files::VISIBLE, files::PARTIALS, splits.file(), splits.partials_file()]);
                files.extend(splits.output().files());
            }
            Kernel::Argmax(candidates) => files.extend([
                files::PROPOSED,
                files::BEST,
                files::NO_ID,
                files::CANDIDATE,
                candidates.file(),
            ]),
            Kernel::Survey | Kernel::Distribution => files.extend([
                files::SAMPLING,
                files::PROPOSED,
                files::DISTRIBUTION,
                files::PART,
                files::LOGIT_KEY,
            ]),
            Kernel::Sample => files.extend([
                files::SAMPLING,
                files::PROPOSED,
                files::DISTRIBUTION,
                files::RANDOM,
                files::BEST,
                files::NO_ID,
                files::CANDIDATE,
            ]),
            Kernel::Reject => files.extend([
                files::DISTRIBUTION,
                files::RANDOM,
                files::BEST,
                files::NO_ID,
                tier.reduce_file(),
            ]),
            Kernel::FillRandom(weights) => files.extend([files::RANDOM, files::LAYOUT, weights.write_file()]),
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
            Kernel::Embed(_) => bindings::EMBED,
            Kernel::RmsNorm { .. } => bindings::RMS_NORM,
            Kernel::Matmul { .. } => bindings::MATMUL,
            Kernel::MatmulCoop { .. } => bindings::MATMUL_COOP,
            Kernel::MatmulPrompt { .. } => bindings::MATMUL_PROMPT,
            Kernel::MatmulRow { input: Input::Normed | Input::NormedStaged, .. } => {
                bindings::MATMUL_ROW_NORMED
            }
            Kernel::MatmulRow { .. } => bindings::MATMUL_COOP,
            Kernel::QkNormRope(_) => bindings::QK_NORM_ROPE,
            Kernel::Attention => bindings::ATTENTION,
            Kernel::AttentionCoop | Kernel::AttentionStaged | Kernel::AttentionPaired => {
                bindings::ATTENTION_COOP
            }
            Kernel::AttentionRow { .. } => bindings::ATTENTION_ROW,
            Kernel::AttentionMerge(_) => bindings::ATTENTION_MERGE,
            Kernel::Swiglu => bindings::SWIGLU,
            Kernel::Argmax(Candidates::Logits) => bindings::ARGMAX_LOGITS,
            Kernel::Argmax(Candidates::Best) => bindings::ARGMAX_BEST,
            Kernel::Survey => bindings::SURVEY,
            Kernel::Distribution => bindings::DISTRIBUTION,
            Kernel::Sample => bindings::SAMPLE,
            Kernel::Reject => bindings::REJECT,
            Kernel::Accept => bindings::ACCEPT,
            Kernel::Replay => bindings::REPLAY,
            Kernel::FillRandom(_) => bindings::FILL_RANDOM,
            Kernel::Copy => bindings::COPY,
        }
    }
}
