//! Sizes of a model's and a session's buffers. Reports and allocations both use them.

use orthrus_loader::{AttentionView, CheckpointViews, Config, TensorShape};
use orthrus_shaders::params::{Candidate, LogitPart, MatmulCoop, Sampling, SamplingCut, padded};
use orthrus_shaders::{
    ActivationLayout, CycleResult, KvFormat, KvSplits, MAX_BLOCK, MAX_WORKGROUPS, PREFILL_TILE, QUERY_ROOM,
    RowsPerLane, State, TILE, TILE_QUERIES, WeightFormat,
};

use super::matrix::matrix_bytes;
use super::parts::{Part, parts};
use crate::gpu::{Layouts, Tuning, storage_bytes};

const F32: u64 = 4;
const U32: u64 = 4;

/// The product of `factors` in `u64`, because a browser's `usize` ends at 4 GiB.
fn product(factors: &[usize]) -> u64 {
    factors.iter().map(|factor| *factor as u64).product()
}

/// Size of a model's weights on the GPU, in bytes, for the views that the checkpoint has.
pub fn weight_bytes(config: &Config, views: CheckpointViews, format: WeightFormat) -> u64 {
    parts(config, views).iter().map(|part| part_bytes(part, config, format)).sum()
}

/// Size of the weights that a pass through `view` reads, in bytes. The embedding counts only if it is also the
/// head.
pub fn pass_weight_bytes(config: &Config, view: AttentionView, format: WeightFormat) -> u64 {
    let parts = parts(config, CheckpointViews::Dual);
    let read = parts.iter().filter(|part| part.is_read(view, config));
    read.map(|part| part_bytes(part, config, format)).sum()
}

fn part_bytes(part: &Part, config: &Config, format: WeightFormat) -> u64 {
    match part.shape(config) {
        TensorShape::Matrix { outputs, inputs } => matrix_bytes(outputs, inputs, format),
        TensorShape::Vector(length) => storage_bytes(padded(length) as u64 * F32),
    }
}

/// A buffer of a session, other than the KV cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionBuffer {
    State,
    Tokens,
    TargetTokens,
    CycleResult,
    ResidualStream,
    Normed,
    Qkv,
    Queries,
    Partials,
    Stats,
    Attended,
    GateUp,
    Gated,
    Totals,
    LogitParts,
    Best,
    Logits,
    Cuts,
    DraftLogits,
    DraftCuts,
}

impl SessionBuffer {
    /// Every buffer.
    pub(crate) const ALL: [SessionBuffer; 20] = [
        SessionBuffer::State,
        SessionBuffer::Tokens,
        SessionBuffer::TargetTokens,
        SessionBuffer::CycleResult,
        SessionBuffer::ResidualStream,
        SessionBuffer::Normed,
        SessionBuffer::Qkv,
        SessionBuffer::Queries,
        SessionBuffer::Partials,
        SessionBuffer::Stats,
        SessionBuffer::Attended,
        SessionBuffer::GateUp,
        SessionBuffer::Gated,
        SessionBuffer::Totals,
        SessionBuffer::LogitParts,
        SessionBuffer::Best,
        SessionBuffer::Logits,
        SessionBuffer::Cuts,
        SessionBuffer::DraftLogits,
        SessionBuffer::DraftCuts,
    ];
}

/// Dimensions of a session's buffers, and their sizes in bytes.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SessionSizes {
    /// Positions of the KV cache, for prompt and answer together.
    pub context: usize,
    /// Rows of a block.
    pub block: usize,
    /// Largest number of rows of a pass.
    pub rows: usize,
    /// Largest number of rows that go through attention together. The partial results have room for them, and they
    /// are at least a block.
    pub chunk_rows: usize,
    /// Number of vec4 of a head, padding included.
    pub head_vecs: usize,
    /// Number of splits of the whole context.
    pub splits: usize,
    /// Layouts of activations and KV cache.
    pub layouts: Layouts,
    layers: u64,
    dual: bool,
    heads: usize,
    kv_heads: usize,
    head_dim: usize,
    hidden: usize,
    intermediate: usize,
    vocabulary: usize,
}

impl SessionSizes {
    /// The sizes of a session with `context` positions.
    pub fn new(config: &Config, views: CheckpointViews, context: usize, layouts: Layouts) -> SessionSizes {
        let Layouts { activations, kv } = layouts;
        let block = config.block_size;
        let head_vecs = match kv {
            KvFormat::RowsF32 => config.head_dim.div_ceil(4),
            KvFormat::TilesF16 => padded(config.head_dim) / 4,
        };
        let splits = kv.splits().of(context);
        let row_partials =
            product(&[config.num_attention_heads, splits, head_vecs, 4, kv.splits().partial_bytes()]);
        let heads_per_kv = config.num_attention_heads / config.num_key_value_heads;
        // A lane of `matmul` reads eight rows, even where the pass has fewer.
        let rows = Tuning::prefill_rows(activations).min(context).max(block);
        let rows = rows.next_multiple_of(RowsPerLane::Eight.rows());
        // Whole multiples of `unit` rows are whole tiles of queries, for any number of query heads a row.
        let unit = match kv {
            KvFormat::RowsF32 => TILE_QUERIES,
            KvFormat::TilesF16 => QUERY_ROOM,
        };
        let whole = |rows: usize| (rows / unit * unit).max(unit);
        let (least, most) = (block.next_multiple_of(unit), rows.next_multiple_of(unit));
        let chunk_rows = whole((Tuning::partials_budget(kv) / row_partials) as usize).clamp(least, most);
        let grid_rows = whole(MAX_WORKGROUPS * TILE_QUERIES / heads_per_kv);
        SessionSizes {
            context,
            block,
            rows,
            chunk_rows: chunk_rows.min(grid_rows),
            head_vecs,
            splits,
            layouts,
            layers: config.num_hidden_layers as u64,
            dual: views == CheckpointViews::Dual,
            heads: config.num_attention_heads,
            kv_heads: config.num_key_value_heads,
            head_dim: config.head_dim,
            hidden: config.hidden_size,
            intermediate: config.intermediate_size,
            vocabulary: config.vocab_size,
        }
    }

    /// The longest context, in positions, for which every buffer fits in `binding` bytes. 0: none.
    pub fn longest_context(config: &Config, views: CheckpointViews, layouts: Layouts, binding: u64) -> usize {
        let fits =
            |context: usize| SessionSizes::new(config, views, context, layouts).largest_buffer() <= binding;
        let (mut longest, mut beyond) = (0, config.max_position_embeddings + 1);
        while longest + 1 < beyond {
            let middle = longest + (beyond - longest) / 2;
            if fits(middle) { longest = middle } else { beyond = middle }
        }
        longest
    }

    /// Number of values in a row of queries, keys and values.
    pub(crate) fn qkv_width(&self) -> usize {
        (self.heads + 2 * self.kv_heads) * self.head_dim
    }

    /// Positions that the KV cache has room for. A cache in tiles is padded to whole tiles.
    pub(crate) fn padded_context(&self) -> usize {
        match self.layouts.kv {
            KvFormat::RowsF32 => self.context,
            KvFormat::TilesF16 => self.context.next_multiple_of(TILE),
        }
    }

    /// Number of chunks in which the longest pass goes through attention.
    pub fn chunks(&self) -> usize {
        self.rows.div_ceil(self.chunk_rows)
    }

    /// Queries of a kv head in the longest pass, padded to whole [`QUERY_ROOM`].
    pub(crate) fn queries(&self) -> usize {
        (self.rows * self.heads / self.kv_heads).next_multiple_of(QUERY_ROOM)
    }

    /// Queries of a kv head in a chunk, for which the partial results have room.
    pub(crate) fn chunk_queries(&self) -> usize {
        self.chunk_rows * self.heads / self.kv_heads
    }

    /// Queries of a kv head in a pass of one row, for which [`KvSplits::RoundRobin`] needs room. Padded to whole
    /// [`QUERY_ROOM`].
    pub(crate) fn row_queries(&self) -> usize {
        (self.heads / self.kv_heads).next_multiple_of(QUERY_ROOM)
    }

    /// Size of one layer's keys, or of its values, in bytes.
    pub(crate) fn cache_bytes_of_layer(&self) -> u64 {
        let kv = self.layouts.kv;
        storage_bytes(product(&[self.padded_context(), self.kv_heads, self.head_vecs, 4, kv.bytes()]))
    }

    /// Size of the KV cache, in bytes.
    pub fn cache_bytes(&self) -> u64 {
        2 * self.layers * self.cache_bytes_of_layer()
    }

    /// Size of one position in the KV cache, in bytes.
    pub fn cache_bytes_of_position(&self) -> u64 {
        let kv = self.layouts.kv;
        2 * self.layers * product(&[self.kv_heads, self.head_vecs, 4, kv.bytes()])
    }

    /// Size of all buffers of a session but the KV cache and the rotary table, in bytes.
    pub fn scratch_bytes(&self) -> u64 {
        SessionBuffer::ALL.iter().map(|&buffer| self.bytes_of(buffer)).sum()
    }

    /// Size of attention's partial results, in bytes.
    pub fn partials_bytes(&self) -> u64 {
        self.bytes_of(SessionBuffer::Partials)
    }

    /// Size of the rotary table, in bytes. The sessions of a model share it.
    pub fn rope_bytes(&self) -> u64 {
        storage_bytes(product(&[self.context, self.head_dim]) * F32)
    }

    /// Size of the largest buffer, in bytes.
    pub fn largest_buffer(&self) -> u64 {
        let scratch = SessionBuffer::ALL.iter().map(|&buffer| self.bytes_of(buffer));
        scratch.fold(self.cache_bytes_of_layer().max(self.rope_bytes()), u64::max)
    }

    /// Size of `buffer` as it is allocated, in bytes.
    pub(crate) fn bytes_of(&self, buffer: SessionBuffer) -> u64 {
        let Layouts { activations, kv } = self.layouts;
        let draft = u64::from(self.dual);
        let row_f32 = |values: usize| product(&[self.rows, values]) * F32;
        let logits = product(&[self.block, self.vocabulary]) * F32;
        let cuts = product(&[self.block, size_of::<SamplingCut>()]);
        storage_bytes(match buffer {
            SessionBuffer::State => size_of::<State>() as u64,
            SessionBuffer::Tokens => self.context as u64 * U32,
            SessionBuffer::TargetTokens => MAX_BLOCK as u64 * U32,
            SessionBuffer::CycleResult => size_of::<CycleResult>() as u64,
            SessionBuffer::ResidualStream => row_f32(padded(self.hidden)),
            SessionBuffer::Normed => self.activation_bytes(padded(self.hidden)),
            SessionBuffer::Qkv => row_f32(self.qkv_width()),
            SessionBuffer::Queries => {
                product(&[self.kv_heads, self.queries(), self.head_vecs, 4, kv.bytes()])
            }
            SessionBuffer::Partials => {
                self.of_splits(|splits| product(&[self.head_vecs, 4, splits.partial_bytes()]))
            }
            SessionBuffer::Stats => self.of_splits(|_| 2 * F32),
            SessionBuffer::Attended => self.activation_bytes(padded(self.heads * self.head_dim)),
            SessionBuffer::GateUp => match activations {
                ActivationLayout::RowsF32 => row_f32(2 * padded(self.intermediate)),
                ActivationLayout::TilesF16 => 0,
            },
            SessionBuffer::Gated => self.activation_bytes(padded(self.intermediate)),
            SessionBuffer::Totals => match activations {
                ActivationLayout::RowsF32 => 0,
                ActivationLayout::TilesF16 => {
                    let outputs = self.qkv_width().max(self.hidden).max(2 * padded(self.intermediate));
                    let workgroups = Tuning::PREFILL_WORKGROUPS;
                    product(&[MatmulCoop::prefill_totals(self.rows, outputs, workgroups)]) * F32
                }
            },
            SessionBuffer::LogitParts => {
                let parts = Sampling::new(self.vocabulary, false).parts as usize;
                product(&[self.block, parts, size_of::<LogitPart>()])
            }
            SessionBuffer::Best => {
                product(&[self.block, self.vocabulary.div_ceil(TILE), size_of::<Candidate>()])
            }
            SessionBuffer::Logits => logits,
            SessionBuffer::Cuts => cuts,
            SessionBuffer::DraftLogits => draft * logits,
            SessionBuffer::DraftCuts => draft * cuts,
        })
    }

    /// Size of a buffer of partial results, where the result of one query in one split takes `bytes`. It has room
    /// for a chunk, and for one row in splits of [`KvSplits::RoundRobin`].
    fn of_splits(&self, bytes: impl Fn(KvSplits) -> u64) -> u64 {
        let splits = self.layouts.kv.splits();
        let of_a_chunk = product(&[self.kv_heads, self.splits, self.chunk_queries()]) * bytes(splits);
        let row_splits = KvSplits::RoundRobin.of(self.context);
        let of_a_row =
            product(&[self.kv_heads, row_splits, self.row_queries()]) * bytes(KvSplits::RoundRobin);
        match self.layouts.kv {
            KvFormat::RowsF32 => of_a_chunk,
            KvFormat::TilesF16 => of_a_chunk.max(of_a_row),
        }
    }

    /// Size of activations with `values` values a row, in bytes. In tiles, the rows are padded to whole workgroups
    /// of `matmul_prefill`.
    fn activation_bytes(&self, values: usize) -> u64 {
        let layout = self.layouts.activations;
        let rows = match layout {
            ActivationLayout::RowsF32 => self.rows,
            ActivationLayout::TilesF16 => self.rows.next_multiple_of(PREFILL_TILE),
        };
        product(&[rows, values, layout.bytes()])
    }
}
