//! From flags to the engine's options, checked before a GPU is opened.

use std::time::{SystemTime, UNIX_EPOCH};

use orthrus::{Decoding, GenerateOptions, Sampling};
use orthrus_loader::{Checkpoint, CheckpointViews, Config, GenerationConfig};

use crate::args::{DecodeArgs, SamplingArgs};
use crate::error::{CliError, Result};

/// The options of a generation of up to `max_new_tokens` tokens, checked against the checkpoint.
pub(crate) fn generate_options(
    args: &DecodeArgs,
    sampling: &SamplingArgs,
    checkpoint: &Checkpoint,
    max_new_tokens: usize,
) -> Result<GenerateOptions> {
    let options = GenerateOptions {
        max_new_tokens,
        decoding: args.decoding.unwrap_or_else(|| default_decoding(checkpoint.views())),
        block_size: args.block_size,
        sampling: sampling_options(sampling, checkpoint.generation()),
        ar_kernel: args.ar_kernel,
        ..GenerateOptions::default()
    };
    options.check_model(checkpoint.config(), checkpoint.views())?;
    Ok(options)
}

/// The decoding that a checkpoint gets unless the user chooses one.
pub(crate) fn default_decoding(views: CheckpointViews) -> Decoding {
    match views {
        CheckpointViews::Dual => Decoding::Dual,
        CheckpointViews::ArOnly => Decoding::Ar,
    }
}

/// The sampling options: flags first, then the checkpoint's suggestion, then the official implementation's defaults.
pub(crate) fn sampling_options(args: &SamplingArgs, generation: &GenerationConfig) -> Sampling {
    let suggested = Sampling::suggested(generation);
    Sampling {
        temperature: args.temperature.unwrap_or(suggested.temperature),
        top_k: args.top_k.unwrap_or(suggested.top_k),
        top_p: args.top_p.unwrap_or(suggested.top_p),
        seed: args.seed.unwrap_or_else(seed_of_clock),
        accept: args.accept.unwrap_or_default(),
    }
}

/// A seed for users who give none. It has few digits, so that it is easy to type again.
fn seed_of_clock() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::from(now.subsec_nanos()) ^ (now.as_secs() << 10) & 0xffff_ffff
}

/// The flags that draw the same answer again. `None`: the answer is greedy.
pub(crate) fn sampling_flags(sampling: &Sampling) -> Option<String> {
    let Sampling { temperature, top_k, top_p, seed, accept } = sampling;
    let flags = || {
        format!(
            "sampling with --temperature {temperature} --top-k {top_k} --top-p {top_p} --seed {seed} --accept {}",
            accept.name()
        )
    };
    (!sampling.is_greedy()).then(flags)
}

/// The context for one prompt and its answer: the one that the user asks for, or else the one that both need.
pub(crate) fn context_for(
    asked: Option<usize>,
    prompt: usize,
    budget: usize,
    config: &Config,
) -> Result<usize> {
    let longest = config.max_position_embeddings;
    let needed = prompt.saturating_add(budget);
    if needed > longest {
        return Err(CliError::usage(format!(
            "{prompt} prompt tokens and up to {budget} new ones need a context of {needed}, and this model takes \
             {longest}. Give a shorter prompt or a smaller --max-new-tokens"
        )));
    }
    let context = asked.unwrap_or(needed);
    orthrus::check_context(context, config)?;
    if needed > context {
        return Err(CliError::usage(format!(
            "{prompt} prompt tokens and up to {budget} new ones need a context of {needed}, and --context is \
             {context}. Give a larger --context or a smaller --max-new-tokens"
        )));
    }
    Ok(context)
}
