//! How much memory a model and a session take: one place that says it, for the session that allocates it and
//! for those who want to know before.

use orthrus_loader::{Config, Views};
use orthrus_shaders::params::{Distribution, padded};
use orthrus_shaders::{INTERLEAVE, SPLIT, TILE_QUERIES, Tile, WeightFormat};

const F32: u64 = 4;

/// Most workgroups in a dimension of a grid (core WebGPU).
pub(crate) const MAX_GROUPS: usize = 65_535;

/// Most rows of a prompt that go through one pass.
const PROMPT_ROWS: usize = 128;

/// Memory for the partial sums of attention: beyond it, a prompt goes through in shorter blocks.
const PARTIAL_SUMS: u64 = 64 << 20;

/// Bytes that the weights of a model take on the GPU, for the views that the checkpoint has.
pub fn weight_bytes(config: &Config, views: Views, format: WeightFormat) -> u64 {
    let rows = |outputs: usize| outputs.next_multiple_of(INTERLEAVE);
    let matrix = |outputs: usize, inputs: usize| (rows(outputs) * padded(inputs) * format.bytes()) as u64;
    let vector = |length: usize| length as u64 * F32;
    let heads = config.num_attention_heads * config.head_dim;
    let kv_heads = config.num_key_value_heads * config.head_dim;
    let attention = matrix(heads + 2 * kv_heads, config.hidden_size)
        + matrix(config.hidden_size, heads)
        + vector(2 * config.head_dim);
    let mlp = matrix(2 * config.intermediate_size, config.hidden_size)
        + matrix(config.hidden_size, config.intermediate_size);
    let attentions = match views {
        Views::Dual => 2,
        Views::ArOnly => 1,
    };
    let layer = attentions * attention + mlp + 2 * vector(config.hidden_size);
    let tables = if config.tie_word_embeddings { 1 } else { 2 };
    config.num_hidden_layers as u64 * layer
        + tables * matrix(config.vocab_size, config.hidden_size)
        + vector(config.hidden_size)
}

/// The sizes of a session's buffers, in values unless said otherwise.
#[derive(Clone, Copy, Debug)]
pub struct SessionSizes {
    /// Positions of the cache.
    pub capacity: usize,
    /// Rows of a block.
    pub block: usize,
    /// Rows of the longest pass.
    pub rows: usize,
    /// vec4 of a head.
    pub head_vecs: usize,
    /// Splits of the whole cache.
    pub splits: usize,
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
    /// Sizes for a cache of `capacity` positions.
    pub fn new(config: &Config, views: Views, capacity: usize) -> SessionSizes {
        let block = config.block_size;
        let head_vecs = config.head_dim.div_ceil(4);
        let splits = capacity.div_ceil(SPLIT);
        let sums_of_a_row = (config.num_attention_heads * splits * head_vecs * 4) as u64 * F32;
        let rows = (PARTIAL_SUMS / sums_of_a_row) as usize;
        let tile = Tile::Block.rows();
        let heads_per_kv = config.num_attention_heads / config.num_key_value_heads;
        let grid_rows = MAX_GROUPS * TILE_QUERIES / heads_per_kv / tile * tile;
        SessionSizes {
            capacity,
            block,
            // Whole tiles of `matmul`, which reads them whole, and no grid of `attention` beyond its limit.
            rows: rows.clamp(block, PROMPT_ROWS.max(block)).next_multiple_of(tile).min(grid_rows),
            head_vecs,
            splits,
            layers: config.num_hidden_layers as u64,
            dual: views == Views::Dual,
            heads: config.num_attention_heads,
            kv_heads: config.num_key_value_heads,
            head_dim: config.head_dim,
            hidden: config.hidden_size,
            intermediate: config.intermediate_size,
            vocabulary: config.vocab_size,
        }
    }

    /// The longest context of which every buffer fits in `binding` bytes.
    pub fn longest_context(config: &Config, views: Views, binding: u64) -> usize {
        let fits = |context: usize| {
            let sizes = SessionSizes::new(config, views, context);
            let growing =
                [sizes.cache_bytes_of_layer(), sizes.sums_bytes(), sizes.stats_bytes(), sizes.rope_bytes()];
            growing.iter().all(|&bytes| bytes <= binding)
        };
        let (mut most, mut beyond) = (0, config.max_position_embeddings + 1);
        while most + 1 < beyond {
            let middle = most + (beyond - most) / 2;
            if fits(middle) { most = middle } else { beyond = middle }
        }
        most
    }

    /// Width of a row of queries, keys and values.
    pub fn qkv_width(&self) -> usize {
        (self.heads + 2 * self.kv_heads) * self.head_dim
    }

    /// Bytes of one layer's keys, or of its values.
    pub fn cache_bytes_of_layer(&self) -> u64 {
        (self.capacity * self.kv_heads * self.head_vecs * 4) as u64 * F32
    }

    /// Bytes of the cache.
    pub fn cache_bytes(&self) -> u64 {
        2 * self.layers * self.cache_bytes_of_layer()
    }

    /// Bytes of the keys, or of the values, of the diffusion view's block: one scratch serves every layer.
    pub fn block_bytes(&self) -> u64 {
        (self.block * self.kv_heads * self.head_vecs * 4) as u64 * F32
    }

    /// Bytes of a hidden state, of all rows.
    pub fn hidden_bytes(&self) -> u64 {
        self.row_bytes(padded(self.hidden))
    }

    /// Bytes of queries, keys and values before norm and rotation, of all rows.
    pub fn qkv_bytes(&self) -> u64 {
        self.row_bytes(self.qkv_width())
    }

    /// Bytes of the queries after norm and rotation, of all rows.
    pub fn query_bytes(&self) -> u64 {
        self.row_bytes(self.heads * self.head_vecs * 4)
    }

    /// Bytes of the attention's partial sums.
    pub fn sums_bytes(&self) -> u64 {
        self.row_bytes(self.heads * self.splits * self.head_vecs * 4)
    }

    /// Bytes of the partial sums' maxima and weights.
    pub fn stats_bytes(&self) -> u64 {
        self.row_bytes(self.heads * self.splits * 2)
    }

    /// Bytes of the attention's result, of all rows.
    pub fn attended_bytes(&self) -> u64 {
        self.row_bytes(padded(self.heads * self.head_dim))
    }

    /// Bytes of gate and up projections, of all rows.
    pub fn gate_up_bytes(&self) -> u64 {
        self.row_bytes(2 * self.intermediate)
    }

    /// Bytes of the gated projection, of all rows.
    pub fn gated_bytes(&self) -> u64 {
        self.row_bytes(padded(self.intermediate))
    }

    /// Bytes of the logits of a block.
    pub fn logits_bytes(&self) -> u64 {
        (self.block * self.vocabulary) as u64 * F32
    }

    /// Bytes of what is known of a block's distributions.
    pub fn distribution_bytes(&self) -> u64 {
        (self.block * size_of::<Distribution>()) as u64
    }

    /// Bytes of the table of rotations.
    pub fn rope_bytes(&self) -> u64 {
        (self.capacity * self.head_dim) as u64 * F32
    }

    /// Bytes of everything but weights and cache. What a few small buffers take besides is not counted.
    pub fn scratch_bytes(&self) -> u64 {
        let block_keys = if self.dual { 2 * self.block_bytes() } else { 0 };
        let views = if self.dual { 2 } else { 1 };
        views * (self.logits_bytes() + self.distribution_bytes())
            + block_keys
            + 2 * self.hidden_bytes()
            + self.qkv_bytes()
            + self.query_bytes()
            + self.sums_bytes()
            + self.stats_bytes()
            + self.attended_bytes()
            + self.gate_up_bytes()
            + self.gated_bytes()
            + self.rope_bytes()
    }

    fn row_bytes(&self, values: usize) -> u64 {
        (self.rows * values) as u64 * F32
    }
}
