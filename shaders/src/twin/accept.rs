use crate::constants::NO_ID;
use crate::params::{CycleResult, Finish, State};

/// Twin of `accept.wgsl`.
pub fn accept(state: &mut State, tokens: &mut [u32], target_tokens: &[u32], result: &mut CycleResult) {
    let rows = state.logit_rows as usize;
    if rows == 0 {
        result.ran = 0;
        return;
    }
    let anchor = (state.start + state.logit_first) as usize;
    let drafts = &tokens[anchor + 1..anchor + rows];
    let accepted = drafts.iter().zip(target_tokens).take_while(|(draft, target)| draft == target).count();
    result.drafts[..rows - 1].copy_from_slice(drafts);

    let ends = &state.end_ids[..state.end_count as usize];
    let room = state.limit as usize - 1 - anchor;
    let mut emitted = 0;
    let mut finish = Finish::Running;
    for &id in target_tokens[..accepted + 1].iter().take(room) {
        if id == NO_ID {
            finish = Finish::Invalid;
            break;
        }
        result.target_tokens[emitted] = id;
        emitted += 1;
        if ends.contains(&id) {
            finish = Finish::Stop;
            break;
        }
    }
    if finish == Finish::Running && emitted == room {
        finish = Finish::Length;
    }
    tokens[anchor + 1..][..emitted].copy_from_slice(&target_tokens[..emitted]);

    state.start = (anchor + emitted) as u32;
    state.rows = if finish == Finish::Running { state.block.min(state.limit - state.start) } else { 0 };
    state.logit_first = 0;
    state.logit_rows = state.rows;
    state.finish = finish as u32;

    result.ran = 1;
    result.start = state.start;
    result.accepted = accepted as u32;
    result.emitted = emitted as u32;
    result.finish = finish as u32;
    result.rows = rows as u32;
}
