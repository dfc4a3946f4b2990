// distribution: what temperature, top-k and top-p leave of each row (official implementation, `sample`).
//
//   l = logit / temperature
//   top-k:  ids below the k-th largest l are dropped; ties with it stay
//   top-p:  of those, in descending order, an id is dropped when the ones before it have more than top_p of the
//           probability together. The first always stays; equal ones are ordered by id
//
// Both cuts are found by radix selection on the 32 bits of l, 8 at a time: by number for top-k, by mass for top-p.
// Mass is counted in units of 2^-30 of the largest weight, in 64-bit integers, so that the order of counting
// does not matter.
//
//   logits          [rows][vocabulary]   f32
//   distributions   [rows]               see lib/distribution.wgsl
//
// Choice `reduce`. Grid: (rows). One workgroup a row.

struct Params {
    vocabulary: u32,
    draft: u32, // 1: the row after the last draft is left out
    pad0: u32,
    pad1: u32,
}

@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> logits: array<f32>;
@group(0) @binding(3) var<storage, read_write> distributions: array<Distribution>;

const LANES: u32 = 256u;
const VALUES: u32 = 1u;
const LOWEST: f32 = -3.402823e38;
const LOWEST_KEY: u32 = 0u;
const UNIT: f32 = 1073741824.0; // 2^30

var<workgroup> maxima: array<f32, LANES>;
var<workgroup> low: array<atomic<u32>, 256>;  // number, or low word of mass, by digit
var<workgroup> high: array<atomic<u32>, 256>; // high word of mass
var<workgroup> found: Selection;
var<workgroup> ties: atomic<u32>;
var<workgroup> tie_count: u32;

// Where a radix selection stands.
struct Selection {
    prefix: u32,      // digits found so far
    above: vec2<u32>, // number or mass above the prefix: low and high word
    whole: vec2<u32>, // mass of all
    cut: u32,         // 1: the selection ends within the row, 0: everything remains
}

// A number whose order as u32 is that of l as f32. Both zeros are one, NaN is lowest.
fn key_of(l: f32) -> u32 {
    let bits = bitcast<u32>(select(l, 0.0, l == 0.0));
    let key = select(bits | 0x80000000u, ~bits, bits >> 31u == 1u);
    return select(LOWEST_KEY, key, l == l);
}

fn of_key(key: u32) -> f32 {
    return bitcast<f32>(select(~key, key & 0x7fffffffu, key >> 31u == 1u));
}

fn mass_of(l: f32, highest: f32) -> u32 {
    return u32(select(exp(l - highest), 1.0, l == highest) * UNIT + 0.5);
}

fn add(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    let sum = a.x + b.x;
    return vec2(sum, a.y + b.y + select(0u, 1u, sum < a.x));
}

fn subtract(a: vec2<u32>, b: vec2<u32>) -> vec2<u32> {
    return vec2(a.x - b.x, a.y - b.y - select(0u, 1u, a.x < b.x));
}

fn exceeds(a: vec2<u32>, b: vec2<u32>) -> bool {
    return a.y > b.y || (a.y == b.y && a.x > b.x);
}

fn as_float(a: vec2<u32>) -> f32 {
    return fma(f32(a.y), 4294967296.0, f32(a.x));
}

fn of_float(a: f32) -> vec2<u32> {
    let y = floor(a / 4294967296.0);
    return vec2(u32(a - y * 4294967296.0), u32(y));
}

// Counts by digit the number (mass: 0) or the mass of the ids whose key begins with the prefix and is `least` or more.
fn count_digits(lane: u32, row: u32, shift: u32, by_mass: bool, highest: f32, least: u32) {
    atomicStore(&low[lane], 0u);
    atomicStore(&high[lane], 0u);
    workgroupBarrier();
    let prefix = found.prefix;
    for (var id = lane; id < params.vocabulary; id += LANES) {
        let l = scaled(logits[row * params.vocabulary + id]);
        let key = key_of(l);
        // A shift by 32 is none.
        let same = shift == 24u || key >> ((shift + 8u) & 31u) == prefix >> ((shift + 8u) & 31u);
        if same && key >= least && key != LOWEST_KEY {
            let digit = (key >> shift) & 255u;
            let amount = select(1u, mass_of(l, highest), by_mass);
            let before = atomicAdd(&low[digit], amount);
            if before + amount < before {
                atomicAdd(&high[digit], 1u);
            }
        }
    }
    workgroupBarrier();
}

// One lane: goes down the digits until more than `bound` is counted, and adds that digit to the prefix.
fn choose_digit(shift: u32, bound: vec2<u32>) {
    var above = found.above;
    for (var i = 0u; i < 256u; i++) {
        let digit = 255u - i;
        let here = add(above, vec2(atomicLoad(&low[digit]), atomicLoad(&high[digit])));
        if exceeds(here, bound) {
            found.prefix |= digit << shift;
            found.above = above;
            found.cut = 1u;
            return;
        }
        above = here;
    }
    found.cut = 0u;
}

// The key of the last id that remains, with what is above it, in `found`. For top-p the target is a share of the
// mass, known once the first digits are counted.
fn select_key(lane: u32, row: u32, by_mass: bool, highest: f32, least: u32) {
    if lane == 0u {
        found = Selection(0u, vec2(0u), vec2(0u), 0u);
    }
    for (var i = 0u; i < 4u; i++) {
        let shift = 24u - 8u * i;
        workgroupBarrier();
        count_digits(lane, row, shift, by_mass, highest, least);
        if lane == 0u && (i == 0u || found.cut == 1u) {
            if i == 0u {
                var whole = vec2(0u);
                for (var digit = 0u; digit < 256u; digit++) {
                    whole = add(whole, vec2(atomicLoad(&low[digit]), atomicLoad(&high[digit])));
                }
                found.whole = whole;
            }
            choose_digit(shift, bound_of(by_mass, found.whole));
        }
    }
    workgroupBarrier();
}

// What may be above the last id that remains.
fn bound_of(by_mass: bool, whole: vec2<u32>) -> vec2<u32> {
    if by_mass {
        return of_float(as_float(whole) * max(state.top_p, 0.0));
    }
    return vec2(state.top_k - 1u, 0u);
}

// How many of the ids up to `last` have this key.
fn count_ties(lane: u32, row: u32, key: u32, last: u32) -> u32 {
    if lane == 0u {
        atomicStore(&ties, 0u);
    }
    workgroupBarrier();
    var mine = 0u;
    for (var id = lane; id < params.vocabulary; id += LANES) {
        if id <= last && key_of(scaled(logits[row * params.vocabulary + id])) == key {
            mine++;
        }
    }
    atomicAdd(&ties, mine);
    workgroupBarrier();
    if lane == 0u {
        tie_count = atomicLoad(&ties);
    }
    return workgroupUniformLoad(&tie_count);
}

// The id of the n-th of those that have this key, by halving.
fn id_of_tie(lane: u32, row: u32, key: u32, n: u32) -> u32 {
    var least_id = 0u;
    var most_id = params.vocabulary - 1u;
    // 24 halvings: a vocabulary has at most 2^24 ids.
    for (var i = 0u; i < 24u; i++) {
        let middle = (least_id + most_id) / 2u;
        if count_ties(lane, row, key, middle) >= n {
            most_id = middle;
        } else {
            least_id = min(middle + 1u, most_id);
        }
    }
    return most_id;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, thread: Thread) {
    let row = group.x;
    let lane = thread.lane;
    if row >= proposed_rows(params.draft) {
        return;
    }

    var highest = LOWEST;
    for (var id = lane; id < params.vocabulary; id += LANES) {
        // False for NaN.
        let l = scaled(logits[row * params.vocabulary + id]);
        if l > highest {
            highest = l;
        }
    }
    maxima[lane] = highest;
    for (var half_lanes = LANES / 2u; half_lanes > 0u; half_lanes /= 2u) {
        workgroupBarrier();
        if lane < half_lanes {
            maxima[lane] = max(maxima[lane], maxima[lane + half_lanes]);
        }
    }
    // Uniform, as Chrome has to know: barriers come after branches on it.
    highest = workgroupUniformLoad(&maxima[0]);

    var least = 1u; // above LOWEST_KEY: everything that is a number
    var last_id = 0xffffffffu;
    if state.top_k > 0u && state.top_k < params.vocabulary {
        select_key(lane, row, false, highest, least);
        let selection = workgroupUniformLoad(&found);
        least = max(selection.prefix, 1u);
    }
    if state.top_p < 1.0 {
        select_key(lane, row, true, highest, least);
        let selection = workgroupUniformLoad(&found);
        if selection.cut == 1u {
            least = selection.prefix;
            let each = mass_of(of_key(least), highest);
            let room = as_float(subtract(bound_of(true, selection.whole), selection.above));
            let count = count_ties(lane, row, least, params.vocabulary);
            let remain = 1.0 + floor(room / f32(max(each, 1u)));
            if each > 0u && remain < f32(count) {
                last_id = id_of_tie(lane, row, least, u32(remain));
            }
        }
    }

    var d = Distribution(highest, of_key(least), last_id, 0.0);
    if least == 1u {
        d.cut = LOWEST;
    }
    var mass = 0.0;
    for (var id = lane; id < params.vocabulary; id += LANES) {
        let l = scaled(logits[row * params.vocabulary + id]);
        if l == l {
            mass += weight(d, l, id);
        }
    }
    put_partial(thread, 0u, mass);
    workgroupBarrier();
    d.mass = total(thread, 0u);
    if lane == 0u {
        distributions[row] = d;
    }
}
