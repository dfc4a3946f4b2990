//! Random checkpoints of any shape, in memory.

use std::borrow::Cow;

use orthrus::loader::Checkpoint;
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use serde_json::json;

use crate::random::Random;

/// The shape of a random checkpoint.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "config.json's words")]
pub struct Shape {
    pub hidden: usize,
    pub layers: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub head_dim: usize,
    pub intermediate: usize,
    pub vocabulary: usize,
    pub block: usize,
    pub tied: bool,
}

/// The names and shapes of the tensors of `shape`, with both views.
fn tensors(shape: &Shape) -> Vec<(String, Vec<usize>)> {
    let (hidden, dim) = (shape.hidden, shape.head_dim);
    let mut all = vec![
        ("model.embed_tokens.weight".to_string(), vec![shape.vocabulary, hidden]),
        ("model.norm.weight".to_string(), vec![hidden]),
    ];
    if !shape.tied {
        all.push(("lm_head.weight".to_string(), vec![shape.vocabulary, hidden]));
    }
    for layer in 0..shape.layers {
        let mut add =
            |name: String, dims: Vec<usize>| all.push((format!("model.layers.{layer}.{name}.weight"), dims));
        for view in ["", "_diff"] {
            add(format!("self_attn.q_proj{view}"), vec![shape.heads * dim, hidden]);
            add(format!("self_attn.k_proj{view}"), vec![shape.kv_heads * dim, hidden]);
            add(format!("self_attn.v_proj{view}"), vec![shape.kv_heads * dim, hidden]);
            add(format!("self_attn.o_proj{view}"), vec![hidden, shape.heads * dim]);
            add(format!("self_attn.q_norm{view}"), vec![dim]);
            add(format!("self_attn.k_norm{view}"), vec![dim]);
        }
        add("mlp.gate_proj".into(), vec![shape.intermediate, hidden]);
        add("mlp.up_proj".into(), vec![shape.intermediate, hidden]);
        add("mlp.down_proj".into(), vec![hidden, shape.intermediate]);
        add("input_layernorm".into(), vec![hidden]);
        add("post_attention_layernorm".into(), vec![hidden]);
    }
    all
}

/// `config.json` of a checkpoint of this shape.
fn config(shape: &Shape) -> Vec<u8> {
    let config = json!({
        "model_type": "qwen3", "hidden_act": "silu", "hidden_size": shape.hidden,
        "num_hidden_layers": shape.layers, "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.kv_heads, "head_dim": shape.head_dim,
        "intermediate_size": shape.intermediate, "vocab_size": shape.vocabulary, "rms_norm_eps": 1e-6,
        "rope_theta": 10000.0, "tie_word_embeddings": shape.tied, "max_position_embeddings": 8192,
        "block_size": shape.block, "mask_token_id": shape.vocabulary - 1,
    });
    config.to_string().into_bytes()
}

/// A checkpoint of this shape as far as it goes without its weights, which may be more than memory holds:
/// `config.json`, the beginning of `model.safetensors` up to the first weight, and that file's size.
pub fn virtual_checkpoint(shape: &Shape) -> (Vec<u8>, Vec<u8>, u64) {
    let mut header = serde_json::Map::new();
    let mut end = 0;
    for (name, dims) in tensors(shape) {
        let begin = end;
        end += 4 * dims.iter().map(|dim| *dim as u64).product::<u64>();
        header.insert(name, json!({"dtype": "F32", "shape": dims, "data_offsets": [begin, end]}));
    }
    let header = serde_json::Value::from(header).to_string().into_bytes();
    let length = header.len() as u64;
    let beginning = [&length.to_le_bytes()[..], &header].concat();
    (config(shape), beginning, 8 + length + end)
}

/// A checkpoint of this shape with random f32 weights, scaled so that activations keep their size.
///
/// # Panics
/// If the loader refuses it.
pub fn random_checkpoint(shape: &Shape, seed: u64) -> Checkpoint {
    edited_checkpoint(shape, seed, |_, _| true)
}

/// A [`random_checkpoint`] whose tensors `edit` may change, or leave out by answering false.
///
/// # Panics
/// If the loader refuses it.
pub fn edited_checkpoint(shape: &Shape, seed: u64, edit: impl Fn(&str, &mut [f32]) -> bool) -> Checkpoint {
    let mut random = Random::new(seed);
    let data: Vec<(String, Vec<usize>, Vec<u8>)> = tensors(shape)
        .into_iter()
        .filter_map(|(name, dims)| {
            let count = dims.iter().product();
            let mut values: Vec<f32> = match dims[..] {
                [_] => (0..count).map(|_| 1.0 + 0.2 * random.unit()).collect(),
                _ => {
                    let scale = (3.0 / dims[1] as f32).sqrt();
                    (0..count).map(|_| scale * random.unit()).collect()
                }
            };
            edit(&name, &mut values).then(|| (name, dims, bytemuck::cast_slice(&values).to_vec()))
        })
        .collect();
    let views = data.iter().map(|(name, dims, bytes)| {
        (name.as_str(), TensorView::new(Dtype::F32, dims.clone(), bytes).unwrap_or_else(|e| panic!("{e}")))
    });
    let weights = safetensors::serialize(views, None).unwrap_or_else(|e| panic!("{e}"));
    let files = vec![
        ("config.json".to_string(), Cow::Owned(config(shape))),
        ("model.safetensors".to_string(), Cow::Owned(weights)),
    ];
    Checkpoint::from_files(&format!("random {shape:?}"), files).unwrap_or_else(|error| panic!("{error}"))
}
