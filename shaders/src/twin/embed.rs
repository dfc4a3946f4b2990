use crate::constants::PACK;
use crate::params::{Embed, State};

/// Twin of `embed.wgsl`. `weights` is the slab: `[ids][PACK * packs]`.
pub fn embed(state: &State, params: &Embed, weights: &[f32], tokens: &[u32], x: &mut [f32]) {
    let width = params.packs as usize * PACK;
    for row in 0..state.rows as usize {
        let masked = params.masked == 1 && row > 0;
        let id = if masked { params.mask_id } else { tokens[state.start as usize + row] };
        let Some(local) = id.checked_sub(params.first_id).filter(|&local| local < params.ids) else {
            continue;
        };
        let from = local as usize * width;
        x[row * width..][..width].copy_from_slice(&weights[from..from + width]);
    }
}
