//! Ids to text as they come, never splitting a UTF-8 character.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::error::TextError;
use crate::text::tokenizer::Tokenizer;

/// Decodes a growing list of ids. What it gives, put together, is what [`Tokenizer::decode`] gives for all of them.
///
/// ```no_run
/// # fn show(tokenizer: orthrus_loader::Tokenizer, runs: Vec<Vec<u32>>) -> Result<(), orthrus_loader::TextError> {
/// let mut stream = tokenizer.stream();
/// for run in runs {
///     print!("{}", stream.push(&run)?);
/// }
/// println!("{}", stream.finish()?);
/// # Ok(())
/// # }
/// ```
///
/// A token may end within a character; its bytes are then held back until the rest comes. Time is linear in the
/// number of ids. (For decoders other than byte-level ones, which no Qwen model uses, the `tokenizers` library's own
/// stream does the work.)
#[derive(Debug)]
pub struct TextStream {
    tokenizer: Tokenizer,
    state: State,
}

#[derive(Debug)]
enum State {
    /// Byte-level: the bytes of a character that is not complete yet, at most three.
    Bytes(Vec<u8>),
    /// Any other decoder, as `tokenizers::step_decode_stream` keeps it.
    Window { ids: Vec<u32>, prefix: String, prefix_index: usize },
}

impl Tokenizer {
    /// Decodes ids as they come.
    pub fn stream(&self) -> TextStream {
        TextStream::new(self.clone())
    }
}

impl TextStream {
    fn new(tokenizer: Tokenizer) -> TextStream {
        let state = match tokenizer.is_byte_level() {
            true => State::Bytes(Vec::new()),
            false => State::Window { ids: Vec::new(), prefix: String::new(), prefix_index: 0 },
        };
        TextStream { tokenizer, state }
    }

    /// Takes more ids; gives the text that is certain now and was not given before. Often empty.
    pub fn push(&mut self, ids: &[u32]) -> Result<String, TextError> {
        match &mut self.state {
            State::Bytes(pending) => {
                for id in ids {
                    if let Some(token) = self.tokenizer.visible_token(*id) {
                        add_bytes(pending, &token);
                    }
                }
                Ok(take_certain(pending))
            }
            State::Window { ids: window, prefix, prefix_index } => {
                let (library, skip) = (self.tokenizer.library(), !self.tokenizer.shows_special());
                tokenizers::step_decode_stream(library, ids.to_vec(), skip, window, prefix, prefix_index)
                    .map(Option::unwrap_or_default)
                    .map_err(|error| TextError::Decode(error.to_string()))
            }
        }
    }

    /// Ends the text and gives what was held back. A character that never became complete is U+FFFD.
    pub fn finish(self) -> Result<String, TextError> {
        match self.state {
            State::Bytes(pending) => Ok(String::from_utf8_lossy(&pending).into_owned()),
            State::Window { ids, prefix, .. } => {
                let text = self.tokenizer.decode(&ids)?;
                Ok(text.strip_prefix(&prefix).unwrap_or_default().to_owned())
            }
        }
    }
}

/// Adds the bytes that a token stands for, as the byte-level decoder does: each character is a byte, or, where one is
/// not, the token is text.
fn add_bytes(bytes: &mut Vec<u8>, token: &str) {
    let start = bytes.len();
    for c in token.chars() {
        match BYTES.get(&c) {
            Some(byte) => bytes.push(*byte),
            None => {
                bytes.truncate(start);
                bytes.extend_from_slice(token.as_bytes());
                return;
            }
        }
    }
}

/// Removes all but an incomplete last character. Whatever can never become a character is U+FFFD, as in
/// [`String::from_utf8_lossy`].
fn take_certain(bytes: &mut Vec<u8>) -> String {
    let mut text = String::new();
    let mut rest = bytes.as_slice();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        rest = &rest[chunk.valid().len()..];
        let incomplete = std::str::from_utf8(rest).is_err_and(|error| error.error_len().is_none());
        if incomplete {
            break;
        }
        if !chunk.invalid().is_empty() {
            text.push(char::REPLACEMENT_CHARACTER);
            rest = &rest[chunk.invalid().len()..];
        }
    }
    let kept = rest.len();
    bytes.drain(..bytes.len() - kept);
    text
}

/// GPT-2's writing of bytes as characters: printable Latin-1 stands for itself, the other bytes, in order, for the
/// characters from U+0100.
static BYTES: LazyLock<HashMap<char, u8>> = LazyLock::new(|| {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let others = (0..=255).filter(|byte| !printable(*byte)).zip('\u{100}'..);
    (0..=255)
        .filter(|byte| printable(*byte))
        .map(|byte| (char::from(byte), byte))
        .chain(others.map(|(b, c)| (c, b)))
        .collect()
});
