//! Lossless dual-view (Orthrus) decoding on any GPU, through wgpu.
//!
//! [Orthrus](https://arxiv.org/abs/2605.12825) gives a frozen Qwen3 model a second, *diffusion* view of every
//! attention layer. The diffusion view drafts a block of tokens in one pass. The *AR view*, which is the base
//! model, verifies the block in a second pass. The longest agreeing prefix is kept, so the text is the base model's
//! own, several tokens at a time.
//!
//! # When not to use it
//!
//! - For other models: only Orthrus and Qwen3 checkpoints in the Hugging Face layout load.
//! - For training.
//! - For large batches: a session decodes one text.
//!
//! # Example
//!
//! ```no_run
//! use orthrus::loader::{ChatRequest, Checkpoint, Message};
//! use orthrus::{GenerateOptions, Gpu, GpuOptions, Model, WeightFormat, no_progress};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let checkpoint = Checkpoint::open(std::env::var("ORTHRUS_MODEL")?)?;
//! let tokenizer = checkpoint.tokenizer()?.ok_or("no tokenizer")?;
//! let template = checkpoint.chat_template()?.ok_or("no chat template")?;
//! let messages = [Message::user("Sort these numbers: 7, 3, 9")];
//! let request = ChatRequest {
//!     messages: &messages,
//!     add_generation_prompt: true,
//!     enable_thinking: Some(false),
//!     ..Default::default()
//! };
//! let prompt = tokenizer.encode(&template.render(&request)?)?;
//!
//! let gpu = Gpu::open(&GpuOptions::default())?;
//! let model = Model::load(&gpu, &checkpoint, WeightFormat::F16, &mut no_progress)?;
//! let mut session = model.session(2048)?;
//! let mut text = tokenizer.stream();
//! for run in session.generate(&prompt, &GenerateOptions::default(), &mut no_progress)? {
//!     print!("{}", text.push(&run?.ids)?);
//! }
//! println!("{}", text.finish()?);
//! # Ok(())
//! # }
//! ```
//!
//! Async programs and browsers use [`Gpu::open_async`], [`Model::load_async`], [`Session::generate_async`] and
//! [`Generation::stream`] instead.
//!
//! # What it promises
//!
//! - **Lossless**: [`Decoding::Dual`] and [`Decoding::Ar`] give the same ids for every [`WeightFormat`], greedy or
//!   sampled with [`AcceptRule::Coupled`]. Every kernel computes a row in the same order of operations, however
//!   many rows a pass has (row-invariance). So a row has the same bits alone and in a block. With
//!   [`AcceptRule::Rejection`], both give the same distribution. [`ArKernel::Fast`] is an exception. Different
//!   adapters, drivers, tiers or formats may round differently.
//! - **Nothing half done**: a request is checked before anything changes, and an error leaves the session usable.
//! - **No waiting in the loop**: cycles are submitted ahead. Only the results of finished cycles are read back, a
//!   few hundred bytes each.

// No user may reach a panic. The workspace's lints leave this one out, because tests and benchmarks share them.
#![warn(clippy::unwrap_used)]
// Some items are used by `lab` alone.
#![cfg_attr(not(feature = "lab"), allow(dead_code, unreachable_pub, unused_imports))]
// Browsers have one thread, and wgpu's types there are not `Send`.
#![cfg_attr(target_arch = "wasm32", allow(clippy::arc_with_non_send_sync))]

mod decode;
mod error;
mod forward;
mod gpu;
#[cfg(feature = "lab")]
pub mod lab;
mod model;

#[cfg(feature = "lab")]
pub use decode::Replay;
pub use decode::{
    AcceptRule, Cycle, Decoding, FinishReason, GenerateOptions, Generation, Run, RunStream, Sampling,
    Session, Stats, check_context, check_ids,
};
pub use error::{Error, Result};
pub use forward::ArKernel;
#[cfg(feature = "lab")]
pub use gpu::Created;
#[cfg(not(target_arch = "wasm32"))]
pub use gpu::adapters_blocking;
pub use gpu::{AdapterKind, AdapterReport, Gpu, GpuOptions, Layouts, adapters};
#[cfg(feature = "lab")]
pub use model::Synthetic;
pub use model::{Model, OnProgress, Progress, no_progress, sizes};
pub use orthrus_loader as loader;
pub use orthrus_shaders as shaders;
pub use orthrus_shaders::{Tier, WeightFormat};
