//! Lossless dual-view (Orthrus) decoding on any GPU, through wgpu.
//!
//! [Orthrus](https://arxiv.org/abs/2605.12825) gives a frozen Qwen3 model a second, *diffusion* view of every
//! attention layer. It drafts a block of tokens in one pass, the *AR view* verifies them in a second one, and the
//! longest agreeing prefix is kept: the text is the base model's own, several tokens at a time.
//!
//! # When not to use it
//!
//! For models other than Orthrus and Qwen3 checkpoints in the Hugging Face layout, for training, for batches of many
//! texts at once (a session decodes one).
//!
//! # Example
//!
//! ```no_run
//! use orthrus::loader::{ChatRequest, Checkpoint, Message};
//! use orthrus::{GenerateOptions, Gpu, GpuOptions, Model, WeightFormat, no_progress};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let checkpoint = Checkpoint::open("models/tiny")?;
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
//! In async programs, and in browsers, the same through [`Gpu::open_async`], [`Model::load_async`],
//! [`Session::generate_async`] and [`Generation::stream`].
//!
//! # What it promises
//!
//! - **Lossless**: [`Decoding::Dual`] and [`Decoding::Ar`] give the same ids for every [`WeightFormat`], greedy or sampled with
//!   [`AcceptRule::Coupled`], because every kernel computes a row in the same order of operations however many rows a
//!   pass has (row-invariance), and so gives it the same bits. With [`AcceptRule::Rejection`] they give the same
//!   distribution. Different adapters, drivers, tiers or formats may round differently from one another.
//! - **Nothing half done**: options are checked before anything changes, and an error leaves the session usable.
//! - **No waiting in the loop**: cycles are recorded ahead, and only finished ones are read back, a few hundred bytes
//!   each.

// No user may reach a panic. (The packages of tests and benchmarks, which share the workspace's lints, may.)
#![warn(clippy::unwrap_used)]
// `lab` reads more of the engine than decoding does.
#![cfg_attr(not(feature = "lab"), allow(dead_code, unreachable_pub, unused_imports))]

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
