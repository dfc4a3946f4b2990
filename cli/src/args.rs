//! Every command and flag, in one place.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Args as ClapArgs, Parser, Subcommand};
use orthrus::{AcceptRule, ArKernel, Decoding, Tier, WeightFormat};

/// Lossless dual-view (Orthrus) decoding on any GPU.
///
/// Text goes to stdout, everything else to stderr. Exit codes: 0 success, 1 a run that failed, 2 bad usage.
#[derive(Parser, Debug)]
#[command(name = "orthrus", version)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Say more on stderr. (The variable RUST_LOG, where set, decides instead.)
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Answer one prompt.
    Generate(GenerateArgs),
    /// Talk with a model. Where stdin is not a terminal, each line of it is a turn.
    Chat(ChatArgs),
    /// Decode prompts in both views and report whether the ids are the same.
    Verify(VerifyArgs),
    /// Measure a model on this machine: passes, cycles, prompts and tokens per second, in both views.
    Bench(BenchArgs),
    /// Show what a checkpoint holds and the memory it needs. Needs no GPU.
    Info(InfoArgs),
    /// List the adapters (GPUs), the tiers that run on each, and their limits.
    Adapters(AdaptersArgs),
}

#[derive(ClapArgs, Debug)]
pub(crate) struct GenerateArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,

    #[command(flatten)]
    pub(crate) prompt: PromptArgs,

    #[command(flatten)]
    pub(crate) decode: DecodeArgs,

    #[command(flatten)]
    pub(crate) sampling: SamplingArgs,

    /// Most tokens to generate.
    #[arg(long, value_name = "N", default_value_t = 256, value_parser = positive)]
    pub(crate) max_new_tokens: usize,

    /// Positions of the cache. By default what prompt and answer can need.
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) context: Option<usize>,

    /// Print one JSON object instead of the text.
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct ChatArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,

    #[command(flatten)]
    pub(crate) decode: DecodeArgs,

    #[command(flatten)]
    pub(crate) sampling: SamplingArgs,

    #[command(flatten)]
    pub(crate) template: TemplateArgs,

    /// Most tokens of an answer.
    #[arg(long, help_heading = "Decoding", value_name = "N", default_value_t = 1024, value_parser = positive)]
    pub(crate) max_new_tokens: usize,

    /// Positions of the cache: the longest conversation. By default the model's own limit, but at most 8192.
    #[arg(long, help_heading = "Decoding", value_name = "N", value_parser = positive)]
    pub(crate) context: Option<usize>,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,

    /// Prompts, one a line: text, or token ids as `[1,2,3]`. In a file that ends with .jsonl, each line is an object
    /// with `prompt` (through the chat template), `raw`, `ids` or `messages`. By default a few prompts that come with
    /// this program.
    #[arg(long, value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// N prompts of random ids instead, always the same ones: what models without a tokenizer can be verified with.
    #[arg(long, value_name = "N", value_parser = positive, conflicts_with = "file")]
    pub(crate) synthetic_prompts: Option<usize>,

    /// Only the first N of them.
    #[arg(long, value_name = "N", value_parser = positive)]
    pub(crate) limit: Option<usize>,

    /// Most tokens to generate for each.
    #[arg(long, value_name = "N", default_value_t = 128, value_parser = positive)]
    pub(crate) max_new_tokens: usize,

    #[command(flatten)]
    pub(crate) sampling: SamplingArgs,

    /// Print one JSON object instead of the text.
    #[arg(long, help_heading = "Output")]
    pub(crate) json: bool,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct BenchArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,

    /// Contexts to measure at. By default those of 512, 8192 and 40000 that the model and the GPU's memory have room
    /// for (512 on a software adapter). Their caches hold zeros, not a text: times do not depend on values.
    #[arg(long, value_name = "N,N,...", value_delimiter = ',', value_parser = positive)]
    pub(crate) contexts: Option<Vec<usize>>,

    /// Rows of a block in whole cycles. By default the checkpoint's, which is also the most.
    #[arg(long, value_name = "K", value_parser = positive)]
    pub(crate) block_size: Option<usize>,

    /// Cycles of the dual view in each measurement of decoding. The AR view decodes the tokens that they give.
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = positive)]
    pub(crate) cycles: usize,

    /// How often everything is measured. Figures are medians, with the least and the most.
    #[arg(long, value_name = "N", default_value_t = 7, value_parser = positive)]
    pub(crate) repetitions: usize,

    /// Measure only this kernel of one-row passes. By default both.
    #[arg(long, value_name = "KERNEL", value_parser = named([ArKernel::Exact, ArKernel::Fast], ArKernel::name))]
    pub(crate) ar_kernel: Option<ArKernel>,

    /// Measure each kernel of each pass too, and of a prompt's last pass.
    #[arg(long)]
    pub(crate) kernels: bool,

    /// Acceptance lengths to replay, of which as many as there are --cycles are taken evenly: a JSON array, or what
    /// `generate --json` prints or `bench --json` writes. By default those of the model's own answers to a few
    /// prompts, or of the bundled model's where it has no tokenizer.
    #[arg(long, value_name = "FILE")]
    pub(crate) replay: Option<PathBuf>,

    /// Write everything to FILE as JSON too.
    #[arg(long, help_heading = "Output", value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Draw tokens per second by context, and acceptance by position, to FILE.
    #[arg(long, help_heading = "Output", value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct InfoArgs {
    /// Checkpoint directory, or `synthetic:…`. By default as for `generate`.
    #[arg(value_name = "MODEL")]
    pub(crate) model: Option<PathBuf>,

    /// Print one JSON object instead of the text.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct AdaptersArgs {
    /// Print a JSON array instead of the text.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which model, and where it runs.
#[derive(ClapArgs, Debug)]
#[command(next_help_heading = "Model and GPU")]
pub(crate) struct ModelArgs {
    /// Checkpoint directory in the Hugging Face layout. By default the variable ORTHRUS_MODEL, or else the model
    /// that comes with this program. `synthetic:0.6b`, `1.7b`, `4b` or `8b` is a model of that shape with random
    /// weights, for `bench` and `verify`.
    #[arg(long, value_name = "DIR")]
    pub(crate) model: Option<PathBuf>,

    /// How weights are stored on the GPU.
    #[arg(long, value_name = "TYPE", default_value = "f16", value_parser = named(WeightFormat::ALL, WeightFormat::name))]
    pub(crate) dtype: WeightFormat,

    /// Kernels to use. By default the best that the adapter has.
    #[arg(long, value_name = "NAME", value_parser = named(Tier::ALL, Tier::name))]
    pub(crate) tier: Option<Tier>,

    /// Adapter to use: its number or part of its name (see `orthrus adapters`). By default the most capable.
    #[arg(long, value_name = "NAME")]
    pub(crate) adapter: Option<String>,
}

/// How tokens are decoded. None of it changes what greedy decoding gives.
#[derive(ClapArgs, Debug)]
#[command(next_help_heading = "Decoding")]
pub(crate) struct DecodeArgs {
    /// `dual`: the diffusion view drafts, the AR view verifies. `ar`: one token at a time. By default `dual` where
    /// the checkpoint has a diffusion view.
    #[arg(long = "view", visible_alias = "decoding", value_name = "VIEW", value_parser = named([Decoding::Dual, Decoding::Ar], Decoding::name))]
    pub(crate) decoding: Option<Decoding>,

    /// Rows of a block. By default the checkpoint's, which is also the most.
    #[arg(long, value_name = "K", value_parser = positive)]
    pub(crate) block_size: Option<usize>,

    /// Kernels of `--view ar`. `exact`: the text is the dual view's, bit for bit. `fast`: the fastest that the adapter
    /// has, which may decide near-ties differently.
    #[arg(long, value_name = "KERNEL", default_value = "exact", value_parser = named([ArKernel::Exact, ArKernel::Fast], ArKernel::name))]
    pub(crate) ar_kernel: ArKernel,
}

/// How ids are chosen. By default as the checkpoint's generation_config.json says, or else greedily.
#[derive(ClapArgs, Debug)]
#[command(next_help_heading = "Sampling")]
pub(crate) struct SamplingArgs {
    /// Divide logits by T: 0 is greedy, 1 the model's own distribution, more is bolder.
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    pub(crate) temperature: Option<f32>,

    /// Keep only the N largest logits. 0 keeps all.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) top_k: Option<u32>,

    /// Keep only the likeliest ids that have this much of the probability together. 1 keeps all.
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    pub(crate) top_p: Option<f32>,

    /// The same seed draws the same text, on the same adapter. By default from the clock, and shown.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,

    /// When a draft is accepted. `coupled`: when both views draw the same with the same random numbers, so that the
    /// text does not depend on the view. `rejection`: the paper's rule. Both keep the model's distribution.
    #[arg(long, value_name = "RULE", value_parser = named([AcceptRule::Coupled, AcceptRule::Rejection], AcceptRule::name))]
    pub(crate) accept: Option<AcceptRule>,
}

/// The prompt: exactly one of three.
#[derive(ClapArgs, Debug)]
#[command(next_help_heading = "Prompt")]
#[command(group = ArgGroup::new("text or ids").args(["prompt", "raw", "ids"]).required(true).multiple(false))]
#[group(skip)]
pub(crate) struct PromptArgs {
    /// A message to the model, through its chat template. `-` reads it from stdin.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) prompt: Option<String>,

    /// Text to continue, as it is, without chat template. `-` reads it from stdin.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, conflicts_with_all = ["system", "thinking"])]
    pub(crate) raw: Option<String>,

    /// Token ids to continue, separated by commas. `-` reads them from stdin.
    #[arg(long, value_name = "1,2,3", allow_negative_numbers = true, conflicts_with_all = ["system", "thinking"])]
    pub(crate) ids: Option<String>,

    #[command(flatten)]
    pub(crate) template: TemplateArgs,
}

/// What a chat template takes besides messages.
#[derive(ClapArgs, Debug, Default)]
#[command(next_help_heading = "Chat template")]
pub(crate) struct TemplateArgs {
    /// Instructions to the model, before the first message.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) system: Option<String>,

    /// Let the model think before it answers, where its chat template knows how.
    #[arg(long)]
    pub(crate) thinking: bool,
}

fn positive(given: &str) -> Result<usize, &'static str> {
    match given.parse() {
        Ok(0) | Err(_) => Err("expected a number of at least 1"),
        Ok(number) => Ok(number),
    }
}

/// Takes one of `all` by its name.
fn named<T: Copy + Send + Sync + 'static, const N: usize>(
    all: [T; N],
    name: fn(T) -> &'static str,
) -> impl TypedValueParser<Value = T> {
    PossibleValuesParser::new(all.map(name)).try_map(move |given: String| {
        all.into_iter().find(|value| name(*value) == given).ok_or("there is no such name")
    })
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn flags_are_consistent() {
        super::Args::command().debug_assert();
    }
}
