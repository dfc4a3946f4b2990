// The lane with the largest score in a workgroup, the lowest id where several scores are equal.

const LANES: u32 = 256u;
const LOWEST: f32 = -3.4028234663852886e38; // the lowest finite number

var<workgroup> best_scores: array<f32, LANES>;
var<workgroup> best_ids: array<u32, LANES>;

fn best_of_lanes(lane: u32, score: f32, id: u32) -> u32 {
    best_scores[lane] = score;
    best_ids[lane] = id;
    for (var half_lanes = LANES / 2u; half_lanes > 0u; half_lanes /= 2u) {
        workgroupBarrier();
        if lane < half_lanes {
            let other = best_scores[lane + half_lanes];
            let other_id = best_ids[lane + half_lanes];
            let better = other > best_scores[lane] || (other == best_scores[lane] && other_id < best_ids[lane]);
            if other_id != NO_ID && (better || best_ids[lane] == NO_ID) {
                best_scores[lane] = other;
                best_ids[lane] = other_id;
            }
        }
    }
    workgroupBarrier();
    return best_ids[0];
}
