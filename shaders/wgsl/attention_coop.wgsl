// attention_coop: `attention` by cooperative matrices, over a KV cache in f16 tiles, for few queries.
//
//   formula, q, partials, stats: lib/attention/coop.wgsl
//
// Each tile of keys and values is read once for 16 queries. `attention_staged` and `attention_paired` give the same
// bits, and are for many queries. A pass goes through in chunks of rows, each merged before the next. A chunk begins
// at a whole tile of queries.
//
//   cache_keys     [kv_heads][context / 16][head / 16][16 positions][16 values]   f16
//   cache_values   [kv_heads][context / 16][head / 16][16 values][16 positions]   f16
//
// Calls: `split_begin` (choice splits), `visible`, `partial`, `queries_of_chunk`, `masked` (lib/attention).
// Grid: (kv_heads, any, splits), the last split first (attention_staged.wgsl). The workgroups of a column share its
// tiles of queries: with fewer workgroups, each takes more tiles, one after another.

@group(0) @binding(3) var<storage, read> cache_keys: array<f16>;
@group(0) @binding(4) var<storage, read> cache_values: array<f16>;

const LANES: u32 = 256u;
const BATCH: u32 = 8u;              // tiles of positions in workgroup memory together
const SCORE_TILE: u32 = 65u;        // vec4 from a tile of scores to the next: lanes of a query read different banks
const WEIGHT_TILE: u32 = 66u;       // vec4 from a tile of weights to the next: whole multiples of 16 bytes
const WEIGHING: u32 = BATCH * TILE; // lanes that make weights: a tile of positions of a query each

var<workgroup> scores: array<vec4<f32>, BATCH * SCORE_TILE>;
var<workgroup> weights: array<vec4<f16>, BATCH * WEIGHT_TILE>;
var<workgroup> inverses: array<f32, TILE>;

fn key_tile(at: u32) -> KeyTile {
    return coopLoad<KeyTile>(&cache_keys[at], 16u);
}

fn value_tile(at: u32) -> KeyTile {
    return coopLoad<KeyTile>(&cache_values[at], 16u);
}

fn weight_tile(tile: u32) -> QueryTile {
    return coopLoadT<QueryTile>(&weights[tile * WEIGHT_TILE], 4u);
}

// Products of 16 queries with a tile of positions.
fn products_with(keys_at: u32, q_at: u32, head_tiles: u32) -> SumTile {
    var sum = SumTile();
    var d = 0u;
    // Four tiles at a time, for more loads under way.
    for (; d + 4u <= head_tiles; d += 4u) {
        let at = keys_at + d * TILE_VALUES;
        let q_first = q_at + d * TILE_VALUES;
        let a = key_tile(at);
        let b = key_tile(at + TILE_VALUES);
        let c = key_tile(at + 2u * TILE_VALUES);
        let e = key_tile(at + 3u * TILE_VALUES);
        sum = coopMultiplyAdd(query_tile(q_first), a, sum);
        sum = coopMultiplyAdd(query_tile(q_first + TILE_VALUES), b, sum);
        sum = coopMultiplyAdd(query_tile(q_first + 2u * TILE_VALUES), c, sum);
        sum = coopMultiplyAdd(query_tile(q_first + 3u * TILE_VALUES), e, sum);
    }
    for (; d < head_tiles; d++) {
        sum = coopMultiplyAdd(query_tile(q_at + d * TILE_VALUES), key_tile(keys_at + d * TILE_VALUES), sum);
    }
    return sum;
}

fn store_scores(sum: SumTile, tile: u32) {
    let at = tile * SCORE_TILE;
    let line = 4u;
    coopStoreT(sum, &scores[at], line);
}

alias Values = array<KeyTile, BATCH>;

// Values of a batch at one tile of the head. Beyond the batch, tile `last` is loaded again.
fn load_values(at: u32, stride: u32, last: u32) -> Values {
    return Values(
        value_tile(at),
        value_tile(at + min(1u, last) * stride),
        value_tile(at + min(2u, last) * stride),
        value_tile(at + min(3u, last) * stride),
        value_tile(at + min(4u, last) * stride),
        value_tile(at + min(5u, last) * stride),
        value_tile(at + min(6u, last) * stride),
        value_tile(at + min(7u, last) * stride),
    );
}

// Tiles beyond the batch have weight zero.
fn add_batch(values: Values, sums: SumTile) -> SumTile {
    var sum = coopMultiplyAdd(weight_tile(0u), values[0], sums);
    sum = coopMultiplyAdd(weight_tile(1u), values[1], sum);
    sum = coopMultiplyAdd(weight_tile(2u), values[2], sum);
    sum = coopMultiplyAdd(weight_tile(3u), values[3], sum);
    sum = coopMultiplyAdd(weight_tile(4u), values[4], sum);
    sum = coopMultiplyAdd(weight_tile(5u), values[5], sum);
    sum = coopMultiplyAdd(weight_tile(6u), values[6], sum);
    return coopMultiplyAdd(weight_tile(7u), values[7], sum);
}

// The softmax of a query so far, as one of its BATCH lanes has it. Each lane has one tile of a batch.
struct Weighing {
    kv_len: u32,
    reference: f32,
    largest: f32, // largest product of the lane's tiles
    even: f32,    // weights of even tiles, summed; `odd` likewise
    odd: f32,
}

// Turns scores of the batch that begins with position `begin` of the split into weights.
fn weigh_batch(weighing: Weighing, lane: u32, first_lane: u32, begin: u32, find_reference: bool) -> Weighing {
    let tile = lane % BATCH;
    let position = begin + tile * TILE;
    let line = tile * SCORE_TILE + lane / BATCH * 4u;
    let a = masked(scores[line], position, weighing.kv_len);
    let b = masked(scores[line + 1u], position + 4u, weighing.kv_len);
    let c = masked(scores[line + 2u], position + 8u, weighing.kv_len);
    let d = masked(scores[line + 3u], position + 12u, weighing.kv_len);
    let largest = max_of_four(max(max(a, b), max(c, d)));
    let first = first_reference(subgroupShuffle(largest, first_lane));
    let reference = select(weighing.reference, first, find_reference);
    let wa = weights_of(a, reference);
    let wb = weights_of(b, reference);
    let wc = weights_of(c, reference);
    let wd = weights_of(d, reference);
    let to = tile * WEIGHT_TILE + lane / BATCH * 4u;
    weights[to] = wa;
    weights[to + 1u] = wb;
    weights[to + 2u] = wc;
    weights[to + 3u] = wd;
    let tile_sum = sum_of_eight(wa, wc) + sum_of_eight(wb, wd);
    var even = weighing.even;
    var odd = weighing.odd;
    for (var t = 0u; t < BATCH; t += 2u) {
        even += subgroupShuffle(tile_sum, first_lane + t);
        odd += subgroupShuffle(tile_sum, first_lane + t + 1u);
    }
    return Weighing(weighing.kv_len, reference, max(weighing.largest, largest), even, odd);
}

fn max_of_query(value: f32) -> f32 {
    var largest = value;
    for (var step = 1u; step < BATCH; step *= 2u) {
        largest = max(largest, subgroupShuffleXor(largest, step));
    }
    return largest;
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(num_subgroups) subgroups: u32,
    @builtin(subgroup_invocation_id) lane_of_subgroup: u32,
) {
    let split = groups.z - 1u - group.z;
    let kv_head = group.x;
    let head_tiles = params.head_vecs / 4u;
    let width = params.head_vecs * 4u;
    let stride = head_tiles * TILE_VALUES;
    let split_at = (kv_head * (params.context / TILE) + split_begin(split) / TILE) * stride;
    let queries = queries_of_chunk();
    let first_lane = lane_of_subgroup - lane % BATCH;

    for (var first = group.y * TILE; first < queries; first += groups.y * TILE) {
        // Later rows see no fewer positions than earlier ones.
        let kv_len = kv_len_of(min(first + TILE, queries) - 1u, queries, split);
        let tiles = (kv_len + TILE - 1u) / TILE;
        if tiles == 0u {
            continue;
        }
        let q_at = queries_at(kv_head) + first * width;
        let query = first + lane / BATCH;
        var weighing = Weighing(kv_len_of(query, queries, split), 0.0, LOWEST, 0.0, 0.0);
        // A subgroup sums one tile of the head, or two.
        var sums = SumTile();
        var more_sums = SumTile();
        var attempts = 1u;
        for (var attempt = 0u; attempt < attempts; attempt++) {
            sums = SumTile();
            more_sums = SumTile();
            weighing.even = 0.0;
            weighing.odd = 0.0;
            for (var begin = 0u; begin < tiles; begin += BATCH) {
                let batch = min(tiles - begin, BATCH);
                let batch_at = split_at + begin * stride;
                for (var tile = subgroup; tile < batch; tile += subgroups) {
                    store_scores(products_with(batch_at + tile * stride, q_at, head_tiles), tile);
                }
                // Loaded before the weights are known: one wait for memory, not two.
                let values = load_values(batch_at + min(subgroup, head_tiles - 1u) * TILE_VALUES, stride, batch - 1u);
                workgroupBarrier();
                if lane < WEIGHING {
                    let find_reference = attempt == 0u && begin == 0u;
                    weighing = weigh_batch(weighing, lane, first_lane, begin * TILE, find_reference);
                }
                workgroupBarrier();
                sums = add_batch(values, sums);
                for (var d = subgroup + subgroups; d < head_tiles; d += head_tiles) {
                    more_sums = add_batch(load_values(batch_at + d * TILE_VALUES, stride, batch - 1u), more_sums);
                }
            }
            if attempt == 0u {
                // The first attempt has found the largest score.
                let largest = largest_reference(max_of_query(weighing.largest));
                let retry = lane < WEIGHING && weighing.even + weighing.odd > MAX_SUM;
                weighing.reference = select(weighing.reference, largest, retry);
                attempts += u32(workgroup_any(lane, retry));
            }
        }
        if lane < WEIGHING && lane % BATCH == 0u {
            let sum = weighing.even + weighing.odd;
            store_stat(kv_head, split, query, weighing.reference, sum, weighing.kv_len);
            inverses[lane / BATCH] = inverse_of(sum, weighing.kv_len);
        }
        // Means go through the memory of the scores, BATCH tiles of the head at a time.
        let row = lane % 32u / 2u;
        let to = partial(kv_head, split, first + row) * width / PACK_MEANS + lane % 2u;
        for (var begin = 0u; begin < head_tiles; begin += BATCH) {
            let end = min(begin + BATCH, head_tiles);
            // Loops, as in `finish_round` of matmul_coop.wgsl.
            for (var d = max(subgroup, begin); d < end && d == subgroup; d++) {
                store_scores(sums, d - begin);
            }
            let second = subgroup + subgroups;
            for (var d = max(second, begin); d < end && d == second; d++) {
                store_scores(more_sums, d - begin);
            }
            workgroupBarrier();
            let d = begin + lane / 32u;
            if d < end {
                let line = lane / 32u * SCORE_TILE + row * 4u + lane % 2u * 2u;
                store_mean_pack(scores[line], scores[line + 1u], inverses[row], to + d * TILE / PACK_MEANS);
            }
            workgroupBarrier();
        }
    }
}
