//! Uniforms of the attention kernels.

use bytemuck::{Pod, Zeroable};

use super::fields::shared_struct;
use super::grid::{Grid, groups};
use crate::constants::{PAIRED_QUERIES, STAGED_QUERIES, TILE, TILE_QUERIES};
use crate::variants::{KvSplits, RowQueries};

shared_struct! {
    /// Uniform of `qk_norm_rope`.
    #[derive(Clone, Copy, Debug, Pod, Zeroable)]
    #[allow(missing_docs, reason = "documented in qk_norm_rope.wgsl")]
    pub struct QkNormRope {
        pub heads: u32,
        pub kv_heads: u32,
        pub head_dim: u32,
        pub head_vecs: u32,
        pub qkv_stride: u32,
        pub context: u32,
        pub queries: u32,
        pub eps: f32,
    }
}

impl QkNormRope {
    /// Grid for a pass of `rows` rows.
    pub fn grid(&self, rows: usize) -> Grid {
        [self.heads + 2 * self.kv_heads, rows as u32, 1]
    }
}

shared_struct! {
    /// Uniform of the attention kernels. Only `attention_row` reads `eps`.
    #[derive(Clone, Copy, Debug, Pod, Zeroable)]
    #[allow(missing_docs, reason = "documented in attention.wgsl, and `eps` in attention_row.wgsl")]
    pub struct Attention {
        pub heads: u32,
        pub kv_heads: u32,
        pub head_vecs: u32,
        pub context: u32,
        pub queries: u32,
        pub splits: u32,
        pub scale: f32,
        pub mask: u32,
        pub first_row: u32,
        pub chunk_queries: u32,
        pub eps: f32,
        pub pad: u32,
    }
}

impl Attention {
    /// Grid of `attention` for a chunk of a pass of `rows` rows. Rows see no position at or above `kv_len`.
    ///
    /// Empty for a chunk beyond the pass.
    pub fn grid(&self, rows: usize, kv_len: usize) -> Grid {
        [KvSplits::Fixed.of(kv_len) as u32, groups(self.queries_of_chunk(rows), TILE_QUERIES), self.kv_heads]
    }

    /// Grid of `attention_coop`: one workgroup a tile of queries, or about `max_workgroups` if that is fewer.
    pub fn coop_grid(&self, rows: usize, kv_len: usize, max_workgroups: u32) -> Grid {
        let tiles = groups(self.queries_of_chunk(rows), TILE);
        let splits = KvSplits::Growing.of(kv_len) as u32;
        let columns = splits * self.kv_heads;
        [self.kv_heads, tiles.min(max_workgroups.div_ceil(columns)), splits]
    }

    /// Grid of `attention_staged`.
    pub fn staged_grid(&self, rows: usize, kv_len: usize) -> Grid {
        self.grid_by_queries(rows, kv_len, STAGED_QUERIES)
    }

    /// Grid of `attention_paired`.
    pub fn paired_grid(&self, rows: usize, kv_len: usize) -> Grid {
        self.grid_by_queries(rows, kv_len, PAIRED_QUERIES)
    }

    fn grid_by_queries(&self, rows: usize, kv_len: usize, queries: usize) -> Grid {
        let groups = groups(self.queries_of_chunk(rows), queries);
        [groups, self.kv_heads, KvSplits::Growing.of(kv_len) as u32]
    }

    /// Grid of `attention_row`. Its row sees no position at or above `kv_len`.
    pub fn row_grid(&self, kv_len: usize, row_queries: RowQueries) -> Grid {
        let parts = groups((self.heads / self.kv_heads) as usize, row_queries.queries());
        [KvSplits::RoundRobin.of(kv_len) as u32, self.kv_heads, parts]
    }

    /// Queries of a kv head in the chunk, in a pass of `rows` rows.
    fn queries_of_chunk(&self, rows: usize) -> usize {
        let left = rows.saturating_sub(self.first_row as usize);
        (left * (self.heads / self.kv_heads) as usize).min(self.chunk_queries as usize)
    }
}

shared_struct! {
    /// Uniform of `attention_merge`.
    #[derive(Clone, Copy, Debug, Pod, Zeroable)]
    #[allow(missing_docs, reason = "documented in attention_merge.wgsl")]
    pub struct AttentionMerge {
        pub heads: u32,
        pub kv_heads: u32,
        pub head_dim: u32,
        pub head_vecs: u32,
        pub splits: u32,
        pub out_stride: u32,
        pub mask: u32,
        pub first_row: u32,
        pub chunk_queries: u32,
        pub pad: [u32; 3],
    }
}

impl AttentionMerge {
    /// Grid for a chunk of a pass of `rows` rows. Empty for a chunk beyond the pass.
    pub fn grid(&self, rows: usize) -> Grid {
        let left = (rows as u32).saturating_sub(self.first_row);
        [self.heads, left.min(self.chunk_queries / (self.heads / self.kv_heads)), 1]
    }
}
