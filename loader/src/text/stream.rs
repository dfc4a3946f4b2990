//! [`TextStream`]: decodes ids as they come, in whole UTF-8 characters.

use std::collections::HashMap;
use std::sync::LazyLock;

use crate::error::TextError;
use crate::text::tokenizer::Tokenizer;

/// Decodes ids as they come. Its texts, joined, equal [`Tokenizer::decode`] of all ids.
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
/// A token can end within a character. The stream then holds its bytes back until the rest comes. Time is linear in
/// the number of ids.
///
/// Every Qwen tokenizer is byte-level. For others, the `tokenizers` library's own stream does the work.
#[derive(Debug)]
pub struct TextStream {
    tokenizer: Tokenizer,
    state: State,
}

#[derive(Debug)]
enum State {
    /// A byte-level decoder: up to three bytes of an incomplete character.
    Bytes(Vec<u8>),
    /// Any other decoder: the state of `tokenizers::step_decode_stream`.
    Window { ids: Vec<u32>, prefix: String, prefix_index: usize },
}

impl Tokenizer {
    /// A decoder for ids as they come.
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

    /// Adds ids. Returns the new text that they complete, which is often empty.
    ///
    /// # Errors
    /// The tokenizer's decoder failed.
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

    /// Ends the text. Returns the text held back, in which an incomplete character is U+FFFD.
    ///
    /// # Errors
    /// The tokenizer's decoder failed.
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

/// Adds the bytes of a token, as the byte-level decoder does.
///
/// Each character stands for a byte. If one does not, the token is plain text.
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

/// Removes and returns all bytes but those of an incomplete last character.
///
/// Bytes that can never become a character turn into U+FFFD, as in [`String::from_utf8_lossy`].
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

/// The byte of each character in GPT-2's byte-level alphabet.
///
/// Printable Latin-1 characters stand for themselves. The other bytes are, in order, the characters from U+0100.
static BYTES: LazyLock<HashMap<char, u8>> = LazyLock::new(|| {
    let printable = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let others = (0..=255).filter(|byte| !printable(*byte)).zip('\u{100}'..);
    (0..=255)
        .filter(|byte| printable(*byte))
        .map(|byte| (char::from(byte), byte))
        .chain(others.map(|(b, c)| (c, b)))
        .collect()
});
