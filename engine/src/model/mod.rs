//! Weights at rest: what a model is, how it gets to the GPU, and how much memory it takes.

mod data;
mod load;
mod matrix;
mod parts;
mod progress;
mod rope;
pub mod sizes;
mod synthetic;
mod upload;

pub use data::Model;
pub(crate) use data::{Attention, Layer, ModelData};
pub(crate) use matrix::Matrix;
pub use progress::{OnProgress, Progress, no_progress};
#[cfg(feature = "lab")]
pub(crate) use synthetic::Maker;
pub use synthetic::Synthetic;
