//! Attention of a layer: QK norm and rotary embedding, attention over splits of the KV cache, and their merge.

use orthrus_shaders::params::{Attention as AttentionParams, AttentionMerge, QkNormRope, padded};
use orthrus_shaders::{
    Kernel, KvFormat, KvSplits, Mask, PAIRED_QUERIES, ROW_HEADS, STAGED_HEAD, STAGED_QUERIES, TILE,
};

use super::buffers::KeyValues;
use super::builder::PassBuilder;
use super::plan::{ArKernel, GridOf, PassBounds};
use crate::gpu::Buffer;

impl PassBuilder<'_> {
    /// Norms and rotates queries and keys, and writes keys and values to the KV cache.
    pub(super) fn push_qk_norm_rope(&mut self, norms: &Buffer, kv: &KeyValues) {
        let b = self.buffers;
        let config = &self.model.config;
        let params = QkNormRope {
            heads: config.num_attention_heads as u32,
            kv_heads: config.num_key_value_heads as u32,
            head_dim: config.head_dim as u32,
            head_vecs: b.sizes.head_vecs as u32,
            qkv_stride: b.sizes.qkv_width() as u32,
            context: b.sizes.padded_context() as u32,
            queries: b.sizes.queries() as u32,
            eps: config.rms_norm_eps,
        };
        let uniform = self.uniform(&params);
        let buffers = [
            ("params", &uniform),
            ("qkv", &b.qkv),
            ("norms", norms),
            ("rope", &b.rope),
            ("q", &b.q),
            ("cache_keys", &kv.keys),
            ("cache_values", &kv.values),
        ];
        let reduce = self.model.gpu.tuning().numerics.reduce;
        let kernel = Kernel::QkNormRope { kv: self.model.layouts.kv, reduce };
        self.push(kernel, &buffers, move |bounds| params.grid(bounds.max_rows));
    }

    /// Attention of the chunk of rows that starts at `first_row`, over each split of the KV cache.
    pub(super) fn push_attention(&mut self, mask: Mask, kv: &KeyValues, first_row: usize) {
        let b = self.buffers;
        let params = self.attention_params(mask, first_row);
        let uniform = self.uniform(&params);
        let buffers = [
            ("params", &uniform),
            ("q", &b.q),
            ("cache_keys", &kv.keys),
            ("cache_values", &kv.values),
            ("partials", &b.partials),
            ("stats", &b.stats),
        ];
        match self.model.layouts.kv {
            KvFormat::RowsF32 => self
                .push(Kernel::Attention, &buffers, move |bounds| params.grid(bounds.max_rows, bounds.kv_len)),
            KvFormat::TilesF16 => self.push_variants(self.tiled_attention(params), &buffers),
        }
    }

    /// The alternatives for attention over a KV cache in tiles, ordered by upper bound. They give the same bits.
    fn tiled_attention(&self, params: AttentionParams) -> Vec<(PassBounds, Kernel, GridOf)> {
        let tuning = self.model.gpu.tuning();
        let rows = |queries: usize| PassBounds::of_rows(queries / self.heads_per_kv());
        let workgroups = tuning.attention_workgroups;
        let coop = |upper| -> (PassBounds, Kernel, GridOf) {
            let grid = move |bounds: PassBounds| params.coop_grid(bounds.max_rows, bounds.kv_len, workgroups);
            (upper, Kernel::AttentionCoop, Box::new(grid))
        };
        let staged = |upper| -> (PassBounds, Kernel, GridOf) {
            let grid = move |bounds: PassBounds| params.staged_grid(bounds.max_rows, bounds.kv_len);
            (upper, Kernel::AttentionStaged, Box::new(grid))
        };
        let paired = |upper| -> (PassBounds, Kernel, GridOf) {
            let grid = move |bounds: PassBounds| params.paired_grid(bounds.max_rows, bounds.kv_len);
            (upper, Kernel::AttentionPaired, Box::new(grid))
        };
        let fits = padded(self.model.config.head_dim) == STAGED_HEAD && self.kernels == ArKernel::Exact;
        match fits {
            true if tuning.has_paired_attention => {
                let short = PassBounds { kv_len: tuning.staged_kv_len, ..rows(PAIRED_QUERIES) };
                vec![
                    coop(rows(TILE)),
                    // Up to this bound, half of a workgroup of `attention_paired` would have no queries.
                    staged(rows(STAGED_QUERIES)),
                    staged(short),
                    paired(PassBounds::ANY),
                ]
            }
            true if tuning.has_staged_attention => vec![coop(rows(TILE)), staged(PassBounds::ANY)],
            _ => vec![coop(PassBounds::ANY)],
        }
    }

    /// Fuses QK norm, rotary embedding and attention for one row: the fast kernel.
    pub(super) fn push_attention_row(&mut self, norms: &Buffer, kv: &KeyValues) {
        let b = self.buffers;
        let tuning = self.model.gpu.tuning();
        let (queries, exchange) = (tuning.row_queries(self.heads_per_kv()), tuning.exchange);
        let params = self.attention_params(Mask::Causal, 0);
        let uniform = self.uniform(&params);
        let buffers = [
            ("params", &uniform),
            ("qkv", &b.qkv),
            ("norms", norms),
            ("rope", &b.rope),
            ("cache_keys", &kv.keys),
            ("cache_values", &kv.values),
            ("partials", &b.partials),
            ("stats", &b.stats),
        ];
        self.push(Kernel::AttentionRow { queries, exchange }, &buffers, move |bounds| {
            params.row_grid(bounds.kv_len, queries)
        });
    }

    /// Merges the splits of the chunk of rows that starts at `first_row`.
    pub(super) fn push_attention_merge(&mut self, mask: Mask, first_row: usize) {
        let b = self.buffers;
        let config = &self.model.config;
        let splits = self.kv_splits();
        let params = AttentionMerge {
            heads: config.num_attention_heads as u32,
            kv_heads: config.num_key_value_heads as u32,
            head_dim: config.head_dim as u32,
            head_vecs: b.sizes.head_vecs as u32,
            splits: splits.of(b.sizes.context) as u32,
            out_stride: padded(config.query_width()) as u32,
            mask: mask as u32,
            first_row: first_row as u32,
            chunk_queries: self.chunk_queries() as u32,
            pad: [0; 3],
        };
        let uniform = self.uniform(&params);
        let buffers =
            [("params", &uniform), ("partials", &b.partials), ("stats", &b.stats), ("out", &b.attended)];
        let kernel = Kernel::AttentionMerge { splits, output: self.model.layouts.activations };
        self.push(kernel, &buffers, move |bounds| params.grid(bounds.max_rows));
    }

    /// First row of each chunk in which the pass goes through attention. A block, and a single row, fit in the
    /// first chunk. Only prefill passes run the others.
    pub(super) fn attention_chunks(&self, mask: Mask) -> impl Iterator<Item = usize> + use<> {
        let sizes = self.buffers.sizes;
        let chunks = match (self.kernels, mask) {
            (ArKernel::Exact, Mask::Causal) => sizes.chunks(),
            (ArKernel::Fast, _) | (_, Mask::Block) => 1,
        };
        (0..chunks).map(move |chunk| chunk * sizes.chunk_rows)
    }

    /// How the KV cache is divided into splits for this pass.
    pub(super) fn kv_splits(&self) -> KvSplits {
        let has_row_kernel = self.model.config.head_dim == STAGED_HEAD && self.heads_per_kv() <= ROW_HEADS;
        match (self.kernels, self.model.layouts.kv) {
            (ArKernel::Fast, KvFormat::TilesF16) if has_row_kernel => KvSplits::RoundRobin,
            (_, kv) => kv.splits(),
        }
    }

    /// Queries of a kv head for which the partial results have room, in these splits.
    fn chunk_queries(&self) -> usize {
        match self.kv_splits() {
            KvSplits::RoundRobin => self.buffers.sizes.row_queries(),
            KvSplits::Fixed | KvSplits::Growing => self.buffers.sizes.chunk_queries(),
        }
    }

    fn attention_params(&self, mask: Mask, first_row: usize) -> AttentionParams {
        let b = self.buffers;
        let config = &self.model.config;
        AttentionParams {
            heads: config.num_attention_heads as u32,
            kv_heads: config.num_key_value_heads as u32,
            head_vecs: b.sizes.head_vecs as u32,
            context: b.sizes.padded_context() as u32,
            queries: b.sizes.queries() as u32,
            splits: self.kv_splits().of(b.sizes.context) as u32,
            scale: 1.0 / (config.head_dim as f32).sqrt(),
            mask: mask as u32,
            first_row: first_row as u32,
            chunk_queries: self.chunk_queries() as u32,
            eps: config.rms_norm_eps,
            pad: 0,
        }
    }

    fn heads_per_kv(&self) -> usize {
        self.model.config.num_attention_heads / self.model.config.num_key_value_heads
    }
}
