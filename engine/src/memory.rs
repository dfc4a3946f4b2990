//! How much memory a model and a session take: one place that says it, for the session that allocates it and
//! for those who want to know before.

use orthrus_loader::{Config, Views};
use orthrus_shaders::params::{Candidate, Choice, Distribution, MatmulCoop, Part, padded};
use orthrus_shaders::{
    Cache, MATRIX_ROWS, PROMPT_TILE, QUERY_ROOM, Splits, TILE, TILE_QUERIES, Tile, WeightFormat,
};

const F32: u64 = 4;

/// Most workgroups in a dimension of a grid (core WebGPU).
pub(crate) const MAX_GROUPS: usize = 65_535;

/// Bytes are counted in `u64` from the first factor on: a browser's `usize` ends at 4 GiB.
fn product(factors: &[usize]) -> u64 {
    factors.iter().map(|factor| *factor as u64).product()
}

/// Most rows of a prompt that go through one pass.
fn prompt_rows(cache: Cache) -> usize {
    match cache {
        Cache::Rows => 128,
        Cache::Tiles => 2048,
    }
}

/// Memory for what attention leaves of splits, its *partials*: beyond it, the rows of a prompt's pass go through attention in
/// pieces.
fn most_partials(cache: Cache) -> u64 {
    match cache {
        Cache::Rows => 128 << 20,
        Cache::Tiles => 64 << 20,
    }
}

/// Bytes that the weights of a model take on the GPU, for the views that the checkpoint has.
pub fn weight_bytes(config: &Config, views: Views, format: WeightFormat) -> u64 {
    let rows = |outputs: usize| outputs.next_multiple_of(MATRIX_ROWS);
    let matrix = |outputs: usize, inputs: usize| product(&[rows(outputs), padded(inputs), format.bytes()]);
    let vector = |length: usize| length as u64 * F32;
    let heads = config.num_attention_heads * config.head_dim;
    let kv_heads = config.num_key_value_heads * config.head_dim;
    let attention = matrix(heads + 2 * kv_heads, config.hidden_size)
        + matrix(config.hidden_size, heads)
        + vector(2 * config.head_dim);
    let mlp = matrix(2 * padded(config.intermediate_size), config.hidden_size)
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
    /// Rows that go through attention at a time, those that its partials have room for: a block at least.
    pub piece_rows: usize,
    /// vec4 of a head.
    pub head_vecs: usize,
    /// Splits of the whole cache.
    pub splits: usize,
    /// How queries, keys and values are stored.
    pub cache: Cache,
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
    /// Sizes for a cache of `capacity` positions, stored as `cache` says.
    pub fn new(config: &Config, views: Views, capacity: usize, cache: Cache) -> SessionSizes {
        let block = config.block_size;
        let head_vecs = match cache {
            Cache::Rows => config.head_dim.div_ceil(4),
            Cache::Tiles => padded(config.head_dim) / 4,
        };
        let splits = cache.splits().of(capacity);
        let values = [config.num_attention_heads, splits, head_vecs, 4, cache.splits().partial_bytes()];
        let heads_per_kv = config.num_attention_heads / config.num_key_value_heads;
        // No more than there can be, and whole tiles of `matmul`, which reads them whole.
        let rows = prompt_rows(cache).min(capacity).max(block).next_multiple_of(Tile::Eight.rows());
        // Pieces of whole tiles of queries, however many of them a row has.
        let unit = match cache {
            Cache::Rows => TILE_QUERIES,
            Cache::Tiles => QUERY_ROOM,
        };
        let whole = |rows: usize| (rows / unit * unit).max(unit);
        let (least, most) = (block.next_multiple_of(unit), rows.next_multiple_of(unit));
        let piece_rows = whole((most_partials(cache) / product(&values)) as usize).clamp(least, most);
        // No grid of `attention` beyond its limit.
        let grid_rows = whole(MAX_GROUPS * TILE_QUERIES / heads_per_kv);
        SessionSizes {
            capacity,
            block,
            rows,
            piece_rows: piece_rows.min(grid_rows),
            head_vecs,
            splits,
            cache,
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
    pub fn longest_context(config: &Config, views: Views, cache: Cache, binding: u64) -> usize {
        let fits =
            |context: usize| SessionSizes::new(config, views, context, cache).largest_buffer() <= binding;
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

    /// Positions that keys and values have room for: whole tiles.
    pub fn positions(&self) -> usize {
        match self.cache {
            Cache::Rows => self.capacity,
            Cache::Tiles => self.capacity.next_multiple_of(TILE),
        }
    }

    /// Pieces that the rows of the longest pass go through attention in.
    pub fn pieces(&self) -> usize {
        self.rows.div_ceil(self.piece_rows)
    }

    /// Queries of a kv head that there is room for in all rows: whole tiles.
    pub fn queries(&self) -> usize {
        (self.rows * self.heads / self.kv_heads).next_multiple_of(QUERY_ROOM)
    }

    /// Queries of a kv head that partials have room for: those of a piece.
    pub fn piece_queries(&self) -> usize {
        self.piece_rows * self.heads / self.kv_heads
    }

    /// Groups of outputs whose best logit is kept, for a vocabulary in whole tiles.
    pub fn best_of_row(&self) -> usize {
        self.vocabulary.div_ceil(TILE)
    }

    /// Bytes of one layer's keys, or of its values.
    pub fn cache_bytes_of_layer(&self) -> u64 {
        product(&[self.positions(), self.kv_heads, self.head_vecs, 4, self.cache.bytes()])
    }

    /// Bytes of the cache.
    pub fn cache_bytes(&self) -> u64 {
        2 * self.layers * self.cache_bytes_of_layer()
    }

    /// Bytes of the residual stream, of all rows.
    pub fn hidden_bytes(&self) -> u64 {
        self.row_bytes(padded(self.hidden))
    }

    /// Bytes of the normed residual stream, of all rows.
    pub fn normed_bytes(&self) -> u64 {
        self.input_bytes(padded(self.hidden))
    }

    /// Bytes of queries, keys and values before norm and rotation, of all rows.
    pub fn qkv_bytes(&self) -> u64 {
        self.row_bytes(self.qkv_width())
    }

    /// Bytes of the queries after norm and rotation, of all rows.
    pub fn query_bytes(&self) -> u64 {
        product(&[self.kv_heads, self.queries(), self.head_vecs, 4, self.cache.bytes()])
    }

    /// Bytes of what attention leaves of splits.
    pub fn partials_bytes(&self) -> u64 {
        self.of_splits(|splits| product(&[self.head_vecs, 4, splits.partial_bytes()]))
    }

    /// Bytes of their maxima and weights.
    pub fn stats_bytes(&self) -> u64 {
        self.of_splits(|_| 2 * F32)
    }

    /// Queries of a kv head that partials have room for where the pass has one row: the fast kernels' splits.
    pub fn row_queries(&self) -> usize {
        (self.heads / self.kv_heads).next_multiple_of(QUERY_ROOM)
    }

    /// Bytes for the partials of a piece, or of one row in splits of its own, of which each takes `bytes`.
    fn of_splits(&self, bytes: impl Fn(Splits) -> u64) -> u64 {
        let of_a_piece =
            product(&[self.kv_heads, self.splits, self.piece_queries()]) * bytes(self.cache.splits());
        let of_a_row = product(&[self.kv_heads, Splits::Dealt.of(self.capacity), self.row_queries()])
            * bytes(Splits::Dealt);
        match self.cache {
            Cache::Rows => of_a_piece,
            Cache::Tiles => of_a_piece.max(of_a_row),
        }
    }

    /// Bytes of the attention's result, of all rows.
    pub fn attended_bytes(&self) -> u64 {
        self.input_bytes(padded(self.heads * self.head_dim))
    }

    /// Bytes of gate and up projections, of all rows, where they are kept.
    pub fn gate_up_bytes(&self) -> u64 {
        match self.cache {
            Cache::Rows => self.row_bytes(2 * padded(self.intermediate)),
            Cache::Tiles => 0,
        }
    }

    /// Bytes of the gated projection, of all rows.
    pub fn gated_bytes(&self) -> u64 {
        self.input_bytes(padded(self.intermediate))
    }

    /// Bytes of the sums so far of products with many rows.
    pub fn totals_bytes(&self) -> u64 {
        let most_outputs = self.qkv_width().max(self.hidden).max(2 * padded(self.intermediate));
        match self.cache {
            Cache::Rows => 0,
            Cache::Tiles => product(&[MatmulCoop::prompt_totals(self.rows, most_outputs)]) * F32,
        }
    }

    /// Bytes of what is known of the parts of a block's logits.
    pub fn parts_bytes(&self) -> u64 {
        product(&[self.block, Choice::new(self.vocabulary, false).parts as usize, size_of::<Part>()])
    }

    /// Bytes of the best logits of a block, or of its best scores.
    pub fn best_bytes(&self) -> u64 {
        product(&[self.block, self.best_of_row(), size_of::<Candidate>()])
    }

    /// Bytes of the logits of a block.
    pub fn logits_bytes(&self) -> u64 {
        product(&[self.block, self.vocabulary]) * F32
    }

    /// Bytes of what is known of a block's distributions.
    pub fn distribution_bytes(&self) -> u64 {
        product(&[self.block, size_of::<Distribution>()])
    }

    /// Bytes of the table of rotations.
    pub fn rope_bytes(&self) -> u64 {
        product(&[self.capacity, self.head_dim]) * F32
    }

    /// Bytes of everything but weights and cache. What a few small buffers take besides is not counted.
    pub fn scratch_bytes(&self) -> u64 {
        let second_view = if self.dual { self.logits_bytes() + self.distribution_bytes() } else { 0 };
        self.scratch().iter().sum::<u64>() + second_view
    }

    /// Bytes of the largest buffer.
    pub fn largest_buffer(&self) -> u64 {
        self.scratch().into_iter().fold(self.cache_bytes_of_layer(), u64::max)
    }

    /// Bytes of each buffer but for weights and cache, those of the second view left out.
    fn scratch(&self) -> [u64; 15] {
        [
            self.logits_bytes(),
            self.distribution_bytes(),
            self.parts_bytes(),
            self.best_bytes(),
            self.hidden_bytes(),
            self.normed_bytes(),
            self.qkv_bytes(),
            self.query_bytes(),
            self.partials_bytes(),
            self.stats_bytes(),
            self.attended_bytes(),
            self.gate_up_bytes(),
            self.gated_bytes(),
            self.totals_bytes(),
            self.rope_bytes(),
        ]
    }

    /// Bytes of rows that a matrix is multiplied with: in tiles, as many as the largest workgroup takes.
    fn input_bytes(&self, values: usize) -> u64 {
        match self.cache {
            Cache::Rows => self.row_bytes(values),
            Cache::Tiles => {
                let rows = self.rows.next_multiple_of(PROMPT_TILE);
                product(&[rows, values, Cache::Tiles.bytes()])
            }
        }
    }

    fn row_bytes(&self, values: usize) -> u64 {
        product(&[self.rows, values]) * F32
    }
}
