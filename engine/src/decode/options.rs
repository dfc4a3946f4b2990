//! Options of a generation, and their checks.

use orthrus_loader::{CheckpointViews, Config};
use orthrus_shaders::{Acceptance, MAX_END_IDS};

use super::replay::Replay;
use super::sampling::{AcceptRule, Sampling};
use crate::forward::ArKernel;
use crate::{Error, Result};

/// How text is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Decoding {
    /// The diffusion view drafts blocks, and the AR view verifies them.
    #[default]
    Dual,
    /// The AR view alone, one token a pass: the baseline.
    Ar,
}

impl Decoding {
    /// The name that users give and see.
    pub fn name(self) -> &'static str {
        match self {
            Decoding::Dual => "dual",
            Decoding::Ar => "ar",
        }
    }
}

/// The passes of a cycle, the kernels of its AR view, and its acceptance rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DecodeMode {
    pub(crate) decoding: Decoding,
    /// Kernels of the AR view's passes.
    pub(crate) kernels: ArKernel,
    pub(crate) acceptance: Acceptance,
}

/// Options of a generation.
///
/// Set the fields that matter and end with `..Default::default()`: fields will be added.
#[derive(Clone, Debug, PartialEq)]
pub struct GenerateOptions {
    /// Token budget: the largest number of tokens to generate.
    pub max_new_tokens: usize,
    /// How to decode. The text is the same, except with [`AcceptRule::Rejection`] or [`ArKernel::Fast`].
    pub decoding: Decoding,
    /// Rows of a block. `None`: the checkpoint's block size, which is also the largest.
    pub block_size: Option<usize>,
    /// Ids that end the text. `None`: the checkpoint's.
    pub end_ids: Option<Vec<u32>>,
    /// How ids are chosen from logits.
    pub sampling: Sampling,
    /// Kernels of [`Decoding::Ar`].
    pub ar_kernel: ArKernel,
    /// Drafts from a script instead of the diffusion view's, in [`Decoding::Dual`]: for benchmarks and checks.
    #[cfg(feature = "lab")]
    pub replay: Option<Replay>,
}

impl Default for GenerateOptions {
    /// Greedy dual-view decoding of 256 tokens, with the checkpoint's block size and end ids.
    fn default() -> Self {
        GenerateOptions {
            max_new_tokens: 256,
            decoding: Decoding::Dual,
            block_size: None,
            end_ids: None,
            sampling: Sampling::default(),
            ar_kernel: ArKernel::Exact,
            #[cfg(feature = "lab")]
            replay: None,
        }
    }
}

impl GenerateOptions {
    /// Checks the options for a prompt in a session of `context` positions. Needs no GPU.
    ///
    /// [`Session::generate`](crate::Session::generate) makes the same checks before it changes anything.
    ///
    /// # Errors
    /// The prompt is empty or has ids beyond the vocabulary; an option is out of range for the model; prompt and
    /// token budget exceed the context.
    pub fn check(
        &self,
        config: &Config,
        views: CheckpointViews,
        prompt: &[u32],
        context: usize,
    ) -> Result<()> {
        check_ids(prompt, config)?;
        if self.max_new_tokens == 0 {
            return Err(Error::EmptyBudget);
        }
        if prompt.len().checked_add(self.max_new_tokens).is_none_or(|limit| limit > context) {
            return Err(Error::ContextFull { prompt: prompt.len(), budget: self.max_new_tokens, context });
        }
        self.check_model(config, views)
    }

    /// The part of [`GenerateOptions::check`] that needs neither a prompt nor a session.
    ///
    /// # Errors
    /// An option is out of range for the model.
    pub fn check_model(&self, config: &Config, views: CheckpointViews) -> Result<()> {
        if self.decoding == Decoding::Dual && views == CheckpointViews::ArOnly {
            return Err(Error::NoDiffusionView);
        }
        let most = config.block_size;
        if let Some(asked) = self.block_size.filter(|block| !(1..=most).contains(block)) {
            return Err(Error::BlockSize { asked, most });
        }
        if let Some(ids) = self.end_ids.as_ref().filter(|ids| ids.len() > MAX_END_IDS) {
            return Err(Error::TooManyEndIds { count: ids.len(), most: MAX_END_IDS });
        }
        self.sampling.check()?;
        match self.replay() {
            Some(replay) => replay.check(self.max_new_tokens, config.vocab_size, self.acceptance()),
            None => Ok(()),
        }
    }

    /// Drafts from a recording, if any.
    pub(crate) fn replay(&self) -> Option<&Replay> {
        #[cfg(feature = "lab")]
        return self.replay.as_ref();
        #[cfg(not(feature = "lab"))]
        return None;
    }

    pub(crate) fn acceptance(&self) -> Acceptance {
        match self.sampling.accept {
            _ if self.sampling.is_greedy() => Acceptance::Greedy,
            AcceptRule::Coupled => Acceptance::Coupled,
            AcceptRule::Rejection => Acceptance::Rejection,
        }
    }

    /// The decode mode of these options.
    ///
    /// `ar_kernel` is for AR decoding alone: exact kernels verify the blocks of dual-view decoding, whatever their
    /// size.
    pub(crate) fn mode(&self) -> DecodeMode {
        let kernels = match self.decoding {
            Decoding::Ar => self.ar_kernel,
            Decoding::Dual => ArKernel::Exact,
        };
        DecodeMode { decoding: self.decoding, kernels, acceptance: self.acceptance() }
    }
}

/// Checks that `ids` is not empty, and that every id is in the vocabulary.
///
/// # Errors
/// [`Error::EmptyPrompt`] or [`Error::IdOutOfRange`].
pub fn check_ids(ids: &[u32], config: &Config) -> Result<()> {
    if ids.is_empty() {
        return Err(Error::EmptyPrompt);
    }
    let vocabulary = config.vocab_size;
    match ids.iter().position(|&id| id as usize >= vocabulary) {
        Some(index) => Err(Error::IdOutOfRange { index, id: ids[index], vocabulary }),
        None => Ok(()),
    }
}

/// Checks that the model takes a context of `asked` positions.
///
/// # Errors
/// [`Error::ContextSize`].
pub fn check_context(asked: usize, config: &Config) -> Result<()> {
    let most = config.max_position_embeddings;
    if (1..=most).contains(&asked) { Ok(()) } else { Err(Error::ContextSize { asked, most }) }
}
