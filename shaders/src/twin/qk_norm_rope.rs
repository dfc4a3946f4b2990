use super::rows::rms_scale;
use crate::params::{QkNormRope, State};

/// Twin of `qk_norm_rope.wgsl` with a KV cache in f32. `rope` holds `[cos, sin]` per position and pair.
#[allow(clippy::too_many_arguments, reason = "one for each binding of the kernel")]
pub fn qk_norm_rope(
    state: &State,
    params: &QkNormRope,
    qkv: &[f32],
    norms: &[f32],
    rope: &[[f32; 2]],
    q: &mut [f32],
    keys: &mut [f32],
    values: &mut [f32],
) {
    let (heads, kv_heads) = (params.heads as usize, params.kv_heads as usize);
    let (head_dim, head_vecs) = (params.head_dim as usize, params.head_vecs as usize);
    let half = head_dim / 2;
    for row in 0..state.rows as usize {
        let position = state.start as usize + row;
        for head in 0..heads + 2 * kv_heads {
            let source = &qkv[row * params.qkv_stride as usize + head * head_dim..][..head_dim];
            if head >= heads + kv_heads {
                let kv_head = head - heads - kv_heads;
                values[(position * kv_heads + kv_head) * head_vecs * 4..][..head_dim].copy_from_slice(source);
                continue;
            }
            let norm = if head < heads { &norms[..head_dim] } else { &norms[head_dim..] };
            let scale = rms_scale(source, params.eps);
            let normed = |i: usize| f64::from(source[i]) * scale * f64::from(norm[i]);
            for i in 0..head_dim {
                let pair = i % half;
                let [cos, sin] = rope[position * half + pair].map(f64::from);
                // rotate-half: (a, b) -> (a cos - b sin, b cos + a sin)
                let rotated = if i < half {
                    normed(i) * cos - normed(i + half) * sin
                } else {
                    normed(i) * cos + normed(i - half) * sin
                } as f32;
                if head < heads {
                    q[(row * heads + head) * head_vecs * 4 + i] = rotated;
                } else {
                    let line = (head - heads) * head_vecs + i / 4;
                    keys[(line * params.context as usize + position) * 4 + i % 4] = rotated;
                }
            }
        }
    }
}
