//! Constants of host and kernels.
//!
//! [`Kernel::wgsl`](crate::Kernel::wgsl) declares the shared ones that a kernel uses, so each value is written once.

/// Declares constants for Rust, and lists them for WGSL under the same names.
macro_rules! shared {
    ($($(#[$doc:meta])* $name:ident = $value:expr;)*) => {
        $($(#[$doc])* pub const $name: usize = $value;)*

        /// Name and value of each constant above.
        pub(crate) const SHARED: &[(&str, usize)] = &[$((stringify!($name), $name)),*];
    };
}

shared! {
    /// Rows and columns of a tile. Weights are stored and rows are padded in tiles (`lib/tile.wgsl`).
    TILE = 16;

    /// Largest number of rows in a block, and so of target tokens and drafts in a [`CycleResult`](crate::CycleResult).
    MAX_BLOCK = 64;

    /// Largest number of ids that can end a text.
    MAX_END_IDS = 16;

    /// Positions in a split of [`KvSplits::Fixed`](crate::KvSplits::Fixed).
    SPLIT = 256;

    /// Positions in a short split of [`KvSplits::Growing`](crate::KvSplits::Growing).
    SHORT_SPLIT = 128;
    /// Number of short splits. They come first.
    SHORT_SPLITS = 16;
    /// Positions in a middle split.
    MIDDLE_SPLIT = 512;
    /// Number of middle splits. They follow the short ones.
    MIDDLE_SPLITS = 12;
    /// Positions in a long split. Long splits follow the middle ones.
    LONG_SPLIT = 1024;

    /// Tiles of positions that a split of [`KvSplits::RoundRobin`](crate::KvSplits::RoundRobin) takes a turn.
    ROUND_ROBIN_TILES = 8;
    /// Largest number of splits of [`KvSplits::RoundRobin`](crate::KvSplits::RoundRobin).
    ROUND_ROBIN_SPLITS = 32;

    /// Values of a head in the attention kernels that are written for one head size.
    STAGED_HEAD = 8 * TILE;

    /// Queries a workgroup of `attention_staged`.
    STAGED_QUERIES = 4 * TILE;

    /// Queries a workgroup of `attention_paired`.
    PAIRED_QUERIES = 8 * TILE;

    /// Queries a workgroup of `attention`.
    TILE_QUERIES = 8;

    /// Rows and outputs a workgroup of `matmul_prefill`. Buffers of activations in
    /// [`ActivationLayout::TilesF16`](crate::ActivationLayout::TilesF16) hold whole multiples of as many rows.
    PREFILL_TILE = 8 * TILE;

    /// Values of a row that `matmul_row` can stage in workgroup memory, per slice of split-K.
    INPUT_ROOM_OF_SLICE = 256;

    /// Ids in a part of the vocabulary (`logit_parts`).
    PART = 128;

    /// Halvings with which `sampling_cut` finds an id in the vocabulary.
    VOCABULARY_HALVINGS = 24;
}

/// The id that `argmax` gives for a row without any number.
pub const NO_ID: u32 = u32::MAX;

/// Values in a pack, 16 bytes of f16. Lanes read rows of weights in packs (`lib/pack.wgsl`).
pub const PACK: usize = 8;

/// Weight matrices are padded to whole multiples of this many rows: the most that a workgroup of `matmul_coop` takes.
pub const MATRIX_ROWS: usize = 2 * TILE;

/// Largest number of workgroups in one dimension of a grid (core WebGPU).
pub const MAX_WORKGROUPS: usize = 65_535;

/// Buffers of tiled queries hold whole multiples of this many queries of a kv head.
///
/// A subgroup of `attention_staged` or `attention_paired` takes as many.
pub const QUERY_ROOM: usize = 2 * TILE;

/// Bytes of workgroup memory that `attention_paired` needs, the most of all kernels.
pub const PAIRED_WORKGROUP_BYTES: u32 = 48 << 10;

/// Largest number of query heads a kv head in `attention_row`.
pub const ROW_HEADS: usize = 8;

/// Largest number of values in an attention head. A lane of `attention_merge` has two vec4 of a head.
pub const MAX_HEAD_DIM: usize = 256;

/// Largest vocabulary, in ids.
pub const MAX_VOCABULARY: usize = 1 << VOCABULARY_HALVINGS;

/// Scale of SwiGLU's output in f16, whose range is small.
pub const GATED_SCALE: f32 = 0.0625;
