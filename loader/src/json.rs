//! Reads the fields of a JSON object. Its errors name the file and the field.

use std::fmt::Display;
use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::error::LoadError;

/// Parses a file as a JSON object.
pub(crate) fn object(file: &str, bytes: &[u8]) -> Result<Map<String, Value>, LoadError> {
    serde_json::from_slice(bytes).map_err(|source| LoadError::Json { file: file.to_owned(), source })
}

/// Prepares a file's own text for a message: escapes control characters and cuts what is too long.
pub(crate) fn shown(value: impl Display) -> String {
    const LONGEST: usize = 120;
    let text = value.to_string();
    let mut chars =
        text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] });
    let mut short: String = chars.by_ref().take(LONGEST).collect();
    if chars.next().is_some() {
        short.push('…');
    }
    short
}

/// The fields of one JSON object. A `null` field counts as absent, as in Python's configuration classes.
#[derive(Clone, Copy)]
pub(crate) struct Fields<'a> {
    /// The file's name in messages.
    file: &'a str,
    /// The text before a field's name in messages: empty, or the outer field and a dot.
    prefix: &'a str,
    map: &'a Map<String, Value>,
}

impl<'a> Fields<'a> {
    pub(crate) fn new(file: &'a str, map: &'a Map<String, Value>) -> Self {
        Fields { file, prefix: "", map }
    }

    pub(crate) fn file(&self) -> &'a str {
        self.file
    }

    pub(crate) fn get(&self, field: &str) -> Option<&'a Value> {
        self.map.get(field).filter(|value| !value.is_null())
    }

    /// The object in `field`. Messages put `prefix` before the names of its fields.
    pub(crate) fn inner(&self, field: &str, prefix: &'a str) -> Result<Option<Fields<'a>>, LoadError> {
        match self.get(field) {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(Fields { file: self.file, prefix, map })),
            Some(other) => Err(self.wrong_type(field, "an object", other)),
        }
    }

    /// An integer within `range`.
    pub(crate) fn size(&self, field: &str, range: RangeInclusive<usize>) -> Result<Option<usize>, LoadError> {
        let Some(value) = self.get(field) else { return Ok(None) };
        if !value.is_i64() && !value.is_u64() {
            return Err(self.wrong_type(field, "an integer", value));
        }
        match value.as_u64().and_then(|n| usize::try_from(n).ok()).filter(|n| range.contains(n)) {
            Some(n) => Ok(Some(n)),
            None => Err(self.out_of_range(field, format!("{} to {}", range.start(), range.end()), value)),
        }
    }

    /// A required integer within `range`.
    pub(crate) fn required_size(
        &self,
        field: &str,
        range: RangeInclusive<usize>,
    ) -> Result<usize, LoadError> {
        let expected = format!("an integer from {} to {}", range.start(), range.end());
        self.size(field, range)?.ok_or_else(|| self.missing(field, expected))
    }

    /// A number.
    pub(crate) fn number(&self, field: &str) -> Result<Option<f64>, LoadError> {
        let Some(value) = self.get(field) else { return Ok(None) };
        value.as_f64().map(Some).ok_or_else(|| self.wrong_type(field, "a number", value))
    }

    pub(crate) fn boolean(&self, field: &str) -> Result<Option<bool>, LoadError> {
        let Some(value) = self.get(field) else { return Ok(None) };
        value.as_bool().map(Some).ok_or_else(|| self.wrong_type(field, "true or false", value))
    }

    pub(crate) fn string(&self, field: &str) -> Result<Option<&'a str>, LoadError> {
        let Some(value) = self.get(field) else { return Ok(None) };
        value.as_str().map(Some).ok_or_else(|| self.wrong_type(field, "a string", value))
    }

    /// A token id below `vocab_size`.
    pub(crate) fn token(&self, field: &str, vocab_size: usize) -> Result<Option<u32>, LoadError> {
        self.get(field).map(|value| self.token_in(field, value, vocab_size)).transpose()
    }

    /// The token ids in `field`, without repetitions. The field may hold one id, a list, or nothing.
    pub(crate) fn tokens(&self, field: &str, vocab_size: usize) -> Result<Vec<u32>, LoadError> {
        let values = match self.get(field) {
            None => return Ok(Vec::new()),
            Some(Value::Array(values)) => values.as_slice(),
            Some(single) => std::slice::from_ref(single),
        };
        let mut ids = Vec::new();
        for value in values {
            let id = self.token_in(field, value, vocab_size)?;
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    fn token_in(&self, field: &str, value: &Value, vocab_size: usize) -> Result<u32, LoadError> {
        let found = value.as_u64().ok_or_else(|| self.wrong_type(field, "a token id", value))?;
        match u32::try_from(found) {
            Ok(id) if found < vocab_size as u64 => Ok(id),
            _ => {
                Err(LoadError::TokenId { file: self.file.into(), field: self.name(field), vocab_size, found })
            }
        }
    }

    pub(crate) fn missing(&self, field: &str, expected: impl Into<String>) -> LoadError {
        LoadError::MissingField { file: self.file.into(), field: self.name(field), expected: expected.into() }
    }

    pub(crate) fn wrong_type(&self, field: &str, expected: &str, found: &Value) -> LoadError {
        let (file, field) = (self.file.into(), self.name(field));
        LoadError::WrongType { file, field, expected: expected.into(), found: shown(found) }
    }

    pub(crate) fn out_of_range(
        &self,
        field: &str,
        expected: impl Into<String>,
        found: impl Display,
    ) -> LoadError {
        let (file, field) = (self.file.into(), self.name(field));
        LoadError::OutOfRange { file, field, expected: expected.into(), found: shown(found) }
    }

    pub(crate) fn unsupported(&self, field: &str, expected: &str, found: impl Display) -> LoadError {
        let (file, field) = (self.file.into(), self.name(field));
        LoadError::Unsupported { file, field, expected: expected.into(), found: shown(found) }
    }

    fn name(&self, field: &str) -> String {
        format!("{}{field}", self.prefix)
    }
}
