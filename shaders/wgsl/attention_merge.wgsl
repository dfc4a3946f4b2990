// attention_merge: combines the splits of attention into each head's output, for a chunk of the pass's rows.
//
//   m = max_s m_s,  out[row][head] = Σ_s exp(m_s - m) sums_s / Σ_s exp(m_s - m) l_s
//
// Eight groups of lanes take every eighth split each. Their sums are added in order. Row-invariant: the number of
// splits depends on the row's position alone.
//
//   stats      [kv_heads][splits][chunk_queries]              vec2: m, l
//   partials   [kv_heads][splits][chunk_queries][head_vecs]   sums_s, or means sums_s / l_s
//   out        [rows][out_stride]                             heads side by side without padding
//
// Calls: `split_sum` (choice partials), `splits_of` (choice splits), `store_output` (choice output), `visible`,
// `partial`, `queries_of_chunk` (lib/attention).
// Grid: (heads, rows of the chunk). A lane has one or two vec4 of the head, which has up to 256 values.

struct Params {
    heads: u32,
    kv_heads: u32,
    head_dim: u32,
    head_vecs: u32,
    splits: u32,        // splits that `partials` and `stats` have room for
    out_stride: u32,    // values from a row of `out` to the next
    mask: u32,          // CAUSAL or BLOCK
    first_row: u32,     // first row of the chunk
    chunk_queries: u32, // queries of a kv head, of whole rows, that `partials` and `stats` have room for
}

@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(3) var<storage, read> stats: array<vec2<f32>>;

const GROUPS: u32 = 8u;
const GROUP_LANES: u32 = 32u;
const LANES: u32 = GROUPS * GROUP_LANES;
const LOWEST: f32 = -3.402823e38;

// No more than four splits a group.
const FEW_SPLITS: bool = MAX_SPLITS <= 4u * GROUPS;

var<workgroup> group_sums: array<vec4<f32>, LANES>;
var<workgroup> group_stats: array<vec2<f32>, GROUPS>;

// Some splits merged: the largest m, and sums relative to it. `first` and `second` are no array, since an array that a
// loop indexes would live in memory.
struct Merged {
    highest: f32,
    weight: f32,
    first: vec4<f32>,
    second: vec4<f32>,
}

fn load_split(kv_head: u32, split: u32, query: u32, vec: u32) -> Merged {
    let at = partial(kv_head, split, query);
    let stat = stats[at];
    var part = Merged(stat.x, stat.y, vec4(0.0), vec4(0.0));
    if vec < params.head_vecs {
        part.first = split_sum(at * params.head_vecs + vec, stat.y);
    }
    if vec + GROUP_LANES < params.head_vecs {
        part.second = split_sum(at * params.head_vecs + vec + GROUP_LANES, stat.y);
    }
    return part;
}

fn no_splits() -> Merged {
    return Merged(LOWEST, 0.0, vec4(0.0), vec4(0.0));
}

// Replaces a split that does not exist: its memory may hold anything.
fn keep_if(part: Merged, exists: bool) -> Merged {
    if exists {
        return part;
    }
    return no_splits();
}

// Loads a split. One that does not exist is loaded as the last split and counts for nothing.
fn load_split_if_any(splits: u32, kv_head: u32, split: u32, query: u32, vec: u32) -> Merged {
    return keep_if(load_split(kv_head, min(split, splits - 1u), query, vec), split < splits);
}

fn merge_five(a: Merged, b: Merged, c: Merged, d: Merged, e: Merged) -> Merged {
    let highest = max(max(max(a.highest, b.highest), max(c.highest, d.highest)), e.highest);
    let of_a = exp(a.highest - highest);
    let of_b = exp(b.highest - highest);
    let of_c = exp(c.highest - highest);
    let of_d = exp(d.highest - highest);
    let of_e = exp(e.highest - highest);
    let weight = fma(e.weight, of_e, fma(d.weight, of_d, fma(c.weight, of_c, fma(b.weight, of_b, a.weight * of_a))));
    var first = fma(b.first, vec4(of_b), a.first * of_a);
    first = fma(c.first, vec4(of_c), first);
    first = fma(d.first, vec4(of_d), first);
    first = fma(e.first, vec4(of_e), first);
    var second = vec4(0.0);
    if params.head_vecs > GROUP_LANES {
        second = fma(b.second, vec4(of_b), a.second * of_a);
        second = fma(c.second, vec4(of_c), second);
        second = fma(d.second, vec4(of_d), second);
        second = fma(e.second, vec4(of_e), second);
    }
    return Merged(highest, weight, first, second);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let head = group.x;
    let row = params.first_row + group.y;
    let heads_per_kv = params.heads / params.kv_heads;
    let kv_head = head / heads_per_kv;
    let query = group.y * heads_per_kv + head % heads_per_kv;
    let own = lane / GROUP_LANES;
    let vec = lane % GROUP_LANES;
    // Loaded before the number of splits is known: one wait for memory, not two.
    let last = params.splits - 1u;
    let first = load_split(kv_head, min(own, last), query, vec);
    var second = no_splits();
    var third = no_splits();
    var fourth = no_splits();
    if FEW_SPLITS {
        second = load_split(kv_head, min(own + GROUPS, last), query, vec);
        third = load_split(kv_head, min(own + 2u * GROUPS, last), query, vec);
        fourth = load_split(kv_head, min(own + 3u * GROUPS, last), query, vec);
    }
    if query >= queries_of_chunk() {
        return;
    }
    let splits = splits_of(visible(row));
    var part = keep_if(first, own < splits);
    var begin = own + GROUPS;
    if FEW_SPLITS {
        second = keep_if(second, own + GROUPS < splits);
        third = keep_if(third, own + 2u * GROUPS < splits);
        fourth = keep_if(fourth, own + 3u * GROUPS < splits);
        part = merge_five(part, second, third, fourth, no_splits());
        begin = splits;
    }
    // Four splits at a time, for more loads under way.
    for (var s = begin; s < splits; s += 4u * GROUPS) {
        let a = load_split(kv_head, s, query, vec);
        let b = load_split_if_any(splits, kv_head, s + GROUPS, query, vec);
        let c = load_split_if_any(splits, kv_head, s + 2u * GROUPS, query, vec);
        let d = load_split_if_any(splits, kv_head, s + 3u * GROUPS, query, vec);
        part = merge_five(part, a, b, c, d);
    }
    if vec == 0u {
        group_stats[own] = vec2(part.highest, part.weight);
    }
    group_sums[lane] = part.first;
    workgroupBarrier();
    if lane < min(GROUP_LANES, params.head_vecs) {
        store_mean(row, head, lane, min(splits, GROUPS), lane);
    }
    if params.head_vecs > GROUP_LANES {
        workgroupBarrier();
        group_sums[lane] = part.second;
        workgroupBarrier();
        if lane < GROUP_LANES && lane + GROUP_LANES < params.head_vecs {
            store_mean(row, head, lane + GROUP_LANES, min(splits, GROUPS), lane);
        }
    }
}

// Combines the groups' sums of vec4 `i` of the head, which lane `vec` of each group has stored.
fn store_mean(row: u32, head: u32, i: u32, groups: u32, vec: u32) {
    var highest = group_stats[0].x;
    for (var g = 1u; g < groups; g++) {
        highest = max(highest, group_stats[g].x);
    }
    var weight = 0.0;
    var sum = vec4(0.0);
    for (var g = 0u; g < groups; g++) {
        let factor = exp(group_stats[g].x - highest);
        weight = fma(group_stats[g].y, factor, weight);
        sum = fma(group_sums[g * GROUP_LANES + vec], vec4(factor), sum);
    }
    let mean = sum / weight;
    for (var k = 0u; k < 4u; k++) {
        if i * 4u + k < params.head_dim {
            store_output(row, head * params.head_dim + i * 4u + k, mean[k]);
        }
    }
}
