use crate::params::State;

/// Twin of `replay.wgsl`.
pub fn replay(state: &State, script: &[u32], tokens: &mut [u32]) {
    let start = state.start as usize;
    let drafts = start + 1..start + (state.rows as usize).max(1);
    tokens[drafts.clone()].copy_from_slice(&script[drafts]);
}
