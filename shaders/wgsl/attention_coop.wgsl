// attention_coop: `attention` by cooperative matrices, over a cache of f16 in tiles.
//
//   over the positions p of split s, SPLIT s <= p < min(SPLIT (s + 1), visible(row)):
//   stats[kv_head][s][query] = (m, l) = (max score, Σ w_p)      score_p = scale q·key_p, w_p = f16(exp(score_p - m))
//   sums[kv_head][s][query]  = Σ w_p value_p
//
// Row-invariant: a row of a cooperative product does not depend on the others, and a position's place in the split,
// and with it the order of every sum, is its own. The weight of what a row may not see is zero, and every value of
// the cache is a finite number (qk_norm_rope), so it adds nothing. Keys there may be anything: their scores are not
// looked at.
//
// A pass goes through in pieces of rows, each merged before the next (lib/partial_sums.wgsl). A piece begins at a whole
// tile of queries.
//
//   q               tiles [kv_heads][queries][head]                  f16, queries in tiles of 16, from qk_norm_rope
//   cache_keys      [kv_heads][capacity / 16][head / 16][16 positions][16 values]   f16
//   cache_values    [kv_heads][capacity / 16][head / 16][16 values][16 positions]   f16
//   partial_sums    [kv_heads][splits][piece_queries][4 head_vecs]   f32
//   stats           [kv_heads][splits][piece_queries]                vec2
//
// Choices: `queries` and `rounds`. Grid: (splits, any, kv_heads): the workgroups of a column share its queries, and fewer
// of them means that more rounds of queries come after another.

enable f16;
enable wgpu_cooperative_matrix;

struct Params {
    heads: u32,
    kv_heads: u32,
    head_vecs: u32,     // vec4 of a head, padded to whole tiles
    capacity: u32,      // positions of the cache, whole tiles
    queries: u32,       // queries of a kv head that `q` has room for, whole tiles
    splits: u32,        // splits that `partial_sums` and `stats` have room for
    scale: f32,
    visible: u32,       // CAUSAL or BLOCK
    first_row: u32,     // of the piece
    piece_queries: u32, // queries of a kv head that `partial_sums` and `stats` have room for, whole tiles and rows
}

@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> q: array<f16>;
@group(0) @binding(3) var<storage, read> cache_keys: array<f16>;
@group(0) @binding(4) var<storage, read> cache_values: array<f16>;
@group(0) @binding(5) var<storage, read_write> partial_sums: array<f32>;
@group(0) @binding(6) var<storage, read_write> stats: array<vec2<f32>>;

alias KeyTile = coop_mat16x16<f16, B>;
alias QueryTile = coop_mat16x16<f16, A>;
alias SumTile = coop_mat16x16<f32, C>;

const LANES: u32 = 256u;
const SPLIT_TILES: u32 = SPLIT / TILE;
const QUERIES: u32 = QUERY_TILES * TILE;
const PARTS: u32 = 8u; // lanes that share a query's softmax
const LOWEST: f32 = -3.402823e38;

// Of a tile of queries and a tile of positions after another.
var<workgroup> scores: array<f32, QUERIES * SPLIT>;
var<workgroup> weights: array<f16, QUERIES * SPLIT>;

fn key_tile(at: u32) -> KeyTile {
    return coopLoad<KeyTile>(&cache_keys[at], 16u);
}

fn value_tile(at: u32) -> KeyTile {
    return coopLoad<KeyTile>(&cache_values[at], 16u);
}

fn query_tile(at: u32) -> QueryTile {
    return coopLoadT<QueryTile>(&q[at], 16u);
}

fn weight_tile(tile: u32) -> QueryTile {
    return coopLoadT<QueryTile>(&weights[tile * TILE_VALUES], 16u);
}

// Positions of the split that a query of the piece sees.
fn seen_by(query: u32, base: u32) -> u32 {
    let row = params.first_row + query / (params.heads / params.kv_heads);
    return min(max(visible(row), base) - base, SPLIT);
}

// The largest and the sum over the PARTS lanes of a query, the same in each.
fn largest_of_parts(value: f32) -> f32 {
    var largest = value;
    for (var step = 1u; step < PARTS; step *= 2u) {
        largest = max(largest, subgroupShuffleXor(largest, step));
    }
    return largest;
}

fn sum_of_parts(value: f32) -> f32 {
    var sum = value;
    for (var step = 1u; step < PARTS; step *= 2u) {
        sum += subgroupShuffleXor(sum, step);
    }
    return sum;
}

// A score of the line that begins at `line`, not scaled yet, the lowest number for one that is not seen.
fn score_at(line: u32, p: u32, seen: u32) -> f32 {
    return select(LOWEST, scores[line + p / TILE * TILE_VALUES + p % TILE], p < seen);
}

fn scores_at(line: u32, p: u32, seen: u32) -> vec4<f32> {
    return vec4(
        score_at(line, p, seen),
        score_at(line, p + PARTS, seen),
        score_at(line, p + 2u * PARTS, seen),
        score_at(line, p + 3u * PARTS, seen),
    );
}

fn weights_of(four: vec4<f32>, highest: f32) -> vec4<f32> {
    return exp((four - highest) * params.scale);
}

// Weights of four positions, PARTS from each other, which is half a tile, are added to `sum` in their order.
fn put_weights(at: u32, four: vec4<f32>, sum: f32) -> f32 {
    let weight = vec4<f16>(four);
    weights[at] = weight.x;
    weights[at + PARTS] = weight.y;
    weights[at + TILE_VALUES] = weight.z;
    weights[at + TILE_VALUES + PARTS] = weight.w;
    return sum + f32(weight.x) + f32(weight.y) + f32(weight.z) + f32(weight.w);
}

// Scores to weights, for the query that the lane shares; returns maximum and sum. Four at a time, whose loads do not
// wait for each other; each is added in the order of its position. All lanes of a subgroup go round as often, whatever
// their queries see: where lanes part, what they then tell each other is undefined.
fn softmax(lane: u32, seen: u32, tiles: u32) -> vec2<f32> {
    let query = lane / PARTS;
    let line = query / TILE * SPLIT_TILES * TILE_VALUES + query % TILE * TILE;
    let steps = vec4(0u, 1u, 2u, 3u) * PARTS;
    var highest = LOWEST;
    for (var first = 0u; first < tiles * TILE; first += 4u * PARTS) {
        let four = scores_at(line, first + lane % PARTS, seen);
        highest = max(highest, max(max(four.x, four.y), max(four.z, four.w)));
    }
    highest = largest_of_parts(highest);
    var sum = 0.0;
    for (var first = 0u; first < tiles * TILE; first += 4u * PARTS) {
        let p = first + lane % PARTS;
        let four = scores_at(line, p, seen);
        let weight = select(vec4(0.0), weights_of(four, highest), p + steps < vec4(seen));
        sum = put_weights(line + p / TILE * TILE_VALUES + p % TILE, weight, sum);
    }
    return vec2(highest * params.scale, sum_of_parts(sum));
}

// The scores of one tile of positions.
fn scores_of(q_at: u32, q_stride: u32, keys_at: u32, head_tiles: u32) -> Sums {
    var sums = zero();
    var d = 0u;
    // Four tiles at a time: more loads under way.
    for (; d + 4u <= head_tiles; d += 4u) {
        let at = keys_at + d * TILE_VALUES;
        let a = key_tile(at);
        let b = key_tile(at + TILE_VALUES);
        let c = key_tile(at + 2u * TILE_VALUES);
        let e = key_tile(at + 3u * TILE_VALUES);
        let q_first = q_at + d * TILE_VALUES;
        sums = add_scores(q_first, q_stride, a, sums);
        sums = add_scores(q_first + TILE_VALUES, q_stride, b, sums);
        sums = add_scores(q_first + 2u * TILE_VALUES, q_stride, c, sums);
        sums = add_scores(q_first + 3u * TILE_VALUES, q_stride, e, sums);
    }
    for (; d < head_tiles; d++) {
        sums = add_scores(q_at + d * TILE_VALUES, q_stride, key_tile(keys_at + d * TILE_VALUES), sums);
    }
    return sums;
}

// What the first `tiles` of positions add to one tile of the head.
fn sums_of(values_at: u32, stride: u32, tiles: u32) -> Sums {
    var sums = zero();
    var tile = 0u;
    for (; tile + 4u <= tiles; tile += 4u) {
        let at = values_at + tile * stride;
        let a = value_tile(at);
        let b = value_tile(at + stride);
        let c = value_tile(at + 2u * stride);
        let e = value_tile(at + 3u * stride);
        sums = add_values(tile, a, sums);
        sums = add_values(tile + 1u, b, sums);
        sums = add_values(tile + 2u, c, sums);
        sums = add_values(tile + 3u, e, sums);
    }
    for (; tile < tiles; tile++) {
        sums = add_values(tile, value_tile(values_at + tile * stride), sums);
    }
    return sums;
}

// Scores in workgroup memory become weights there, and `stats`, for the queries from `first` on.
fn weigh(lane: u32, split: u32, kv_head: u32, first: u32, queries: u32, tiles: u32) {
    let query = first + lane / PARTS;
    let is_query = lane / PARTS < QUERIES && query < queries;
    let seen = select(0u, seen_by(query, split * SPLIT), is_query);
    // Lanes without a query of the tile have nothing to write either.
    let stat = softmax(lane % (QUERIES * PARTS), seen, select(0u, tiles, lane / PARTS < QUERIES));
    if is_query && lane % PARTS == 0u && seen > 0u {
        stats[partial(kv_head, split, query)] = stat;
    }
}

// Of a subgroup of the workgroup: where its queries, keys and values begin.
struct Place {
    lane: u32, // of the workgroup
    subgroup: u32,
    split: u32,
    kv_head: u32,
    q: u32,
    keys: u32,
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(num_subgroups) subgroups: u32,
) {
    let split = group.x;
    let kv_head = group.z;
    let base = split * SPLIT;
    let head_tiles = params.head_vecs / 4u;
    let width = params.head_vecs * 4u;
    let stride = head_tiles * TILE_VALUES;
    let keys_at = (kv_head * (params.capacity / TILE) + base / TILE) * stride;
    let q_at = (kv_head * params.queries + params.first_row * (params.heads / params.kv_heads)) * width;
    let queries = queries_of_piece();
    let step = groups.y * QUERIES;

    var first = group.y * QUERIES;
    for (; first < queries; first += step) {
        // Later rows see no less than earlier ones.
        if can_hold(head_tiles, subgroups) && seen_by(first, base) == SPLIT {
            break;
        }
        let tiles = (seen_by(min(first + QUERIES, queries) - 1u, base) + TILE - 1u) / TILE;
        if tiles == 0u {
            continue;
        }
        for (var tile = subgroup; tile < tiles; tile += subgroups) {
            store_scores(scores_of(q_at + first * width, width * TILE, keys_at + tile * stride, head_tiles), tile);
        }
        workgroupBarrier();
        weigh(lane, split, kv_head, first, queries, tiles);
        workgroupBarrier();
        for (var d = subgroup; d < head_tiles; d += subgroups) {
            let sums = sums_of(keys_at + d * TILE_VALUES, stride, tiles);
            store_sums(sums, partial(kv_head, split, first) * width + d * TILE, width);
        }
        workgroupBarrier();
    }
    if first < queries {
        rounds_of_held(Place(lane, subgroup, split, kv_head, q_at, keys_at), first, queries, step);
    }
}
