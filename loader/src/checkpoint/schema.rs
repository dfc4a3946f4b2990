//! The structure of the model: every tensor's identity, name and shape.

use std::fmt;

use crate::checkpoint::config::Config;

/// The suffix in the name of each tensor that only the diffusion view has.
const DIFFUSION_SUFFIX: &str = "_diff";

/// The views of the model that a checkpoint holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckpointViews {
    /// The AR view and the diffusion view: an Orthrus checkpoint.
    Dual,
    /// The AR view only: a Qwen3 checkpoint, without any `*_diff` tensor.
    ArOnly,
}

impl CheckpointViews {
    /// The sets of attention weights in each layer, the AR view's first.
    pub fn attention_views(self) -> &'static [AttentionView] {
        match self {
            CheckpointViews::Dual => &[AttentionView::Ar, AttentionView::Diffusion],
            CheckpointViews::ArOnly => &[AttentionView::Ar],
        }
    }
}

/// One of the two sets of attention weights that a layer can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AttentionView {
    /// The frozen weights of Qwen3. They verify drafts.
    Ar,
    /// The weights that Orthrus adds. They draft.
    Diffusion,
}

/// The identity of one tensor of the model, from which its name and shape follow.
///
/// The enum is exhaustive on purpose: code that uploads or counts weights must not skip an unknown tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TensorId {
    /// The embedding table, one row per token id.
    Embedding,
    /// A tensor of the layer with this index.
    Layer(usize, LayerTensor),
    /// The RMS norm after the last layer.
    FinalNorm,
    /// The output projection. Tied models have none; see [`head_of`](Self::head_of).
    Head,
}

/// A tensor of one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum LayerTensor {
    /// The RMS norm before attention.
    InputNorm,
    /// A tensor of one view's attention.
    Attention(AttentionView, AttentionTensor),
    /// The RMS norm between attention and MLP.
    PostAttentionNorm,
    /// The MLP's gate projection.
    Gate,
    /// The MLP's up projection.
    Up,
    /// The MLP's down projection.
    Down,
}

/// A tensor of one view's attention in one layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum AttentionTensor {
    /// The query projection.
    Query,
    /// The key projection.
    Key,
    /// The value projection.
    Value,
    /// The RMS norm of each query head.
    QueryNorm,
    /// The RMS norm of each key head.
    KeyNorm,
    /// The output projection.
    Output,
}

impl AttentionTensor {
    /// Every tensor of one view's attention, in the order in which a token meets them.
    pub const ALL: [AttentionTensor; 6] = [
        AttentionTensor::Query,
        AttentionTensor::Key,
        AttentionTensor::Value,
        AttentionTensor::QueryNorm,
        AttentionTensor::KeyNorm,
        AttentionTensor::Output,
    ];
}

/// The shape of a tensor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TensorShape {
    /// A vector of this length: the weights of a norm.
    Vector(usize),
    /// A row-major matrix `[outputs][inputs]`: the weights of a projection, or an embedding table.
    Matrix {
        /// Number of rows.
        outputs: usize,
        /// Number of columns.
        inputs: usize,
    },
}

impl TensorShape {
    /// The size of each dimension, slowest first, as a safetensors header gives it.
    pub fn dims(self) -> Vec<usize> {
        match self {
            TensorShape::Vector(length) => vec![length],
            TensorShape::Matrix { outputs, inputs } => vec![outputs, inputs],
        }
    }

    /// Number of elements. It saturates, far above any configuration that the loader accepts.
    pub fn elements(self) -> u64 {
        match self {
            TensorShape::Vector(length) => length as u64,
            TensorShape::Matrix { outputs, inputs } => (outputs as u64).saturating_mul(inputs as u64),
        }
    }
}

impl TensorId {
    /// The matrix that turns hidden states into logits: [`Head`](Self::Head), or in a tied model the embedding.
    pub fn head_of(config: &Config) -> TensorId {
        if config.tie_word_embeddings { TensorId::Embedding } else { TensorId::Head }
    }

    /// A tensor of one view's attention in the layer with index `layer`.
    pub fn attention(layer: usize, view: AttentionView, tensor: AttentionTensor) -> TensorId {
        TensorId::Layer(layer, LayerTensor::Attention(view, tensor))
    }

    /// The tensor's name in a checkpoint, such as `model.layers.3.self_attn.q_proj_diff.weight`.
    pub fn name(self) -> String {
        self.to_string()
    }

    /// The index of the tensor's layer. `None`: the tensor belongs to no layer.
    pub fn layer(self) -> Option<usize> {
        match self {
            TensorId::Layer(layer, _) => Some(layer),
            TensorId::Embedding | TensorId::FinalNorm | TensorId::Head => None,
        }
    }

    /// The only view that uses the tensor. `None`: both views share it.
    pub fn view(self) -> Option<AttentionView> {
        match self {
            TensorId::Layer(_, LayerTensor::Attention(view, _)) => Some(view),
            _ => None,
        }
    }

    /// The tensor's shape in a model with this configuration.
    pub fn shape(self, config: &Config) -> TensorShape {
        let matrix = |outputs, inputs| TensorShape::Matrix { outputs, inputs };
        let (hidden, ffn) = (config.hidden_size, config.intermediate_size);
        match self {
            TensorId::Embedding | TensorId::Head => matrix(config.vocab_size, hidden),
            TensorId::FinalNorm => TensorShape::Vector(hidden),
            TensorId::Layer(_, tensor) => match tensor {
                LayerTensor::InputNorm | LayerTensor::PostAttentionNorm => TensorShape::Vector(hidden),
                LayerTensor::Gate | LayerTensor::Up => matrix(ffn, hidden),
                LayerTensor::Down => matrix(hidden, ffn),
                LayerTensor::Attention(_, tensor) => match tensor {
                    AttentionTensor::Query => matrix(config.query_width(), hidden),
                    AttentionTensor::Key | AttentionTensor::Value => matrix(config.key_value_width(), hidden),
                    AttentionTensor::Output => matrix(hidden, config.query_width()),
                    AttentionTensor::QueryNorm | AttentionTensor::KeyNorm => {
                        TensorShape::Vector(config.head_dim)
                    }
                },
            },
        }
    }
}

/// Writes [`TensorId::name`].
impl fmt::Display for TensorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TensorId::Embedding => f.write_str("model.embed_tokens.weight"),
            TensorId::Layer(layer, tensor) => write!(f, "model.layers.{layer}.{tensor}.weight"),
            TensorId::FinalNorm => f.write_str("model.norm.weight"),
            TensorId::Head => f.write_str("lm_head.weight"),
        }
    }
}

/// Writes the part of a tensor's name between its layer and `.weight`.
impl fmt::Display for LayerTensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LayerTensor::InputNorm => f.write_str("input_layernorm"),
            LayerTensor::PostAttentionNorm => f.write_str("post_attention_layernorm"),
            LayerTensor::Gate => f.write_str("mlp.gate_proj"),
            LayerTensor::Up => f.write_str("mlp.up_proj"),
            LayerTensor::Down => f.write_str("mlp.down_proj"),
            LayerTensor::Attention(view, tensor) => {
                let tensor = match tensor {
                    AttentionTensor::Query => "q_proj",
                    AttentionTensor::Key => "k_proj",
                    AttentionTensor::Value => "v_proj",
                    AttentionTensor::QueryNorm => "q_norm",
                    AttentionTensor::KeyNorm => "k_norm",
                    AttentionTensor::Output => "o_proj",
                };
                let suffix = match view {
                    AttentionView::Ar => "",
                    AttentionView::Diffusion => DIFFUSION_SUFFIX,
                };
                write!(f, "self_attn.{tensor}{suffix}")
            }
        }
    }
}

/// Every tensor of a model and its shape, in the order in which a token meets them.
///
/// The structure of the model is written here and nowhere else. Whatever depends on it can be derived:
///
/// ```
/// # use orthrus_loader::{AttentionView, CheckpointViews, Config, TensorId, TensorShape, schema};
/// /// Parameters that only the diffusion view has.
/// fn diffusion_parameters(config: &Config) -> u64 {
///     schema(config, CheckpointViews::Dual)
///         .filter(|(id, _)| id.view() == Some(AttentionView::Diffusion))
///         .map(|(_, shape)| shape.elements())
///         .sum()
/// }
/// ```
pub fn schema(
    config: &Config,
    views: CheckpointViews,
) -> impl Iterator<Item = (TensorId, TensorShape)> + Clone {
    let head = (!config.tie_word_embeddings).then_some(TensorId::Head);
    let layers = (0..config.num_hidden_layers)
        .flat_map(move |layer| layer_tensors(views).map(move |tensor| TensorId::Layer(layer, tensor)));
    [TensorId::Embedding]
        .into_iter()
        .chain(layers)
        .chain([TensorId::FinalNorm])
        .chain(head)
        .map(|id| (id, id.shape(config)))
}

/// The tensors of one layer, in the order in which a token meets them.
fn layer_tensors(views: CheckpointViews) -> impl Iterator<Item = LayerTensor> + Clone {
    let attention = views
        .attention_views()
        .iter()
        .flat_map(|view| AttentionTensor::ALL.map(|tensor| LayerTensor::Attention(*view, tensor)));
    [LayerTensor::InputNorm].into_iter().chain(attention).chain([
        LayerTensor::PostAttentionNorm,
        LayerTensor::Gate,
        LayerTensor::Up,
        LayerTensor::Down,
    ])
}

/// Whether a tensor of this name, known or not, can only be the diffusion view's.
pub(crate) fn is_diffusion(name: &str) -> bool {
    name.strip_suffix(".weight").is_some_and(|name| name.ends_with(DIFFUSION_SUFFIX))
}
