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

const LANES: u32 = 256u;
const LOWEST: f32 = -3.402823e38;
const NO_ID: u32 = 0xffffffffu;

var<workgroup> best_logits: array<f32, LANES>;
var<workgroup> best_ids: array<u32, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let row = group.x;
    let proposed = state.logit_rows - select(0u, 1u, params.draft == 1u && state.logit_rows > 0u);
    if row >= proposed {
        return;
    }
    var best = LOWEST;
    var best_id = NO_ID;
    for (var id = lane; id < params.vocabulary; id += LANES) {
        let logit = logits[row * params.vocabulary + id];
        // Ordered comparisons are false for NaN. An infinite logit is a number.
        if logit > best || (logit == best && best_id == NO_ID) {
            best = logit;
            best_id = id;
        }
    }
    best_logits[lane] = best;
    best_ids[lane] = best_id;
    for (var half_lanes = LANES / 2u; half_lanes > 0u; half_lanes /= 2u) {
        workgroupBarrier();
        if lane < half_lanes {
            let other = best_logits[lane + half_lanes];
            let other_id = best_ids[lane + half_lanes];
            if other > best_logits[lane] || (other == best_logits[lane] && other_id < best_ids[lane]) {
                best_logits[lane] = other;
                best_ids[lane] = other_id;
            }
        }
    }
    if lane == 0u {
        ids[select(row, state.start + 1u + row, params.draft == 1u)] = best_ids[0];
    }
}
