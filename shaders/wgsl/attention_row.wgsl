// attention_row: `qk_norm_rope` and `attention` of one row over a cache of f16 in tiles: `--ar-kernel fast`. One dispatch for
// two. Not bit-equal to `attention_coop`, as `matmul_row` is not to `matmul_coop`.
//
//   stats[kv_head][s][query] = (m, l) = (max score, Σ exp(score_p - m)), sums = Σ exp(score_p - m) value_p, over the
//   positions p of split s, split_begin(s) <= p < min(split_begin(s + 1), visible(0)); query is a head of the kv head's
//
// Each workgroup norms and turns its kv head's queries and the row's own key. The one whose split has the row's position
// attends to that key and value from workgroup memory, and writes them to the cache at the end. Keys, and what it norms,
// it asks for before it waits for either, values before it needs them, and the next split's while it is at work on one.
//
//   qkv             [heads + 2 kv_heads][head]                       f32: heads, then keys, then values
//   norms           [2][head]                                        f32: q_norm, k_norm
//   rope            [positions][head / 2]                            (cos, sin), see qk_norm_rope.wgsl
//   cache_keys      [kv_heads][capacity / 16][head / 16][16 positions][16 values]   f16, eight a vec4
//   cache_values    [kv_heads][capacity / 16][head / 16][16 values][16 positions]   f16, likewise
//   partial_sums    [kv_heads][splits][piece_queries][head]          f32
//   stats           [kv_heads][splits][piece_queries]                vec2
//
// For heads of 128 values, up to eight of which share a kv head. Choice `splits`, of 128 positions at most.
// Grid: (any, kv_heads): fewer workgroups than splits take several, one after the other, with the same queries.

struct Params {
    heads: u32,
    kv_heads: u32,
    head_vecs: u32,
    capacity: u32,      // positions of the cache, whole tiles
    queries: u32,
    splits: u32,        // splits that `partial_sums` and `stats` have room for
    scale: f32,
    visible: u32,       // CAUSAL
    first_row: u32,     // 0
    piece_queries: u32, // queries of a kv head that `partial_sums` and `stats` have room for
    eps: f32,           // of the norms
}

@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> qkv: array<f32>;
@group(0) @binding(3) var<storage, read> norms: array<f32>;
@group(0) @binding(4) var<storage, read> rope: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> cache_keys: array<vec4<u32>>;
@group(0) @binding(6) var<storage, read_write> cache_values: array<vec4<u32>>;
@group(0) @binding(7) var<storage, read_write> partial_sums: array<f32>;
@group(0) @binding(8) var<storage, read_write> stats: array<vec2<f32>>;

const LANES: u32 = 256u;
const LEAST_SUBGROUP: u32 = 8u;
const HEAD: u32 = 128u;
const PAIRS: u32 = HEAD / 2u;
const VECS: u32 = HEAD / 4u;
const HEAD_TILES: u32 = 8u;
const MOST_POSITIONS: u32 = 128u;
const MOST_QUERIES: u32 = 8u;
const QUERIES_AT_ONCE: u32 = LANES / PAIRS; // that are normed and turned, a pair a lane
const TILE_CHUNKS: u32 = TILE_VALUES / 8u;
const LOWEST: f32 = -3.402823e38;
const F16_LARGEST: f32 = 65504.0;

// Queries, and the row's own key and value as the cache will have them.
var<workgroup> queries: array<vec4<f32>, MOST_QUERIES * VECS>;
var<workgroup> own_key: array<vec4<f32>, VECS>;
var<workgroup> own_value: array<vec4<f32>, VECS>;
// Scores, then weights; that of the row's own position is apart.
var<workgroup> weights: array<vec4<f32>, MOST_QUERIES * MOST_POSITIONS / 4u>;
var<workgroup> own_weights: array<f32, MOST_QUERIES>;
// By round and subgroup: sums of squares of a query's values, and of the own key's.
var<workgroup> squares: array<vec2<f32>, MOST_QUERIES / QUERIES_AT_ONCE * LANES / LEAST_SUBGROUP>;

struct Lane {
    index: u32,
    subgroup: u32,
    subgroups: u32,
    of_subgroup: u32,
    subgroup_size: u32,
}

// A pair of a head's values, times the norm's weights, and how it is turned.
struct Pair {
    values: vec2<f32>,
    weights: vec2<f32>,
    turn: vec2<f32>,
}

fn bring_pair(source: u32, norm: u32, i: u32) -> Pair {
    return Pair(
        vec2(qkv[source + i], qkv[source + PAIRS + i]),
        vec2(norms[norm + i], norms[norm + PAIRS + i]),
        rope[state.start * PAIRS + i],
    );
}

// A head's query; the last one's again where there is none.
fn bring_query(kv_head: u32, head: u32, heads_per_kv: u32, i: u32) -> Pair {
    return bring_pair((kv_head * heads_per_kv + min(head, heads_per_kv - 1u)) * HEAD, 0u, i);
}

fn turned(pair: Pair, square_sum: f32) -> vec2<f32> {
    let scale = inverseSqrt(square_sum / f32(HEAD) + params.eps);
    let v = pair.values * pair.weights * scale;
    return vec2(v.x * pair.turn.x - v.y * pair.turn.y, v.y * pair.turn.x + v.x * pair.turn.y);
}

// The sums of squares of a query and of the own key, over the lanes that have them, from a round's place in `squares` on.
fn square_sums(lane: Lane, first: u32, query: Pair, key: Pair) -> vec2<f32> {
    let of_subgroup =
        vec2(subgroupAdd(dot(query.values, query.values)), subgroupAdd(dot(key.values, key.values)));
    if lane.of_subgroup == 0u {
        squares[first + lane.subgroup] = of_subgroup;
    }
    workgroupBarrier();
    let share = PAIRS / lane.subgroup_size;
    var sums = vec2(0.0);
    for (var s = 0u; s < share; s++) {
        sums += squares[first + lane.index / PAIRS * share + s];
    }
    return sums;
}

fn put_query(head: u32, i: u32, pair: vec2<f32>) {
    queries[head * VECS + i / 4u][i % 4u] = pair.x;
    queries[head * VECS + (PAIRS + i) / 4u][i % 4u] = pair.y;
}

fn as_f16(value: f32) -> f32 {
    return unpack2x16float(pack2x16float(vec2(value, 0.0))).x;
}

// Of a position's key, or of a value's positions: every other eight. So neighbouring lanes read what lies together.
alias Half = array<vec4<u32>, HEAD_TILES>;

// Half of a position's key; the last position's again where there is none.
fn bring_key(head_at: u32, position: u32, half: u32) -> Half {
    let slot = min(position, params.capacity - 1u);
    let at = (head_at + slot / TILE) * HEAD_TILES * TILE_CHUNKS + slot % TILE * 2u + half;
    return Half(
        cache_keys[at],
        cache_keys[at + TILE_CHUNKS],
        cache_keys[at + 2u * TILE_CHUNKS],
        cache_keys[at + 3u * TILE_CHUNKS],
        cache_keys[at + 4u * TILE_CHUNKS],
        cache_keys[at + 5u * TILE_CHUNKS],
        cache_keys[at + 6u * TILE_CHUNKS],
        cache_keys[at + 7u * TILE_CHUNKS],
    );
}

// One of the head's values, of half of a split's positions; the last tile's again where there is none.
fn bring_values(head_at: u32, begin: u32, i: u32, half: u32) -> Half {
    let stride = HEAD_TILES * TILE_CHUNKS;
    let last = params.capacity / TILE - 1u;
    let at = head_at * stride + i / TILE * TILE_CHUNKS + i % TILE * 2u + half;
    let tile = begin / TILE;
    return Half(
        cache_values[at + min(tile, last) * stride],
        cache_values[at + min(tile + 1u, last) * stride],
        cache_values[at + min(tile + 2u, last) * stride],
        cache_values[at + min(tile + 3u, last) * stride],
        cache_values[at + min(tile + 4u, last) * stride],
        cache_values[at + min(tile + 5u, last) * stride],
        cache_values[at + min(tile + 6u, last) * stride],
        cache_values[at + min(tile + 7u, last) * stride],
    );
}

fn own_chunk(chunk: u32) -> vec4<u32> {
    let lo = own_key[2u * chunk];
    let hi = own_key[2u * chunk + 1u];
    return vec4(pack2x16float(lo.xy), pack2x16float(lo.zw), pack2x16float(hi.xy), pack2x16float(hi.zw));
}

fn half_of_own_key(half: u32) -> Half {
    return Half(
        own_chunk(half),
        own_chunk(2u + half),
        own_chunk(4u + half),
        own_chunk(6u + half),
        own_chunk(8u + half),
        own_chunk(10u + half),
        own_chunk(12u + half),
        own_chunk(14u + half),
    );
}

// Products of eight values; written out eight times below, since an index that a loop counts would put the values into
// memory, and for queries and for weights, since naga takes no array in workgroup memory as a parameter.
fn add_chunk(chunk: vec4<u32>, lo: vec4<f32>, hi: vec4<f32>, sum: vec4<f32>) -> vec4<f32> {
    let first = vec4(unpack2x16float(chunk.x), unpack2x16float(chunk.y));
    let second = vec4(unpack2x16float(chunk.z), unpack2x16float(chunk.w));
    return fma(second, hi, fma(first, lo, sum));
}

fn sum_of(four: vec4<f32>) -> f32 {
    return four.x + four.y + four.z + four.w;
}

// Two lanes a position, each half of its key.
fn score(lane: u32, key: Half, seen: u32, heads_per_kv: u32) {
    let p = lane / 2u;
    let half = lane % 2u;
    for (var head = 0u; head < heads_per_kv; head++) {
        let at = head * VECS + 2u * half;
        var products = add_chunk(key[0], queries[at], queries[at + 1u], vec4(0.0));
        products = add_chunk(key[1], queries[at + 4u], queries[at + 5u], products);
        products = add_chunk(key[2], queries[at + 8u], queries[at + 9u], products);
        products = add_chunk(key[3], queries[at + 12u], queries[at + 13u], products);
        products = add_chunk(key[4], queries[at + 16u], queries[at + 17u], products);
        products = add_chunk(key[5], queries[at + 20u], queries[at + 21u], products);
        products = add_chunk(key[6], queries[at + 24u], queries[at + 25u], products);
        products = add_chunk(key[7], queries[at + 28u], queries[at + 29u], products);
        let part = sum_of(products);
        let whole = part + subgroupShuffleXor(part, 1u);
        if half == 0u {
            weights[(head * MOST_POSITIONS + p) / 4u][p % 4u] = select(LOWEST, whole * params.scale, p < seen);
        }
    }
}

// Scores to weights, a subgroup a head.
fn weigh(lane: Lane, kv_head: u32, split: u32, seen: u32, own: u32, heads_per_kv: u32) {
    for (var head = lane.subgroup; head < heads_per_kv; head += lane.subgroups) {
        let line = head * MOST_POSITIONS;
        var largest = LOWEST;
        for (var p = lane.of_subgroup; p < MOST_POSITIONS; p += lane.subgroup_size) {
            largest = max(largest, weights[(line + p) / 4u][p % 4u]);
        }
        largest = subgroupMax(largest);
        var sum = 0.0;
        for (var p = lane.of_subgroup; p < MOST_POSITIONS; p += lane.subgroup_size) {
            let weight = select(0.0, exp(weights[(line + p) / 4u][p % 4u] - largest), p < seen);
            sum += weight;
            weights[(line + p) / 4u][p % 4u] = select(weight, 0.0, p == own);
            if p == own {
                own_weights[head] = weight;
            }
        }
        sum = subgroupAdd(sum);
        if lane.of_subgroup == 0u {
            stats[partial(kv_head, split, head)] = vec2(largest, sum);
        }
    }
}

// Two lanes one of the head's values, each half of the split's positions.
fn gather(lane: u32, values: Half, kv_head: u32, split: u32, seen: u32, own: u32, heads_per_kv: u32) {
    let i = lane / 2u;
    let half = lane % 2u;
    for (var head = 0u; head < heads_per_kv; head++) {
        let at = head * (MOST_POSITIONS / 4u) + 2u * half;
        var products = add_chunk(values[0], weights[at], weights[at + 1u], vec4(0.0));
        products = add_chunk(values[1], weights[at + 4u], weights[at + 5u], products);
        products = add_chunk(values[2], weights[at + 8u], weights[at + 9u], products);
        products = add_chunk(values[3], weights[at + 12u], weights[at + 13u], products);
        products = add_chunk(values[4], weights[at + 16u], weights[at + 17u], products);
        products = add_chunk(values[5], weights[at + 20u], weights[at + 21u], products);
        products = add_chunk(values[6], weights[at + 24u], weights[at + 25u], products);
        products = add_chunk(values[7], weights[at + 28u], weights[at + 29u], products);
        let part = sum_of(products);
        var whole = part + subgroupShuffleXor(part, 1u);
        if own < seen {
            whole += own_weights[head] * own_value[i / 4u][i % 4u];
        }
        if half == 0u {
            partial_sums[partial(kv_head, split, head) * HEAD + i] = whole;
        }
    }
}

// The own key and value to their place: a lane eight of the key's values, or one of the value's, whose word it shares with
// another position (see lib/cache_tiles.wgsl).
fn write_own(lane: u32, head_at: u32, own: u32) {
    let tile = (head_at + own / TILE) * HEAD_TILES;
    let place = own % TILE;
    if lane < HEAD / 8u {
        cache_keys[(tile + lane / 2u) * TILE_CHUNKS + place * 2u + lane % 2u] = own_chunk(lane);
    }
    if lane < HEAD {
        let chunk = (tile + lane / TILE) * TILE_CHUNKS + lane % TILE * 2u + place / 8u;
        let word = place % 8u / 2u;
        let bits = pack2x16float(vec2(own_value[lane / 4u][lane % 4u], 0.0));
        let before = cache_values[chunk][word];
        let is_second = place % 2u == 1u;
        cache_values[chunk][word] = select(before & 0xffff0000u | bits, before & 0xffffu | bits << 16u, is_second);
    }
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) index: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(num_subgroups) subgroups: u32,
    @builtin(subgroup_invocation_id) of_subgroup: u32,
    @builtin(subgroup_size) subgroup_size: u32,
) {
    let kv_head = group.y;
    let lane = Lane(index, subgroup, subgroups, of_subgroup, subgroup_size);
    let heads_per_kv = params.heads / params.kv_heads;
    let head_at = kv_head * (params.capacity / TILE);
    let p = index / 2u;
    let half = index % 2u;
    let i = index % PAIRS;
    let key_at = (params.heads + kv_head) * HEAD;
    let value_at = (params.heads + params.kv_heads + kv_head) * HEAD;

    var key = bring_key(head_at, split_begin(group.x) + p, half);
    let own_pair = bring_pair(key_at, HEAD, i);
    let value = qkv[value_at + index % HEAD];
    var head = index / PAIRS;
    var query_pair = bring_query(kv_head, head, heads_per_kv, i);
    let end = splits_of(visible(0u));
    if state.rows == 0u || group.x >= end {
        return;
    }
    for (var first = 0u; first < heads_per_kv; first += QUERIES_AT_ONCE) {
        if first > 0u {
            head = first + index / PAIRS;
            query_pair = bring_query(kv_head, head, heads_per_kv, i);
        }
        let sums = square_sums(lane, first / QUERIES_AT_ONCE * (LANES / LEAST_SUBGROUP), query_pair, own_pair);
        if head < heads_per_kv {
            put_query(head, i, turned(query_pair, sums.x));
        }
        if first == 0u && index < PAIRS {
            let pair = turned(own_pair, sums.y);
            own_key[i / 4u][i % 4u] = as_f16(pair.x);
            own_key[(PAIRS + i) / 4u][i % 4u] = as_f16(pair.y);
        }
    }
    if index < HEAD {
        let finite = select(0.0, clamp(value, -F16_LARGEST, F16_LARGEST), value == value);
        own_value[index / 4u][index % 4u] = as_f16(finite);
    }
    workgroupBarrier();
    var values = bring_values(head_at, split_begin(group.x), p, half);
    for (var split = group.x; split < end; split += groups.x) {
        let begin = split_begin(split);
        let next = split + groups.x;
        let seen = min(visible(0u), split_begin(split + 1u)) - begin;
        // In the last split alone the row's own position is one of those.
        let own = state.start - begin;
        if p == own {
            key = half_of_own_key(half);
        }
        score(index, key, seen, heads_per_kv);
        if next < end {
            key = bring_key(head_at, split_begin(next) + p, half);
        }
        workgroupBarrier();
        weigh(lane, kv_head, split, seen, own, heads_per_kv);
        workgroupBarrier();
        gather(index, values, kv_head, split, seen, own, heads_per_kv);
        if next < end {
            values = bring_values(head_at, split_begin(next), p, half);
        }
        workgroupBarrier();
        if own < seen {
            write_own(index, head_at, state.start);
        }
    }
}
