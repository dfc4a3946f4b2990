//! Reads Orthrus checkpoints: directories in the Hugging Face layout with Qwen3's configuration, safetensors weights of
//! one or both views, a tokenizer and a chat template. Knows nothing of the GPU.
//!
//! ```no_run
//! use orthrus_loader::{ChatRequest, Checkpoint, Message};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let checkpoint = Checkpoint::open("Orthrus-Qwen3-1.7B")?;
//! println!("{:?}, {} layers", checkpoint.views(), checkpoint.config().num_hidden_layers);
//!
//! // The weights, in place: nothing is read from disk before it is used.
//! let embedding = checkpoint.tensor("model.embed_tokens.weight")?;
//! let mut row = vec![0.0; embedding.shape[1]];
//! embedding.read_f32(42 * row.len(), &mut row)?;
//!
//! // Text to ids. Both are None where the directory lacks the file.
//! if let (Some(tokenizer), Some(template)) = (checkpoint.tokenizer()?, checkpoint.chat_template()?) {
//!     let messages = [Message::user("What is the diffusion view?")];
//!     let request = ChatRequest { messages: &messages, add_generation_prompt: true, ..Default::default() };
//!     let ids = tokenizer.encode(&template.render(&request)?)?;
//!     println!("{} ids", ids.len());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What it reads
//!
//! | file | |
//! |---|---|
//! | `config.json` | Qwen3's fields plus `block_size` and `mask_token_id`; see [`Config`] |
//! | `generation_config.json` | optional; see [`GenerationConfig`] |
//! | `model.safetensors` | f32, f16 or bf16; preferred where there are shards too |
//! | `model.safetensors.index.json` | and the shards that it names |
//! | `tokenizer.json` | optional; see [`Tokenizer`] |
//! | `chat_template.jinja`, `tokenizer_config.json` | optional; see [`ChatTemplate`] |
//!
//! A checkpoint without any `*_diff` tensor opens as [`CheckpointViews::ArOnly`]; one with some of them missing is an error. So
//! is everything else that cannot be what its maker meant: a [`Checkpoint`] exists only once its configuration and
//! every tensor's place, type and shape have been checked. Nothing is allocated because a file claims to need it.
//!
//! Not for other architectures (anything but `model_type: qwen3` is refused), other formats (GGUF, PyTorch), training,
//! or downloading.
//!
//! Files on disk are memory-mapped; see [`Checkpoint::open`] for what that asks of other programs. On wasm32 there are
//! no files, only [`Checkpoint::from_files`], which takes them from memory or from a [`ReadAt`].

// No user may reach a panic. (The packages of tests and benchmarks, which share the workspace's lints, may.)
#![warn(clippy::unwrap_used)]

mod checkpoint;
mod error;
mod files;
mod json;
mod text;

pub use checkpoint::Checkpoint;
pub use checkpoint::config::Config;
pub use checkpoint::generation::GenerationConfig;
pub use checkpoint::schema::{
    AttentionTensor, AttentionView, CheckpointViews, LayerTensor, TensorId, TensorShape, schema,
};
pub use checkpoint::tensor::{Dtype, Tensor};
pub use error::{LoadError, TextError};
pub use files::{FileContents, ReadAt, Shared};
pub use text::clock::strftime_now as utc_now;
pub use text::stream::TextStream;
pub use text::template::{ChatRequest, ChatTemplate, Message};
pub use text::tokenizer::Tokenizer;
