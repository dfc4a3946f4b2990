//! The parts of a model on the GPU: which of the checkpoint's tensors share a buffer. Loading, synthetic models and
//! memory sizes all use this list.

use std::collections::HashMap;

use orthrus_loader::AttentionTensor::{Key, KeyNorm, Output, Query, QueryNorm, Value};
use orthrus_loader::{AttentionView, CheckpointViews, Config, LayerTensor, TensorId, TensorShape};
use orthrus_shaders::WeightFormat;
use orthrus_shaders::params::padded;

use super::data::{Attention, Layer, Model, ModelData};
use super::matrix::Matrix;
use super::rope::RopeTable;
use crate::gpu::{Buffer, Gpu};
use crate::{Error, Result};

/// How the rows of several tensors make one matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stack {
    /// The tensors one above the other.
    Whole,
    /// In turns, a tile of rows of each tensor. Each tile of the gate is then next to its tile of the up
    /// projection.
    ByTurns,
}

/// Tensors that share a buffer, or a matrix of several slabs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) stack: Stack,
    pub(crate) tensors: Vec<TensorId>,
}

impl Part {
    fn whole(tensors: impl IntoIterator<Item = TensorId>) -> Part {
        Part { stack: Stack::Whole, tensors: tensors.into_iter().collect() }
    }

    /// The id of the first tensor, which stands for the part.
    pub(crate) fn id(&self) -> TensorId {
        self.tensors[0]
    }

    /// The shape of all tensors together. In turns, each tensor is padded to whole tiles.
    pub(crate) fn shape(&self, config: &Config) -> TensorShape {
        let shapes = self.tensors.iter().map(|id| id.shape(config));
        let joined = shapes.reduce(|a, b| match (a, b) {
            (TensorShape::Matrix { outputs: a, inputs }, TensorShape::Matrix { outputs: b, .. }) => {
                let outputs = match self.stack {
                    Stack::Whole => a + b,
                    Stack::ByTurns => padded(a) + padded(b),
                };
                TensorShape::Matrix { outputs, inputs }
            }
            (a, b) => TensorShape::Vector((a.elements() + b.elements()) as usize),
        });
        joined.unwrap_or(TensorShape::Vector(0))
    }

    /// Whether a pass through `view` reads the whole part. It reads only a few rows of the embedding, unless the
    /// embedding is also the head.
    pub(crate) fn is_read(&self, view: AttentionView, config: &Config) -> bool {
        let id = self.id();
        let is_head = id == TensorId::head_of(config);
        (id != TensorId::Embedding || is_head) && id.view().is_none_or(|own| own == view)
    }
}

/// Every part of a model, in the order in which a forward pass uses them.
pub(crate) fn parts(config: &Config, views: CheckpointViews) -> Vec<Part> {
    let mut parts = vec![Part::whole([TensorId::Embedding])];
    for layer in 0..config.num_hidden_layers {
        let part = |tensor| TensorId::Layer(layer, tensor);
        parts.push(Part::whole([part(LayerTensor::InputNorm)]));
        for &view in views.attention_views() {
            let part = |tensor| TensorId::attention(layer, view, tensor);
            parts.push(Part::whole([Query, Key, Value].map(part)));
            parts.push(Part::whole([QueryNorm, KeyNorm].map(part)));
            parts.push(Part::whole([part(Output)]));
        }
        parts.push(Part::whole([part(LayerTensor::PostAttentionNorm)]));
        let gate_up = vec![part(LayerTensor::Gate), part(LayerTensor::Up)];
        parts.push(Part { stack: Stack::ByTurns, tensors: gate_up });
        parts.push(Part::whole([part(LayerTensor::Down)]));
    }
    parts.push(Part::whole([TensorId::FinalNorm]));
    if TensorId::head_of(config) != TensorId::Embedding {
        parts.push(Part::whole([TensorId::head_of(config)]));
    }
    parts
}

/// The parts that are on the GPU, each under [`Part::id`].
#[derive(Default)]
pub(crate) struct Parts {
    pub(crate) matrices: HashMap<TensorId, Matrix>,
    pub(crate) vectors: HashMap<TensorId, Buffer>,
}

impl Parts {
    /// Makes a model of the parts.
    ///
    /// # Errors
    /// [`Error::Bug`]: one of [`parts`] is missing.
    pub(crate) fn into_model(
        mut self,
        gpu: &Gpu,
        config: Config,
        views: CheckpointViews,
        format: WeightFormat,
        end_ids: Vec<u32>,
    ) -> Result<Model> {
        let untied = TensorId::head_of(&config) != TensorId::Embedding;
        Ok(Model::new(ModelData {
            embedding: self.matrix(TensorId::Embedding)?,
            layers: self.layers(&config, views)?,
            final_norm: self.vector(TensorId::FinalNorm)?,
            untied_head: if untied { Some(self.matrix(TensorId::Head)?) } else { None },
            gpu: gpu.clone(),
            layouts: gpu.layouts(format),
            rope: RopeTable::default(),
            config,
            format,
            views,
            end_ids,
        }))
    }

    fn matrix(&mut self, id: TensorId) -> Result<Matrix> {
        self.matrices.remove(&id).ok_or_else(|| missing(id))
    }

    fn vector(&mut self, id: TensorId) -> Result<Buffer> {
        self.vectors.remove(&id).ok_or_else(|| missing(id))
    }

    fn layers(&mut self, config: &Config, views: CheckpointViews) -> Result<Vec<Layer>> {
        (0..config.num_hidden_layers).map(|layer| self.layer(layer, views)).collect()
    }

    fn layer(&mut self, layer: usize, views: CheckpointViews) -> Result<Layer> {
        let part = |tensor| TensorId::Layer(layer, tensor);
        Ok(Layer {
            input_norm: self.vector(part(LayerTensor::InputNorm))?,
            ar: self.attention(layer, AttentionView::Ar)?,
            diffusion: match views {
                CheckpointViews::Dual => Some(self.attention(layer, AttentionView::Diffusion)?),
                CheckpointViews::ArOnly => None,
            },
            post_attention_norm: self.vector(part(LayerTensor::PostAttentionNorm))?,
            gate_up: self.matrix(part(LayerTensor::Gate))?,
            down: self.matrix(part(LayerTensor::Down))?,
        })
    }

    fn attention(&mut self, layer: usize, view: AttentionView) -> Result<Attention> {
        let part = |tensor| TensorId::attention(layer, view, tensor);
        Ok(Attention {
            qkv: self.matrix(part(Query))?,
            qk_norms: self.vector(part(QueryNorm))?,
            output: self.matrix(part(Output))?,
        })
    }
}

fn missing(id: TensorId) -> Error {
    Error::Bug { reason: format!("`{}` was not put on the GPU", id.name()) }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use orthrus_loader::{CheckpointViews, TensorId, schema};

    use super::parts;
    use crate::model::Synthetic;

    #[test]
    fn parts_have_every_tensor_once() {
        for shape in Synthetic::ALL {
            let config = shape.config();
            for views in [CheckpointViews::Dual, CheckpointViews::ArOnly] {
                let parts = parts(&config, views);
                let tensors: Vec<TensorId> = parts.iter().flat_map(|part| part.tensors.clone()).collect();
                let expected: HashSet<TensorId> = schema(&config, views).map(|(id, _)| id).collect();
                assert_eq!(tensors.len(), expected.len());
                assert_eq!(tensors.into_iter().collect::<HashSet<_>>(), expected);
            }
        }
    }
}
