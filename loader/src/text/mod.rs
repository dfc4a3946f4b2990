//! The text side of a checkpoint: tokenizer and chat template.

pub(crate) mod clock;
mod python;
pub(crate) mod stream;
pub(crate) mod template;
pub(crate) mod tokenizer;

use crate::checkpoint::Checkpoint;
use crate::error::LoadError;
use crate::text::template::ChatTemplate;
use crate::text::tokenizer::Tokenizer;

impl Checkpoint {
    /// Reads `tokenizer.json`. None: the directory has none.
    pub fn tokenizer(&self) -> Result<Option<Tokenizer>, LoadError> {
        Tokenizer::read(self.folder(), self.config().vocab_size)
    }

    /// Reads the chat template: `chat_template.jinja`, or else `chat_template` in `tokenizer_config.json`. None: the
    /// directory has neither.
    pub fn chat_template(&self) -> Result<Option<ChatTemplate>, LoadError> {
        ChatTemplate::read(self.folder())
    }
}
