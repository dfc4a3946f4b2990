// Attention by cooperative matrices: parameters, bindings, and how scores become weights.
//
// Over the positions p of split s, split_begin(s) <= p < min(split_begin(s + 1), visible(row)), in units of log2:
//
//   score_p   = scale log2(e) q·key_p, tiles of the head in order
//   reference = LIFT + max score_p of the split's first tile of positions; max score_p if l would exceed MAX_SUM
//   w_p       = f16(2^(score_p - reference))
//   l         = Σ w_p, even and odd tiles of positions apart, each in order; within a tile, positions 0..4 and 8..12
//               apart from 4..8 and 12..16
//   stats[kv_head][s][query]    = (reference / log2(e), l)
//   partials[kv_head][s][query] = f16((1 / l) Σ w_p value_p), tiles of positions in order
//
//   q          tiles [kv_heads][queries][head]              f16, queries in tiles of 16, from `qk_norm_rope`
//   partials   [kv_heads][splits][chunk_queries][head]      f16, eight a vec4
//   stats      [kv_heads][splits][chunk_queries]            vec2
//
// The reference need not be the maximum: f16 only needs it near. So the first tile fixes it, and weights are made
// while scores still come. Rarely, later scores outgrow it, and the split is computed again with the maximum.
// `attention_paired` does not track the maximum at first, so it takes one more attempt to find it.
// The first tile's largest score has weight 2^-LIFT. The smallest f16 weight is 2^(LIFT - 24) of it, 11 nats below.
//
// Row-invariant: a row of a cooperative product does not depend on other rows. A position's place in its split, and
// with it the order of every sum, depends on the position alone. A masked position has weight zero, and
// `qk_norm_rope` keeps cached values finite, so it adds nothing. Masked keys may be anything: their scores are
// replaced.
//
// Calls: `visible`, `partial`, `queries_of_chunk` (lib/attention), `split_begin` (choice splits).

enable f16;
enable wgpu_cooperative_matrix;

struct Params {
    heads: u32,
    kv_heads: u32,
    head_vecs: u32, // vec4 of a head, padded to whole tiles
    context: u32,   // positions of the KV cache, whole tiles
    queries: u32,   // queries of a kv head that `q` has room for, whole tiles
    splits: u32,    // splits that `partials` and `stats` have room for
    scale: f32,
    mask: u32,          // CAUSAL or BLOCK
    first_row: u32,     // first row of the chunk
    chunk_queries: u32, // queries of a kv head that `partials` and `stats` have room for: whole tiles, whole rows
}

@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> q: array<f16>;
@group(0) @binding(5) var<storage, read_write> partials: array<vec4<u32>>;
@group(0) @binding(6) var<storage, read_write> stats: array<vec2<f32>>;

alias KeyTile = coop_mat16x16<f16, B>;
alias QueryTile = coop_mat16x16<f16, A>;
alias SumTile = coop_mat16x16<f32, C>;

const LOG2_E: f32 = 1.44269504;
const LOWEST: f32 = -3.402823e38;
const LIFT: f32 = 8.0; // distance of the reference above the first tile's largest score, in units of log2
// Largest sum of weights. No weight exceeds its sum, and f16 ends just below 65536.
const MAX_SUM: f32 = 32768.0;

const PACK_MEANS: u32 = 8u; // means of a pack, f16

const MIN_SUBGROUP: u32 = 8u; // lanes of the smallest subgroup

var<workgroup> subgroup_answers: array<u32, LANES / MIN_SUBGROUP>;

fn query_tile(at: u32) -> QueryTile {
    return coopLoadT<QueryTile>(&q[at], 16u);
}

// The first value of the chunk's queries of a kv head.
fn queries_at(kv_head: u32) -> u32 {
    return (kv_head * params.queries + params.first_row * (params.heads / params.kv_heads)) * params.head_vecs * 4u;
}

// Positions of the split that are visible to a query of the chunk. A query beyond the last sees none.
fn kv_len_of(query: u32, queries: u32, split: u32) -> u32 {
    let row = params.first_row + query / (params.heads / params.kv_heads);
    let begin = split_begin(split);
    let kv_len = min(max(visible(row), begin), split_begin(split + 1u)) - begin;
    return select(0u, kv_len, query < queries);
}

fn log2_scale() -> f32 {
    return params.scale * LOG2_E;
}

// Products at `position` and the next three positions, masked: LOWEST from `kv_len` on.
fn masked(products: vec4<f32>, position: u32, kv_len: u32) -> vec4<f32> {
    return select(vec4(LOWEST), products, vec4(position) + vec4(0u, 1u, 2u, 3u) < vec4(kv_len));
}

fn max_of_four(products: vec4<f32>) -> f32 {
    return max(max(products.x, products.y), max(products.z, products.w));
}

fn first_reference(largest: f32) -> f32 {
    return fma(largest, log2_scale(), LIFT);
}

// The reference of a query whose scores have outgrown the first one.
fn largest_reference(largest: f32) -> f32 {
    return largest * log2_scale();
}

fn weights_of(products: vec4<f32>, reference: f32) -> vec4<f16> {
    return vec4<f16>(exp2(fma(products, vec4(log2_scale()), vec4(-reference))));
}

fn sum_of_eight(lo: vec4<f16>, hi: vec4<f16>) -> f32 {
    let four = vec4<f32>(lo) + vec4<f32>(hi);
    return four.x + four.y + four.z + four.w;
}

// Stores nothing for a query that sees no position of the split. `store_mean_pack` does likewise.
fn store_stat(kv_head: u32, split: u32, query: u32, reference: f32, sum: f32, kv_len: u32) {
    if kv_len > 0u {
        stats[partial(kv_head, split, query)] = vec2(reference / LOG2_E, sum);
    }
}

// The factor from a sum of weighted values to its mean. Zero for a query that sees nothing.
fn inverse_of(sum: f32, kv_len: u32) -> f32 {
    return select(0.0, 1.0 / sum, kv_len > 0u);
}

fn store_mean_pack(lo: vec4<f32>, hi: vec4<f32>, inverse: f32, pack: u32) {
    if inverse > 0.0 {
        let a = lo * inverse;
        let b = hi * inverse;
        partials[pack] =
            vec4(pack2x16float(a.xy), pack2x16float(a.zw), pack2x16float(b.xy), pack2x16float(b.zw));
    }
}

// Whether `condition` holds in any lane of the workgroup. All lanes must call it, with a barrier between two calls.
fn workgroup_any(lane: u32, condition: bool) -> bool {
    let any = subgroupAny(condition);
    if lane % MIN_SUBGROUP == 0u {
        subgroup_answers[lane / MIN_SUBGROUP] = u32(any);
    }
    workgroupBarrier();
    var found = 0u;
    let each = LANES / MIN_SUBGROUP / MIN_SUBGROUP;
    for (var i = 0u; i < each; i++) {
        found |= subgroup_answers[lane % MIN_SUBGROUP * each + i];
    }
    // Uniform already. `subgroupAny` tells the driver so: cooperative products in divergent control flow are undefined.
    return subgroupAny(found != 0u);
}
