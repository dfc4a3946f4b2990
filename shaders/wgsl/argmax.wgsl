// argmax: the id with the largest logit of each row, the lowest such id where several are equal (as torch
// does). NaN is never the largest; a row without any number in it gives NO_ID.
//
//   logits   [rows][vocabulary]   f32
//   ids      [..]                 u32: the AR view's picks by row; or the diffusion view's drafts, written
//                                 into the text after the anchor: row r proposes position start + r + 1,
//                                 and the last row's proposal is not used
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
@group(0) @binding(3) var<storage, read_write> ids: array<u32>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let row = group.x;
    if row >= proposed_rows(params.draft) {
        return;
    }
    var best = LOWEST;
    var best_id = NO_ID;
    for (var id = lane; id < params.vocabulary; id += LANES) {
        let logit = logits[row * params.vocabulary + id];
        // False for NaN, true for the first number whatever it is.
        if logit > best || (best_id == NO_ID && logit == logit) {
            best = logit;
            best_id = id;
        }
    }
    let id = best_of_lanes(lane, best, best_id);
    if lane == 0u {
        ids[select(row, state.start + 1u + row, params.draft == 1u)] = id;
    }
}
