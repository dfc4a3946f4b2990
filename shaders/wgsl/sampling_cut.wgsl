// sampling_cut: which ids of each row remain after temperature, top-k and top-p (`sample`, official implementation).
//
//   top-k:  drops logits below the k-th largest; ties with it stay
//   top-p:  among the remaining ids in descending order, equal ones by id, drops an id when the ones before it have
//           more than top_p of the probability together; the first always stays
//
// Both cuts use radix selection on the 32 bits of a logit's key, 8 at a time: by number for top-k, by mass for top-p.
// Mass is counted in 64-bit integers, in units of 2^-30 of the largest weight, so the order of counting is free.
//
// Few ids can be near a cut, and `logit_parts` says in which parts they are:
//   top-k:  k parts have a logit as large as the k-th largest of the parts' maxima, so smaller logits are dropped
//   top-p:  all ids that weigh less than (1 - top_p) / vocabulary of the largest have less than 1 - top_p together,
//           so all of them are dropped
// The other ids are gathered in workgroup memory if there is room. Otherwise the row is read each time. Usually there
// are no more gathered ids than lanes: then each lane compares one with all others, and no digits are counted.
//
//   logits   [rows][vocabulary]   f32
//   parts    [rows][parts]        LogitPart, from `logit_parts`
//   cuts     [rows]               SamplingCut (lib/sampling_cut.wgsl)
//
// Calls: `key_of_logit`, `logit_of_key` (lib/logit_key), `scaled_distance` (lib/sampling_cut), `proposed_rows`
// (lib/proposed_rows).
// Grid: (rows). One workgroup a row.

@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> logits: array<f32>;
@group(0) @binding(3) var<storage, read> parts: array<LogitPart>;
@group(0) @binding(4) var<storage, read_write> cuts: array<SamplingCut>;

const LANES: u32 = 256u;        // one for each value of a digit
const UNIT: f32 = 1073741824.0; // 2^30
const MAX_PARTS: u32 = 512u;
const MAX_GATHERED: u32 = 768u;
// Closer to 1, top_p is searched among all ids: a bound on weights could drop the wrong ones by rounding.
const MIN_TAIL: f32 = 0.001;

// Indices of `counters`.
const WANTED: u32 = 0u;
const GATHERED: u32 = 1u;
const COUNTED: u32 = 2u;

const INFINITE_KEY: u32 = 0x007fffffu; // key of -infinity, the lowest number

struct Entry {
    key: u32,
    id: u32,
}

// Kinds of source.
const FROM_PARTS: u32 = 0u;
const FROM_LOGITS: u32 = 1u;
const FROM_GATHERED: u32 = 2u;

struct Source {
    kind: u32,
    row: u32,
    count: u32,
}

// State of a radix selection.
struct Selection {
    prefix: u32,      // digits found so far
    above: vec2<u32>, // number or mass above the prefix: low and high word
    whole: vec2<u32>, // number or mass of all entries
    cut: u32,         // 1: the selection ends within the row, 0: everything remains
}

var<workgroup> low: array<atomic<u32>, LANES>;  // number of entries, or low word of mass, by digit
var<workgroup> high: array<atomic<u32>, LANES>; // high word of mass, by digit
// Number or mass of a digit and all larger ones, twice: a step reads one half and writes the other.
var<workgroup> above_digit: array<vec2<u32>, 2u * LANES>;
var<workgroup> found: Selection;
var<workgroup> gathered: array<Entry, MAX_GATHERED>;
var<workgroup> wanted: array<u32, MAX_PARTS>; // parts to gather from
var<workgroup> counters: array<atomic<u32>, 3>;
var<workgroup> shared_count: u32;

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

fn float_from_wide(a: vec2<u32>) -> f32 {
    return fma(f32(a.y), 4294967296.0, f32(a.x));
}

fn wide_from_float(a: f32) -> vec2<u32> {
    let y = floor(a / 4294967296.0);
    return vec2(u32(a - y * 4294967296.0), u32(y));
}

fn mass_of(logit: f32, highest: f32) -> u32 {
    return u32(exp(scaled_distance(highest, logit)) * UNIT + 0.5);
}

fn entry(source: Source, i: u32) -> Entry {
    switch source.kind {
        case FROM_PARTS: {
            return Entry(parts[source.row * params.parts + i].key, i);
        }
        case FROM_LOGITS: {
            return Entry(key_of_logit(logits[source.row * params.vocabulary + i]), i);
        }
        default: {
            return gathered[i];
        }
    }
}

// Counts entries, or sums their mass, by digit. Only keys that begin with the prefix and are at least `least` count.
fn count_digits(lane: u32, source: Source, shift: u32, by_mass: bool, highest: f32, least: u32) {
    atomicStore(&low[lane], 0u);
    atomicStore(&high[lane], 0u);
    workgroupBarrier();
    let prefix = found.prefix;
    // Four loads at a time, which do not wait for each other.
    for (var i = lane; i < source.count; i += 4u * LANES) {
        var four: array<Entry, 4>;
        for (var k = 0u; k < 4u; k++) {
            four[k] = entry(source, min(i + k * LANES, source.count - 1u));
        }
        for (var k = 0u; k < 4u; k++) {
            let key = four[k].key;
            // WGSL has no shift by 32.
            let same = shift == 24u || key >> ((shift + 8u) & 31u) == prefix >> ((shift + 8u) & 31u);
            if same && key >= least && i + k * LANES < source.count {
                let digit = (key >> shift) & 255u;
                let amount = select(1u, mass_of(logit_of_key(key), highest), by_mass);
                let before = atomicAdd(&low[digit], amount);
                if before + amount < before {
                    atomicAdd(&high[digit], 1u);
                }
            }
        }
    }
    workgroupBarrier();
}

// Sums the counts of a digit and all larger ones. Lane 0 has the largest digit.
fn sum_digits(lane: u32) {
    let digit = LANES - 1u - lane;
    above_digit[lane] = vec2(atomicLoad(&low[digit]), atomicLoad(&high[digit]));
    workgroupBarrier();
    // Eight steps, each from one half to the other: the result is in the first half.
    var side = 0u;
    for (var step = 1u; step < LANES; step *= 2u) {
        var sum = above_digit[side + lane];
        if lane >= step {
            sum = add(sum, above_digit[side + lane - step]);
        }
        side = LANES - side;
        above_digit[side + lane] = sum;
        workgroupBarrier();
    }
}

// The number or mass that may lie above the last remaining entry.
fn bound_of(by_mass: bool, whole: vec2<u32>) -> vec2<u32> {
    if by_mass {
        return wide_from_float(float_from_wide(whole) * max(state.top_p, 0.0));
    }
    return vec2(state.top_k - 1u, 0u);
}

// Finds the key of the last remaining entry, and the number or mass above it. `mass` is the row's, or 0 to count it.
fn select_key(lane: u32, source: Source, by_mass: bool, highest: f32, least: u32, mass: f32) -> Selection {
    if lane == 0u {
        found = Selection(0u, vec2(0u), wide_from_float(mass * UNIT), 0u);
    }
    for (var i = 0u; i < 4u; i++) {
        let shift = 24u - 8u * i;
        count_digits(lane, source, shift, by_mass, highest, least);
        sum_digits(lane);
        let so_far = found;
        let counted = i == 0u && mass == 0.0;
        let whole = select(so_far.whole, above_digit[LANES - 1u], counted);
        let bound = bound_of(by_mass, whole);
        var larger = so_far.above;
        if lane > 0u {
            larger = add(larger, above_digit[lane - 1u]);
        }
        let here = add(so_far.above, above_digit[lane]);
        workgroupBarrier();
        if lane == 0u {
            found.whole = whole;
        }
        // True in one lane at most: sums only grow.
        if exceeds(here, bound) && !exceeds(larger, bound) {
            found.prefix = so_far.prefix | ((LANES - 1u - lane) << shift);
            found.above = larger;
            found.cut = 1u;
        }
        workgroupBarrier();
    }
    return workgroupUniformLoad(&found);
}

// The row's largest key, and the row's mass.
fn whole_row(lane: u32, row: u32) -> vec2<u32> {
    var key = LOWEST_KEY;
    for (var i = lane; i < params.parts; i += LANES) {
        key = max(key, parts[row * params.parts + i].key);
    }
    above_digit[lane].x = key;
    for (var half_lanes = LANES / 2u; half_lanes > 0u; half_lanes /= 2u) {
        workgroupBarrier();
        if lane < half_lanes {
            above_digit[lane].x = max(above_digit[lane].x, above_digit[lane + half_lanes].x);
        }
    }
    workgroupBarrier();
    let highest_key = above_digit[0].x;
    let highest = logit_of_key(highest_key);
    var mass = 0.0;
    for (var i = lane; i < params.parts; i += LANES) {
        let part = parts[row * params.parts + i];
        if part.key != LOWEST_KEY {
            mass = fma(part.mass, exp(scaled_distance(highest, logit_of_key(part.key))), mass);
        }
    }
    above_digit[lane].y = bitcast<u32>(mass);
    for (var half_lanes = LANES / 2u; half_lanes > 0u; half_lanes /= 2u) {
        workgroupBarrier();
        if lane < half_lanes {
            let sum = bitcast<f32>(above_digit[lane].y) + bitcast<f32>(above_digit[lane + half_lanes].y);
            above_digit[lane].y = bitcast<u32>(sum);
        }
    }
    return workgroupUniformLoad(&above_digit[0]);
}

// Gathers the ids whose keys are at least `least`. If there are too many, the source is the logits.
fn gather(lane: u32, row: u32, least: u32) -> Source {
    let everywhere = Source(FROM_LOGITS, row, params.vocabulary);
    if lane == 0u {
        atomicStore(&counters[WANTED], 0u);
        atomicStore(&counters[GATHERED], 0u);
    }
    workgroupBarrier();
    for (var i = lane; i < params.parts; i += LANES) {
        if parts[row * params.parts + i].key >= least {
            let at = atomicAdd(&counters[WANTED], 1u);
            if at < MAX_PARTS {
                wanted[at] = i;
            }
        }
    }
    let part_count = total_of(lane, WANTED);
    if part_count > MAX_PARTS {
        return everywhere;
    }
    let ids = part_count * PART;
    for (var i = lane; i < ids; i += 4u * LANES) {
        var four: array<Entry, 4>;
        for (var k = 0u; k < 4u; k++) {
            let place = min(i + k * LANES, ids - 1u);
            let id = wanted[place / PART] * PART + place % PART;
            four[k] = Entry(key_of_logit(logits[row * params.vocabulary + min(id, params.vocabulary - 1u)]), id);
        }
        for (var k = 0u; k < 4u; k++) {
            if four[k].key >= least && four[k].id < params.vocabulary && i + k * LANES < ids {
                let at = atomicAdd(&counters[GATHERED], 1u);
                if at < MAX_GATHERED {
                    gathered[at] = four[k];
                }
            }
        }
    }
    let count = total_of(lane, GATHERED);
    if count > MAX_GATHERED {
        return everywhere;
    }
    return Source(FROM_GATHERED, row, count);
}

// A counter's value, after all lanes have counted.
fn total_of(lane: u32, counter: u32) -> u32 {
    workgroupBarrier();
    if lane == 0u {
        shared_count = atomicLoad(&counters[counter]);
    }
    return workgroupUniformLoad(&shared_count);
}

// The sum of `mine` over all lanes.
fn counted(lane: u32, mine: u32) -> u32 {
    if lane == 0u {
        atomicStore(&counters[COUNTED], 0u);
    }
    workgroupBarrier();
    atomicAdd(&counters[COUNTED], mine);
    return total_of(lane, COUNTED);
}

// Where the remaining ids of a row end.
struct Cut {
    least: u32,      // key of the last remaining id
    last_id: u32,    // that id, if a later one with the same key is dropped
    mass: vec2<u32>, // mass of the remaining ids, in units
}

var<workgroup> cut_of_few: Cut;

// Makes both cuts among gathered entries, at most one a lane. Sets `cut_of_few`, and returns how many entries remain.
// `mass` is as for `select_key`.
fn cut_few(lane: u32, count: u32, by_number: bool, by_mass: bool, highest: f32, mass: f32) -> u32 {
    let mine = gathered[min(lane, count - 1u)];
    let weight = mass_of(logit_of_key(mine.key), highest);
    above_digit[lane].x = weight;
    workgroupBarrier();
    var larger = 0u; // entries with a larger key
    var rank = 0u;   // entries before this one, by id where keys are the same
    var ties = 0u;   // entries after it with the same key
    var before = vec2(0u);
    for (var i = 0u; i < count; i++) {
        let other = gathered[i];
        let is_before = other.key > mine.key || (other.key == mine.key && other.id < mine.id);
        larger += select(0u, 1u, other.key > mine.key);
        rank += select(0u, 1u, is_before);
        ties += select(0u, 1u, other.key == mine.key && other.id > mine.id);
        before = add(before, vec2(select(0u, above_digit[i].x, is_before), 0u));
    }
    let here = add(before, vec2(weight, 0u));
    var remains = lane < count && (!by_number || larger < state.top_k);
    var remain = counted(lane, select(0u, 1u, remains));
    if lane < count && rank == remain - 1u {
        cut_of_few = Cut(mine.key, 0xffffffffu, here);
    }
    if by_mass {
        let all = workgroupUniformLoad(&cut_of_few);
        var whole = all.mass;
        if !by_number {
            whole = wide_from_float(mass * UNIT);
        }
        remains = remains && !exceeds(before, bound_of(true, whole));
        remain = counted(lane, select(0u, 1u, remains));
        if lane < count && rank == remain - 1u {
            cut_of_few = Cut(mine.key, select(0xffffffffu, mine.id, ties > 0u), here);
        }
    }
    return remain;
}

// The number of entries with this key, up to id `last`.
fn count_ties(lane: u32, source: Source, key: u32, last: u32) -> u32 {
    var mine = 0u;
    for (var i = lane; i < source.count; i += LANES) {
        let tie = entry(source, i);
        if tie.id <= last && tie.key == key {
            mine++;
        }
    }
    return counted(lane, mine);
}

// The id of the n-th entry with this key, by halving.
fn id_of_tie(lane: u32, source: Source, key: u32, n: u32) -> u32 {
    var low_id = 0u;
    var high_id = params.vocabulary - 1u;
    for (var i = 0u; i < VOCABULARY_HALVINGS; i++) {
        let middle = (low_id + high_id) / 2u;
        if count_ties(lane, source, key, middle) >= n {
            high_id = middle;
        } else {
            low_id = min(middle + 1u, high_id);
        }
    }
    return high_id;
}

// The mass of the remaining entries, in units.
fn remaining_mass_of(lane: u32, source: Source, highest: f32, least: u32, last_id: u32) -> vec2<u32> {
    var mass = vec2(0u);
    for (var i = lane; i < source.count; i += LANES) {
        let one = entry(source, i);
        if one.key > least || (one.key == least && one.id <= last_id) {
            mass = add(mass, vec2(mass_of(logit_of_key(one.key), highest), 0u));
        }
    }
    above_digit[lane] = mass;
    for (var half_lanes = LANES / 2u; half_lanes > 0u; half_lanes /= 2u) {
        workgroupBarrier();
        if lane < half_lanes {
            above_digit[lane] = add(above_digit[lane], above_digit[lane + half_lanes]);
        }
    }
    return workgroupUniformLoad(&above_digit[0]);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let row = group.x;
    if row >= proposed_rows(params.draft) {
        return;
    }
    let whole = whole_row(lane, row);
    let highest = logit_of_key(whole.x);
    let mass = bitcast<f32>(whole.y);
    if whole.x == LOWEST_KEY {
        if lane == 0u {
            cuts[row] = SamplingCut(0.0, 0.0, 0u, 0.0);
        }
        return;
    }

    let by_number = state.top_k > 0u && state.top_k < params.vocabulary;
    let by_mass = state.top_p < 1.0;
    var least = LOWEST_KEY + 1u; // everything but NaN
    var last_id = 0xffffffffu;
    var remaining_mass = mass;
    if by_number || by_mass {
        var bound = least;
        if by_number {
            let best = select_key(lane, Source(FROM_PARTS, row, params.parts), false, highest, least, 0.0);
            bound = max(best.prefix, least);
        } else if 1.0 - state.top_p >= MIN_TAIL {
            let far = log((1.0 - state.top_p) / f32(params.vocabulary)) - 0.01;
            bound = max(key_of_logit(highest + far / state.inverse_temperature), least);
        }
        let source = gather(lane, row, bound);
        if source.kind == FROM_GATHERED && source.count <= LANES {
            let remain = cut_few(lane, source.count, by_number, by_mass, highest, mass);
            // Otherwise everything but NaN was gathered, and remains.
            if remain < source.count || bound > LOWEST_KEY + 1u {
                let cut = workgroupUniformLoad(&cut_of_few);
                least = cut.least;
                last_id = cut.last_id;
                remaining_mass = float_from_wide(cut.mass) / UNIT;
            }
        } else {
            if by_number {
                least = max(select_key(lane, source, false, highest, least, 0.0).prefix, least);
            }
            if by_mass {
                let selection = select_key(lane, source, true, highest, least, select(mass, 0.0, by_number));
                if selection.cut == 1u {
                    least = selection.prefix;
                    let each = mass_of(logit_of_key(least), highest);
                    let room = float_from_wide(subtract(bound_of(true, selection.whole), selection.above));
                    let count = count_ties(lane, source, least, params.vocabulary);
                    let remain = 1.0 + floor(room / f32(max(each, 1u)));
                    if each > 0u && remain < f32(count) {
                        last_id = id_of_tie(lane, source, least, u32(remain));
                    }
                }
            }
            if least > LOWEST_KEY + 1u {
                remaining_mass = float_from_wide(remaining_mass_of(lane, source, highest, least, last_id)) / UNIT;
            }
        }
    }
    if lane == 0u {
        cuts[row] = SamplingCut(highest, logit_of_key(max(least, INFINITE_KEY)), last_id, remaining_mass);
    }
}
