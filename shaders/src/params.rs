//! What passes between the host and the kernels: the uniform of each kernel, the decode state, the record
//! of a cycle. Field for field the structs of the `.wgsl` files, which document them.

use bytemuck::{Pod, Zeroable};

use crate::choices::{Columns, Input, Product, RowQueries, RowTiles, Slices, Splits, Tier, Tile};
use crate::{
    INPUT_ROOM_OF_SLICE, Kernel, MAX_BLOCK, MAX_END_IDS, PAIRED_QUERIES, PROMPT_TILE, PROMPT_WORKGROUPS,
    STAGED_QUERIES, TILE, TILE_QUERIES,
};

/// A grid of workgroups.
pub type Grid = [u32; 3];

fn groups(items: usize, per_group: usize) -> u32 {
    items.div_ceil(per_group) as u32
}

/// The decode state (`lib/state.wgsl`).
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct State {
    /// Position of row 0. Positions below are in the cache.
    pub start: u32,
    /// Rows of the pass.
    pub rows: u32,
    /// First row whose logits are wanted.
    pub logit_first: u32,
    /// Rows whose logits are wanted.
    pub logit_rows: u32,
    /// Positions the text may fill: prompt plus token budget.
    pub limit: u32,
    /// Rows of a full block.
    pub block: u32,
    /// One of [`State::RUNNING`], [`State::STOP`], [`State::LENGTH`], [`State::INVALID`].
    pub finish: u32,
    /// Used entries of `end_ids`.
    pub end_count: u32,
    /// One of [`State::GREEDY`], [`State::COUPLED`], [`State::REJECTION`].
    pub rule: u32,
    /// Sampling: distances of logits are multiplied by it.
    pub inverse_temperature: f32,
    /// Sampling: ids kept at most, but for ties; 0 is all.
    pub top_k: u32,
    /// Sampling: probability kept at least; 1 or more is all.
    pub top_p: f32,
    /// Sampling: low and high word of the seed.
    pub seed: [u32; 2],
    /// Unused.
    pub pad: [u32; 2],
    /// Ids that end the text.
    pub end_ids: [u32; MAX_END_IDS],
}

impl State {
    /// The generation goes on.
    pub const RUNNING: u32 = 0;
    /// An id that ends the text was produced.
    pub const STOP: u32 = 1;
    /// The token budget is used up.
    pub const LENGTH: u32 = 2;
    /// A row of logits had no number in it.
    pub const INVALID: u32 = 3;

    /// The largest logit is taken; a draft is accepted that is the AR view's own.
    pub const GREEDY: u32 = 0;
    /// Both views sample with the same random numbers; a draft is accepted that is the AR view's own.
    pub const COUPLED: u32 = 1;
    /// A draft is accepted with probability min(1, p / q), else replaced by one from the residual.
    pub const REJECTION: u32 = 2;
}

/// What `accept` tells the host of a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct Record {
    /// 1, or 0 if the cycle did not run because the text was at its end.
    pub ran: u32,
    /// Position of the next cycle's anchor.
    pub start: u32,
    /// Acceptance length: drafts that the AR view agreed with.
    pub accepted: u32,
    /// Tokens the cycle added to the text.
    pub emitted: u32,
    /// As [`State::finish`].
    pub finish: u32,
    /// Rows of the cycle's block.
    pub rows: u32,
    /// Unused.
    pub pad: [u32; 2],
    /// The first `emitted` entries are the tokens added.
    pub picks: [u32; MAX_BLOCK],
    /// The first `rows - 1` entries are the drafts.
    pub drafts: [u32; MAX_BLOCK],
}

/// Uniform of `embed`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
#[allow(missing_docs, reason = "documented in embed.wgsl")]
pub struct Embed {
    pub chunks: u32,
    pub first_id: u32,
    pub ids: u32,
    pub masked: u32,
    pub mask_id: u32,
    pub pad: [u32; 3],
}

impl Embed {
    /// Grid for a pass of `rows` rows.
    pub fn grid(&self, rows: usize) -> Grid {
        [groups(self.chunks as usize, 64), rows as u32, 1]
    }
}

/// Uniform of `rms_norm`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
#[allow(missing_docs, reason = "documented in rms_norm.wgsl")]
pub struct RmsNorm {
    pub width: u32,
    pub stride: u32,
    pub out_stride: u32,
    pub eps: f32,
}

impl RmsNorm {
    /// Grid for `rows` rows.
    pub fn grid(&self, rows: usize) -> Grid {
        [rows as u32, 1, 1]
    }
}

/// Uniform of `matmul`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
#[allow(missing_docs, reason = "documented in matmul.wgsl")]
pub struct Matmul {
    pub outputs: u32,
    pub chunks: u32,
    pub y_stride: u32,
    pub y_first: u32,
}

impl Matmul {
    /// Grid for `rows` rows.
    pub fn grid(&self, rows: usize, tile: Tile, slices: Slices) -> Grid {
        [groups(rows, tile.rows()), groups(self.outputs as usize, slices.outputs()), 1]
    }
}

/// Uniform of `matmul_coop` and `matmul_prompt`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
#[allow(missing_docs, reason = "documented in lib/coop_params.wgsl")]
pub struct MatmulCoop {
    pub outputs: u32,
    pub k_tiles: u32,
    pub out_stride: u32,
    pub out_first: u32,
    pub scale: f32,
    pub pad: [u32; 3],
}

impl MatmulCoop {
    /// Grid for `rows` rows.
    pub fn grid(&self, rows: usize, row_tiles: RowTiles, columns: Columns) -> Grid {
        [groups(self.outputs as usize, columns.outputs()), groups(rows, row_tiles.rows()), 1]
    }

    /// Values that `matmul_prompt` binds as `totals`, for `rows` rows of `outputs` outputs.
    pub fn prompt_totals(rows: usize, outputs: usize) -> usize {
        MatmulCoop::prompt_workgroups(rows, outputs) * PROMPT_TILE * PROMPT_TILE
    }

    fn prompt_workgroups(rows: usize, outputs: usize) -> usize {
        (rows.div_ceil(PROMPT_TILE) * outputs.div_ceil(PROMPT_TILE)).min(PROMPT_WORKGROUPS)
    }

    /// Grid of `matmul_prompt`.
    pub fn prompt_grid(&self, rows: usize) -> Grid {
        [MatmulCoop::prompt_workgroups(rows, self.outputs as usize) as u32, 1, 1]
    }
}

/// Uniform of `matmul_row`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
#[allow(missing_docs, reason = "documented in matmul_row.wgsl")]
pub struct MatmulRow {
    pub outputs: u32,
    pub chunks: u32,
    pub inputs: u32,
    pub out_stride: u32,
    pub out_first: u32,
    pub scale: f32,
    pub eps: f32,
    pub pad: u32,
}

impl MatmulRow {
    /// Outputs that a workgroup takes.
    pub fn outputs_per_group(product: Product) -> usize {
        if product == Product::Gated { 2 * TILE } else { TILE }
    }

    /// Where a row of so many values is normed on the way.
    pub fn normed_input(tier: Tier, values: usize) -> Input {
        let room = INPUT_ROOM_OF_SLICE * tier.row_slices().count();
        if padded(values) <= room { Input::NormedStaged } else { Input::Normed }
    }

    /// Grid.
    pub fn grid(&self, product: Product) -> Grid {
        [groups(self.outputs as usize, MatmulRow::outputs_per_group(product)), 1, 1]
    }
}

/// Uniform of `qk_norm_rope`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
#[allow(missing_docs, reason = "documented in qk_norm_rope.wgsl")]
pub struct QkNormRope {
    pub heads: u32,
    pub kv_heads: u32,
    pub head_dim: u32,
    pub head_vecs: u32,
    pub qkv_stride: u32,
    pub capacity: u32,
    pub queries: u32,
    pub eps: f32,
}

impl QkNormRope {
    /// Grid for a pass of `rows` rows.
    pub fn grid(&self, rows: usize) -> Grid {
        [self.heads + 2 * self.kv_heads, rows as u32, 1]
    }
}

/// Uniform of `attention`, `attention_coop`, `attention_staged`, and `attention_row`, which alone has use for `eps`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
#[allow(missing_docs, reason = "documented in attention.wgsl, and `eps` in attention_row.wgsl")]
pub struct Attention {
    pub heads: u32,
    pub kv_heads: u32,
    pub head_vecs: u32,
    pub capacity: u32,
    pub queries: u32,
    pub splits: u32,
    pub scale: f32,
    pub visible: u32,
    pub first_row: u32,
    pub piece_queries: u32,
    pub eps: f32,
    pub pad: u32,
}

impl Attention {
    /// Grid of a piece of a pass of `rows` rows, none of which sees a position at or above `positions`. It is empty for
    /// a piece beyond the pass.
    pub fn grid(&self, rows: usize, positions: usize) -> Grid {
        [Splits::Even.of(positions) as u32, groups(self.queries_of_piece(rows), TILE_QUERIES), self.kv_heads]
    }

    /// Grid of a kernel of attention over a cache in tiles, of many rows.
    pub fn tiled_grid(&self, kernel: Kernel, rows: usize, positions: usize) -> Grid {
        match kernel {
            Kernel::AttentionStaged => self.staged_grid(rows, positions, STAGED_QUERIES),
            Kernel::AttentionPaired => self.staged_grid(rows, positions, PAIRED_QUERIES),
            _ => self.coop_grid(rows, positions),
        }
    }

    /// Grid of `attention_coop`: as many workgroups as a large GPU can have under way, or one for each tile of queries
    /// if that is less.
    fn coop_grid(&self, rows: usize, positions: usize) -> Grid {
        let tiles = groups(self.queries_of_piece(rows), TILE);
        let splits = Splits::Growing.of(positions) as u32;
        let columns = splits * self.kv_heads;
        [self.kv_heads, tiles.min(COOP_WORKGROUPS.div_ceil(columns)), splits]
    }

    /// Grid of `attention_staged` or `attention_paired`, whose workgroups take so many queries.
    fn staged_grid(&self, rows: usize, positions: usize, queries: usize) -> Grid {
        let groups = groups(self.queries_of_piece(rows), queries);
        [groups, self.kv_heads, Splits::Growing.of(positions) as u32]
    }

    /// Grid of `attention_row`, whose row sees no position at or above `positions`.
    pub fn row_grid(&self, positions: usize, row_queries: RowQueries) -> Grid {
        let parts = groups((self.heads / self.kv_heads) as usize, row_queries.queries());
        [Splits::Dealt.of(positions) as u32, self.kv_heads, parts]
    }

    /// Queries of a kv head in the piece, of a pass of `rows` rows.
    fn queries_of_piece(&self, rows: usize) -> usize {
        let left = rows.saturating_sub(self.first_row as usize);
        (left * (self.heads / self.kv_heads) as usize).min(self.piece_queries as usize)
    }
}

/// Workgroups of `attention_coop` beyond which more would not run at the same time: four for each of an NVIDIA H200's 132
/// multiprocessors.
const COOP_WORKGROUPS: u32 = 528;

/// Uniform of `attention_merge`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
#[allow(missing_docs, reason = "documented in attention_merge.wgsl")]
pub struct AttentionMerge {
    pub heads: u32,
    pub kv_heads: u32,
    pub head_dim: u32,
    pub head_vecs: u32,
    pub splits: u32,
    pub out_stride: u32,
    pub visible: u32,
    pub first_row: u32,
    pub piece_queries: u32,
    pub pad: [u32; 3],
}

impl AttentionMerge {
    /// Grid of a piece of a pass of `rows` rows. It is empty for a piece beyond the pass.
    pub fn grid(&self, rows: usize) -> Grid {
        let left = (rows as u32).saturating_sub(self.first_row);
        [self.heads, left.min(self.piece_queries / (self.heads / self.kv_heads)), 1]
    }
}

/// Uniform of `swiglu`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
#[allow(missing_docs, reason = "documented in swiglu.wgsl")]
pub struct Swiglu {
    pub width: u32,
    pub out_stride: u32,
    pub pad: [u32; 2],
}

impl Swiglu {
    /// Grid for a pass of `rows` rows.
    pub fn grid(&self, rows: usize) -> Grid {
        [groups(self.width as usize, 64), rows as u32, 1]
    }
}

/// Uniform of `argmax`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
#[allow(missing_docs, reason = "documented in argmax.wgsl")]
pub struct Argmax {
    pub candidates: u32,
    pub draft: u32,
    pub pad: [u32; 2],
}

impl Argmax {
    /// Grid for `rows` rows of logits.
    pub fn grid(&self, rows: usize) -> Grid {
        [rows as u32, 1, 1]
    }
}

/// Uniform of `survey`, `distribution` and `sample`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
#[allow(missing_docs, reason = "documented in lib/sampling.wgsl")]
pub struct Choice {
    pub vocabulary: u32,
    pub parts: u32,
    pub groups: u32,
    pub draft: u32,
}

impl Choice {
    /// Ids of a part (`lib/part.wgsl`).
    pub const PART: usize = 128;

    /// Ids of a workgroup of `survey` and of `sample`.
    const GROUP: usize = 1024;

    /// For rows of `vocabulary` logits; of a draft, all but the last.
    pub fn new(vocabulary: usize, draft: bool) -> Choice {
        Choice {
            vocabulary: vocabulary as u32,
            parts: groups(vocabulary, Choice::PART),
            groups: groups(vocabulary, Choice::GROUP),
            draft: u32::from(draft),
        }
    }

    /// `survey`'s and `sample`'s grid for `rows` rows of logits.
    pub fn grid(&self, rows: usize) -> Grid {
        [self.groups, rows as u32, 1]
    }

    /// `distribution`'s.
    pub fn row_grid(&self, rows: usize) -> Grid {
        [rows as u32, 1, 1]
    }
}

/// What `survey` finds of a part of a row (`lib/part.wgsl`).
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Part {
    /// Of its largest logit: see `lib/logit_key.wgsl`.
    pub key: u32,
    /// Sum of its weights beside that one's.
    pub mass: f32,
}

/// What `distribution` finds of a row (`lib/distribution.wgsl`).
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Distribution {
    /// Largest logit.
    pub highest: f32,
    /// Smallest one that remains.
    pub cut: f32,
    /// Of those equal to `cut`, ids up to this one remain.
    pub last_id: u32,
    /// Sum of the weights of the ids that remain.
    pub mass: f32,
}

/// Uniform of `reject`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
#[allow(missing_docs, reason = "documented in reject.wgsl")]
pub struct Reject {
    pub vocabulary: u32,
    pub pad: [u32; 3],
}

impl Reject {
    /// Grid for `rows` rows of logits.
    pub fn grid(&self, rows: usize) -> Grid {
        [rows as u32, 1, 1]
    }
}

/// Uniform of `fill_random`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
#[allow(missing_docs, reason = "documented in fill_random.wgsl")]
pub struct FillRandom {
    pub matrix: u32,
    pub first_row: u32,
    pub outputs: u32,
    pub inputs: u32,
    pub chunks: u32,
    pub stored: u32,
    pub unit: f32,
    pub twins: u32,
}

impl FillRandom {
    /// Grid for all stored chunks, in two dimensions where one would outgrow core WebGPU's limit.
    pub fn grid(&self) -> Grid {
        let all = groups(self.stored as usize, 256);
        let lines = all.div_ceil(65_535).max(1);
        [all.div_ceil(lines), lines, 1]
    }
}

/// Uniform of `copy`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
#[allow(missing_docs, reason = "documented in copy.wgsl")]
pub struct Copied {
    pub count: u32,
    pub pad: [u32; 3],
}

impl Copied {
    /// Grid for `count` vec4: fewer than 2^26, a gibibyte, for which there would be a workgroup too many.
    pub fn grid(&self) -> Grid {
        [groups(self.count as usize, 1024), 1, 1]
    }
}

/// A logit and its id, as `lib/candidate.wgsl` has them.
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct Candidate {
    /// The logit; any where there was no number.
    pub logit: f32,
    /// The id; [`NO_ID`](crate::NO_ID) where there was no number.
    pub id: u32,
}

/// Values of a row, padded to whole tiles.
pub fn padded(values: usize) -> usize {
    values.next_multiple_of(TILE)
}
