//! The text side of a checkpoint: tokenizer, streaming decoder and chat template.

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
    /// Reads `tokenizer.json`. `None`: there is no such file.
    ///
    /// # Errors
    /// The file is no tokenizer, or knows tokens that the model does not.
    pub fn tokenizer(&self) -> Result<Option<Tokenizer>, LoadError> {
        Tokenizer::read(self.folder(), self.config().vocab_size)
    }

    /// Reads the chat template. `None`: there is none.
    ///
    /// `chat_template.jinja` precedes the field `chat_template` in `tokenizer_config.json`.
    ///
    /// # Errors
    /// The template does not parse, or `tokenizer_config.json` is malformed.
    pub fn chat_template(&self) -> Result<Option<ChatTemplate>, LoadError> {
        ChatTemplate::read(self.folder())
    }
}
