// reject: rejection sampling of each draft, as in the paper and the official implementation.
//
//   accepted with probability min(1, p / max(q, 1e-8))      p: of the AR view, q: of the diffusion view
//
// An accepted draft becomes the target token. Otherwise the target token is drawn from max(p - q, 0), or from p where
// that sums to 1e-5 at most. `accept` then keeps the drafts that equal their target tokens. The kernel does nothing
// unless state.acceptance is REJECTION.
//
//   logits, draft_logits   [rows][vocabulary]   f32: of the AR view, of the diffusion view
//   cuts, draft_cuts       [rows]               SamplingCut: of the AR view, of the diffusion view
//   tokens                 [context]            ids by position; drafts follow the anchor
//   target_tokens          [rows]               written for every row that has a draft
//
// Calls: `store_partial`, `total` (choice reduce), `weight` (lib/sampling_cut), `uniform_of`, `gumbel_of`,
// `random_bits` (lib/random), `best_of_lanes` (lib/best).
// Grid: (rows). One workgroup a row.

struct Params {
    vocabulary: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> logits: array<f32>;
@group(0) @binding(3) var<storage, read> cuts: array<SamplingCut>;
@group(0) @binding(4) var<storage, read> draft_logits: array<f32>;
@group(0) @binding(5) var<storage, read> draft_cuts: array<SamplingCut>;
@group(0) @binding(6) var<storage, read> tokens: array<u32>;
@group(0) @binding(7) var<storage, read_write> target_tokens: array<u32>;

fn p_of(row: u32, id: u32) -> f32 {
    let row_cut = cuts[row];
    return weight(row_cut, logits[row * params.vocabulary + id], id) / row_cut.mass;
}

fn q_of(row: u32, id: u32) -> f32 {
    let row_cut = draft_cuts[row];
    return weight(row_cut, draft_logits[row * params.vocabulary + id], id) / row_cut.mass;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, thread: Thread) {
    let row = group.x;
    let lane = thread.lane;
    if state.acceptance != REJECTION || row + 1u >= state.logit_rows {
        return;
    }
    let anchor = state.start + state.logit_first;
    let position = anchor + row + 1u;
    let draft = tokens[position];
    // A row without numbers has no draft: its id is not in the vocabulary.
    let known = draft < params.vocabulary && draft_cuts[row].mass > 0.0 && cuts[row].mass > 0.0;
    let looked_up = select(0u, draft, known);
    let ratio = p_of(row, looked_up) / max(q_of(row, looked_up), 1e-8);
    let accepted = known && uniform_of(random_bits(position, FOR_ACCEPT, 0u)) < ratio;

    var residual = 0.0;
    for (var id = lane; id < params.vocabulary; id += LANES) {
        residual += max(p_of(row, id) - q_of(row, id), 0.0);
    }
    store_partial(thread, residual);
    workgroupBarrier();
    // Negated, so that NaN draws from p too.
    let draw_from_p = !(total(thread) > 1e-5);
    var best = LOWEST;
    var best_id = NO_ID;
    for (var id = lane; id < params.vocabulary; id += LANES) {
        let p = p_of(row, id);
        let mass = select(max(p - q_of(row, id), 0.0), p, draw_from_p);
        if mass > 0.0 {
            let score = log(mass) + gumbel_of(random_bits(position, FOR_RESIDUAL, id));
            if score > best {
                best = score;
                best_id = id;
            }
        }
    }
    let replacement = best_of_lanes(lane, best, best_id);
    if lane == 0u {
        target_tokens[row] = select(replacement, draft, accepted);
    }
}
