//! [`Tokenizer`]: text to ids and back.

use std::sync::Arc;

use serde::Deserialize;
use tokenizers::DecoderWrapper;

use crate::error::{LoadError, TextError};
use crate::files::Folder;
use crate::json::shown;

const FILE: &str = "tokenizer.json";

/// Turns text into token ids and back. Cheap to clone.
#[derive(Clone)]
pub struct Tokenizer {
    library: Arc<tokenizers::Tokenizer>,
    show_special: bool,
}

/// The added tokens in the file.
///
/// The model was trained with their ids in the file. The `tokenizers` library numbers them anew, after the model's own
/// tokens, and only logs a difference.
#[derive(Deserialize)]
struct AddedTokens {
    #[serde(default)]
    added_tokens: Vec<AddedToken>,
}

#[derive(Deserialize)]
struct AddedToken {
    id: u32,
    content: String,
}

/// Parses the file, and catches the library's panics on malformed parts such as a SentencePiece normalizer.
fn parse(bytes: &[u8]) -> Result<tokenizers::Tokenizer, String> {
    match std::panic::catch_unwind(|| tokenizers::Tokenizer::from_bytes(bytes)) {
        Ok(parsed) => parsed.map_err(|error| error.to_string()),
        Err(_) => Err("the library panicked".into()),
    }
}

/// Checks that the model's embedding has a row for every token.
fn check_ids(file: &str, library: &tokenizers::Tokenizer, vocab_size: usize) -> Result<(), LoadError> {
    let vocabulary = library.get_vocab(true);
    match vocabulary.iter().max_by_key(|(token, id)| (**id, *token)) {
        Some((token, id)) if *id as usize >= vocab_size => {
            Err(LoadError::TokenizerId { file: file.into(), token: shown(token), vocab_size, found: *id })
        }
        _ => Ok(()),
    }
}

impl std::fmt::Debug for Tokenizer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tokenizer").field("show_special", &self.show_special).finish_non_exhaustive()
    }
}

impl Tokenizer {
    /// Reads the file and checks that the model knows every token in it.
    ///
    /// The vocabulary may have more rows than tokens, because models pad it.
    pub(crate) fn read(folder: &Folder, vocab_size: usize) -> Result<Option<Tokenizer>, LoadError> {
        let Some(bytes) = folder.text(FILE)? else { return Ok(None) };
        let file = folder.path(FILE);
        let unreadable =
            |problem: String| LoadError::Tokenizer { file: file.clone(), problem: shown(problem) };
        // This comes first, because the library panics if the file is no JSON.
        let added: AddedTokens = serde_json::from_slice(&bytes)
            .map_err(|source| LoadError::Json { file: file.clone(), source })?;
        let mut library = parse(&bytes).map_err(unreadable)?;
        // As in transformers, the file's settings for training batches must not cut or pad a prompt.
        library.with_padding(None);
        library.with_truncation(None).map_err(|error| unreadable(error.to_string()))?;
        check_ids(&file, &library, vocab_size)?;
        for AddedToken { id, content } in added.added_tokens {
            if let Some(given) = library.token_to_id(&content).filter(|given| *given != id) {
                return Err(LoadError::TokenizerIdMoved {
                    file,
                    token: shown(content),
                    expected: given,
                    found: id,
                });
            }
        }
        Ok(Some(Tokenizer { library: Arc::new(library), show_special: false }))
    }

    /// Sets whether decoded text shows special tokens such as `<|im_end|>`. The default is no.
    pub fn with_special_tokens_shown(mut self, shown: bool) -> Tokenizer {
        self.show_special = shown;
        self
    }

    /// The ids of a text. Special tokens in the text become their ids. None are added.
    ///
    /// # Errors
    /// The tokenizer has no token for some of the text.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, TextError> {
        match self.library.encode_fast(text, false) {
            Ok(encoding) => Ok(encoding.get_ids().to_vec()),
            Err(error) => Err(TextError::Encode(error.to_string())),
        }
    }

    /// The text of some ids. Bytes that are not UTF-8 become U+FFFD. Unknown ids become nothing.
    ///
    /// # Errors
    /// The tokenizer's decoder failed.
    pub fn decode(&self, ids: &[u32]) -> Result<String, TextError> {
        self.library.decode(ids, !self.show_special).map_err(|error| TextError::Decode(error.to_string()))
    }

    /// The id of a token of the vocabulary. `None`: there is no such token.
    pub fn token_to_id(&self, token: &str) -> Option<u32> {
        self.library.token_to_id(token)
    }

    /// The token of an id, as the vocabulary writes it. `None`: there is no such token.
    pub fn id_to_token(&self, id: u32) -> Option<String> {
        self.library.id_to_token(id)
    }

    /// The token that [`decode`](Self::decode) gives to the decoder. `None`: the token is hidden or unknown.
    pub(crate) fn visible_token(&self, id: u32) -> Option<String> {
        let hidden =
            |token: &str| !self.show_special && self.library.get_added_vocabulary().is_special_token(token);
        self.library.id_to_token(id).filter(|token| !hidden(token))
    }

    /// Whether the decoder only joins the tokens' bytes, as in every Qwen tokenizer.
    pub(crate) fn is_byte_level(&self) -> bool {
        match self.library.get_decoder() {
            Some(DecoderWrapper::ByteLevel(_)) => true,
            Some(DecoderWrapper::Sequence(sequence)) => {
                matches!(sequence.get_decoders(), [DecoderWrapper::ByteLevel(_)])
            }
            _ => false,
        }
    }

    pub(crate) fn library(&self) -> &tokenizers::Tokenizer {
        &self.library
    }

    pub(crate) fn shows_special(&self) -> bool {
        self.show_special
    }
}
