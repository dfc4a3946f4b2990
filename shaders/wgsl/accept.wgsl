// accept: ends a cycle: keeps the accepted drafts, adds the bonus, and advances the decode state.
//
//   accepted = the longest prefix of drafts that equals the target tokens
//   bonus    = target_tokens[accepted], the AR view's own next token
//
// It follows greedy acceptance of `generate` in the official implementation. The block's anchor is the first row that
// has logits, and each further row has a draft, which `tokens` holds. target_tokens[i] is the AR view's token for
// position anchor + i + 1. The text ends at an end id, at the end of the token budget, or at a row without numbers.
// The same kernel closes prefill and each step of AR decoding: one row has logits, so there is no draft, and the bonus
// is the next token.
//
//   state           read and written: `start`, `rows`, `logit_first`, `logit_rows`, `finish`
//   tokens          [context]      ids by position; emitted tokens are written
//   target_tokens   [logit_rows]   ids
//   result          a CycleResult, in words: ran (0 if the text was at its end), start of the next cycle, accepted,
//                   emitted, finish, rows, 2 unused, MAX_BLOCK target tokens, MAX_BLOCK drafts
//
// Grid: (1). One lane, at most MAX_BLOCK steps.

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

    // Accepted drafts and the bonus, until the budget or the text ends.
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
