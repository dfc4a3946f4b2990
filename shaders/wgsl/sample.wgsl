// sample: the best of each 1024 ids of a row by a random score, whose argmax is a draw from the row's distribution.
//
//   score(id) = sharpness logit / temperature + Gumbel(position, purpose, id)        among the ids that remain
//
// `argmax` then finds the best candidate of the row. Under acceptance rule COUPLED both views draw with the same
// Gumbel variables, so that they often agree. A coupled draft is a guess at the AR view's draw, not a draw of its
// own: sharpness is SHARPNESS, since the diffusion view is less sure than the AR view. It is 1 otherwise.
//
//   logits   [rows][vocabulary]   f32
//   cuts     [rows]               SamplingCut, from `sampling_cut`
//   best     [rows][groups]       Candidate, with its score for a logit; NO_ID where no id remains
//
// Calls: `weight`, `scaled_distance` (lib/sampling_cut), `gumbel_of`, `random_bits` (lib/random), `best_of_lanes`
// (lib/best), `proposed_rows` (lib/proposed_rows).
// Grid: (groups, rows).

@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> logits: array<f32>;
@group(0) @binding(3) var<storage, read> cuts: array<SamplingCut>;
@group(0) @binding(4) var<storage, read_write> best: array<Candidate>;

const SHARPNESS: f32 = 2.0;
const EACH: u32 = 4u; // ids of a lane

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let row = group.y;
    if row >= proposed_rows(params.draft) {
        return;
    }
    let position = state.start + state.logit_first + row + 1u;
    let purpose = select(FOR_TEXT, FOR_DRAFT, params.draft == 1u && state.acceptance == REJECTION);
    let sharpness = select(1.0, SHARPNESS, params.draft == 1u && state.acceptance == COUPLED);
    let row_cut = cuts[row];
    var four: array<f32, EACH>;
    for (var k = 0u; k < EACH; k++) {
        let id = group.x * EACH * LANES + k * LANES + lane;
        four[k] = logits[row * params.vocabulary + min(id, params.vocabulary - 1u)];
    }
    var best_score = LOWEST;
    var best_id = NO_ID;
    for (var k = 0u; k < EACH; k++) {
        let id = group.x * EACH * LANES + k * LANES + lane;
        if id < params.vocabulary && row_cut.mass > 0.0 && weight(row_cut, four[k], id) > 0.0 {
            let noise = gumbel_of(random_bits(position, purpose, id));
            let score = fma(sharpness, scaled_distance(row_cut.highest, four[k]), noise);
            if score > best_score {
                best_score = score;
                best_id = id;
            }
        }
    }
    let id = best_of_lanes(lane, best_score, best_id);
    if lane == 0u {
        best[row * params.groups + group.x] = Candidate(best_scores[0], id);
    }
}
