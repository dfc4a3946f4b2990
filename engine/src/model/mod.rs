//! Weights at rest: the model, how it is loaded or made, and its size in memory.

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
