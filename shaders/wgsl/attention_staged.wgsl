// attention_staged: `attention_coop` for many queries, of heads of 128 values. The same bits.
//
//   formula, q, partials, stats: lib/attention/coop.wgsl;  cache_keys, cache_values: lib/attention/staged.wgsl
//
// Keys and values pass through workgroup memory, where 64 queries share them. A step takes one tile of positions.
// Each of four subgroups, of 32 lanes, multiplies one tile of queries with it. Then it multiplies the weights of two
// tiles of queries with half of the head. A subgroup holds its queries and sums in registers. Keys and values of the
// next step are loaded meanwhile.
//
//   a step:  products | barrier | weights; stage next keys and these values | barrier | sums
//
// Calls: `split_begin` (choice splits), `partial`, `queries_of_chunk`, `masked`, `held_queries` (lib/attention).
// Grid: (queries of the chunk / 64, kv_heads, splits), the last split first: long splits start while short ones are
// left to fill the GPU.

const QUERY_TILES: u32 = STAGED_QUERIES / TILE;
const LANES: u32 = QUERY_TILES * 32u;

const VALUE_LINE: u32 = 3u;  // packs
const SCORE_LINE: u32 = 6u;  // vec4
const WEIGHT_LINE: u32 = 6u; // vec4

var<workgroup> keys: array<Halves, TILE * KEY_LINE>;
var<workgroup> values: array<Halves, HEAD_TILES * TILE * VALUE_LINE>;
var<workgroup> scores: array<vec4<f32>, QUERY_TILES * TILE * SCORE_LINE>;
var<workgroup> weights: array<vec4<f16>, QUERY_TILES * TILE * WEIGHT_LINE>;
var<workgroup> inverses: array<f32, QUERY_TILES * TILE>;

fn key_tile(d: u32) -> KeyTile {
    let at = 2u * d;
    return coopLoad<KeyTile>(&keys[at].lo, 2u * KEY_LINE);
}

fn value_tile(d: u32) -> KeyTile {
    let at = TILE * VALUE_LINE * d;
    return coopLoad<KeyTile>(&values[at].lo, 2u * VALUE_LINE);
}

fn weight_tile(query_tile: u32) -> QueryTile {
    let at = TILE * WEIGHT_LINE * query_tile;
    return coopLoadT<QueryTile>(&weights[at], WEIGHT_LINE);
}

fn products_of(queries: Queries) -> SumTile {
    var sum = coopMultiplyAdd(queries[0], key_tile(0u), SumTile());
    sum = coopMultiplyAdd(queries[1], key_tile(1u), sum);
    sum = coopMultiplyAdd(queries[2], key_tile(2u), sum);
    sum = coopMultiplyAdd(queries[3], key_tile(3u), sum);
    sum = coopMultiplyAdd(queries[4], key_tile(4u), sum);
    sum = coopMultiplyAdd(queries[5], key_tile(5u), sum);
    sum = coopMultiplyAdd(queries[6], key_tile(6u), sum);
    return coopMultiplyAdd(queries[7], key_tile(7u), sum);
}

fn add_values(query_tile: u32, d: u32, sums: Sums) -> Sums {
    let a = weight_tile(query_tile);
    let b = weight_tile(query_tile + 1u);
    let v = value_tile(d);
    let w = value_tile(d + 1u);
    let x = value_tile(d + 2u);
    let y = value_tile(d + 3u);
    return add_products(a, b, v, w, x, y, sums);
}

fn store_scores(sum: SumTile, query_tile: u32) {
    let at = query_tile * TILE * SCORE_LINE;
    let line = SCORE_LINE;
    coopStoreT(sum, &scores[at], line);
}

// Stores means of one tile of sums, through the memory of the subgroup's scores. A lane stores half of a query's means
// at `pack`. `query` counts within the workgroup.
fn store_means(sum: SumTile, subgroup: u32, lane: u32, query: u32, pack: u32) {
    store_scores(sum, subgroup);
    workgroupBarrier();
    let line = lane / 2u * SCORE_LINE + lane % 2u * 2u;
    store_mean_pack(scores[line], scores[line + 1u], inverses[query], pack);
    workgroupBarrier();
}

fn load_keys(at: u32, lane: u32) -> Loaded {
    return Loaded(cache_keys[at + lane], cache_keys[at + LANES + lane]);
}

fn load_values(at: u32, lane: u32) -> Loaded {
    return Loaded(cache_values[at + lane], cache_values[at + LANES + lane]);
}

fn stage_keys(loaded: Loaded, lane: u32) {
    keys[key_place(lane)] = halves_of(loaded[0]);
    keys[key_place(LANES + lane)] = halves_of(loaded[1]);
}

fn stage_values(loaded: Loaded, lane: u32) {
    values[value_place(lane)] = halves_of(loaded[0]);
    values[value_place(LANES + lane)] = halves_of(loaded[1]);
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
    @builtin(subgroup_id) subgroup: u32,
) {
    let split = groups.z - 1u - group.z;
    let kv_head = group.y;
    let first = group.x * QUERY_TILES * TILE;
    let queries = queries_of_chunk();
    if first >= queries {
        return;
    }
    // Later rows see no fewer positions than earlier ones.
    let max_kv_len = kv_len_of(min(first + QUERY_TILES * TILE, queries) - 1u, queries, split);
    if max_kv_len == 0u {
        return;
    }
    let last = (max_kv_len - 1u) / TILE;
    let cache_at = (kv_head * (params.context / TILE) + split_begin(split) / TILE) * TILE_PACKS;

    // For weights, a lane has half a tile of positions of one query: every other four.
    let half = lane % 2u;
    let query = first + lane / 2u;
    let kv_len = kv_len_of(query, queries, split);
    let line = lane / 2u * SCORE_LINE + half;
    let weight_line = lane / 2u * WEIGHT_LINE + half;
    // For sums, a subgroup has two tiles of queries and four tiles of the head.
    let pair = subgroup / 2u * 2u;
    let head_tile = head_tile_of(subgroup);

    let width = HEAD_TILES * TILE;
    let held = held_queries(kv_head, first + subgroup * TILE);
    var reference = 0.0;
    var even = 0.0; // weights of even tiles, summed; `odd` likewise
    var odd = 0.0;
    var sums = no_sums();
    var attempts = 1u;
    for (var attempt = 0u; attempt < attempts; attempt++) {
        var largest = LOWEST;
        even = 0.0;
        odd = 0.0;
        sums = no_sums();
        var loaded_values = load_values(cache_at, lane);
        stage_keys(load_keys(cache_at, lane), lane);
        var loaded_keys = load_keys(cache_at + min(1u, last) * TILE_PACKS, lane);
        workgroupBarrier();
        for (var step = 0u; step <= last; step++) {
            store_scores(products_of(held), subgroup);
            workgroupBarrier();
            let position = step * TILE + half * 4u;
            let a = masked(scores[line], position, kv_len);
            let b = masked(scores[line + 2u], position + 8u, kv_len);
            let lane_max = max_of_four(max(a, b));
            largest = max(largest, lane_max);
            if step == 0u && attempt == 0u {
                reference = first_reference(max(lane_max, subgroupShuffleXor(lane_max, 1u)));
            }
            let lo = weights_of(a, reference);
            let hi = weights_of(b, reference);
            weights[weight_line] = lo;
            weights[weight_line + 2u] = hi;
            let sum_of_lane = sum_of_eight(lo, hi);
            let tile_sum = sum_of_lane + subgroupShuffleXor(sum_of_lane, 1u);
            even += select(tile_sum, 0.0, step % 2u == 1u);
            odd += select(0.0, tile_sum, step % 2u == 1u);
            // Staged last: by now these loads are done, and few registers are in use.
            stage_keys(loaded_keys, lane);
            stage_values(loaded_values, lane);
            loaded_keys = load_keys(cache_at + min(step + 2u, last) * TILE_PACKS, lane);
            loaded_values = load_values(cache_at + min(step + 1u, last) * TILE_PACKS, lane);
            workgroupBarrier();
            sums = add_values(pair, head_tile, sums);
        }
        if attempt == 0u {
            // The first attempt has found the largest score.
            let all = max(largest, subgroupShuffleXor(largest, 1u));
            let retry = even + odd > MAX_SUM;
            reference = select(reference, largest_reference(all), retry);
            attempts += u32(workgroup_any(lane, retry));
        }
    }
    if half == 0u {
        store_stat(kv_head, split, query, reference, even + odd, kv_len);
        inverses[lane / 2u] = inverse_of(even + odd, kv_len);
    }
    // A subgroup has sums of two tiles of queries by four tiles of the head.
    let of_pair = lane / 64u * 2u * TILE + lane % 32u / 2u;
    let other = of_pair + TILE;
    let place = head_tile_of(lane / 32u) * TILE + lane % 2u * PACK_MEANS;
    let to = (partial(kv_head, split, first + of_pair) * width + place) / PACK_MEANS;
    let to_other = to + TILE * width / PACK_MEANS;
    let next = TILE / PACK_MEANS;
    store_means(sums[0], subgroup, lane, of_pair, to);
    store_means(sums[1], subgroup, lane, of_pair, to + next);
    store_means(sums[2], subgroup, lane, of_pair, to + 2u * next);
    store_means(sums[3], subgroup, lane, of_pair, to + 3u * next);
    store_means(sums[4], subgroup, lane, other, to_other);
    store_means(sums[5], subgroup, lane, other, to_other + next);
    store_means(sums[6], subgroup, lane, other, to_other + 2u * next);
    store_means(sums[7], subgroup, lane, other, to_other + 3u * next);
}
