//! What can go wrong, from opening a GPU to the last token.

use orthrus_loader::LoadError;
use orthrus_shaders::Tier;

/// Why the engine could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The checkpoint could not be read.
    #[error(transparent)]
    Load(#[from] LoadError),

    /// No adapter at all, or none that will do.
    #[error(
        "no usable GPU adapter{}. Install a Vulkan, Metal or DX12 driver; without a GPU, a software one \
         (on Debian: mesa-vulkan-drivers)",
        list(.unsuitable)
    )]
    NoAdapter {
        /// Each adapter that was found and why it will not do.
        unsuitable: Vec<String>,
    },

    /// The adapter asked for is not there.
    #[error("no adapter matches `{wanted}`{}. Give a number or part of a name", list(.available))]
    AdapterNotFound {
        /// What was asked for.
        wanted: String,
        /// What there is.
        available: Vec<String>,
    },

    /// No tier runs on the adapter asked for.
    #[error("adapter {adapter} will not do: {reason}")]
    AdapterUnsuitable {
        /// The adapter's name.
        adapter: String,
        /// What it lacks.
        reason: String,
    },

    /// The tier asked for needs what the adapter lacks.
    #[error("tier `{}` does not run on {adapter}: {missing}", .tier.name())]
    TierUnsupported {
        /// The tier.
        tier: Tier,
        /// The adapter's name.
        adapter: String,
        /// What is missing.
        missing: String,
    },

    /// The driver refused to open the device.
    #[error("{adapter} could not be opened: {reason}")]
    OpenDevice {
        /// The adapter's name.
        adapter: String,
        /// The driver's words.
        reason: String,
    },

    /// One buffer would be larger than the adapter allows.
    #[error("{what} needs {needed} bytes in one buffer, and {adapter} allows {limit}{}", hint(.advice))]
    TooLarge {
        /// What the buffer is for.
        what: String,
        /// Bytes it needs.
        needed: u64,
        /// Bytes the adapter allows.
        limit: u64,
        /// The adapter's name.
        adapter: String,
        /// What to do, if anything.
        advice: String,
    },

    /// The GPU has no memory left for what was asked.
    #[error(
        "{adapter} is out of memory ({reason}). Ask for a shorter context, or f16 weights, or close what else uses it"
    )]
    OutOfMemory {
        /// The adapter's name.
        adapter: String,
        /// The driver's words.
        reason: String,
    },

    /// A model beyond what the kernels are written for.
    #[error("the model has {what} {found}, and at most {most} is supported")]
    Unsupported {
        /// What is beyond.
        what: &'static str,
        /// The model's.
        found: usize,
        /// The kernels' most.
        most: usize,
    },

    /// A layer that the model does not have.
    #[error("there is no layer {asked}: the model has {layers}, counted from 0")]
    LayerOutOfRange {
        /// What was asked for.
        asked: usize,
        /// How many there are.
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
        /// The element's index, row-major.
        element: usize,
        /// Its value.
        value: f32,
    },

    /// A weight is NaN or infinite.
    #[error("tensor `{tensor}` holds {value} at element {element}: the checkpoint is damaged")]
    WeightNotFinite {
        /// The tensor's name.
        tensor: String,
        /// The element's index, row-major.
        element: usize,
        /// Its value.
        value: f32,
    },

    /// The diffusion view was asked for and the checkpoint has none.
    #[error("the checkpoint has no diffusion view (no `*_diff` tensors): use the view `ar`")]
    NoDiffusionView,

    /// A block size out of range.
    #[error("block size {asked} is out of range: this checkpoint drafts blocks of 1 to {most}")]
    BlockSize {
        /// What was asked for.
        asked: usize,
        /// The checkpoint's own.
        most: usize,
    },

    /// A measured pass of a prompt with too few rows or too many.
    #[error("{asked} rows are out of range for a prompt's pass: in this session it has 1 to {most}")]
    PrefillRows {
        /// What was asked for.
        asked: usize,
        /// The session's.
        most: usize,
    },

    /// A prompt without tokens.
    #[error("the prompt is empty: at least one token is needed")]
    EmptyPrompt,

    /// No token was asked for.
    #[error("the token budget is 0: at least one new token is needed")]
    EmptyBudget,

    /// A token id beyond the vocabulary.
    #[error("token {index} is {id}, beyond the vocabulary of {vocabulary}")]
    IdOutOfRange {
        /// Its place in the prompt.
        index: usize,
        /// The id.
        id: u32,
        /// The vocabulary's size.
        vocabulary: usize,
    },

    /// Prompt and budget would outgrow the session's cache.
    #[error(
        "{prompt} prompt tokens and {budget} new ones need a context of {}, and the session's cache holds {context}. \
         Ask for fewer tokens or a larger context",
        .prompt + .budget
    )]
    ContextFull {
        /// Tokens of the prompt.
        prompt: usize,
        /// New tokens asked for.
        budget: usize,
        /// Positions of the cache.
        context: usize,
    },

    /// A context out of range.
    #[error("a context of {asked} is out of range: this model takes 1 to {most} positions")]
    ContextSize {
        /// What was asked for.
        asked: usize,
        /// The model's longest.
        most: usize,
    },

    /// More ids end the text than the kernels look for.
    #[error("{count} ids end the text, and at most {most} are supported")]
    TooManyEndIds {
        /// How many there are.
        count: usize,
        /// How many are supported.
        most: usize,
    },

    /// A sampling option out of range.
    #[error("{option} {asked} is out of range: {range}")]
    Sampling {
        /// The option's name.
        option: &'static str,
        /// What was asked for.
        asked: f32,
        /// What it can be.
        range: &'static str,
    },

    /// A replay that does not say what every cycle is to draft, or is of no use here.
    #[error("cannot replay acceptance lengths: {reason}")]
    Replay {
        /// What is amiss.
        reason: String,
    },

    /// The callback asked to stop.
    #[error("cancelled")]
    Cancelled,

    /// Logits without any number in them.
    #[error(
        "the logits for position {position} are not numbers: the weights or the activations overflowed. \
         Try f32 weights"
    )]
    InvalidLogits {
        /// The position.
        position: usize,
    },

    /// A kernel was prepared with other buffers than its WGSL names.
    #[error("a bug in orthrus: {reason}. Please report it")]
    Bug {
        /// What does not fit.
        reason: String,
    },

    /// The GPU or its driver failed.
    #[error("the GPU failed: {0}")]
    Device(String),

    /// The GPU is gone: its driver was restarted or updated, took too long, or the card was removed. Whoever opens it
    /// again can go on.
    #[error("the GPU was lost: {0}")]
    DeviceLost(String),
}

/// The engine's results.
pub type Result<T> = std::result::Result<T, Error>;

fn list(items: &[String]) -> String {
    if items.is_empty() { String::new() } else { format!(" among: {}", items.join("; ")) }
}

fn hint(advice: &str) -> String {
    if advice.is_empty() { String::new() } else { format!(". {advice}") }
}
