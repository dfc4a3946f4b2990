//! What to generate, and how.

use crate::replay::Replay;
use crate::sampling::Sampling;

/// How text is decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum View {
    /// The diffusion view drafts blocks, the AR view verifies them.
    #[default]
    Dual,
    /// The AR view alone, one token a pass: the baseline.
    Ar,
}

impl View {
    /// The name users give and see.
    pub fn name(self) -> &'static str {
        match self {
            View::Dual => "dual",
            View::Ar => "ar",
        }
    }
}

/// Which kernels compute a step of AR decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ArKernel {
    /// Those of blocks: the text of [`View::Ar`] is bit for bit that of [`View::Dual`].
    #[default]
    Exact,
    /// Those made for one row. Faster, and not bit-equal to a row of a block: where two logits nearly tie, the text can
    /// differ from the exact one's. A baseline to compare with; it has no effect on [`View::Dual`].
    Fast,
}

impl ArKernel {
    /// The name users give and see.
    pub fn name(self) -> &'static str {
        match self {
            ArKernel::Exact => "exact",
            ArKernel::Fast => "fast",
        }
    }
}

/// What to generate.
#[derive(Clone, Debug, PartialEq)]
pub struct GenerateOptions {
    /// Token budget: most tokens to add to the prompt.
    pub max_new_tokens: usize,
    /// How to decode. The text is the same.
    pub view: View,
    /// Rows of a block; by default the checkpoint's.
    pub block_size: Option<usize>,
    /// Ids that end the text; by default the checkpoint's.
    pub end_ids: Option<Vec<u32>>,
    /// How ids are chosen; by default greedily.
    pub sampling: Sampling,
    /// Kernels of [`View::Ar`]; by default the exact ones.
    pub ar_kernel: ArKernel,
    /// For benchmarks and checks only: drafts from a recording, in [`View::Dual`].
    pub replay: Option<Replay>,
}

impl Default for GenerateOptions {
    fn default() -> Self {
        GenerateOptions {
            max_new_tokens: 256,
            view: View::Dual,
            block_size: None,
            end_ids: None,
            sampling: Sampling::default(),
            ar_kernel: ArKernel::Exact,
            replay: None,
        }
    }
}
