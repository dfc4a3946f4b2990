//! Errors of the engine, from opening a GPU to the last token.

use orthrus_loader::LoadError;
use orthrus_shaders::Tier;

/// An error of the engine.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The checkpoint could not be read.
    #[error(transparent)]
    Load(#[from] LoadError),

    /// The machine has no adapter, or none that a tier runs on.
    #[error(
        "no usable GPU adapter{}. Install a Vulkan, Metal or DX12 driver; without a GPU, a software one \
         (on Debian: mesa-vulkan-drivers)",
        list(.unsuitable)
    )]
    NoAdapter {
        /// The adapters that were found, each with the reason why no tier runs on it.
        unsuitable: Vec<String>,
    },

    /// No adapter has the number or the name asked for.
    #[error("no adapter matches `{wanted}`{}. Give a number or part of a name", list(.available))]
    AdapterNotFound {
        /// The number or part of a name asked for.
        wanted: String,
        /// The adapters that were found.
        available: Vec<String>,
    },

    /// No tier runs on the adapter asked for.
    #[error("no tier runs on adapter {adapter}: {reason}")]
    AdapterUnsuitable {
        /// The adapter's name.
        adapter: String,
        /// The limits and features that the adapter lacks.
        reason: String,
    },

    /// The adapter lacks something that the tier asked for needs.
    #[error("tier `{}` does not run on {adapter}: {missing}", .tier.name())]
    TierUnsupported {
        /// The tier asked for.
        tier: Tier,
        /// The adapter's name.
        adapter: String,
        /// The limits and features that the adapter lacks.
        missing: String,
    },

    /// The driver refused to open the device.
    #[error("{adapter} could not be opened: {reason}")]
    OpenDevice {
        /// The adapter's name.
        adapter: String,
        /// The driver's message.
        reason: String,
    },

    /// A buffer would be larger than the adapter allows.
    #[error("{what} needs {needed} bytes in one buffer, and {adapter} allows {limit}{}", hint(.advice))]
    TooLarge {
        /// Purpose of the buffer.
        what: String,
        /// Size that the buffer needs, in bytes.
        needed: u64,
        /// Largest buffer that the adapter allows, in bytes.
        limit: u64,
        /// The adapter's name.
        adapter: String,
        /// A remedy. Empty: there is none.
        advice: String,
    },

    /// The GPU has too little free memory for the request.
    #[error(
        "{adapter} is out of memory ({reason}). Use a shorter context or f16 weights, or close other GPU programs"
    )]
    OutOfMemory {
        /// The adapter's name.
        adapter: String,
        /// The driver's message.
        reason: String,
    },

    /// The model exceeds a limit of the kernels.
    #[error("the model has {what} {found}, and at most {most} is supported")]
    Unsupported {
        /// The dimension that exceeds its limit.
        what: &'static str,
        /// The model's value.
        found: usize,
        /// Largest value that the kernels support.
        most: usize,
    },

    /// The model has no layer of this number.
    #[error("there is no layer {asked}: the model has {layers}, counted from 0")]
    LayerOutOfRange {
        /// The layer asked for, counted from 0.
        asked: usize,
        /// Number of layers that the model has.
        layers: usize,
    },

    /// A weight is too large for f16.
    #[error(
        "tensor `{tensor}` holds {value} at element {element}, more than f16 can hold (65504). \
         Load the model with f32 weights"
    )]
    WeightOverflow {
        /// The tensor's name.
        tensor: String,
        /// Index of the element, row-major.
        element: usize,
        /// Value of the element.
        value: f32,
    },

    /// A weight is NaN or infinite.
    #[error("tensor `{tensor}` holds {value} at element {element}: the checkpoint is damaged")]
    WeightNotFinite {
        /// The tensor's name.
        tensor: String,
        /// Index of the element, row-major.
        element: usize,
        /// Value of the element.
        value: f32,
    },

    /// The request needs a diffusion view, and the checkpoint has none.
    #[error("the checkpoint has no diffusion view (no `*_diff` tensors): use the view `ar`")]
    NoDiffusionView,

    /// The block size is out of range.
    #[error("block size {asked} is out of range: this checkpoint drafts blocks of 1 to {most}")]
    BlockSize {
        /// The block size asked for, in rows.
        asked: usize,
        /// The checkpoint's block size, in rows.
        most: usize,
    },

    /// A measured prefill pass has too few or too many rows.
    #[error("a prefill pass of {asked} rows is out of range: in this session it has 1 to {most}")]
    PrefillRows {
        /// Number of rows asked for.
        asked: usize,
        /// Largest number of rows of a prefill pass in this session.
        most: usize,
    },

    /// The prompt has no tokens.
    #[error("the prompt is empty: at least one token is needed")]
    EmptyPrompt,

    /// The token budget is 0.
    #[error("the token budget is 0: at least one new token is needed")]
    EmptyBudget,

    /// A token id is not in the vocabulary.
    #[error("token {index} is {id}, beyond the vocabulary of {vocabulary}")]
    IdOutOfRange {
        /// Index of the id in the prompt.
        index: usize,
        /// The id.
        id: u32,
        /// Size of the vocabulary.
        vocabulary: usize,
    },

    /// Prompt and token budget together exceed the session's context.
    #[error(
        "{prompt} prompt tokens and {budget} new ones need a context of {}, and the session's cache holds {context}. \
         Ask for fewer tokens or a larger context",
        .prompt + .budget
    )]
    ContextFull {
        /// Number of prompt tokens.
        prompt: usize,
        /// Token budget.
        budget: usize,
        /// Context of the session, in positions.
        context: usize,
    },

    /// The context is out of range.
    #[error("a context of {asked} is out of range: this model takes 1 to {most} positions")]
    ContextSize {
        /// The context asked for, in positions.
        asked: usize,
        /// The model's longest context, in positions.
        most: usize,
    },

    /// More ids end the text than the kernels support.
    #[error("{count} ids end the text, and at most {most} are supported")]
    TooManyEndIds {
        /// Number of end ids.
        count: usize,
        /// Largest number of end ids that the kernels support.
        most: usize,
    },

    /// A sampling option is out of range.
    #[error("{option} {asked} is out of range: {range}")]
    Sampling {
        /// Name of the option.
        option: &'static str,
        /// The value asked for.
        asked: f32,
        /// The allowed values, in words.
        range: &'static str,
    },

    /// The replay does not fit the request.
    #[error("cannot replay acceptance lengths: {reason}")]
    Replay {
        /// The misfit, in words.
        reason: String,
    },

    /// The progress callback cancelled the work.
    #[error("cancelled")]
    Cancelled,

    /// A row of logits has no number in it: weights or activations overflowed.
    #[error(
        "the logits for position {position} are not numbers: the weights or the activations overflowed. \
         Try f32 weights"
    )]
    InvalidLogits {
        /// Position of the row in the text.
        position: usize,
    },

    /// An invariant of the engine does not hold.
    #[error("a bug in orthrus: {reason}. Please report it")]
    Bug {
        /// The broken invariant, in words.
        reason: String,
    },

    /// The GPU or its driver failed.
    #[error("the GPU failed: {0}")]
    Device(String),

    /// The GPU was lost: its driver was restarted or updated, a kernel took too long, or the card was removed.
    ///
    /// A program that opens the GPU again can go on.
    #[error("the GPU was lost: {0}")]
    DeviceLost(String),
}

/// A result, with the engine's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

fn list(items: &[String]) -> String {
    if items.is_empty() { String::new() } else { format!(" among: {}", items.join("; ")) }
}

fn hint(advice: &str) -> String {
    if advice.is_empty() { String::new() } else { format!(". {advice}") }
}
