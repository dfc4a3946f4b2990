use crate::{NO_ID, Record, State};

/// Twin of `accept.wgsl`.
pub fn accept(state: &mut State, tokens: &mut [u32], picks: &[u32], record: &mut Record) {
    let rows = state.logit_rows as usize;
    if rows == 0 {
        record.ran = 0;
        return;
    }
    let anchor = (state.start + state.logit_first) as usize;
    let drafts = &tokens[anchor + 1..anchor + rows];
    let accepted = drafts.iter().zip(picks).take_while(|(draft, pick)| draft == pick).count();
    record.drafts[..rows - 1].copy_from_slice(drafts);

    let ends = &state.end_ids[..state.end_count as usize];
    let room = state.limit as usize - 1 - anchor;
    let mut emitted = 0;
    let mut finish = State::RUNNING;
    for &id in picks[..accepted + 1].iter().take(room) {
        if id == NO_ID {
            finish = State::INVALID;
            break;
        }
        record.picks[emitted] = id;
        emitted += 1;
        if ends.contains(&id) {
            finish = State::STOP;
            break;
        }
    }
    if finish == State::RUNNING && emitted == room {
        finish = State::LENGTH;
    }
    tokens[anchor + 1..][..emitted].copy_from_slice(&picks[..emitted]);

    state.start = (anchor + emitted) as u32;
    state.rows = if finish == State::RUNNING { state.block.min(state.limit - state.start) } else { 0 };
    state.logit_first = 0;
    state.logit_rows = state.rows;
    state.finish = finish;

    record.ran = 1;
    record.start = state.start;
    record.accepted = accepted as u32;
    record.emitted = emitted as u32;
    record.finish = finish;
    record.rows = rows as u32;
}
