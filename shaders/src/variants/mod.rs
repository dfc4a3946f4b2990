//! The choices that kernels have, each with the numbers that the host needs to know.

mod attention;
mod common;
mod formats;
mod matmul;
mod tier;

pub use attention::{KvSplits, LaneExchange, Mask, RowQueries};
pub use common::{Candidates, Reduce, Rows};
pub use formats::{ActivationLayout, KvFormat, WeightFormat};
pub use matmul::{CoopTiling, Epilogue, MTiles, RowInput, RowsPerLane, SplitK, WeightStaging};
pub use tier::Tier;
