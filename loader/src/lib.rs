//! Reads and checks Qwen3 and Orthrus checkpoints: configuration, weights, tokenizer and chat template.
//!
//! An Orthrus checkpoint is a Qwen3 model with a second set of attention weights in each layer. The first set is the
//! *AR view*, which predicts one token at a time. The second is the *diffusion view*, which drafts a block of tokens.
//! This crate reads checkpoint directories in the Hugging Face layout and runs nothing.
//!
//! ```no_run
//! use orthrus_loader::{Checkpoint, TensorId};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let checkpoint = Checkpoint::open("Orthrus-Qwen3-1.7B")?;
//! println!("{:?}, {} layers", checkpoint.views(), checkpoint.config().num_hidden_layers);
//!
//! // The embedding of token 42, decoded to f32 from the mapped file.
//! let embedding = checkpoint.tensor_of(TensorId::Embedding)?;
//! let mut row = vec![0.0; embedding.shape[1]];
//! embedding.read_f32(42 * row.len(), &mut row)?;
//! # Ok(())
//! # }
//! ```
//!
//! # Files
//!
//! | file | |
//! |---|---|
//! | `config.json` | required; see [`Config`] |
//! | `generation_config.json` | optional; see [`GenerationConfig`] |
//! | `model.safetensors` | f32, f16 or bf16; preferred over shards |
//! | `model.safetensors.index.json` | and the shards that it names |
//! | `tokenizer.json` | optional; see `Tokenizer` |
//! | `chat_template.jinja`, `tokenizer_config.json` | optional; see `ChatTemplate` |
//!
//! Files on disk are memory-mapped; see [`Checkpoint::open`] for what that asks of other programs. A browser has no
//! files on disk. [`Checkpoint::from_files`] takes them from memory or through a [`ReadAt`].
//!
//! # Checks
//!
//! A [`Checkpoint`] exists only after its configuration and the place, type and shape of every tensor were checked.
//! [`schema`] lists the tensors that a model must have. A checkpoint without any `*_diff` tensor opens as
//! [`CheckpointViews::ArOnly`]; one that lacks only some of them is refused. Each malformation has its own
//! [`LoadError`]. No allocation depends on a size that a file merely claims.
//!
//! # Features
//!
//! `text` (default): `Tokenizer`, `TextStream`, `ChatTemplate`, and the methods of [`Checkpoint`] that read them.
//! Without it, the crate does not depend on `tokenizers` and `minijinja`.
//!
//! # When not to use it
//!
//! The crate refuses every architecture but `model_type: qwen3`. It reads no GGUF or PyTorch files, downloads nothing
//! and writes nothing.

// No input may make the crate panic. (Test packages share the workspace's lints and may unwrap.)
#![warn(clippy::unwrap_used)]

mod checkpoint;
mod error;
mod files;
mod json;
#[cfg(feature = "text")]
mod text;

pub use checkpoint::Checkpoint;
pub use checkpoint::config::Config;
pub use checkpoint::generation::GenerationConfig;
pub use checkpoint::schema::{
    AttentionTensor, AttentionView, CheckpointViews, LayerTensor, TensorId, TensorShape, schema,
};
pub use checkpoint::tensor::{Dtype, Tensor};
pub use error::LoadError;
#[cfg(feature = "text")]
pub use error::TextError;
pub use files::{FileContents, MaybeSendSync, ReadAt};
#[cfg(feature = "text")]
pub use text::stream::TextStream;
#[cfg(feature = "text")]
pub use text::template::{ChatRequest, ChatTemplate, Message};
#[cfg(feature = "text")]
pub use text::tokenizer::Tokenizer;

/// Compiles the example of the README.
#[cfg(all(doctest, feature = "text"))]
#[doc = include_str!("../README.md")]
struct Readme;
