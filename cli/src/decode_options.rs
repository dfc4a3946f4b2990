//! Checking the options of decoding against the checkpoint, before a GPU is opened.

use orthrus::{Decoding, Error, GenerateOptions};
use orthrus_loader::{Checkpoint, CheckpointViews, Config};

use crate::args::{DecodeArgs, SamplingArgs};
use crate::error::{CliError, Result};
use crate::sampling;

/// The options of a generation of up to `max_new_tokens`.
pub(crate) fn options(
    args: &DecodeArgs,
    sampling: &SamplingArgs,
    checkpoint: &Checkpoint,
    max_new_tokens: usize,
) -> Result<GenerateOptions> {
    let view = match (args.view, checkpoint.views()) {
        (Some(Decoding::Dual), CheckpointViews::ArOnly) => return Err(Error::NoDiffusionView.into()),
        (Some(view), _) => view,
        (None, CheckpointViews::Dual) => Decoding::Dual,
        (None, CheckpointViews::ArOnly) => Decoding::Ar,
    };
    let most = checkpoint.config().block_size;
    if let Some(asked) = args.block_size.filter(|asked| *asked > most) {
        return Err(Error::BlockSize { asked, most }.into());
    }
    let sampling = sampling::sampling(sampling, checkpoint.generation());
    sampling.check()?;
    Ok(GenerateOptions {
        max_new_tokens,
        decoding: view,
        block_size: args.block_size,
        sampling,
        ar_kernel: args.ar_kernel,
        ..GenerateOptions::default()
    })
}

/// Checks a prompt of ids.
pub(crate) fn check_ids(ids: &[u32], config: &Config) -> Result<()> {
    if ids.is_empty() {
        return Err(Error::EmptyPrompt.into());
    }
    let vocabulary = config.vocab_size;
    match ids.iter().position(|id| *id as usize >= vocabulary) {
        Some(index) => Err(Error::IdOutOfRange { index, id: ids[index], vocabulary }.into()),
        None => Ok(()),
    }
}

/// The context for one prompt and its answer: as asked, or what both need.
pub(crate) fn context_for(
    asked: Option<usize>,
    prompt: usize,
    budget: usize,
    config: &Config,
) -> Result<usize> {
    let most = config.max_position_embeddings;
    let needed = prompt.saturating_add(budget);
    if needed > most {
        return Err(CliError::usage(format!(
            "{prompt} prompt tokens and up to {budget} new ones need a context of {needed}, and this model takes \
             {most}. Give a shorter prompt or a smaller --max-new-tokens"
        )));
    }
    let context = context_within(asked.unwrap_or(needed), config)?;
    if needed > context {
        return Err(CliError::usage(format!(
            "{prompt} prompt tokens and up to {budget} new ones need a context of {needed}, and --context is \
             {context}. Give a larger one or a smaller --max-new-tokens"
        )));
    }
    Ok(context)
}

/// A context that the model takes.
pub(crate) fn context_within(asked: usize, config: &Config) -> Result<usize> {
    let most = config.max_position_embeddings;
    if asked > most {
        return Err(Error::ContextSize { asked, most }.into());
    }
    Ok(asked)
}
