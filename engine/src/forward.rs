//! The forward pass, readable from top to bottom. What is here is a *preparation* of it: each call adds one
//! dispatch to a [`Pass`], which the decode loop records as often as it likes.

use std::cell::RefCell;
use std::collections::HashMap;

use orthrus_shaders::params::{
    Argmax, Attention as AttentionParams, AttentionMerge, Embed, Matmul, QkNormRope, Reject, RmsNorm, Swiglu,
    padded,
};
use orthrus_shaders::{Kernel, Rows, Store, Tile, Visible, chunks};

use crate::buffers::{Buffers, KeyValues};
use crate::model::{Attention, Layer, Weights};
use crate::pass::{Extent, Pass, Step};
use crate::weights::Matrix;

/// Uniform buffers by contents: layers share theirs.
pub(crate) type Uniforms = RefCell<HashMap<Vec<u8>, wgpu::Buffer>>;

/// A pass while it is prepared.
pub(crate) struct Preparation<'a> {
    pub(crate) weights: &'a Weights,
    pub(crate) buffers: &'a Buffers,
    pub(crate) uniforms: &'a Uniforms,
    pub(crate) pass: Pass,
}

impl Preparation<'_> {
    /// One decoder layer, through the view whose attention weights are given. The AR view writes the cache; the
    /// diffusion view has a `scratch` for the keys and values of its block.
    pub(crate) fn layer(
        &mut self,
        layer: &Layer,
        view: &Attention,
        cache: &KeyValues,
        scratch: Option<&KeyValues>,
    ) {
        let b = self.buffers;
        self.rms_norm(Rows::All, &layer.input_norm);
        self.matmul(Rows::All, Store::Value, &view.qkv, &b.normed, &b.qkv);
        self.qk_norm_rope(&view.qk_norms, cache, scratch);
        self.attention(cache, scratch);
        self.attention_merge(scratch.is_some());
        self.matmul(Rows::All, Store::Sum, &view.output, &b.attended, &b.x);

        self.rms_norm(Rows::All, &layer.post_attention_norm);
        self.matmul(Rows::All, Store::Value, &layer.gate_up, &b.normed, &b.gate_up);
        self.swiglu();
        self.matmul(Rows::All, Store::Sum, &layer.down, &b.gated, &b.x);
    }

    /// Final norm and output projection, of the rows whose logits are wanted.
    pub(crate) fn logits(&mut self, logits: &wgpu::Buffer) {
        self.rms_norm(Rows::Logits, &self.weights.final_norm);
        self.matmul(Rows::Logits, Store::Value, self.weights.head(), &self.buffers.normed, logits);
    }

    /// Embeddings of the text, or of a block whose rows but the first are masks.
    pub(crate) fn embed(&mut self, mask: Option<u32>) {
        let b = self.buffers;
        let table = &self.weights.embedding;
        for piece in &table.pieces {
            let params = Embed {
                chunks: chunks(table.inputs) as u32,
                first_id: piece.first as u32,
                ids: piece.outputs as u32,
                masked: u32::from(mask.is_some()),
                mask_id: mask.unwrap_or(0),
                pad: [0; 3],
            };
            let kernel = Kernel::Embed(self.weights.format);
            let buffers = [&b.state, &self.uniform(&params), &piece.buffer, &b.tokens, &b.x];
            self.step(kernel, kernel, &buffers, move |extent| params.grid(extent.rows));
        }
    }

    fn rms_norm(&mut self, rows: Rows, weight: &wgpu::Buffer) {
        let b = self.buffers;
        let config = &self.weights.config;
        let params = RmsNorm {
            width: config.hidden_size as u32,
            stride: padded(config.hidden_size) as u32,
            eps: config.rms_norm_eps,
            pad: 0,
        };
        let kernel = Kernel::RmsNorm(rows);
        let buffers = [&b.state, &self.uniform(&params), &b.x, weight, &b.normed];
        self.step(kernel, kernel, &buffers, move |extent| params.grid(extent.rows));
    }

    fn matmul(&mut self, rows: Rows, store: Store, matrix: &Matrix, x: &wgpu::Buffer, y: &wgpu::Buffer) {
        // The residual stream is padded to whole chunks, what is only written and read by name is not.
        let y_stride = match store {
            Store::Value => matrix.outputs,
            Store::Sum => padded(matrix.outputs),
        };
        for piece in &matrix.pieces {
            let params = Matmul {
                outputs: piece.outputs as u32,
                chunks: chunks(matrix.inputs) as u32,
                y_stride: y_stride as u32,
                y_first: piece.first as u32,
            };
            let slices = self.weights.gpu.slices();
            let kernel = |tile| Kernel::Matmul { weights: self.weights.format, rows, tile, slices, store };
            let buffers = [&self.buffers.state, &self.uniform(&params), &piece.buffer, x, y];
            self.step(kernel(Tile::Row), kernel(Tile::Block), &buffers, move |extent| {
                params.grid(extent.rows, if extent.rows == 1 { Tile::Row } else { Tile::Block }, slices)
            });
        }
    }

    fn qk_norm_rope(&mut self, norms: &wgpu::Buffer, cache: &KeyValues, scratch: Option<&KeyValues>) {
        let b = self.buffers;
        let config = &self.weights.config;
        let params = QkNormRope {
            heads: config.num_attention_heads as u32,
            kv_heads: config.num_key_value_heads as u32,
            head_dim: config.head_dim as u32,
            head_vecs: b.sizes.head_vecs as u32,
            qkv_stride: b.sizes.qkv_width() as u32,
            capacity: if scratch.is_some() { b.sizes.block } else { b.sizes.capacity } as u32,
            scratch: u32::from(scratch.is_some()),
            eps: config.rms_norm_eps,
        };
        let target = scratch.unwrap_or(cache);
        let kernel = Kernel::QkNormRope;
        let params_buffer = self.uniform(&params);
        let buffers = [&b.state, &params_buffer, &b.qkv, norms, &b.rope, &b.q, &target.keys, &target.values];
        self.step(kernel, kernel, &buffers, move |extent| params.grid(extent.rows));
    }

    fn attention(&mut self, cache: &KeyValues, scratch: Option<&KeyValues>) {
        let b = self.buffers;
        let config = &self.weights.config;
        let params = AttentionParams {
            heads: config.num_attention_heads as u32,
            kv_heads: config.num_key_value_heads as u32,
            head_vecs: b.sizes.head_vecs as u32,
            capacity: b.sizes.capacity as u32,
            block_capacity: b.sizes.block as u32,
            splits: b.sizes.splits as u32,
            scale: 1.0 / (config.head_dim as f32).sqrt(),
            pad: 0,
        };
        let params_buffer = self.uniform(&params);
        let mut buffers = vec![&b.state, &params_buffer, &b.q, &cache.keys, &cache.values, &b.sums, &b.stats];
        if let Some(scratch) = scratch {
            buffers.extend([&scratch.keys, &scratch.values]);
        }
        let kernel = Kernel::Attention(visible(scratch.is_some()));
        self.step(kernel, kernel, &buffers, move |extent| params.grid(extent.rows, extent.positions));
    }

    fn attention_merge(&mut self, diffusion: bool) {
        let b = self.buffers;
        let config = &self.weights.config;
        let params = AttentionMerge {
            heads: config.num_attention_heads as u32,
            head_dim: config.head_dim as u32,
            head_vecs: b.sizes.head_vecs as u32,
            splits: b.sizes.splits as u32,
            out_stride: padded(config.query_width()) as u32,
            pad: [0; 3],
        };
        let kernel = Kernel::AttentionMerge(visible(diffusion));
        let buffers = [&b.state, &self.uniform(&params), &b.sums, &b.stats, &b.attended];
        self.step(kernel, kernel, &buffers, move |extent| params.grid(extent.rows));
    }

    fn swiglu(&mut self) {
        let b = self.buffers;
        let width = self.weights.config.intermediate_size;
        let params = Swiglu { width: width as u32, out_stride: padded(width) as u32, pad: [0; 2] };
        let kernel = Kernel::Swiglu;
        let buffers = [&b.state, &self.uniform(&params), &b.gate_up, &b.gated];
        self.step(kernel, kernel, &buffers, move |extent| params.grid(extent.rows));
    }

    pub(crate) fn argmax(&mut self, logits: &wgpu::Buffer, ids: &wgpu::Buffer, draft: bool) {
        let params = self.choice_params(draft);
        let buffers = [&self.buffers.state, &self.uniform(&params), logits, ids];
        self.step(Kernel::Argmax, Kernel::Argmax, &buffers, move |extent| params.grid(extent.rows));
    }

    pub(crate) fn distribution(&mut self, logits: &wgpu::Buffer, distributions: &wgpu::Buffer, draft: bool) {
        let params = self.choice_params(draft);
        let buffers = [&self.buffers.state, &self.uniform(&params), logits, distributions];
        let kernel = Kernel::Distribution;
        self.step(kernel, kernel, &buffers, move |extent| params.grid(extent.rows));
    }

    pub(crate) fn sample(
        &mut self,
        logits: &wgpu::Buffer,
        distributions: &wgpu::Buffer,
        ids: &wgpu::Buffer,
        draft: bool,
    ) {
        let params = self.choice_params(draft);
        let buffers = [&self.buffers.state, &self.uniform(&params), logits, distributions, ids];
        self.step(Kernel::Sample, Kernel::Sample, &buffers, move |extent| params.grid(extent.rows));
    }

    /// Replaces the picks of rows that have a draft by what rejection sampling says. Without drafts there are none.
    pub(crate) fn reject(&mut self) {
        let b = self.buffers;
        let params = Reject { vocabulary: self.weights.config.vocab_size as u32, pad: [0; 3] };
        let params_buffer = self.uniform(&params);
        let buffers = [
            &b.state,
            &params_buffer,
            &b.logits,
            &b.distributions,
            &b.draft_logits,
            &b.draft_distributions,
            &b.tokens,
            &b.picks,
        ];
        self.step(Kernel::Reject, Kernel::Reject, &buffers, move |extent| params.grid(extent.rows));
    }

    fn choice_params(&self, draft: bool) -> Argmax {
        let vocabulary = self.weights.config.vocab_size as u32;
        Argmax { vocabulary, draft: u32::from(draft), pad: [0; 2] }
    }

    pub(crate) fn accept(&mut self) {
        let b = self.buffers;
        let buffers = [&b.state, &b.tokens, &b.picks, &b.record];
        self.step(Kernel::Accept, Kernel::Accept, &buffers, |_| [1, 1, 1]);
    }

    fn uniform<T: bytemuck::Pod>(&self, params: &T) -> wgpu::Buffer {
        let make = || self.weights.gpu.uniform("params", params);
        self.uniforms.borrow_mut().entry(bytemuck::bytes_of(params).to_vec()).or_insert_with(make).clone()
    }

    fn step(
        &mut self,
        row: Kernel,
        block: Kernel,
        buffers: &[&wgpu::Buffer],
        grid: impl Fn(Extent) -> orthrus_shaders::params::Grid + Send + Sync + 'static,
    ) {
        let gpu = &self.weights.gpu;
        self.pass.steps.push(Step {
            row: gpu.pipeline(row).pipeline,
            block: gpu.pipeline(block).pipeline,
            group: gpu.bind(block, buffers),
            grid: Box::new(grid),
        });
    }
}

fn visible(diffusion: bool) -> Visible {
    if diffusion { Visible::Block } else { Visible::Causal }
}
