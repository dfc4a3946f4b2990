// accept: the end of a cycle. Keeps the longest prefix of drafts that the AR view agrees with, adds the AR
// view's own next token (the bonus), looks for the end of the text and of the token budget, and makes the
// state that of the next cycle. (Official implementation, `generate`: greedy acceptance.)
//
// The block's anchor is the first row that has logits. Then comes the draft of each further row, as `tokens`
// holds it. target_tokens[i] is the AR view's token for position anchor + i + 1. The same kernel closes the prompt
// (one row has logits, so no draft, and the bonus is the first token) and a step of AR decoding.
//
//   state    read and written: `start`, `rows`, `logit_first`, `logit_rows`, `finish`
//   tokens   [context]      ids by position; accepted ones and the bonus are written
//   target_tokens    [logit rows]    from argmax
//   result   [136]           what the host reads: 1 if the cycle ran (0: the text was at its end), start of the
//                            next cycle, accepted drafts, emitted tokens, finish, rows, 2 unused,
//                            then MAX_BLOCK target_tokens, then MAX_BLOCK drafts
//
// Grid: (1). One lane: at most MAX_BLOCK steps.

@group(0) @binding(0) var<storage, read_write> state: State;
@group(0) @binding(1) var<storage, read_write> tokens: array<u32>;
@group(0) @binding(2) var<storage, read> target_tokens: array<u32>;
@group(0) @binding(3) var<storage, read_write> result: array<u32>;

const RESULT_DRAFTS: u32 = RESULT_TARGET_TOKENS + MAX_BLOCK;

fn ends_text(id: u32) -> bool {
    for (var i = 0u; i < state.end_count; i++) {
        if state.end_ids[i] == id {
            return true;
        }
    }
    return false;
}

@compute @workgroup_size(1)
fn main() {
    let rows = state.logit_rows;
    if rows == 0u {
        result[0] = 0u;
        return;
    }
    let anchor = state.start + state.logit_first;

    var accepted = 0u;
    while accepted + 1u < rows && target_tokens[accepted] == tokens[anchor + 1u + accepted] {
        accepted++;
    }

    // Accepted drafts and bonus, as far as the budget has room and the text goes on.
    let room = state.limit - 1u - anchor;
    var emitted = 0u;
    var finish = RUNNING;
    while emitted < min(accepted + 1u, room) && finish == RUNNING {
        let id = target_tokens[emitted];
        if id == NO_ID {
            finish = INVALID;
            break;
        }
        result[RESULT_TARGET_TOKENS + emitted] = id;
        emitted++;
        if ends_text(id) {
            finish = STOP;
        }
    }
    if finish == RUNNING && emitted == room {
        finish = LENGTH;
    }
    for (var i = 0u; i + 1u < rows; i++) {
        result[RESULT_DRAFTS + i] = tokens[anchor + 1u + i];
    }
    for (var i = 0u; i < emitted; i++) {
        tokens[anchor + 1u + i] = target_tokens[i];
    }

    state.start = anchor + emitted;
    state.rows = select(0u, min(state.block, state.limit - state.start), finish == RUNNING);
    state.logit_first = 0u;
    state.logit_rows = state.rows;
    state.finish = finish;

    result[0] = 1u;
    result[1] = state.start;
    result[2] = accepted;
    result[3] = emitted;
    result[4] = finish;
    result[5] = rows;
}
