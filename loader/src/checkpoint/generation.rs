//! `generation_config.json`: the sampling settings that the model's makers suggest.

use crate::error::LoadError;
use crate::json::Fields;

/// The file's name.
pub(crate) const FILE: &str = "generation_config.json";

/// The sampling settings that the model's makers suggest.
///
/// The default is what a directory without `generation_config.json` suggests: nothing.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct GenerationConfig {
    /// The tokens that end a text, according to `generation_config.json` alone.
    pub eos_token_ids: Vec<u32>,
    /// The token that begins a text.
    pub bos_token_id: Option<u32>,
    /// Whether to sample, instead of taking the likeliest token.
    pub do_sample: Option<bool>,
    /// The divisor of the logits: 0 or more. 0 means greedy.
    pub temperature: Option<f64>,
    /// Number of likeliest tokens to keep. 0 keeps all.
    pub top_k: Option<usize>,
    /// Share of the probability to keep. 1 or more keeps all.
    pub top_p: Option<f64>,
}

impl GenerationConfig {
    pub(crate) fn read(fields: Fields<'_>, vocab_size: usize) -> Result<GenerationConfig, LoadError> {
        Ok(GenerationConfig {
            eos_token_ids: fields.tokens("eos_token_id", vocab_size)?,
            bos_token_id: fields.token("bos_token_id", vocab_size)?,
            do_sample: fields.boolean("do_sample")?,
            temperature: not_negative(fields, "temperature")?,
            top_k: read_top_k(fields)?,
            top_p: not_negative(fields, "top_p")?,
        })
    }
}

fn not_negative(fields: Fields<'_>, field: &str) -> Result<Option<f64>, LoadError> {
    match fields.number(field)? {
        Some(value) if !(value.is_finite() && value >= 0.0) => {
            Err(fields.out_of_range(field, "a finite number of at least 0", value))
        }
        value => Ok(value),
    }
}

/// Reads `top_k`. Some programs write a negative number where 0 would keep all tokens.
fn read_top_k(fields: Fields<'_>) -> Result<Option<usize>, LoadError> {
    match fields.get("top_k").and_then(|value| value.as_i64()) {
        Some(negative) if negative < 0 => Ok(Some(0)),
        _ => fields.size("top_k", 0..=usize::MAX),
    }
}
