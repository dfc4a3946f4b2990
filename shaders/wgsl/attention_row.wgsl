// attention_row: `qk_norm_rope` and `attention` of one row in one dispatch, over a KV cache in f16 tiles.
//
//   stats[kv_head][s][query]    = (m, l) = (max score, Σ exp(score_p - m))      score_p = scale q·key_p
//   partials[kv_head][s][query] = Σ exp(score_p - m) value_p
//
// p runs over the positions of split s below visible(0), and query over the heads of the kv head. The kernel serves
// `--ar-kernel fast`: its bits are not those of `attention_coop`.
//
// Splits take turns at the tiles of 16 positions, eight tiles a turn (lib/attention/splits/round_robin.wgsl). Each
// 32 lanes of a workgroup take one of the eight tiles, and go on to their next without waiting for the others. A lane
// has half of a position's key, and then eight of the head's values at half of the positions. Loads for the next
// tile are issued before the present one is used, and the first ones before the number of splits is known.
//
// Each workgroup norms and rotates its queries and the row's own key. One split has the row's own position: its
// workgroup takes that key and value from workgroup memory, and writes them to the cache at the end. Other workgroups
// may read that tile meanwhile, and give the position no weight.
//
//   qkv            [heads + 2 kv_heads][128]                       f32: heads, then keys, then values
//   norms          [2][128]                                        f32: q_norm, k_norm
//   rope           [positions][64]                                 (cos, sin), see qk_norm_rope.wgsl
//   cache_keys     [kv_heads][context / 16][8][16 positions][16 values]   f16, eight a vec4
//   cache_values   [kv_heads][context / 16][8][16 values][16 positions]   f16, eight a vec4
//   partials       [kv_heads][splits][chunk_queries][128]          f32
//   stats          [kv_heads][splits][chunk_queries]               vec2: m, l
//
// Heads have 128 values.
//
// Calls: `splits_of` (choice splits), `tile_max`, `tile_sum`, `half_tile_weights` (choice exchange), `PerQuery`
// (choice queries), `visible`, `partial` (lib/attention).
// Grid: (splits or more, kv_heads, ceil(heads_per_kv / QUERIES)).

struct Params {
    heads: u32,
    kv_heads: u32,
    head_vecs: u32,
    context: u32, // positions of the KV cache, whole tiles
    queries: u32, // not read
    splits: u32,  // splits that `partials` and `stats` have room for
    scale: f32,
    mask: u32,          // always CAUSAL
    first_row: u32,     // always 0
    chunk_queries: u32, // queries of a kv head that `partials` and `stats` have room for
    eps: f32,           // epsilon of the norms
}

@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> qkv: array<f32>;
@group(0) @binding(3) var<storage, read> norms: array<f32>;
@group(0) @binding(4) var<storage, read> rope: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> cache_keys: array<vec4<u32>>;
@group(0) @binding(6) var<storage, read_write> cache_values: array<vec4<u32>>;
@group(0) @binding(7) var<storage, read_write> partials: array<f32>;
@group(0) @binding(8) var<storage, read_write> stats: array<vec2<f32>>;

const LANES: u32 = ROUND_ROBIN_TILES * TILE_LANES;
const TILE_LANES: u32 = 32u;
const MIN_SUBGROUP: u32 = 8u;
const HEAD: u32 = STAGED_HEAD;
const HEAD_TILES: u32 = HEAD / TILE;
const PAIRS: u32 = HEAD / 2u;
const TILE_PACKS: u32 = TILE_VALUES / 8u;
const LOG2_E: f32 = 1.44269504;
const LOWEST: f32 = -3.402823e38;
const F16_LARGEST: f32 = 65504.0;

// The queries, scaled and in units of log2; the row's own key and value as the cache will store them.
var<workgroup> queries: array<PerQuery, HEAD>;
var<workgroup> own_key: array<vec4<f32>, HEAD / 4u>;
var<workgroup> own_value: array<f32, HEAD>;
// Sums of squares by subgroup: of a query, and of the own key.
var<workgroup> squares: array<vec2<f32>, LANES / MIN_SUBGROUP>;
// Results of each 32 lanes, one of the eight tiles of a turn.
var<workgroup> tile_highest: array<PerQuery, ROUND_ROBIN_TILES>;
var<workgroup> tile_weights: array<PerQuery, ROUND_ROBIN_TILES>;
var<workgroup> tile_own_weights: array<PerQuery, ROUND_ROBIN_TILES>;
var<workgroup> tile_sums: array<PerQuery, ROUND_ROBIN_TILES * HEAD>;

// A pair of a head's values, its norm weights, and its rotation (cos, sin).
struct Pair {
    values: vec2<f32>,
    weights: vec2<f32>,
    rotation: vec2<f32>,
}

fn load_pair(source: u32, norm: u32, i: u32) -> Pair {
    return Pair(
        vec2(qkv[source + i], qkv[source + PAIRS + i]),
        vec2(norms[norm + i], norms[norm + PAIRS + i]),
        rope[state.start * PAIRS + i],
    );
}

fn norm_and_rotate(pair: Pair, square_sum: f32) -> vec2<f32> {
    let scale = inverseSqrt(square_sum / f32(HEAD) + params.eps);
    let v = pair.values * pair.weights * scale;
    return vec2(v.x * pair.rotation.x - v.y * pair.rotation.y, v.y * pair.rotation.x + v.x * pair.rotation.y);
}

fn as_f16(value: f32) -> f32 {
    return unpack2x16float(pack2x16float(vec2(value, 0.0))).x;
}

// A lane's packs of a tile, one from each tile of the head. The 32 lanes read contiguous memory.
alias Loaded = array<vec4<u32>, HEAD_TILES>;

// Loads half of a position's key.
fn load_key(at: u32) -> Loaded {
    return Loaded(
        cache_keys[at],
        cache_keys[at + TILE_PACKS],
        cache_keys[at + 2u * TILE_PACKS],
        cache_keys[at + 3u * TILE_PACKS],
        cache_keys[at + 4u * TILE_PACKS],
        cache_keys[at + 5u * TILE_PACKS],
        cache_keys[at + 6u * TILE_PACKS],
        cache_keys[at + 7u * TILE_PACKS],
    );
}

// Loads eight of the head's values, at half of the positions.
fn load_values(at: u32) -> Loaded {
    return Loaded(
        cache_values[at],
        cache_values[at + TILE_PACKS],
        cache_values[at + 2u * TILE_PACKS],
        cache_values[at + 3u * TILE_PACKS],
        cache_values[at + 4u * TILE_PACKS],
        cache_values[at + 5u * TILE_PACKS],
        cache_values[at + 6u * TILE_PACKS],
        cache_values[at + 7u * TILE_PACKS],
    );
}

fn own_key_pack(pack: u32) -> vec4<u32> {
    let lo = own_key[2u * pack];
    let hi = own_key[2u * pack + 1u];
    return vec4(pack2x16float(lo.xy), pack2x16float(lo.zw), pack2x16float(hi.xy), pack2x16float(hi.zw));
}

fn load_own_key(half: u32) -> Loaded {
    return Loaded(
        own_key_pack(half),
        own_key_pack(2u + half),
        own_key_pack(4u + half),
        own_key_pack(6u + half),
        own_key_pack(8u + half),
        own_key_pack(10u + half),
        own_key_pack(12u + half),
        own_key_pack(14u + half),
    );
}

// Adds the products of a key's pack with the queries' values `i .. i + 8`.
fn add_products(pack: vec4<u32>, i: u32, sum: PerQuery) -> PerQuery {
    let a = unpack2x16float(pack.x);
    let b = unpack2x16float(pack.y);
    let c = unpack2x16float(pack.z);
    let d = unpack2x16float(pack.w);
    var products = fma(PerQuery(a.x), queries[i], sum);
    products = fma(PerQuery(a.y), queries[i + 1u], products);
    products = fma(PerQuery(b.x), queries[i + 2u], products);
    products = fma(PerQuery(b.y), queries[i + 3u], products);
    products = fma(PerQuery(c.x), queries[i + 4u], products);
    products = fma(PerQuery(c.y), queries[i + 5u], products);
    products = fma(PerQuery(d.x), queries[i + 6u], products);
    return fma(PerQuery(d.y), queries[i + 7u], products);
}

// Written out, since a key that a loop indexes would live in memory. Two sums need not wait for each other.
fn scores(key: Loaded, half: u32) -> PerQuery {
    let i = half * 8u;
    var even = add_products(key[0], i, PerQuery(0.0));
    var odd = add_products(key[1], i + 16u, PerQuery(0.0));
    even = add_products(key[2], i + 32u, even);
    odd = add_products(key[3], i + 48u, odd);
    even = add_products(key[4], i + 64u, even);
    odd = add_products(key[5], i + 80u, odd);
    even = add_products(key[6], i + 96u, even);
    odd = add_products(key[7], i + 112u, odd);
    let part = even + odd;
    return part + subgroupShuffleXor(part, 1u);
}

// Weights of the queries at half of a tile's positions.
alias HalfTileWeights = array<PerQuery, 8>;

alias Sums = array<PerQuery, HEAD_TILES>;

fn add_weighted(pack: vec4<u32>, weights: HalfTileWeights, sum: PerQuery) -> PerQuery {
    let a = unpack2x16float(pack.x);
    let b = unpack2x16float(pack.y);
    let c = unpack2x16float(pack.z);
    let d = unpack2x16float(pack.w);
    var weighted = fma(PerQuery(a.x), weights[0], sum);
    weighted = fma(PerQuery(a.y), weights[1], weighted);
    weighted = fma(PerQuery(b.x), weights[2], weighted);
    weighted = fma(PerQuery(b.y), weights[3], weighted);
    weighted = fma(PerQuery(c.x), weights[4], weighted);
    weighted = fma(PerQuery(c.y), weights[5], weighted);
    weighted = fma(PerQuery(d.x), weights[6], weighted);
    return fma(PerQuery(d.y), weights[7], weighted);
}

fn add_values(values: Loaded, weights: HalfTileWeights, sums: Sums, factor: PerQuery) -> Sums {
    return Sums(
        add_weighted(values[0], weights, sums[0] * factor),
        add_weighted(values[1], weights, sums[1] * factor),
        add_weighted(values[2], weights, sums[2] * factor),
        add_weighted(values[3], weights, sums[3] * factor),
        add_weighted(values[4], weights, sums[4] * factor),
        add_weighted(values[5], weights, sums[5] * factor),
        add_weighted(values[6], weights, sums[6] * factor),
        add_weighted(values[7], weights, sums[7] * factor),
    );
}

// Stores a sum over the tile's positions. Neighbouring lanes have the two halves of the positions.
fn store_sum(at: u32, half: u32, sum: PerQuery) {
    let whole = sum + subgroupShuffleXor(sum, 1u);
    if half == 0u {
        tile_sums[at] = whole;
    }
}

fn store_sums(at: u32, half: u32, sums: Sums) {
    store_sum(at, half, sums[0]);
    store_sum(at + TILE, half, sums[1]);
    store_sum(at + 2u * TILE, half, sums[2]);
    store_sum(at + 3u * TILE, half, sums[3]);
    store_sum(at + 4u * TILE, half, sums[4]);
    store_sum(at + 5u * TILE, half, sums[5]);
    store_sum(at + 6u * TILE, half, sums[6]);
    store_sum(at + 7u * TILE, half, sums[7]);
}

// Stores value `i` of a query's partial result: the eight tiles' sums combined, plus the row's own value.
fn store_partial(at: u32, q: u32, i: u32) {
    var highest = tile_highest[0][q];
    for (var t = 1u; t < ROUND_ROBIN_TILES; t++) {
        highest = max(highest, tile_highest[t][q]);
    }
    var weight = 0.0;
    var own_weight = 0.0;
    var sum = 0.0;
    for (var t = 0u; t < ROUND_ROBIN_TILES; t++) {
        let factor = exp2(tile_highest[t][q] - highest);
        weight = fma(tile_weights[t][q], factor, weight);
        own_weight = fma(tile_own_weights[t][q], factor, own_weight);
        sum = fma(tile_sums[t * HEAD + i][q], factor, sum);
    }
    partials[at * HEAD + i] = fma(own_weight, own_value[i], sum);
    if i == 0u {
        stats[at] = vec2(highest / LOG2_E, weight);
    }
}

// Stores the row's own key and value in the cache. A lane stores eight of the key's values, and one of the value's,
// which shares a word with another position (lib/qk_norm_rope/kv/tiles_f16.wgsl).
fn store_own(lane: u32, head_at: u32, own: u32) {
    let tile = (head_at + own / TILE) * HEAD_TILES;
    let place = own % TILE;
    if lane < HEAD / 8u {
        cache_keys[(tile + lane / 2u) * TILE_PACKS + place * 2u + lane % 2u] = own_key_pack(lane);
    }
    if lane < HEAD {
        let pack = (tile + lane / TILE) * TILE_PACKS + lane % TILE * 2u + place / 8u;
        let word = place % 8u / 2u;
        let bits = pack2x16float(vec2(own_value[lane], 0.0));
        let before = cache_values[pack][word];
        let is_second = place % 2u == 1u;
        cache_values[pack][word] = select(before & 0xffff0000u | bits, before & 0xffffu | bits << 16u, is_second);
    }
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(subgroup_invocation_id) subgroup_lane: u32,
    @builtin(subgroup_size) subgroup_size: u32,
) {
    let heads_per_kv = params.heads / params.kv_heads;
    let kv_head = group.y;
    let first_query = group.z * QUERIES;
    let head_at = kv_head * (params.context / TILE);
    let own_tile = index / TILE_LANES; // which of the turn's eight tiles
    let tile_lane = index % TILE_LANES;
    let half = tile_lane % 2u;
    let stride = HEAD_TILES * TILE_PACKS;
    let first = group.x * ROUND_ROBIN_TILES + own_tile;

    // A lane beyond the last head takes the last head again.
    let i = index % PAIRS;
    let query = first_query + index / PAIRS;
    let head = kv_head * heads_per_kv + min(query, heads_per_kv - 1u);
    let query_pair = load_pair(head * HEAD, 0u, i);
    let key_pair = load_pair((params.heads + kv_head) * HEAD, HEAD, i);
    let value = qkv[(params.heads + params.kv_heads + kv_head) * HEAD + index % HEAD];
    let first_at = (head_at + min(first, params.context / TILE - 1u)) * stride + tile_lane;
    var key = load_key(first_at);
    var values = load_values(first_at);
    let kv_len = visible(0u);
    let splits = splits_of(kv_len);
    if state.rows == 0u || group.x >= splits {
        return;
    }

    let subgroup_squares = vec2(
        subgroupAdd(dot(query_pair.values, query_pair.values)),
        subgroupAdd(dot(key_pair.values, key_pair.values)),
    );
    if subgroup_lane == 0u {
        squares[subgroup] = subgroup_squares;
    }
    workgroupBarrier();
    let subgroups_per_head = PAIRS / subgroup_size;
    var square_sums = vec2(0.0);
    for (var s = 0u; s < subgroups_per_head; s++) {
        square_sums += squares[index / PAIRS * subgroups_per_head + s];
    }
    if index / PAIRS < QUERIES {
        let pair = norm_and_rotate(query_pair, square_sums.x) * params.scale * LOG2_E;
        queries[i][index / PAIRS] = pair.x;
        queries[PAIRS + i][index / PAIRS] = pair.y;
    }
    if index < PAIRS {
        let pair = norm_and_rotate(key_pair, square_sums.y);
        own_key[i / 4u][i % 4u] = as_f16(pair.x);
        own_key[(PAIRS + i) / 4u][i % 4u] = as_f16(pair.y);
    }
    if index < HEAD {
        let finite = select(0.0, clamp(value, -F16_LARGEST, F16_LARGEST), value == value);
        own_value[index] = as_f16(finite);
    }
    workgroupBarrier();

    let last = (kv_len - 1u) / TILE;
    let next = splits * ROUND_ROBIN_TILES;
    let steps = (last - group.x * ROUND_ROBIN_TILES) / next + 1u;
    var highest = PerQuery(LOWEST);
    var weight = PerQuery(0.0);
    var own_weight = PerQuery(0.0);
    var sums = Sums();
    for (var step = 0u; step < steps; step++) {
        let tile = first + step * next;
        let position = tile * TILE + tile_lane / 2u;
        let next_at = (head_at + min(tile + next, last)) * stride + tile_lane;
        if position == state.start {
            key = load_own_key(half);
        }
        let score = select(PerQuery(LOWEST), scores(key, half), position < kv_len);
        if step + 1u < steps {
            key = load_key(next_at);
        }
        let higher = max(highest, tile_max(index, score));
        let factor = exp2(highest - higher);
        highest = higher;
        let own = select(PerQuery(0.0), exp2(score - higher), position < kv_len);
        weight = fma(weight, factor, own);
        own_weight = fma(own_weight, factor, select(PerQuery(0.0), own, position == state.start));
        // The own value is not in the cache yet.
        let weights = half_tile_weights(index, half, select(own, PerQuery(0.0), position == state.start));
        sums = add_values(values, weights, sums, factor);
        if step + 1u < steps {
            values = load_values(next_at);
        }
    }

    let tile_weight = tile_sum(index, weight) * 0.5; // two lanes have the same weight
    let tile_own_weight = tile_sum(index, own_weight) * 0.5;
    if tile_lane == 0u {
        tile_highest[own_tile] = highest;
        tile_weights[own_tile] = tile_weight;
        tile_own_weights[own_tile] = tile_own_weight;
    }
    store_sums(own_tile * HEAD + tile_lane / 2u, half, sums);
    workgroupBarrier();
    // A lane stores one value of a query, query after query.
    for (var q = index / HEAD; q < min(QUERIES, heads_per_kv - first_query); q += LANES / HEAD) {
        store_partial(partial(kv_head, group.x, first_query + q), q, index % HEAD);
    }
    if first_query == 0u && last / ROUND_ROBIN_TILES % splits == group.x {
        store_own(index, head_at, state.start);
    }
}
