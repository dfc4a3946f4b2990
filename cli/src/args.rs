//! Every command and flag.

use std::path::PathBuf;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{ArgGroup, Args as ClapArgs, Parser, Subcommand};
use orthrus::{AcceptRule, ArKernel, Decoding, Tier, WeightFormat};

/// Lossless dual-view (Orthrus) decoding on any GPU.
///
/// The text of an answer goes to stdout, and everything else to stderr. The exit code is 0 for success, 1 for a run
/// that failed, and 2 for bad usage.
#[derive(Parser, Debug)]
#[command(name = "orthrus", version)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,

    /// Say more on stderr. The environment variable RUST_LOG overrides this.
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    /// Answer one prompt.
    Generate(GenerateArgs),
    /// Talk with a model. If stdin is not a terminal, each of its lines is a turn.
    Chat(ChatArgs),
    /// Check that dual-view decoding and AR decoding give the same ids.
    Verify(VerifyArgs),
    /// Measure a model on this machine: passes, cycles, prefill and tokens per second.
    Bench(BenchArgs),
    /// Show what a checkpoint holds and how much memory it needs. This needs no GPU.
    Info(InfoArgs),
    /// List the adapters (GPUs) with their limits and the tiers that run on them.
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

    /// The largest number of tokens to generate.
    #[arg(long, help_heading = "Decoding", value_name = "N", default_value_t = 256, value_parser = positive)]
    pub(crate) max_new_tokens: usize,

    /// The context: positions of the KV cache. The default is the prompt and --max-new-tokens together.
    #[arg(long, help_heading = "Decoding", value_name = "N", value_parser = positive)]
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

    /// The largest number of tokens in an answer.
    #[arg(long, help_heading = "Decoding", value_name = "N", default_value_t = 1024, value_parser = positive)]
    pub(crate) max_new_tokens: usize,

    /// The context: positions of the KV cache, which limit the conversation. The default is the model's limit, or 8192
    /// if that is smaller.
    #[arg(long, help_heading = "Decoding", value_name = "N", value_parser = positive)]
    pub(crate) context: Option<usize>,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct VerifyArgs {
    #[command(flatten)]
    pub(crate) model: ModelArgs,

    /// A file with one prompt on each line: text, or token ids as `[1,2,3]`. In a .jsonl file, each line is an object
    /// with `prompt` (a message for the chat template), `raw`, `ids` or `messages`. The default is a few built-in
    /// prompts.
    #[arg(long, help_heading = "Prompts", value_name = "FILE")]
    pub(crate) file: Option<PathBuf>,

    /// Use N prompts of random ids, the same ones in every run. Models without a tokenizer need this.
    #[arg(long, help_heading = "Prompts", value_name = "N", value_parser = positive, conflicts_with = "file")]
    pub(crate) synthetic_prompts: Option<usize>,

    /// Use only the first N prompts.
    #[arg(long, help_heading = "Prompts", value_name = "N", value_parser = positive)]
    pub(crate) limit: Option<usize>,

    /// The largest number of tokens to generate for each prompt.
    #[arg(long, help_heading = "Prompts", value_name = "N", default_value_t = 128, value_parser = positive)]
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

    /// The contexts to measure at. The default is 512, 8192 and 40000, as far as the model and the GPU's memory have
    /// room, and only 512 on a software adapter. The KV cache holds zeros, because times do not depend on its values.
    #[arg(long, help_heading = "Measurements", value_name = "N,N,...", value_delimiter = ',', value_parser = positive)]
    pub(crate) contexts: Option<Vec<usize>>,

    /// The rows of a block in the decode loop. The default is the checkpoint's block size, which is also the largest.
    #[arg(long, help_heading = "Measurements", value_name = "K", value_parser = positive)]
    pub(crate) block_size: Option<usize>,

    /// The cycles in each measurement of dual-view decoding. AR decoding generates as many tokens as these cycles do.
    #[arg(long, help_heading = "Measurements", value_name = "N", default_value_t = 24, value_parser = positive)]
    pub(crate) cycles: usize,

    /// How often everything is measured. Each figure is a median, with the least and the most.
    #[arg(long, help_heading = "Measurements", value_name = "N", default_value_t = 7, value_parser = positive)]
    pub(crate) repetitions: usize,

    /// Measure AR passes and AR decoding with these kernels only. The default is both sets of kernels.
    #[arg(long, help_heading = "Measurements", value_name = "KERNEL", value_parser = named([ArKernel::Exact, ArKernel::Fast], ArKernel::name))]
    pub(crate) ar_kernel: Option<ArKernel>,

    /// Measure each kernel of each pass by itself too, and the last pass of a prefill.
    #[arg(long, help_heading = "Measurements")]
    pub(crate) kernels: bool,

    /// The file of acceptance lengths to replay: a JSON array, or the JSON of `generate --json` or `bench --json`. An
    /// even sample of --cycles lengths is used. By default the model answers a few prompts to record its own lengths. A
    /// model without a tokenizer gets the bundled model's lengths.
    #[arg(long, help_heading = "Measurements", value_name = "FILE")]
    pub(crate) replay: Option<PathBuf>,

    /// Write all results to FILE as JSON.
    #[arg(long, help_heading = "Output", value_name = "FILE")]
    pub(crate) json: Option<PathBuf>,

    /// Draw tokens per second by context and acceptance by position, as an SVG in FILE.
    #[arg(long, help_heading = "Output", value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
}

#[derive(ClapArgs, Debug)]
pub(crate) struct InfoArgs {
    /// The checkpoint directory, or `synthetic:…`. The default is the same as for `generate`.
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

/// The model, and the GPU that it runs on.
#[derive(ClapArgs, Debug)]
#[command(next_help_heading = "Model and GPU")]
pub(crate) struct ModelArgs {
    /// The checkpoint directory, in the Hugging Face layout. The default is the directory that the environment variable
    /// ORTHRUS_MODEL names, or else the bundled model. `synthetic:0.6b`, `synthetic:1.7b`, `synthetic:4b` and
    /// `synthetic:8b` are models of these shapes with random weights, for `bench` and `verify`.
    #[arg(long, value_name = "DIR")]
    pub(crate) model: Option<PathBuf>,

    /// The type of the weights on the GPU.
    #[arg(long, value_name = "TYPE", default_value = "f16", value_parser = named(WeightFormat::ALL, WeightFormat::name))]
    pub(crate) dtype: WeightFormat,

    /// The tier of kernels. The default is the best tier that runs on the adapter.
    #[arg(long, value_name = "NAME", value_parser = named(Tier::ALL, Tier::name))]
    pub(crate) tier: Option<Tier>,

    /// The adapter: its number or a part of its name, as `orthrus adapters` lists them. The default is the most capable
    /// adapter.
    #[arg(long, value_name = "NAME")]
    pub(crate) adapter: Option<String>,
}

/// How text is decoded. Greedy decoding gives the same text whatever the options are, but for `--ar-kernel fast`.
#[derive(ClapArgs, Debug)]
#[command(next_help_heading = "Decoding")]
pub(crate) struct DecodeArgs {
    /// With `dual`, the diffusion view drafts blocks and the AR view verifies them. With `ar`, the AR view decodes one
    /// token at a time. The default is `dual` if the checkpoint has a diffusion view.
    #[arg(long = "view", visible_alias = "decoding", value_name = "VIEW", value_parser = named([Decoding::Dual, Decoding::Ar], Decoding::name))]
    pub(crate) decoding: Option<Decoding>,

    /// The rows of a block. The default is the checkpoint's block size, which is also the largest.
    #[arg(long, value_name = "K", value_parser = positive)]
    pub(crate) block_size: Option<usize>,

    /// The kernels of `--view ar`. With `exact`, the text is the same as with `--view dual`. The kernels of `fast` are
    /// faster, but may decide near-ties differently.
    #[arg(long, value_name = "KERNEL", default_value = "exact", value_parser = named([ArKernel::Exact, ArKernel::Fast], ArKernel::name))]
    pub(crate) ar_kernel: ArKernel,
}

/// How ids are chosen. The default is what the checkpoint's generation_config.json says, or else greedy.
#[derive(ClapArgs, Debug)]
#[command(next_help_heading = "Sampling")]
pub(crate) struct SamplingArgs {
    /// Divide the logits by T. 0 is greedy, and 1 is the model's own distribution.
    #[arg(long, value_name = "T", allow_negative_numbers = true)]
    pub(crate) temperature: Option<f32>,

    /// Keep only the N largest logits. 0 keeps all of them.
    #[arg(long, value_name = "N", allow_negative_numbers = true)]
    pub(crate) top_k: Option<u32>,

    /// Keep only the most probable ids, as many as have probability P together. 1 keeps all of them.
    #[arg(long, value_name = "P", allow_negative_numbers = true)]
    pub(crate) top_p: Option<f32>,

    /// The seed of the random numbers. The same seed draws the same text on the same adapter. The default comes from
    /// the clock and is shown on stderr.
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,

    /// When a draft is accepted. With `coupled`, both views draw with the same random numbers, and equal draws are
    /// accepted: the text does not depend on --view. `rejection` is the rule of the Orthrus paper. Both keep the
    /// model's distribution.
    #[arg(long, value_name = "RULE", value_parser = named([AcceptRule::Coupled, AcceptRule::Rejection], AcceptRule::name))]
    pub(crate) accept: Option<AcceptRule>,
}

/// The prompt, in exactly one of three forms.
#[derive(ClapArgs, Debug)]
#[command(next_help_heading = "Prompt")]
#[command(group = ArgGroup::new("text or ids").args(["prompt", "raw", "ids"]).required(true).multiple(false))]
#[group(skip)]
pub(crate) struct PromptArgs {
    /// A message to the model, put into its chat template. `-` reads it from stdin.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) prompt: Option<String>,

    /// A text to continue, without the chat template. `-` reads it from stdin.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true, conflicts_with_all = ["system", "thinking"])]
    pub(crate) raw: Option<String>,

    /// The token ids to continue, separated by commas. `-` reads them from stdin.
    #[arg(long, value_name = "1,2,3", allow_negative_numbers = true, conflicts_with_all = ["system", "thinking"])]
    pub(crate) ids: Option<String>,

    #[command(flatten)]
    pub(crate) template: TemplateArgs,
}

/// The arguments of the chat template, besides the conversation.
#[derive(ClapArgs, Debug, Default)]
#[command(next_help_heading = "Chat template")]
pub(crate) struct TemplateArgs {
    /// Instructions to the model, put before the first message.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    pub(crate) system: Option<String>,

    /// Let the model think before it answers, if its chat template knows how.
    #[arg(long)]
    pub(crate) thinking: bool,
}

fn positive(given: &str) -> Result<usize, &'static str> {
    match given.parse() {
        Ok(0) | Err(_) => Err("expected a number of at least 1"),
        Ok(number) => Ok(number),
    }
}

/// A parser that takes one of `all` by its name.
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
