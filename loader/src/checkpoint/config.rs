//! `config.json`: Qwen3's fields, `block_size` and `mask_token_id`.

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use crate::error::LoadError;
use crate::json::Fields;

/// The file's name.
pub(crate) const FILE: &str = "config.json";

// The limits are far above any model. Below them, no product overflows and the list of tensors stays small.
const WIDTHS: RangeInclusive<usize> = 1..=1 << 20;
const LAYERS: RangeInclusive<usize> = 1..=1 << 10;
const HEADS: RangeInclusive<usize> = 1..=1 << 12;
const HEAD_DIMS: RangeInclusive<usize> = 2..=256;
const VOCABULARIES: RangeInclusive<usize> = 1..=1 << 24;
const CONTEXTS: RangeInclusive<usize> = 1..=1 << 30;
const BLOCKS: RangeInclusive<usize> = 1..=64;

/// The base of the rotary embedding in transformers if the file has none.
const DEFAULT_ROPE_THETA: f64 = 10_000.0;

/// The model's configuration, under the names of `config.json`.
///
/// In a configuration that the loader returns, every size is positive and limited, and every token id is below
/// `vocab_size`.
///
/// The struct is exhaustive on purpose: programs build it to describe models without files. A new field must not get
/// a default there without anyone having decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// Width of the residual stream.
    pub hidden_size: usize,
    /// Number of transformer layers.
    pub num_hidden_layers: usize,
    /// Number of query heads: a multiple of `num_key_value_heads`.
    pub num_attention_heads: usize,
    /// Number of key heads, and of value heads.
    pub num_key_value_heads: usize,
    /// Width of one head: even, at most 256.
    ///
    /// `head_dim * num_attention_heads` need not equal `hidden_size`.
    pub head_dim: usize,
    /// Width of the MLP's hidden layer.
    pub intermediate_size: usize,
    /// Number of rows of the embedding. The tokenizer may know fewer tokens.
    pub vocab_size: usize,
    /// Number of positions that the model was trained for.
    pub max_position_embeddings: usize,
    /// The number that RMS norms add to the mean square.
    pub rms_norm_eps: f32,
    /// Base of the rotary embedding.
    pub rope_theta: f64,
    /// Whether the embedding table is also the output projection.
    pub tie_word_embeddings: bool,
    /// Number of rows of a block: 1 to 64. An AR-only checkpoint without the field has 1.
    pub block_size: usize,
    /// The token at a position to be drafted. Every dual-view checkpoint has one.
    pub mask_token_id: Option<u32>,
    /// The tokens that end a text, according to `config.json` alone.
    ///
    /// [`Checkpoint::eos_token_ids`](crate::Checkpoint::eos_token_ids) has those of `generation_config.json` too.
    pub eos_token_ids: Vec<u32>,
    /// The token that begins a text.
    pub bos_token_id: Option<u32>,
}

impl Config {
    /// Width of all query heads together.
    pub fn query_width(&self) -> usize {
        self.num_attention_heads * self.head_dim
    }

    /// Width of all key heads together. All value heads together have the same.
    pub fn key_value_width(&self) -> usize {
        self.num_key_value_heads * self.head_dim
    }

    /// Reads and checks the file's fields. [`require_dual`] checks the diffusion view's.
    pub(crate) fn read(fields: Fields<'_>) -> Result<Config, LoadError> {
        refuse_unsupported(fields)?;
        let hidden_size = fields.required_size("hidden_size", WIDTHS)?;
        let num_hidden_layers = fields.required_size("num_hidden_layers", LAYERS)?;
        check_layer_types(fields, num_hidden_layers)?;
        let num_attention_heads = fields.required_size("num_attention_heads", HEADS)?;
        let num_key_value_heads = fields.size("num_key_value_heads", HEADS)?.unwrap_or(num_attention_heads);
        if !num_attention_heads.is_multiple_of(num_key_value_heads) {
            let (heads, kv_heads) = (num_attention_heads, num_key_value_heads);
            return Err(LoadError::HeadsNotDivisible { file: fields.file().into(), heads, kv_heads });
        }
        let vocab_size = fields.required_size("vocab_size", VOCABULARIES)?;
        Ok(Config {
            hidden_size,
            num_hidden_layers,
            num_attention_heads,
            num_key_value_heads,
            head_dim: read_head_dim(fields, hidden_size, num_attention_heads)?,
            intermediate_size: fields.required_size("intermediate_size", WIDTHS)?,
            vocab_size,
            max_position_embeddings: fields.required_size("max_position_embeddings", CONTEXTS)?,
            rms_norm_eps: read_eps(fields)?,
            rope_theta: read_rope_theta(fields)?,
            tie_word_embeddings: fields.boolean("tie_word_embeddings")?.unwrap_or(false),
            block_size: fields.size("block_size", BLOCKS)?.unwrap_or(1),
            mask_token_id: fields.token("mask_token_id", vocab_size)?,
            eos_token_ids: fields.tokens("eos_token_id", vocab_size)?,
            bos_token_id: fields.token("bos_token_id", vocab_size)?,
        })
    }
}

/// Checks that the file has the fields that the diffusion view needs.
pub(crate) fn require_dual(file: &str, map: &Map<String, Value>) -> Result<(), LoadError> {
    let fields = Fields::new(file, map);
    for (field, expected) in [
        ("block_size", "the rows of a block, because the checkpoint has a diffusion view"),
        ("mask_token_id", "the mask token, because the checkpoint has a diffusion view"),
    ] {
        fields.get(field).ok_or_else(|| fields.missing(field, expected))?;
    }
    Ok(())
}

/// Refuses other architectures and unimplemented features, which would silently give wrong results.
fn refuse_unsupported(fields: Fields<'_>) -> Result<(), LoadError> {
    match fields.string("model_type")? {
        Some("qwen3") => {}
        Some(other) => return Err(fields.unsupported("model_type", "\"qwen3\"", format!("\"{other}\""))),
        None => return Err(fields.missing("model_type", "\"qwen3\"")),
    }
    if let Some(act) = fields.string("hidden_act")?.filter(|act| *act != "silu") {
        return Err(fields.unsupported("hidden_act", "\"silu\"", format!("\"{act}\"")));
    }
    for field in ["attention_bias", "use_sliding_window"] {
        if fields.boolean(field)? == Some(true) {
            return Err(fields.unsupported(field, "false", true));
        }
    }
    match fields.get("rope_scaling") {
        Some(scaling) => Err(fields.unsupported("rope_scaling", "null", scaling)),
        None => Ok(()),
    }
}

/// Checks that every layer attends to the whole context.
fn check_layer_types(fields: Fields<'_>, layers: usize) -> Result<(), LoadError> {
    let types = match fields.get("layer_types") {
        None => return Ok(()),
        Some(Value::Array(types)) => types,
        Some(other) => return Err(fields.wrong_type("layer_types", "a list of strings", other)),
    };
    if let Some(other) = types.iter().find(|kind| kind.as_str() != Some("full_attention")) {
        return Err(fields.unsupported("layer_types", "only \"full_attention\"", other));
    }
    if types.len() != layers {
        let expected = format!("one entry for each of the {layers} layers");
        return Err(fields.out_of_range("layer_types", expected, format!("{} entries", types.len())));
    }
    Ok(())
}

/// Reads the width of a head. It is even, because the rotary embedding pairs the head's two halves.
fn read_head_dim(fields: Fields<'_>, hidden: usize, heads: usize) -> Result<usize, LoadError> {
    let head_dim = fields.size("head_dim", HEAD_DIMS)?.unwrap_or(hidden / heads);
    if !HEAD_DIMS.contains(&head_dim) || !head_dim.is_multiple_of(2) {
        return Err(fields.out_of_range("head_dim", "an even number from 2 to 256", head_dim));
    }
    Ok(head_dim)
}

fn read_eps(fields: Fields<'_>) -> Result<f32, LoadError> {
    let eps =
        fields.number("rms_norm_eps")?.ok_or_else(|| fields.missing("rms_norm_eps", "a small number"))?;
    if (0.0..=1.0).contains(&eps) {
        Ok(eps as f32)
    } else {
        Err(fields.out_of_range("rms_norm_eps", "0 to 1", eps))
    }
}

/// Reads the base of the rotary embedding.
///
/// `rope_parameters.rope_theta` comes before `rope_theta`, because transformers 5 writes the former.
fn read_rope_theta(fields: Fields<'_>) -> Result<f64, LoadError> {
    let outer = checked_theta(fields)?;
    let Some(inner) = fields.inner("rope_parameters", "rope_parameters.")? else {
        return Ok(outer.unwrap_or(DEFAULT_ROPE_THETA));
    };
    for field in ["rope_type", "type"] {
        if let Some(kind) = inner.string(field)?.filter(|kind| *kind != "default") {
            return Err(inner.unsupported(field, "\"default\"", format!("\"{kind}\"")));
        }
    }
    if let Some(factor) = inner.number("partial_rotary_factor")?.filter(|factor| *factor != 1.0) {
        return Err(inner.unsupported("partial_rotary_factor", "1", factor));
    }
    let theta = checked_theta(inner)?;
    if let (Some(inner), Some(outer)) = (theta, outer)
        && inner != outer
    {
        let file = fields.file();
        tracing::warn!("{file}: rope_parameters.rope_theta ({inner}) is used; rope_theta says {outer}");
    }
    Ok(theta.or(outer).unwrap_or(DEFAULT_ROPE_THETA))
}

fn checked_theta(fields: Fields<'_>) -> Result<Option<f64>, LoadError> {
    match fields.number("rope_theta")? {
        Some(theta) if !(theta.is_finite() && theta >= 1.0) => {
            Err(fields.out_of_range("rope_theta", "a finite number of at least 1", theta))
        }
        theta => Ok(theta),
    }
}
