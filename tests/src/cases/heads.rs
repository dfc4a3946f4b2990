//! Passes whose queries, keys and values are in f16 tiles, as tier `coop` has them.

use half::f16;
use orthrus::shaders::params::{Attention, AttentionMerge, QkNormRope, padded};
use orthrus::shaders::{KvSplits, Mask, QUERY_ROOM, STAGED_HEAD, State, TILE, in_tiles, twin};

use super::operands::{pass, poison};
use crate::random::Random;

/// The shape of a pass.
#[derive(Clone, Copy, Debug)]
pub struct Heads {
    /// Rows of the pass.
    pub rows: usize,
    /// Position of the first.
    pub start: usize,
    /// Heads of keys and values.
    pub kv_heads: usize,
    /// Heads of queries.
    pub heads: usize,
    /// Values of a head.
    pub head_dim: usize,
    /// Positions of the cache.
    pub context: usize,
    /// Rows that go through attention at a time: whole tiles of queries.
    pub chunk_rows: usize,
}

impl Heads {
    /// One that reaches the end of a short, middle or long split, the beginning of the text, or anything.
    pub fn random(random: &mut Random) -> Heads {
        let kv_heads = random.between(1, 3);
        let heads_per_kv = random.between(1, 5);
        let between = random.between(1, 40);
        let anywhere = random.between(0, 500);
        let far = random.between(2000, 2700);
        let start = random.pick(&[0, 127, 128, anywhere, anywhere, 2047, 2559, 8191, 9215, far]);
        Heads {
            rows: random.pick(&[1, 2, 8, 32, between]),
            start,
            kv_heads,
            heads: kv_heads * heads_per_kv,
            head_dim: random.pick(&[16, 48, 64, 128, 2 * random.clone().between(1, 64)]),
            context: (start + 76).next_multiple_of(TILE), // as many more as a test adds
            chunk_rows: random.between(1, 3) * Heads::least_rows(heads_per_kv),
        }
    }

    /// [`Heads::random`] with heads as long as some kernels want them.
    pub fn random_staged(random: &mut Random) -> Heads {
        let head_dim = STAGED_HEAD - 2 * random.pick(&[0, 0, 0, 3]);
        Heads { head_dim, ..Heads::random(random) }
    }

    /// Of the 1.7B: a block of 32 rows.
    pub fn of_the_1_7b(start: usize) -> Heads {
        let context = (start + 64).next_multiple_of(TILE);
        Heads { rows: 32, start, kv_heads: 8, heads: 16, head_dim: 128, context, chunk_rows: 32 }
    }

    /// Rows of the least chunk: 32 queries, or more for a whole number of rows.
    pub fn least_rows(heads_per_kv: usize) -> usize {
        QUERY_ROOM >> heads_per_kv.trailing_zeros().min(QUERY_ROOM.ilog2())
    }

    /// The same pass with all rows in one chunk.
    pub fn in_one_chunk(&self) -> Heads {
        Heads { chunk_rows: self.rows.next_multiple_of(32), ..*self }
    }

    /// Query heads of a kv head.
    pub fn heads_per_kv(&self) -> usize {
        self.heads / self.kv_heads
    }

    /// Values of a head, padded to whole tiles.
    pub fn width(&self) -> usize {
        padded(self.head_dim)
    }

    /// Values of a row of attention's result, padded to whole tiles.
    pub fn out_stride(&self) -> usize {
        padded(self.heads * self.head_dim)
    }

    /// Values of a position's keys, or values.
    pub fn slot(&self) -> usize {
        self.kv_heads * self.width()
    }

    /// Queries of a kv head that there is room for.
    pub fn queries(&self) -> usize {
        (self.rows * self.heads_per_kv()).next_multiple_of(QUERY_ROOM)
    }

    /// Queries of a kv head that partial results have room for.
    pub fn chunk_queries(&self) -> usize {
        self.chunk_rows * self.heads_per_kv()
    }

    /// Partial results in `splits`.
    pub fn partials(&self, splits: KvSplits) -> usize {
        self.kv_heads * splits.of(self.context) * self.chunk_queries()
    }

    /// The decode state of the pass.
    pub fn state(&self) -> State {
        pass(self.start, self.rows)
    }

    /// Parameters of norm and rotation before it.
    pub fn norm_rope(&self) -> QkNormRope {
        QkNormRope {
            heads: self.heads as u32,
            kv_heads: self.kv_heads as u32,
            head_dim: self.head_dim as u32,
            head_vecs: (self.width() / 4) as u32,
            qkv_stride: ((self.heads + 2 * self.kv_heads) * self.head_dim) as u32,
            context: self.context as u32,
            queries: self.queries() as u32,
            eps: 1e-6,
        }
    }

    /// Parameters of attention in `splits`, for the chunk that begins with `first_row`.
    pub fn attention(&self, splits: KvSplits, mask: Mask, first_row: usize) -> Attention {
        Attention {
            heads: self.heads as u32,
            kv_heads: self.kv_heads as u32,
            head_vecs: (self.width() / 4) as u32,
            context: self.context as u32,
            queries: self.queries() as u32,
            splits: splits.of(self.context) as u32,
            scale: 1.0 / (self.head_dim as f32).sqrt(),
            mask: mask as u32,
            first_row: first_row as u32,
            chunk_queries: self.chunk_queries() as u32,
            eps: 1e-6,
            pad: 0,
        }
    }

    /// Parameters of the merge after it.
    pub fn merge(&self, splits: KvSplits, mask: Mask, first_row: usize) -> AttentionMerge {
        AttentionMerge {
            heads: self.heads as u32,
            kv_heads: self.kv_heads as u32,
            head_dim: self.head_dim as u32,
            head_vecs: (self.width() / 4) as u32,
            splits: splits.of(self.context) as u32,
            out_stride: self.out_stride() as u32,
            mask: mask as u32,
            first_row: first_row as u32,
            chunk_queries: self.chunk_queries() as u32,
            pad: [0; 3],
        }
    }

    /// `[rows][heads][width]` to tiles by kv head, the rest filled with `filling`.
    pub fn queries_in_tiles(&self, q: &[f32], filling: f32) -> Vec<f32> {
        let (width, group) = (self.width(), self.heads_per_kv());
        let mut tiles = vec![filling; self.kv_heads * self.queries() * width];
        for row in 0..self.rows {
            for head in 0..self.heads {
                let query = head / group * self.queries() + row * group + head % group;
                for i in 0..width {
                    tiles[in_tiles(query, i, width / TILE)] = q[(row * self.heads + head) * width + i];
                }
            }
        }
        tiles
    }

    /// Keys and values, `[positions][kv_heads][width]`, in tiles.
    pub fn cache_in_tiles(&self, cache: &[Vec<f32>; 2]) -> [Vec<f32>; 2] {
        let slots = self.context * self.slot();
        let [mut keys, mut values] = [vec![0.0; slots], vec![0.0; slots]];
        for (at, (&k, &v)) in cache[0].iter().zip(&cache[1]).enumerate() {
            let (position, kv_head, i) = self.entry(at);
            let (key, value) = self.places(kv_head, position, i);
            (keys[key], values[value]) = (k, v);
        }
        [keys, values]
    }

    /// Keys, `[positions][kv_heads][width]`, as the twins have them (`lib/qk_norm_rope/kv/rows_f32.wgsl`).
    pub fn positions_innermost(&self, keys: &[f32]) -> Vec<f32> {
        let mut innermost = vec![0.0; keys.len()];
        for (at, &key) in keys.iter().enumerate() {
            let (position, kv_head, i) = self.entry(at);
            innermost[self.innermost(kv_head, position, i)] = key;
        }
        innermost
    }

    /// Position, kv head and number of the value at `at` in `[positions][kv_heads][width]`.
    fn entry(&self, at: usize) -> (usize, usize, usize) {
        let width = self.width();
        (at / width / self.kv_heads, at / width % self.kv_heads, at % width)
    }

    /// Where the twins have a key.
    pub fn innermost(&self, kv_head: usize, position: usize, i: usize) -> usize {
        ((kv_head * self.width() / 4 + i / 4) * self.context + position) * 4 + i % 4
    }

    /// Where a key, and where a value is (`lib/qk_norm_rope/kv/tiles_f16.wgsl`).
    pub fn places(&self, kv_head: usize, position: usize, i: usize) -> (usize, usize) {
        let line = kv_head * self.context + position;
        let tile = (line / TILE * (self.width() / TILE) + i / TILE) * TILE * TILE;
        (in_tiles(line, i, self.width() / TILE), tile + i % TILE * TILE + line % TILE)
    }

    /// What the twins make of queries `[rows][heads][width]`, keys with positions innermost, and values:
    /// `[rows][out_stride]`, poison where nothing is written. Their splits are fixed ones.
    pub fn merged_by_twins(&self, mask: Mask, q: &[f32], keys: &[f32], values: &[f32]) -> Vec<f32> {
        let whole = self.in_one_chunk();
        let params = whole.attention(KvSplits::Fixed, mask, 0);
        let partials = whole.partials(KvSplits::Fixed);
        let (mut sums, mut stats) = (vec![0.0; partials * self.width()], vec![[0.0; 2]; partials]);
        twin::attention(&self.state(), &params, q, keys, values, &mut sums, &mut stats);
        let merge = whole.merge(KvSplits::Fixed, mask, 0);
        let mut merged = poison(self.rows * self.out_stride());
        twin::attention_merge(&self.state(), &merge, KvSplits::Fixed, &sums, &stats, &mut merged);
        merged
    }
}

/// Values as f16.
pub fn as_halves(values: &[f32]) -> Vec<f16> {
    values.iter().map(|&value| f16::from_f32(value)).collect()
}
