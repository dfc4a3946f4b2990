//! Uniforms of the matmul kernels.

use bytemuck::{Pod, Zeroable};

use super::fields::shared_struct;
use super::grid::{Grid, groups};
use crate::constants::{PREFILL_TILE, TILE};
use crate::variants::{CoopTiling, Epilogue, MTiles, RowsPerLane, SplitK};

shared_struct! {
    /// Uniform of `matmul`.
    #[derive(Clone, Copy, Debug, Pod, Zeroable)]
    #[allow(missing_docs, reason = "documented in matmul.wgsl")]
    pub struct Matmul {
        pub outputs: u32,
        pub packs: u32,
        pub out_stride: u32,
        pub out_first: u32,
    }
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

shared_struct! {
    /// Uniform of `matmul_coop` and `matmul_prefill`.
    #[derive(Clone, Copy, Debug, Pod, Zeroable)]
    #[allow(missing_docs, reason = "documented in lib/matmul_coop/params.wgsl")]
    pub struct MatmulCoop {
        pub outputs: u32,
        pub k_tiles: u32,
        pub out_stride: u32,
        pub out_first: u32,
        pub scale: f32,
        pub pad: [u32; 3],
    }
}

impl MatmulCoop {
    /// Grid for `rows` rows.
    pub fn grid(&self, rows: usize, m_tiles: MTiles, tiling: CoopTiling) -> Grid {
        [groups(self.outputs as usize, tiling.outputs()), groups(rows, m_tiles.rows()), 1]
    }

    /// Values in `totals` of `matmul_prefill`, for `rows` rows of `outputs` outputs.
    pub fn prefill_totals(rows: usize, outputs: usize, max_workgroups: usize) -> usize {
        MatmulCoop::prefill_workgroups(rows, outputs, max_workgroups) * PREFILL_TILE * PREFILL_TILE
    }

    /// Grid of `matmul_prefill`: at most `max_workgroups` workgroups, which go from one tile to the next.
    pub fn prefill_grid(&self, rows: usize, max_workgroups: usize) -> Grid {
        [MatmulCoop::prefill_workgroups(rows, self.outputs as usize, max_workgroups) as u32, 1, 1]
    }

    fn prefill_workgroups(rows: usize, outputs: usize, max_workgroups: usize) -> usize {
        (rows.div_ceil(PREFILL_TILE) * outputs.div_ceil(PREFILL_TILE)).min(max_workgroups)
    }
}

shared_struct! {
    /// Uniform of `matmul_row`.
    #[derive(Clone, Copy, Debug, Pod, Zeroable)]
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
}

impl MatmulRow {
    /// Outputs a workgroup.
    pub fn outputs_per_group(epilogue: Epilogue) -> usize {
        if epilogue == Epilogue::SwiGlu { 2 * TILE } else { TILE }
    }

    /// Grid of the one row.
    pub fn grid(&self, epilogue: Epilogue) -> Grid {
        [groups(self.outputs as usize, MatmulRow::outputs_per_group(epilogue)), 1, 1]
    }
}
