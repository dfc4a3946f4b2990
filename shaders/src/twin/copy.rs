use crate::params::Copied;

/// Twin of `copy.wgsl`. `x` and `y` are `[count]` vec4.
pub fn copy(params: &Copied, x: &[[u32; 4]], y: &mut [[u32; 4]]) {
    let count = params.count as usize;
    y[..count].copy_from_slice(&x[..count]);
}
