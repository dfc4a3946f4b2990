//! The forward pass, readable from top to bottom. What is here is a *preparation* of it: each call adds one
//! to three dispatches to a [`Pass`], which the decode loop records as often as it likes.

use std::cell::RefCell;
use std::collections::HashMap;

use orthrus_shaders::params::{
    Attention as AttentionParams, AttentionMerge, Embed, Grid, QkNormRope, RmsNorm, padded,
};
use orthrus_shaders::{
    Cache, Kernel, PAIRED_QUERIES, PAIRED_WORKGROUP_BYTES, ROW_HEADS, RowQueries, Rows, STAGED_HEAD,
    STAGED_QUERIES, Splits, TILE, TileLanes, Visible, chunks,
};

use crate::buffer::Buffer;
use crate::buffers::{Buffers, KeyValues};
use crate::model::{Attention, Layer, Weights};
use crate::options::ArKernel;
use crate::pass::{Extent, GridOf, Pass, Step, Variant};

/// Uniform buffers by contents: layers share theirs.
pub(crate) type Uniforms = RefCell<HashMap<Vec<u8>, Buffer>>;

/// Positions up to which a block's attention takes 64 queries a workgroup rather than 128.
const STAGED_POSITIONS: usize = 6144;

/// A pass while it is prepared.
pub(crate) struct Preparation<'a> {
    pub(crate) weights: &'a Weights,
    pub(crate) buffers: &'a Buffers,
    pub(crate) uniforms: Uniforms,
    /// [`ArKernel::Fast`]: the pass has one row, and need not be bit-equal to a row of a block.
    pub(crate) kernel: ArKernel,
    pub(crate) pass: Pass,
}

impl Preparation<'_> {
    /// One decoder layer, through the view whose attention weights are given.
    pub(crate) fn layer(&mut self, layer: &Layer, view: &Attention, visible: Visible, cache: &KeyValues) {
        let b = self.buffers;
        self.normed_product(Rows::All, &layer.input_norm, &view.qkv, &b.qkv);
        if self.splits() == Splits::Dealt {
            self.attention_row(&view.qk_norms, cache);
            self.attention_merge(visible, 0);
        } else {
            self.qk_norm_rope(&view.qk_norms, cache);
            for piece in 0..self.pieces(visible) {
                let first_row = piece * b.sizes.piece_rows;
                self.attention(visible, cache, first_row);
                self.attention_merge(visible, first_row);
            }
        }
        self.add_product(&b.attended, &view.output, 1.0);

        self.gated_product(&layer.post_attention_norm, &layer.gate_up);
        self.add_product(&b.gated, &layer.down, 1.0 / self.gated_scale());
    }

    /// Final norm and output projection, of the rows whose logits are wanted.
    pub(crate) fn logits(&mut self, logits: &Buffer) {
        self.normed_product(Rows::Logits, &self.weights.final_norm, self.weights.head(), logits);
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
            let buffers = [&b.state, &self.uniform(&params), &piece.buffer, &b.tokens, &b.x];
            let kernel = Kernel::Embed(self.weights.format);
            self.step(kernel, &buffers, move |extent| params.grid(extent.rows));
        }
    }

    pub(crate) fn rms_norm(&mut self, rows: Rows, weight: &Buffer) {
        let b = self.buffers;
        let config = &self.weights.config;
        let params = RmsNorm {
            width: config.hidden_size as u32,
            stride: padded(config.hidden_size) as u32,
            out_stride: padded(config.hidden_size) as u32,
            eps: config.rms_norm_eps,
        };
        let buffers = [&b.state, &self.uniform(&params), &b.x, weight, &b.normed];
        let kernel = Kernel::RmsNorm { rows, output: self.weights.cache.output() };
        self.step(kernel, &buffers, move |extent| params.grid(extent.rows));
    }

    fn qk_norm_rope(&mut self, norms: &Buffer, cache: &KeyValues) {
        let b = self.buffers;
        let config = &self.weights.config;
        let params = QkNormRope {
            heads: config.num_attention_heads as u32,
            kv_heads: config.num_key_value_heads as u32,
            head_dim: config.head_dim as u32,
            head_vecs: b.sizes.head_vecs as u32,
            qkv_stride: b.sizes.qkv_width() as u32,
            capacity: b.sizes.positions() as u32,
            queries: b.sizes.queries() as u32,
            eps: config.rms_norm_eps,
        };
        let params_buffer = self.uniform(&params);
        let buffers = [&b.state, &params_buffer, &b.qkv, norms, &b.rope, &b.q, &cache.keys, &cache.values];
        let kernel = Kernel::QkNormRope(self.weights.cache);
        self.step(kernel, &buffers, move |extent| params.grid(extent.rows));
    }

    fn heads_per_kv(&self) -> usize {
        let config = &self.weights.config;
        config.num_attention_heads / config.num_key_value_heads
    }

    /// Pieces that the pass's rows go through attention in. A block, and one row, fit in the first: what the others
    /// have prepared runs in prompts alone.
    fn pieces(&self, visible: Visible) -> usize {
        match (self.kernel, visible) {
            (ArKernel::Exact, Visible::Causal) => self.buffers.sizes.pieces(),
            (ArKernel::Fast, _) | (_, Visible::Block) => 1,
        }
    }

    fn attention_params(&self, visible: Visible, first_row: usize) -> AttentionParams {
        let b = self.buffers;
        let config = &self.weights.config;
        AttentionParams {
            heads: config.num_attention_heads as u32,
            kv_heads: config.num_key_value_heads as u32,
            head_vecs: b.sizes.head_vecs as u32,
            capacity: b.sizes.positions() as u32,
            queries: b.sizes.queries() as u32,
            splits: self.splits().of(b.sizes.capacity) as u32,
            scale: 1.0 / (config.head_dim as f32).sqrt(),
            visible: visible as u32,
            first_row: first_row as u32,
            piece_queries: self.piece_queries() as u32,
            eps: config.rms_norm_eps,
            pad: 0,
        }
    }

    /// What `qk_norm_rope` and `attention` do, for one row by the fast kernels.
    fn attention_row(&mut self, norms: &Buffer, cache: &KeyValues) {
        let b = self.buffers;
        let queries = RowQueries::of(self.heads_per_kv());
        let subgroups_of_32 = self.weights.gpu.has_subgroups_of(32);
        let lanes = if subgroups_of_32 { TileLanes::Subgroup } else { TileLanes::Workgroup };
        let params = self.attention_params(Visible::Causal, 0);
        let params_buffer = self.uniform(&params);
        let (keys, values) = (&cache.keys, &cache.values);
        let buffers = [&b.state, &params_buffer, &b.qkv, norms, &b.rope, keys, values, &b.partials, &b.stats];
        self.step(Kernel::AttentionRow { queries, lanes }, &buffers, move |extent| {
            params.row_grid(extent.positions, queries)
        });
    }

    fn attention(&mut self, visible: Visible, cache: &KeyValues, first_row: usize) {
        let b = self.buffers;
        let params = self.attention_params(visible, first_row);
        let params_buffer = self.uniform(&params);
        let buffers = [&b.state, &params_buffer, &b.q, &cache.keys, &cache.values, &b.partials, &b.stats];
        match self.weights.cache {
            Cache::Rows => {
                self.step(Kernel::Attention, &buffers, move |extent| {
                    params.grid(extent.rows, extent.positions)
                });
            }
            Cache::Tiles => {
                let kernels = self.tiled_attention().map(|(most, kernel)| {
                    let grid = move |extent: Extent| params.tiled_grid(kernel, extent.rows, extent.positions);
                    (most, kernel, Box::new(grid) as GridOf)
                });
                self.step_by_extent(kernels.collect(), &buffers);
            }
        }
    }

    /// The splits of the cache that its rows go through attention in.
    fn splits(&self) -> Splits {
        let by_row = self.weights.config.head_dim == STAGED_HEAD && self.heads_per_kv() <= ROW_HEADS;
        match (self.kernel, self.weights.cache) {
            (ArKernel::Fast, Cache::Tiles) if by_row => Splits::Dealt,
            (_, cache) => cache.splits(),
        }
    }

    /// Queries of a kv head that partials have room for, in those splits.
    fn piece_queries(&self) -> usize {
        match self.splits() {
            Splits::Dealt => self.buffers.sizes.row_queries(),
            Splits::Even | Splits::Growing => self.buffers.sizes.piece_queries(),
        }
    }

    /// The kernels of attention over a cache in tiles, each for passes of some extent, by measurement on an NVIDIA H200.
    fn tiled_attention(&self) -> impl Iterator<Item = (Extent, Kernel)> {
        let gpu = &self.weights.gpu;
        let rows = |queries: usize| queries / self.heads_per_kv();
        let can_stage = padded(self.weights.config.head_dim) == STAGED_HEAD && gpu.has_subgroups_of(32);
        let can_pair = can_stage && gpu.has_workgroup_memory(PAIRED_WORKGROUP_BYTES);
        let few = (Extent::of_rows(rows(TILE)), Kernel::AttentionCoop);
        // Where one more workgroup has nothing to share.
        let no_more = (Extent::of_rows(rows(STAGED_QUERIES)), Kernel::AttentionStaged);
        // While there are fewer workgroups than a large GPU has room for.
        let short = Extent { positions: STAGED_POSITIONS, ..Extent::of_rows(rows(PAIRED_QUERIES)) };
        let short = (short, Kernel::AttentionStaged);
        let any = |kernel| (Extent::ANY, kernel);
        match self.kernel {
            ArKernel::Exact if can_pair => vec![few, no_more, short, any(Kernel::AttentionPaired)],
            ArKernel::Exact if can_stage => vec![few, any(Kernel::AttentionStaged)],
            _ => vec![any(Kernel::AttentionCoop)],
        }
        .into_iter()
    }

    fn attention_merge(&mut self, visible: Visible, first_row: usize) {
        let b = self.buffers;
        let config = &self.weights.config;
        let params = AttentionMerge {
            heads: config.num_attention_heads as u32,
            kv_heads: config.num_key_value_heads as u32,
            head_dim: config.head_dim as u32,
            head_vecs: b.sizes.head_vecs as u32,
            splits: self.splits().of(b.sizes.capacity) as u32,
            out_stride: padded(config.query_width()) as u32,
            visible: visible as u32,
            first_row: first_row as u32,
            piece_queries: self.piece_queries() as u32,
            pad: [0; 3],
        };
        let buffers = [&b.state, &self.uniform(&params), &b.partials, &b.stats, &b.attended];
        let kernel = Kernel::AttentionMerge(self.splits());
        self.step(kernel, &buffers, move |extent| params.grid(extent.rows));
    }

    pub(crate) fn uniform<T: bytemuck::Pod>(&self, params: &T) -> Buffer {
        let make = || self.weights.gpu.uniform("params", params);
        self.uniforms.borrow_mut().entry(bytemuck::bytes_of(params).to_vec()).or_insert_with(make).clone()
    }

    /// Adds a dispatch of the same kernel for any number of rows.
    pub(crate) fn step(
        &mut self,
        kernel: Kernel,
        buffers: &[&Buffer],
        grid: impl Fn(Extent) -> Grid + Send + Sync + 'static,
    ) {
        self.step_by_extent(vec![(Extent::ANY, kernel, Box::new(grid))], buffers);
    }

    /// Adds a dispatch of one of several kernels, each for passes of an extent at most, of which the first that fits
    /// is taken; the last is for any more too. They bind the same, or the first of it.
    pub(crate) fn step_by_extent(&mut self, kernels: Vec<(Extent, Kernel, GridOf)>, buffers: &[&Buffer]) {
        let gpu = &self.weights.gpu;
        let first = kernels[0].1;
        let bound = first.bindings().iter().zip(buffers);
        let weights = bound.filter(|(binding, _)| binding.name == "weights");
        let variant = |(most, kernel, grid): (Extent, Kernel, GridOf)| Variant {
            name: kernel.name(),
            most,
            pipeline: gpu.pipeline(kernel).pipeline,
            group: gpu.bind(kernel, &buffers[..kernel.bindings().len()]),
            grid,
        };
        self.pass.steps.push(Step {
            variants: kernels.into_iter().map(variant).collect(),
            weight_bytes: weights.map(|(_, buffer)| buffer.size()).sum(),
        });
    }
}
