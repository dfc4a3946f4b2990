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
    /// Rows and columns of a tile, the unit in which weights are stored and rows are padded (`lib/tile.wgsl`).
    TILE = 16;

    /// Largest number of rows in a block. A [`CycleResult`] has room for as many target tokens and drafts.
    MAX_BLOCK = 64;

    /// Largest number of ids that can end a text.
    MAX_END_IDS = 16;

    /// Positions in a split of [`KvSplits::Fixed`](crate::KvSplits::Fixed).
    SPLIT = 256;

    /// Positions in a short split of [`KvSplits::Growing`](crate::KvSplits::Growing).
    SHORT_SPLIT = 128;
    /// Number of short splits, which come first.
    SHORT_SPLITS = 16;
    /// Positions in a middle split.
    MIDDLE_SPLIT = 512;
    /// Number of middle splits, which follow the short ones.
    MIDDLE_SPLITS = 12;
    /// Positions in a long split. Long splits follow the middle ones.
    LONG_SPLIT = 1024;

    /// Tiles of positions that a split of [`KvSplits::RoundRobin`](crate::KvSplits::RoundRobin) takes in each turn.
    ROUND_ROBIN_TILES = 8;
    /// Largest number of splits of [`KvSplits::RoundRobin`](crate::KvSplits::RoundRobin).
    ROUND_ROBIN_SPLITS = 32;

    /// Values of a head for which `attention_staged`, `attention_paired` and `attention_row` are written.
    STAGED_HEAD = 8 * TILE;

    /// Queries that a workgroup of `attention_staged` takes.
    STAGED_QUERIES = 4 * TILE;

    /// Queries that a workgroup of `attention_paired` takes.
    PAIRED_QUERIES = 8 * TILE;

    /// Queries that a workgroup of `attention` takes.
    TILE_QUERIES = 8;

    /// Rows and outputs that a workgroup of `matmul_prefill` takes. Activations in [`ActivationLayout::TilesF16`]
    /// (crate::ActivationLayout::TilesF16) have room for whole multiples of as many rows.
    PREFILL_TILE = 8 * TILE;

    /// Values of a row that `matmul_row` has room for in workgroup memory, for each slice of split-K.
    INPUT_ROOM_OF_SLICE = 256;

    /// Ids in a part of the vocabulary, the unit of `logit_parts`.
    PART = 128;

    /// Halvings by which `sampling_cut` finds an id of the vocabulary.
    VOCABULARY_HALVINGS = 24;
}

/// What `argmax` gives for a row without any number in it.
pub const NO_ID: u32 = u32::MAX;

/// Values in a pack, the unit in which lanes read rows of weights: 16 bytes of f16 (`lib/pack.wgsl`).
pub const PACK: usize = 8;

/// Rows to whole multiples of which a weight matrix is padded: what a workgroup of `matmul_coop` takes.
pub const MATRIX_ROWS: usize = 2 * TILE;

/// Largest number of workgroups in one dimension of a grid (core WebGPU).
pub const MAX_WORKGROUPS: usize = 65_535;

/// Queries of a kv head to whole multiples of which tiled buffers have room: those that one subgroup of
/// `attention_staged` or `attention_paired` takes.
pub const QUERY_ROOM: usize = 2 * TILE;

/// Bytes of workgroup memory that `attention_paired` needs. Other kernels of tier `coop` need less.
pub const PAIRED_WORKGROUP_BYTES: u32 = 48 << 10;

/// Largest number of query heads a kv head for which `attention_row` is written.
pub const ROW_HEADS: usize = 8;

/// Largest number of values in an attention head. A lane of `attention_merge` has two vec4 of one.
pub const MAX_HEAD_DIM: usize = 256;

/// Largest vocabulary, in ids.
pub const MAX_VOCABULARY: usize = 1 << VOCABULARY_HALVINGS;

/// Scale of SwiGLU's output where it is stored as f16, whose range is small.
pub const GATED_SCALE: f32 = 0.0625;
