// The decode state: written by the host before each pass of a prompt, then by `accept` alone.
//
// A pass has `rows` rows, at positions `start .. start + rows`. Positions below `start` are in the cache.
// `rows` is 0 once the generation is over, so that cycles recorded ahead of its end do nothing.

struct State {
    start: u32,               // position of row 0, the anchor
    rows: u32,                // rows of the pass
    logit_first: u32,         // first row whose logits are wanted
    logit_rows: u32,          // rows whose logits are wanted
    limit: u32,               // positions the text may fill: prompt plus token budget
    block: u32,               // rows of a full block
    finish: u32,              // RUNNING, STOP, LENGTH or INVALID
    end_count: u32,           // used entries of `end_ids`
    rule: u32,                // GREEDY, COUPLED or REJECTION
    inverse_temperature: f32, // sampling: distances of logits are multiplied by it
    top_k: u32,               // sampling: ids kept at most, but for ties; 0 is all
    top_p: f32,               // sampling: probability kept at least; 1 or more is all
    seed: u32,                // sampling: low word
    seed_high: u32,
    pad0: u32,
    pad1: u32,
    end_ids: array<u32, 16>,  // ids that end the text
}

const RUNNING: u32 = 0u;
const STOP: u32 = 1u;
const LENGTH: u32 = 2u;
const INVALID: u32 = 3u;

// How ids are chosen, and drafts accepted.
const GREEDY: u32 = 0u;    // the largest logit; a draft that is the AR view's own
const COUPLED: u32 = 1u;   // sampled, both views with the same random numbers; a draft that is the AR view's own
const REJECTION: u32 = 2u; // sampled; a draft with probability min(1, p / q), else one from the residual
