// attention_row: `qk_norm_rope` and `attention` of one row over a cache of f16 in tiles: `--ar-kernel fast`. One dispatch for
// two. Not bit-equal to `attention_coop`, as `matmul_row` is not to `matmul_coop`.
//
//   stats[kv_head][s][query] = (m, l) = (max score, Σ exp(score_p - m)), sums = Σ exp(score_p - m) value_p, over the
//   positions p of split s, split_begin(s) <= p < min(split_begin(s + 1), visible(0)); query is a head of the kv head's
//
// Each workgroup norms and turns the queries that it needs, and the one whose split has the row's own position its key,
// which it attends to from workgroup memory and writes to the cache at the end.
//
//   qkv             [heads + 2 kv_heads][head]                       f32: heads, then keys, then values
//   norms           [2][head]                                        f32: q_norm, k_norm
//   rope            [positions][head / 2]                            (cos, sin), see qk_norm_rope.wgsl
//   cache_keys      [kv_heads][capacity / 16][head / 16][16 positions][16 values]   f16
//   cache_values    [kv_heads][capacity / 16][head / 16][16 values][16 positions]   f16
//   partial_sums    [kv_heads][splits][piece_queries][head]          f32
//   stats           [kv_heads][splits][piece_queries]                vec2
//
// For heads of 128 values, up to eight of which share a kv head. Choice `splits`, of 128 positions at most.
// Grid: (any, kv_heads): fewer workgroups than splits take several, one after the other, with the same queries.

enable f16;

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
    eps: f32,
}

// 16 bytes, what a lane reads at once.
struct Chunk {
    lo: vec4<f16>,
    hi: vec4<f16>,
}

@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> qkv: array<f32>;
@group(0) @binding(3) var<storage, read> norms: array<f32>;
@group(0) @binding(4) var<storage, read> rope: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> cache_keys: array<Chunk>;
@group(0) @binding(6) var<storage, read_write> cache_values: array<Chunk>;
@group(0) @binding(7) var<storage, read_write> partial_sums: array<f32>;
@group(0) @binding(8) var<storage, read_write> stats: array<vec2<f32>>;

const LANES: u32 = 256u;
const HEAD: u32 = 128u;
const PAIRS: u32 = HEAD / 2u;
const VECS: u32 = HEAD / 4u;
const HEAD_TILES: u32 = 8u;
const MOST_POSITIONS: u32 = 128u;
const MOST_QUERIES: u32 = 8u;
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

struct Lane {
    index: u32,
    subgroup: u32,
    subgroups: u32,
    of_subgroup: u32,
    subgroup_size: u32,
}

// A pair of a head's values, normed and turned.
fn turned(source: u32, norm: u32, position: u32, i: u32, scale: f32) -> vec2<f32> {
    let x = qkv[source + i] * norms[norm + i] * scale;
    let y = qkv[source + PAIRS + i] * norms[norm + PAIRS + i] * scale;
    let turn = rope[position * PAIRS + i];
    return vec2(x * turn.x - y * turn.y, y * turn.x + x * turn.y);
}

fn norm_scale(lane: Lane, source: u32) -> f32 {
    var squares = 0.0;
    for (var i = lane.of_subgroup; i < HEAD; i += lane.subgroup_size) {
        squares += qkv[source + i] * qkv[source + i];
    }
    return inverseSqrt(subgroupAdd(squares) / f32(HEAD) + params.eps);
}

// Queries, and the own key and value, to workgroup memory: a subgroup a head.
fn prepare(lane: Lane, kv_head: u32, heads_per_kv: u32) {
    for (var head = lane.subgroup; head < heads_per_kv; head += lane.subgroups) {
        let source = (kv_head * heads_per_kv + head) * HEAD;
        let scale = norm_scale(lane, source);
        for (var i = lane.of_subgroup; i < PAIRS; i += lane.subgroup_size) {
            let pair = turned(source, 0u, state.start, i, scale);
            queries[head * VECS + i / 4u][i % 4u] = pair.x;
            queries[head * VECS + (PAIRS + i) / 4u][i % 4u] = pair.y;
        }
    }
    // By the last subgroup, which has no query but where all have.
    if lane.subgroup == lane.subgroups - 1u {
        let source = (params.heads + kv_head) * HEAD;
        let scale = norm_scale(lane, source);
        for (var i = lane.of_subgroup; i < PAIRS; i += lane.subgroup_size) {
            let pair = turned(source, HEAD, state.start, i, scale);
            own_key[i / 4u][i % 4u] = f32(f16(pair.x));
            own_key[(PAIRS + i) / 4u][i % 4u] = f32(f16(pair.y));
        }
        for (var i = lane.of_subgroup; i < HEAD; i += lane.subgroup_size) {
            let value = qkv[(params.heads + params.kv_heads + kv_head) * HEAD + i];
            let finite = select(0.0, clamp(value, -F16_LARGEST, F16_LARGEST), value == value);
            own_value[i / 4u][i % 4u] = f32(f16(finite));
        }
    }
}

const HALF_TILES: u32 = HEAD_TILES / 2u; // of a position's key, or of a value's positions, that a lane has
const HALF_VECS: u32 = VECS / 2u;

alias Half = array<Chunk, 2u * HALF_TILES>;

// Half of a position's key.
fn bring_key(tiles_at: u32, position: u32, half: u32) -> Half {
    let a = ((tiles_at + position / TILE) * HEAD_TILES + half * HALF_TILES) * TILE_CHUNKS + position % TILE * 2u;
    let b = a + TILE_CHUNKS;
    let c = b + TILE_CHUNKS;
    let d = c + TILE_CHUNKS;
    return Half(
        cache_keys[a],
        cache_keys[a + 1u],
        cache_keys[b],
        cache_keys[b + 1u],
        cache_keys[c],
        cache_keys[c + 1u],
        cache_keys[d],
        cache_keys[d + 1u],
    );
}

// One of the head's values, of half of the split's positions; tiles beyond the last are read as that one.
fn bring_values(tiles_at: u32, last: u32, i: u32, half: u32) -> Half {
    let stride = HEAD_TILES * TILE_CHUNKS;
    let at = tiles_at * stride + i / TILE * TILE_CHUNKS + i % TILE * 2u;
    let tile = half * HALF_TILES;
    let a = at + min(tile, last) * stride;
    let b = at + min(tile + 1u, last) * stride;
    let c = at + min(tile + 2u, last) * stride;
    let d = at + min(tile + 3u, last) * stride;
    return Half(
        cache_values[a],
        cache_values[a + 1u],
        cache_values[b],
        cache_values[b + 1u],
        cache_values[c],
        cache_values[c + 1u],
        cache_values[d],
        cache_values[d + 1u],
    );
}

fn own_chunk(chunk: u32) -> Chunk {
    return Chunk(vec4<f16>(own_key[2u * chunk]), vec4<f16>(own_key[2u * chunk + 1u]));
}

fn half_of_own_key(half: u32) -> Half {
    let at = half * 2u * HALF_TILES;
    return Half(
        own_chunk(at),
        own_chunk(at + 1u),
        own_chunk(at + 2u),
        own_chunk(at + 3u),
        own_chunk(at + 4u),
        own_chunk(at + 5u),
        own_chunk(at + 6u),
        own_chunk(at + 7u),
    );
}

// Products of eight values; written out eight times below, since an index that a loop counts would put the values into
// memory.
fn add_chunk(chunk: Chunk, lo: vec4<f32>, hi: vec4<f32>, sum: vec4<f32>) -> vec4<f32> {
    return fma(vec4<f32>(chunk.hi), hi, fma(vec4<f32>(chunk.lo), lo, sum));
}

fn sum_of(four: vec4<f32>) -> f32 {
    return four.x + four.y + four.z + four.w;
}

// Two lanes a position, each half of its key.
fn score(lane: u32, key: Half, seen: u32, heads_per_kv: u32) {
    let p = lane / 2u;
    let half = lane % 2u;
    for (var head = 0u; head < heads_per_kv; head++) {
        let at = head * VECS + half * HALF_VECS;
        var products = add_chunk(key[0], queries[at], queries[at + 1u], vec4(0.0));
        products = add_chunk(key[1], queries[at + 2u], queries[at + 3u], products);
        products = add_chunk(key[2], queries[at + 4u], queries[at + 5u], products);
        products = add_chunk(key[3], queries[at + 6u], queries[at + 7u], products);
        products = add_chunk(key[4], queries[at + 8u], queries[at + 9u], products);
        products = add_chunk(key[5], queries[at + 10u], queries[at + 11u], products);
        products = add_chunk(key[6], queries[at + 12u], queries[at + 13u], products);
        products = add_chunk(key[7], queries[at + 14u], queries[at + 15u], products);
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
        let at = head * (MOST_POSITIONS / 4u) + half * HALF_VECS;
        var products = add_chunk(values[0], weights[at], weights[at + 1u], vec4(0.0));
        products = add_chunk(values[1], weights[at + 2u], weights[at + 3u], products);
        products = add_chunk(values[2], weights[at + 4u], weights[at + 5u], products);
        products = add_chunk(values[3], weights[at + 6u], weights[at + 7u], products);
        products = add_chunk(values[4], weights[at + 8u], weights[at + 9u], products);
        products = add_chunk(values[5], weights[at + 10u], weights[at + 11u], products);
        products = add_chunk(values[6], weights[at + 12u], weights[at + 13u], products);
        products = add_chunk(values[7], weights[at + 14u], weights[at + 15u], products);
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

// The own key and value to their place, one of the head's values a lane (see qk_norm_rope.wgsl).
fn write_own(lane: u32, tiles_at: u32, own: u32) {
    let tile = (tiles_at + own / TILE) * HEAD_TILES + lane / TILE;
    let place = own % TILE;
    if lane < HEAD {
        let key = tile * TILE_CHUNKS + place * 2u + lane % TILE / 8u;
        let value = tile * TILE_CHUNKS + lane % TILE * 2u + place / 8u;
        if lane % 8u < 4u {
            cache_keys[key].lo[lane % 4u] = f16(own_key[lane / 4u][lane % 4u]);
        } else {
            cache_keys[key].hi[lane % 4u] = f16(own_key[lane / 4u][lane % 4u]);
        }
        if place % 8u < 4u {
            cache_values[value].lo[place % 4u] = f16(own_value[lane / 4u][lane % 4u]);
        } else {
            cache_values[value].hi[place % 4u] = f16(own_value[lane / 4u][lane % 4u]);
        }
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
    let end = splits_of(visible(0u));
    if state.rows == 0u || group.x >= end {
        return;
    }
    let lane = Lane(index, subgroup, subgroups, of_subgroup, subgroup_size);
    let heads_per_kv = params.heads / params.kv_heads;
    let head_at = kv_head * (params.capacity / TILE);
    let p = index / 2u;
    let half = index % 2u;
    prepare(lane, kv_head, heads_per_kv);
    workgroupBarrier();
    for (var split = group.x; split < end; split += groups.x) {
        let begin = split_begin(split);
        let seen = min(visible(0u), split_begin(split + 1u)) - begin;
        // In the last split alone the row's own position is one of those.
        let own = state.start - begin;
        let tiles_at = head_at + begin / TILE;
        var key = bring_key(tiles_at, min(p, seen - 1u), half);
        if p == own {
            key = half_of_own_key(half);
        }
        score(index, key, seen, heads_per_kv);
        let values = bring_values(tiles_at, (seen - 1u) / TILE, p, half);
        workgroupBarrier();
        weigh(lane, kv_head, split, seen, own, heads_per_kv);
        workgroupBarrier();
        gather(index, values, kv_head, split, seen, own, heads_per_kv);
        workgroupBarrier();
        if own < seen {
            write_own(index, tiles_at, own);
        }
    }
}
