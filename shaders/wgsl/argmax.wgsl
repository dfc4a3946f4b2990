// argmax: the id with the largest logit of each row, the lowest such id where several are equal (as torch does).
//
//   ids[row] = argmax_id candidate(row, id)      row < proposed_rows(draft)
//
// NaN is never the largest. A row without any number gives NO_ID.
//
//   ids      of the AR view, the target tokens by row; of a draft, the text: row r proposes position start + r + 1
//
// Calls: `candidate` (choice candidates), `proposed_rows` (lib/proposed_rows), `best_of_lanes` (lib/best).
// Grid: (rows). One workgroup a row.

struct Params {
    candidates: u32, // candidates of a row
    draft: u32,      // 1: `ids` is the text
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read_write> ids: array<u32>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let row = group.x;
    if row >= proposed_rows(params.draft) {
        return;
    }
    var highest = LOWEST;
    var best_id = NO_ID;
    // Four loads at a time, which do not wait for each other.
    for (var i = lane; i < params.candidates; i += 4u * LANES) {
        var four: array<Candidate, 4>;
        for (var k = 0u; k < 4u; k++) {
            four[k] = candidate(row, min(i + k * LANES, params.candidates - 1u));
        }
        for (var k = 0u; k < 4u; k++) {
            let found = four[k];
            // False for NaN, true for the first number. Beyond the row, the last candidate again changes nothing.
            if found.id != NO_ID && (found.logit > highest || (best_id == NO_ID && found.logit == found.logit)) {
                highest = found.logit;
                best_id = found.id;
            }
        }
    }
    let id = best_of_lanes(lane, highest, best_id);
    if lane == 0u {
        ids[select(row, state.start + 1u + row, params.draft == 1u)] = id;
    }
}
