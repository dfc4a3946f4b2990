// The decode state. The host writes it before each prefill pass; afterwards only `accept` does.
//
// A pass has `rows` rows, at positions `start .. start + rows`. Positions below `start` are in the KV cache.
// `rows` is 0 once the generation is over, so that cycles submitted ahead of its end do nothing.

struct State {
    start: u32,               // position of row 0, the anchor
    rows: u32,                // rows of the pass
    logit_first: u32,         // first row whose logits are wanted
    logit_rows: u32,          // rows whose logits are wanted
    limit: u32,               // positions the text may fill: prompt plus token budget
    block: u32,               // rows of a full block
    finish: u32,              // RUNNING, STOP, LENGTH or INVALID
    end_count: u32,           // used entries of `end_ids`
    acceptance: u32,          // GREEDY, COUPLED or REJECTION
    inverse_temperature: f32, // sampling: factor of differences of logits
    top_k: u32,               // sampling: largest number of ids kept, ties apart; 0: all
    top_p: f32,               // sampling: smallest probability kept; 1 or more: all
    seed: u32,                // low word of the seed
    seed_high: u32,           // high word of the seed
    pad0: u32,
    pad1: u32,
    end_ids: array<u32, MAX_END_IDS>, // ids that end the text
}
