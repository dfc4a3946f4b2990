//! The forward pass, from top to bottom. Each line prepares one dispatch or a few, and the decode loop encodes them
//! every cycle.
//!
//! ```text
//! x = embedding[ids]                                       residual stream [rows][hidden]
//! each layer:
//!     q, k, v  = qkv · norm(x)                             one matrix: queries, keys, values
//!     q, k     = rope(norm(q)), rope(norm(k))              k and v go to the KV cache
//!     x       += output · attention(q, cache)              causal (AR view) or over the block (diffusion view)
//!     x       += down · (silu(gate · norm(x)) · up · norm(x))
//! logits = head · norm(x)
//! ```

mod attention;
mod buffers;
mod builder;
mod matmul;
mod plan;
mod select;

use orthrus_shaders::params::Embed;
use orthrus_shaders::{Kernel, KvSplits, Mask, Rows, packs};

pub(crate) use buffers::{Buffers, KeyValues};
pub(crate) use builder::{PassBuilder, plan};
pub use plan::ArKernel;
#[cfg(feature = "lab")]
pub(crate) use plan::Dispatch;
pub(crate) use plan::{PassBounds, PassPlan, Section};
pub(crate) use select::Choice;

use crate::gpu::Buffer;
use crate::model::{Attention, Layer};

impl PassBuilder<'_> {
    /// The AR view over text: embedding and every layer. Each row attends to itself and to earlier positions.
    pub(crate) fn ar_layers(&mut self) {
        self.push_embed(None);
        for (layer, kv) in self.model.layers.iter().zip(&self.buffers.kv) {
            self.layer(layer, &layer.ar, Mask::Causal, kv);
        }
    }

    /// The diffusion view over a block `[anchor, mask, mask, …]`: embedding and every layer. Each row attends to
    /// the text and to the whole block.
    pub(crate) fn diffusion_layers(&mut self, mask_id: u32) {
        self.push_embed(Some(mask_id));
        for (layer, kv) in self.model.layers.iter().zip(&self.buffers.kv) {
            if let Some(diffusion) = &layer.diffusion {
                self.layer(layer, diffusion, Mask::Block, kv);
            }
        }
    }

    /// One decoder layer, with the attention weights of one view.
    fn layer(&mut self, layer: &Layer, view: &Attention, mask: Mask, kv: &KeyValues) {
        let b = self.buffers;
        self.section = Section::Layer;
        self.push_normed_matmul(Rows::All, &layer.input_norm, &view.qkv, &b.qkv);
        if self.kv_splits() == KvSplits::RoundRobin {
            self.push_attention_row(&view.qk_norms, kv);
            self.push_attention_merge(mask, 0);
        } else {
            self.push_qk_norm_rope(&view.qk_norms, kv);
            for first_row in self.attention_chunks(mask) {
                self.push_attention(mask, kv, first_row);
                self.push_attention_merge(mask, first_row);
            }
        }
        self.push_matmul_add(&b.attended, &view.output, 1.0);

        self.push_swiglu(&layer.post_attention_norm, &layer.gate_up);
        self.push_matmul_add(&b.gated, &layer.down, 1.0 / self.model.layouts.activations.gated_scale());
    }

    /// Final norm and head, for the rows whose logits are wanted. They go to `logits`, `[rows][vocabulary]`.
    pub(crate) fn logits(&mut self, logits: &Buffer) {
        self.section = Section::Head;
        self.push_normed_matmul(Rows::Logits, &self.model.final_norm, self.model.head(), logits);
    }

    /// Embeddings of the rows' ids. With `mask_id`, all rows but the first are masks.
    fn push_embed(&mut self, mask_id: Option<u32>) {
        let b = self.buffers;
        let table = &self.model.embedding;
        self.section = Section::Embedding;
        for slab in &table.slabs {
            let params = Embed {
                packs: packs(table.inputs) as u32,
                first_id: slab.first as u32,
                ids: slab.outputs as u32,
                masked: u32::from(mask_id.is_some()),
                mask_id: mask_id.unwrap_or(0),
                pad: [0; 3],
            };
            let uniform = self.uniform(&params);
            let buffers =
                [("params", &uniform), ("weights", &slab.buffer), ("tokens", &b.tokens), ("x", &b.x)];
            self.push(Kernel::Embed(table.format), &buffers, move |bounds| params.grid(bounds.max_rows));
        }
    }
}
