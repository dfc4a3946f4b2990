//! Uniforms of the kernels that work value by value or row by row.

use bytemuck::{Pod, Zeroable};

use super::fields::shared_struct;
use super::grid::{Grid, groups};

shared_struct! {
    /// Uniform of `embed`.
    #[derive(Clone, Copy, Debug, Pod, Zeroable)]
    #[allow(missing_docs, reason = "documented in embed.wgsl")]
    pub struct Embed {
        pub packs: u32,
        pub first_id: u32,
        pub ids: u32,
        pub masked: u32,
        pub mask_id: u32,
        pub pad: [u32; 3],
    }
}

impl Embed {
    /// Grid for a pass of `rows` rows.
    pub fn grid(&self, rows: usize) -> Grid {
        [groups(self.packs as usize, 64), rows as u32, 1]
    }
}

shared_struct! {
    /// Uniform of `rms_norm`.
    #[derive(Clone, Copy, Debug, Pod, Zeroable)]
    #[allow(missing_docs, reason = "documented in rms_norm.wgsl")]
    pub struct RmsNorm {
        pub width: u32,
        pub stride: u32,
        pub out_stride: u32,
        pub eps: f32,
    }
}

impl RmsNorm {
    /// Grid for `rows` rows.
    pub fn grid(&self, rows: usize) -> Grid {
        [rows as u32, 1, 1]
    }
}

shared_struct! {
    /// Uniform of `swiglu`.
    #[derive(Clone, Copy, Debug, Pod, Zeroable)]
    #[allow(missing_docs, reason = "documented in swiglu.wgsl")]
    pub struct Swiglu {
        pub width: u32,
        pub out_stride: u32,
        pub pad: [u32; 2],
    }
}

impl Swiglu {
    /// Grid for a pass of `rows` rows.
    pub fn grid(&self, rows: usize) -> Grid {
        [groups(self.width as usize, 64), rows as u32, 1]
    }
}
