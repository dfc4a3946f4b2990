//! The kernels as data: which files make one, what it binds, what grid it runs on.

use std::fmt::Write;

/// What an adapter must offer for a kernel to run on it (DESIGN.md, rule 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Tier {
    /// Core WebGPU limits and no features: every browser.
    Baseline,
    /// Subgroup operations, of any subgroup size.
    Subgroup,
}

impl Tier {
    /// Every tier, the most demanding last.
    pub const ALL: [Tier; 2] = [Tier::Baseline, Tier::Subgroup];

    /// The name users give and see.
    pub fn name(self) -> &'static str {
        match self {
            Tier::Baseline => "baseline",
            Tier::Subgroup => "subgroup",
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

/// Which positions a row attends to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Visible {
    /// Up to its own, all in the cache: the AR view.
    Causal,
    /// The cache and the whole block: the diffusion view.
    Block,
}

/// A kernel with its choices made. The `.wgsl` file of the same name is its contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each variant is documented by the file it names")]
pub enum Kernel {
    Embed(WeightFormat),
    RmsNorm(Rows),
    Matmul { weights: WeightFormat, rows: Rows, tile: Tile, slices: Slices, store: Store },
    QkNormRope,
    Attention(Visible),
    AttentionMerge(Visible),
    Swiglu,
    Argmax,
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
    &[read(0, "state"), uniform(1, "params"), read(2, "x"), read(3, "weight"), write(4, "y")];
const MATMUL: &[Binding] =
    &[read(0, "state"), uniform(1, "params"), read(2, "weights"), read(3, "x"), write(4, "y")];
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
const ATTENTION_BLOCK: &[Binding] = &[
    read(0, "state"),
    uniform(1, "params"),
    read(2, "q"),
    read(3, "cache_keys"),
    read(4, "cache_values"),
    write(5, "sums"),
    write(6, "stats"),
    read(7, "block_keys"),
    read(8, "block_values"),
];
const ATTENTION_MERGE: &[Binding] =
    &[read(0, "state"), uniform(1, "params"), read(2, "sums"), read(3, "stats"), write(4, "out")];
const SWIGLU: &[Binding] = &[read(0, "state"), uniform(1, "params"), read(2, "gate_up"), write(3, "out")];
const ARGMAX: &[Binding] = &[read(0, "state"), uniform(1, "params"), read(2, "logits"), write(3, "ids")];
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
const LAYOUT: File = wgsl!("lib/layout_interleaved");

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

impl Visible {
    fn file(self) -> File {
        match self {
            Visible::Causal => wgsl!("lib/visible_causal"),
            Visible::Block => wgsl!("lib/visible_block"),
        }
    }

    fn keys_file(self) -> File {
        match self {
            Visible::Causal => wgsl!("lib/keys_cache"),
            Visible::Block => wgsl!("lib/keys_cache_and_block"),
        }
    }
}

impl Tier {
    fn reduce_file(self) -> File {
        match self {
            Tier::Baseline => wgsl!("lib/reduce_workgroup"),
            Tier::Subgroup => wgsl!("lib/reduce_subgroup"),
        }
    }
}

impl Kernel {
    /// Every kernel with every choice.
    pub fn all() -> Vec<Kernel> {
        let mut all = vec![
            Kernel::RmsNorm(Rows::All),
            Kernel::RmsNorm(Rows::Logits),
            Kernel::QkNormRope,
            Kernel::Swiglu,
            Kernel::Argmax,
            Kernel::Distribution,
            Kernel::Sample,
            Kernel::Reject,
            Kernel::Accept,
            Kernel::Replay,
            Kernel::Copy,
        ];
        for visible in [Visible::Causal, Visible::Block] {
            all.extend([Kernel::Attention(visible), Kernel::AttentionMerge(visible)]);
        }
        for weights in WeightFormat::ALL {
            all.extend([Kernel::Embed(weights), Kernel::FillRandom(weights)]);
            for rows in [Rows::All, Rows::Logits] {
                for tile in [Tile::Row, Tile::Block] {
                    for slices in [Slices::One, Slices::Many] {
                        for store in [Store::Value, Store::Sum] {
                            all.push(Kernel::Matmul { weights, rows, tile, slices, store });
                        }
                    }
                }
            }
        }
        all
    }

    /// The kernel's name, that of its file.
    pub fn name(self) -> &'static str {
        self.file().0
    }

    fn file(self) -> File {
        match self {
            Kernel::Embed(_) => wgsl!("embed"),
            Kernel::RmsNorm(_) => wgsl!("rms_norm"),
            Kernel::Matmul { .. } => wgsl!("matmul"),
            Kernel::QkNormRope => wgsl!("qk_norm_rope"),
            Kernel::Attention(_) => wgsl!("attention"),
            Kernel::AttentionMerge(_) => wgsl!("attention_merge"),
            Kernel::Swiglu => wgsl!("swiglu"),
            Kernel::Argmax => wgsl!("argmax"),
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
            Kernel::RmsNorm(rows) => files.extend([rows.file(), tier.reduce_file()]),
            Kernel::Matmul { weights, rows, tile, slices, store } => {
                files.extend([CHUNK, weights.file(), rows.file(), tile.file(), slices.file(), store.file()])
            }
            Kernel::QkNormRope => files.push(tier.reduce_file()),
            Kernel::Attention(visible) => files.extend([visible.file(), visible.keys_file()]),
            Kernel::AttentionMerge(visible) => files.push(visible.file()),
            Kernel::Argmax => files.extend([PROPOSED, BEST]),
            Kernel::Distribution => files.extend([PROPOSED, DISTRIBUTION, tier.reduce_file()]),
            Kernel::Sample => files.extend([PROPOSED, DISTRIBUTION, RANDOM, BEST]),
            Kernel::Reject => files.extend([DISTRIBUTION, RANDOM, BEST, tier.reduce_file()]),
            Kernel::FillRandom(weights) => files.extend([RANDOM, LAYOUT, weights.write_file()]),
            Kernel::Swiglu | Kernel::Accept | Kernel::Replay | Kernel::Copy => {}
        }
        files
    }

    /// The WGSL of the kernel for `tier`: its files end to end.
    pub fn wgsl(self, tier: Tier) -> String {
        let mut text = String::new();
        for (name, wgsl) in self.files(tier) {
            let _ = writeln!(text, "// ---- {name}.wgsl\n{wgsl}");
        }
        text
    }

    /// What the kernel binds in group 0, the same for all its tiers and tiles.
    pub fn bindings(self) -> &'static [Binding] {
        match self {
            Kernel::Embed(_) => EMBED,
            Kernel::RmsNorm(_) => RMS_NORM,
            Kernel::Matmul { .. } => MATMUL,
            Kernel::QkNormRope => QK_NORM_ROPE,
            Kernel::Attention(Visible::Block) => ATTENTION_BLOCK,
            Kernel::Attention(Visible::Causal) => &ATTENTION_BLOCK[..7],
            Kernel::AttentionMerge(_) => ATTENTION_MERGE,
            Kernel::Swiglu => SWIGLU,
            Kernel::Argmax => ARGMAX,
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
