// sample: one id of each row, drawn from its distribution: argmax over the ids that remain of
//
//   logit / temperature + Gumbel(position, purpose, id)
//
// Both views draw with the same Gumbel variables where they are coupled, so that they often agree. A coupled draft
// is a guess at what the AR view will draw, no draw of its own: it is made with logits SHARPNESS times as far apart,
// since the diffusion view is less sure than the AR view. A row without any number in it gives NO_ID.
//
//   logits          [rows][vocabulary]   f32
//   distributions   [rows]               from distribution
//   ids             [..]                 u32: as for `argmax`
//
// Grid: (rows). One workgroup a row.

struct Params {
    vocabulary: u32,
    draft: u32, // 1: ids is the text
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> logits: array<f32>;
@group(0) @binding(3) var<storage, read> distributions: array<Distribution>;
@group(0) @binding(4) var<storage, read_write> ids: array<u32>;

const SHARPNESS: f32 = 2.0;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let row = group.x;
    if row >= proposed_rows(params.draft) {
        return;
    }
    let position = state.start + state.logit_first + row + 1u;
    let purpose = select(FOR_TEXT, FOR_DRAFT, params.draft == 1u && state.rule == REJECTION);
    let sharpness = select(1.0, SHARPNESS, params.draft == 1u && state.rule == COUPLED);
    let d = distributions[row];
    var best = LOWEST;
    var best_id = NO_ID;
    for (var id = lane; id < params.vocabulary; id += LANES) {
        let l = scaled(logits[row * params.vocabulary + id]);
        if weight(d, l, id) > 0.0 {
            let behind = select(l - d.highest, 0.0, l == d.highest);
            let score = sharpness * behind + gumbel_of(random_bits(position, purpose, id));
            if score > best {
                best = score;
                best_id = id;
            }
        }
    }
    let id = best_of_lanes(lane, best, best_id);
    if lane == 0u {
        ids[select(row, state.start + 1u + row, params.draft == 1u)] = id;
    }
}
