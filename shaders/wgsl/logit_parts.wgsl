// logit_parts: the largest logit and the mass of each part of a row. `sampling_cut` then knows which parts to read.
//
//   parts[row][part] = (key of the largest logit, Σ exp((logit - largest) / temperature))
//
//   logits   [rows][vocabulary]   f32
//   parts    [rows][parts]        LogitPart, one for PART ids
//
// Calls: `key_of_logit` (lib/logit_key), `scaled_distance` (lib/sampling_cut), `proposed_rows` (lib/proposed_rows).
// Grid: (parts / 8, rows). 32 lanes a part.

@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> logits: array<f32>;
@group(0) @binding(3) var<storage, read_write> parts: array<LogitPart>;

const LANES: u32 = 256u;
const PART_LANES: u32 = 32u;
const EACH: u32 = PART / PART_LANES;

var<workgroup> keys: array<u32, LANES>;
var<workgroup> masses: array<f32, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let row = group.y;
    if row >= proposed_rows(params.draft) {
        return;
    }
    let part = group.x * (LANES / PART_LANES) + lane / PART_LANES;
    let place = lane % PART_LANES;
    var mine: array<f32, EACH>;
    var key = LOWEST_KEY;
    for (var k = 0u; k < EACH; k++) {
        let id = part * PART + k * PART_LANES + place;
        mine[k] = logits[row * params.vocabulary + min(id, params.vocabulary - 1u)];
        // Beyond the row, the last logit comes again and changes no maximum.
        key = max(key, key_of_logit(mine[k]));
    }
    keys[lane] = key;
    for (var step = PART_LANES / 2u; step > 0u; step /= 2u) {
        workgroupBarrier();
        if place < step {
            keys[lane] = max(keys[lane], keys[lane + step]);
        }
    }
    workgroupBarrier();
    let largest_key = keys[lane - place];
    let largest = logit_of_key(largest_key);
    var mass = 0.0;
    for (var k = 0u; k < EACH; k++) {
        let id = part * PART + k * PART_LANES + place;
        if id < params.vocabulary && key_of_logit(mine[k]) != LOWEST_KEY {
            mass += exp(scaled_distance(largest, mine[k]));
        }
    }
    masses[lane] = mass;
    for (var step = PART_LANES / 2u; step > 0u; step /= 2u) {
        workgroupBarrier();
        if place < step {
            masses[lane] += masses[lane + step];
        }
    }
    if place == 0u && part < params.parts {
        parts[row * params.parts + part] = LogitPart(largest_key, masses[lane]);
    }
}
