//! What passes between the host and the kernels: the uniform of each kernel, the decode state, the record
//! of a cycle. Field for field the structs of the `.wgsl` files, which document them.

use bytemuck::{Pod, Zeroable};

use crate::variants::{CoopTiling, Epilogue, KvSplits, MTiles, RowQueries, RowsPerLane, SplitK};
use crate::{
    MAX_BLOCK, MAX_END_IDS, MAX_WORKGROUPS, PAIRED_QUERIES, PART, PREFILL_TILE, STAGED_QUERIES, TILE,
    TILE_QUERIES,
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
    /// A [`Finish`].
    pub finish: u32,
    /// Used entries of `end_ids`.
    pub end_count: u32,
    /// An [`Acceptance`].
    pub acceptance: u32,
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

/// Whether a generation goes on, or why it ended: [`State::finish`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The generation goes on.
    Running = 0,
    /// An id that ends the text was produced.
    Stop = 1,
    /// The token budget is used up.
    Length = 2,
    /// A row of logits had no number in it.
    Invalid = 3,
}

impl From<u32> for Finish {
    /// An unknown value is as bad as logits that are no numbers.
    fn from(value: u32) -> Finish {
        match value {
            0 => Finish::Running,
            1 => Finish::Stop,
            2 => Finish::Length,
            _ => Finish::Invalid,
        }
    }
}

/// How ids are chosen and drafts accepted: [`State::acceptance`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acceptance {
    /// The largest logit is chosen. A draft is accepted that equals the AR view's choice.
    Greedy = 0,
    /// Both views sample with the same random numbers. A draft is accepted that equals the AR view's choice.
    Coupled = 1,
    /// Both views sample. A draft is accepted with probability min(1, p / q), else replaced by one from the residual.
    Rejection = 2,
}

/// What `accept` tells the host of a cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Pod, Zeroable)]
#[repr(C)]
pub struct CycleResult {
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
    pub target_tokens: [u32; MAX_BLOCK],
    /// The first `rows - 1` entries are the drafts.
    pub drafts: [u32; MAX_BLOCK],
}

/// Uniform of `embed`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
#[allow(missing_docs, reason = "documented in embed.wgsl")]
pub struct Embed {
    pub packs: u32,
    pub first_id: u32,
    pub ids: u32,
    pub masked: u32,
    pub mask_id: u32,
    pub pad: [u32; 3],
}

impl Embed {
    /// Grid for a pass of `rows` rows.
    pub fn grid(&self, rows: usize) -> Grid {
        [groups(self.packs as usize, 64), rows as u32, 1]
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
    pub packs: u32,
    pub out_stride: u32,
    pub out_first: u32,
}

impl Matmul {
    /// Outputs a workgroup.
    pub const fn outputs_per_group(split_k: SplitK) -> usize {
        match split_k {
            SplitK::One => 64,
            _ => 16,
        }
    }

    /// Grid for `rows` rows.
    pub fn grid(&self, rows: usize, rows_per_lane: RowsPerLane, split_k: SplitK) -> Grid {
        let outputs = groups(self.outputs as usize, Matmul::outputs_per_group(split_k));
        [groups(rows, rows_per_lane.rows()), outputs, 1]
    }
}

/// Uniform of `matmul_coop` and `matmul_prefill`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
#[allow(missing_docs, reason = "documented in lib/matmul_coop/params.wgsl")]
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
    pub fn grid(&self, rows: usize, m_tiles: MTiles, tiling: CoopTiling) -> Grid {
        [groups(self.outputs as usize, tiling.outputs()), groups(rows, m_tiles.rows()), 1]
    }

    /// Values that `matmul_prefill` binds as `totals`, for `rows` rows of `outputs` outputs.
    pub fn prefill_totals(rows: usize, outputs: usize, max_workgroups: usize) -> usize {
        MatmulCoop::prefill_workgroups(rows, outputs, max_workgroups) * PREFILL_TILE * PREFILL_TILE
    }

    /// Grid of `matmul_prefill`. Each of at most `max_workgroups` workgroups goes from one tile to the next.
    pub fn prefill_grid(&self, rows: usize, max_workgroups: usize) -> Grid {
        [MatmulCoop::prefill_workgroups(rows, self.outputs as usize, max_workgroups) as u32, 1, 1]
    }

    fn prefill_workgroups(rows: usize, outputs: usize, max_workgroups: usize) -> usize {
        (rows.div_ceil(PREFILL_TILE) * outputs.div_ceil(PREFILL_TILE)).min(max_workgroups)
    }
}

/// Uniform of `matmul_row`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
#[allow(missing_docs, reason = "documented in matmul_row.wgsl")]
pub struct MatmulRow {
    pub outputs: u32,
    pub packs: u32,
    pub inputs: u32,
    pub out_stride: u32,
    pub out_first: u32,
    pub scale: f32,
    pub eps: f32,
    pub pad: u32,
}

impl MatmulRow {
    /// Outputs a workgroup.
    pub fn outputs_per_group(epilogue: Epilogue) -> usize {
        if epilogue == Epilogue::SwiGlu { 2 * TILE } else { TILE }
    }

    /// Grid.
    pub fn grid(&self, epilogue: Epilogue) -> Grid {
        [groups(self.outputs as usize, MatmulRow::outputs_per_group(epilogue)), 1, 1]
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
    pub context: u32,
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

impl Attention {
    /// Grid of a piece of a pass of `rows` rows, none of which sees a position at or above `kv_len`. It is empty for
    /// a piece beyond the pass.
    pub fn grid(&self, rows: usize, kv_len: usize) -> Grid {
        [KvSplits::Fixed.of(kv_len) as u32, groups(self.queries_of_chunk(rows), TILE_QUERIES), self.kv_heads]
    }

    /// Grid of `attention_coop`: a workgroup for each tile of queries, or about `max_workgroups` if that is less.
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

    /// Grid of `attention_row`, whose row sees no position at or above `kv_len`.
    pub fn row_grid(&self, kv_len: usize, row_queries: RowQueries) -> Grid {
        let parts = groups((self.heads / self.kv_heads) as usize, row_queries.queries());
        [KvSplits::RoundRobin.of(kv_len) as u32, self.kv_heads, parts]
    }

    /// Queries of a kv head in the piece, of a pass of `rows` rows.
    fn queries_of_chunk(&self, rows: usize) -> usize {
        let left = rows.saturating_sub(self.first_row as usize);
        (left * (self.heads / self.kv_heads) as usize).min(self.chunk_queries as usize)
    }
}

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
    pub mask: u32,
    pub first_row: u32,
    pub chunk_queries: u32,
    pub pad: [u32; 3],
}

impl AttentionMerge {
    /// Grid of a piece of a pass of `rows` rows. It is empty for a piece beyond the pass.
    pub fn grid(&self, rows: usize) -> Grid {
        let left = (rows as u32).saturating_sub(self.first_row);
        [self.heads, left.min(self.chunk_queries / (self.heads / self.kv_heads)), 1]
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

/// Uniform of `logit_parts`, `distribution` and `sample`.
#[derive(Clone, Copy, Debug, Pod, Zeroable)]
#[repr(C)]
#[allow(missing_docs, reason = "documented in lib/sampling.wgsl")]
pub struct Sampling {
    pub vocabulary: u32,
    pub parts: u32,
    pub groups: u32,
    pub draft: u32,
}

impl Sampling {
    /// Ids of a workgroup of `logit_parts` and of `sample`.
    const GROUP: usize = 1024;

    /// For rows of `vocabulary` logits; of a draft, all but the last.
    pub fn new(vocabulary: usize, draft: bool) -> Sampling {
        Sampling {
            vocabulary: vocabulary as u32,
            parts: groups(vocabulary, PART),
            groups: groups(vocabulary, Sampling::GROUP),
            draft: u32::from(draft),
        }
    }

    /// `logit_parts`'s and `sample`'s grid for `rows` rows of logits.
    pub fn grid(&self, rows: usize) -> Grid {
        [self.groups, rows as u32, 1]
    }

    /// `distribution`'s.
    pub fn row_grid(&self, rows: usize) -> Grid {
        [rows as u32, 1, 1]
    }
}

/// What `logit_parts` finds of a part of a row (`lib/logit_part.wgsl`).
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct LogitPart {
    /// Of its largest logit: see `lib/logit_key.wgsl`.
    pub key: u32,
    /// Sum of its weights beside that one's.
    pub mass: f32,
}

/// What `distribution` finds of a row (`lib/sampling_cut.wgsl`).
#[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[repr(C)]
pub struct SamplingCut {
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
    pub packs: u32,
    pub stored: u32,
    pub unit: f32,
    pub twins: u32,
}

impl FillRandom {
    /// Grid for all stored packs, in two dimensions where one would outgrow core WebGPU's limit.
    pub fn grid(&self) -> Grid {
        let all = groups(self.stored as usize, 256);
        let lines = all.div_ceil(MAX_WORKGROUPS as u32).max(1);
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
