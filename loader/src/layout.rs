//! The tensors that a checkpoint of a given configuration consists of: the one place that knows their names and shapes.

use crate::config::Config;
use crate::error::LoadError;

/// Which views of the model a checkpoint holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckpointViews {
    /// The AR view and the diffusion view: an Orthrus checkpoint.
    Dual,
    /// The AR view only: a plain Qwen3 checkpoint, without any `*_diff` tensor.
    ArOnly,
}

/// The name of the output projection, which tied checkpoints lack.
pub(crate) const LM_HEAD: &str = "lm_head.weight";

/// A tensor that must be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) name: String,
    pub(crate) shape: Vec<usize>,
}

/// Whether a name is that of a tensor of the diffusion view.
pub(crate) fn is_diffusion(name: &str) -> bool {
    name.ends_with("_diff.weight")
}

/// Every tensor of the model, in the order in which a token meets them.
pub(crate) fn expected(
    config: &Config,
    views: CheckpointViews,
    config_file: &str,
) -> Result<Vec<Expected>, LoadError> {
    let mut list = List { tensors: Vec::new(), config_file };
    let (hidden, ffn, vocab) = (config.hidden_size, config.intermediate_size, config.vocab_size);
    list.add("model.embed_tokens.weight".into(), &[vocab, hidden])?;
    for layer in 0..config.num_hidden_layers {
        let layer = format!("model.layers.{layer}");
        list.add(format!("{layer}.input_layernorm.weight"), &[hidden])?;
        list.add_attention(&layer, "", config)?;
        if views == CheckpointViews::Dual {
            list.add_attention(&layer, "_diff", config)?;
        }
        list.add(format!("{layer}.post_attention_layernorm.weight"), &[hidden])?;
        list.add(format!("{layer}.mlp.gate_proj.weight"), &[ffn, hidden])?;
        list.add(format!("{layer}.mlp.up_proj.weight"), &[ffn, hidden])?;
        list.add(format!("{layer}.mlp.down_proj.weight"), &[hidden, ffn])?;
    }
    list.add("model.norm.weight".into(), &[hidden])?;
    if !config.tie_word_embeddings {
        list.add(LM_HEAD.into(), &[vocab, hidden])?;
    }
    Ok(list.tensors)
}

struct List<'a> {
    tensors: Vec<Expected>,
    config_file: &'a str,
}

impl List<'_> {
    /// One view's attention. `view` is what its names carry: nothing for the AR view, `_diff` for the diffusion view.
    fn add_attention(&mut self, layer: &str, view: &str, config: &Config) -> Result<(), LoadError> {
        let (hidden, query, kv) = (config.hidden_size, config.query_width(), config.key_value_width());
        let name = |part: &str| format!("{layer}.self_attn.{part}{view}.weight");
        self.add(name("q_proj"), &[query, hidden])?;
        self.add(name("k_proj"), &[kv, hidden])?;
        self.add(name("v_proj"), &[kv, hidden])?;
        self.add(name("q_norm"), &[config.head_dim])?;
        self.add(name("k_norm"), &[config.head_dim])?;
        self.add(name("o_proj"), &[hidden, query])
    }

    /// Adds a tensor whose elements can be numbered, and whose size in bytes fits a file even in f32.
    fn add(&mut self, name: String, shape: &[usize]) -> Result<(), LoadError> {
        let bytes = shape.iter().try_fold(4_u64, |product, n| product.checked_mul(*n as u64));
        if bytes.is_none_or(|bytes| bytes > i64::MAX as u64 || bytes / 4 > isize::MAX as u64) {
            let (file, shape) = (self.config_file.to_owned(), shape.to_vec());
            return Err(LoadError::ConfigTooLarge { file, tensor: name, shape });
        }
        self.tensors.push(Expected { name, shape: shape.to_vec() });
        Ok(())
    }
}
