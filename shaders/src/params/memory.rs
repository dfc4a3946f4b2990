//! Uniforms of the kernels that fill and copy memory.

use bytemuck::{Pod, Zeroable};

use super::fields::shared_struct;
use super::grid::{Grid, groups};
use crate::constants::MAX_WORKGROUPS;

shared_struct! {
    /// Uniform of `fill_random`.
    #[derive(Clone, Copy, Debug, Pod, Zeroable)]
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
}

impl FillRandom {
    /// Grid for all stored packs. It has a second dimension where one would exceed core WebGPU's limit.
    pub fn grid(&self) -> Grid {
        let all = groups(self.stored as usize, 256);
        let lines = all.div_ceil(MAX_WORKGROUPS as u32).max(1);
        [all.div_ceil(lines), lines, 1]
    }
}

shared_struct! {
    /// Uniform of `copy`.
    #[derive(Clone, Copy, Debug, Pod, Zeroable)]
    #[allow(missing_docs, reason = "documented in copy.wgsl")]
    pub struct Copied {
        pub count: u32,
        pub pad: [u32; 3],
    }
}

impl Copied {
    /// Grid for `count` vec4, `count < 2^26`: a gibibyte would take one workgroup more than core WebGPU allows.
    pub fn grid(&self) -> Grid {
        [groups(self.count as usize, 1024), 1, 1]
    }
}
