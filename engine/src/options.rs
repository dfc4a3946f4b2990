//! What to generate, and how.

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
}

impl Default for GenerateOptions {
    fn default() -> Self {
        GenerateOptions {
            max_new_tokens: 256,
            view: View::Dual,
            block_size: None,
            end_ids: None,
            sampling: Sampling::default(),
        }
    }
}
