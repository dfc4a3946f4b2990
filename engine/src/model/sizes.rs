//! How much GPU memory a model and a session take: what is said before and what is allocated come from here.

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

/// Bytes are counted in `u64` from the first factor on: a browser's `usize` ends at 4 GiB.
fn product(factors: &[usize]) -> u64 {
    factors.iter().map(|factor| *factor as u64).product()
}

/// Bytes that the weights of a model take on the GPU, for the views that the checkpoint has.
pub fn weight_bytes(config: &Config, views: CheckpointViews, format: WeightFormat) -> u64 {
    parts(config, views).iter().map(|part| part_bytes(part, config, format)).sum()
}

/// Bytes of the weights that a pass through `view` reads: all of the view's but the embeddings, unless they are the head
/// too.
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

/// A buffer of a session, besides the KV cache.
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

/// The sizes of a session's buffers, in values unless said otherwise.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SessionSizes {
    /// Positions of the KV cache: prompt and answer together.
    pub context: usize,
    /// Rows of a block.
    pub block: usize,
    /// Rows of the longest pass.
    pub rows: usize,
    /// Rows that go through attention at a time: as many as the partial results have room for, and a block at least.
    pub chunk_rows: usize,
    /// vec4 of a head.
    pub head_vecs: usize,
    /// Splits of the whole context.
    pub splits: usize,
    /// How activations and KV cache are stored.
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
    /// Sizes for a cache of `context` positions.
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
        // Whole tiles of `matmul`, which reads them whole.
        let rows = Tuning::prefill_rows(activations).min(context).max(block);
        let rows = rows.next_multiple_of(RowsPerLane::Eight.rows());
        // Chunks of whole tiles of queries, however many of them a row has.
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

    /// The longest context for which every buffer fits in `binding` bytes.
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

    /// Width of a row of queries, keys and values.
    pub(crate) fn qkv_width(&self) -> usize {
        (self.heads + 2 * self.kv_heads) * self.head_dim
    }

    /// Positions that keys and values have room for: whole tiles where the cache is in tiles.
    pub(crate) fn padded_context(&self) -> usize {
        match self.layouts.kv {
            KvFormat::RowsF32 => self.context,
            KvFormat::TilesF16 => self.context.next_multiple_of(TILE),
        }
    }

    /// Chunks of rows in which the longest pass goes through attention.
    pub fn chunks(&self) -> usize {
        self.rows.div_ceil(self.chunk_rows)
    }

    /// Queries of a kv head that there is room for in all rows: whole tiles.
    pub(crate) fn queries(&self) -> usize {
        (self.rows * self.heads / self.kv_heads).next_multiple_of(QUERY_ROOM)
    }

    /// Queries of a kv head that the partial results have room for: those of a chunk.
    pub(crate) fn chunk_queries(&self) -> usize {
        self.chunk_rows * self.heads / self.kv_heads
    }

    /// Queries of a kv head that the partial results have room for where a pass of one row has splits of its own.
    pub(crate) fn row_queries(&self) -> usize {
        (self.heads / self.kv_heads).next_multiple_of(QUERY_ROOM)
    }

    /// Bytes of one layer's keys, or of its values.
    pub(crate) fn cache_bytes_of_layer(&self) -> u64 {
        let kv = self.layouts.kv;
        storage_bytes(product(&[self.padded_context(), self.kv_heads, self.head_vecs, 4, kv.bytes()]))
    }

    /// Bytes of the KV cache.
    pub fn cache_bytes(&self) -> u64 {
        2 * self.layers * self.cache_bytes_of_layer()
    }

    /// Bytes of a position in the KV cache.
    pub fn cache_bytes_of_position(&self) -> u64 {
        let kv = self.layouts.kv;
        2 * self.layers * product(&[self.kv_heads, self.head_vecs, 4, kv.bytes()])
    }

    /// Bytes of everything that a session allocates but the KV cache.
    pub fn scratch_bytes(&self) -> u64 {
        SessionBuffer::ALL.iter().map(|&buffer| self.bytes_of(buffer)).sum()
    }

    /// Bytes of the partial results of attention.
    pub fn partials_bytes(&self) -> u64 {
        self.bytes_of(SessionBuffer::Partials)
    }

    /// Bytes of the rotary table, which the sessions of a model share.
    pub fn rope_bytes(&self) -> u64 {
        storage_bytes(product(&[self.context, self.head_dim]) * F32)
    }

    /// Bytes of the largest buffer.
    pub fn largest_buffer(&self) -> u64 {
        let scratch = SessionBuffer::ALL.iter().map(|&buffer| self.bytes_of(buffer));
        scratch.fold(self.cache_bytes_of_layer().max(self.rope_bytes()), u64::max)
    }

    /// Bytes of a buffer, as it is allocated.
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

    /// Bytes for partial results: those of a chunk, or those of one row in splits of its own. One takes `bytes`.
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

    /// Bytes of rows that a matrix is multiplied with: in tiles, as many as the largest workgroup takes.
    fn activation_bytes(&self, values: usize) -> u64 {
        let layout = self.layouts.activations;
        let rows = match layout {
            ActivationLayout::RowsF32 => self.rows,
            ActivationLayout::TilesF16 => self.rows.next_multiple_of(PREFILL_TILE),
        };
        product(&[rows, values, layout.bytes()])
    }
}
