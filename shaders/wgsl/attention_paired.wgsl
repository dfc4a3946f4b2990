// attention_paired: `attention_staged` for 128 queries, on adapters with 48 KiB of workgroup memory. The same bits.
//
//   formula, q, partials, stats: lib/attention/coop.wgsl;  cache_keys, cache_values: lib/attention/staged.wgsl
//
// A step takes two tiles of positions. Two subgroups, of 32 lanes, share a pair of tiles of queries: each multiplies
// both with one of the two tiles of positions, and then the weights of both with half of the head. So two tiles of
// queries share each load from workgroup memory, which bounds `attention_staged`.
//
//   a step:  products | barrier | scores; stage next keys and these values; weights | barrier | sums
//
// Calls: `split_begin` (choice splits), `partial`, `queries_of_chunk`, `masked`, `held_queries` (lib/attention).
// Grid: (queries of the chunk / 128, kv_heads, splits), the last split first (attention_staged.wgsl).

const QUERY_TILES: u32 = PAIRED_QUERIES / TILE;
const PAIRS: u32 = QUERY_TILES / 2u;
const LANES: u32 = QUERY_TILES * 32u;

// The pair's two tiles of queries share lines of scores and weights: both at the first tile of positions, then both
// at the second.
const VALUE_LINE: u32 = 5u;  // packs
const SCORE_LINE: u32 = 18u; // vec4
const SECOND_SCORES: u32 = 9u;
const WEIGHT_LINE: u32 = 9u; // packs
const SECOND_WEIGHTS: u32 = 4u;

var<workgroup> keys: array<Halves, 2u * TILE * KEY_LINE>;
var<workgroup> values: array<Halves, HEAD_TILES * TILE * VALUE_LINE>;
var<workgroup> scores: array<vec4<f32>, PAIRS * TILE * SCORE_LINE>;
var<workgroup> weights: array<Halves, PAIRS * TILE * WEIGHT_LINE>;
var<workgroup> inverses: array<f32, QUERY_TILES * TILE>;
var<workgroup> zero_later: vec4<u32>; // always zero, see `later`

fn key_tile(tile: u32, d: u32) -> KeyTile {
    let at = tile * TILE * KEY_LINE + 2u * d;
    return coopLoad<KeyTile>(&keys[at].lo, 2u * KEY_LINE);
}

fn value_tile(tile: u32, d: u32) -> KeyTile {
    let at = TILE * VALUE_LINE * d + 2u * tile;
    return coopLoad<KeyTile>(&values[at].lo, 2u * VALUE_LINE);
}

fn weight_tile(pair: u32, query_tile: u32, tile: u32) -> QueryTile {
    let at = pair * TILE * WEIGHT_LINE + tile * SECOND_WEIGHTS + query_tile * 2u;
    return coopLoadT<QueryTile>(&weights[at].lo, 2u * WEIGHT_LINE);
}

fn store_scores(sum: SumTile, pair: u32, query_tile: u32, tile: u32) {
    let at = pair * TILE * SCORE_LINE + tile * SECOND_SCORES + query_tile * 4u;
    let line = SCORE_LINE;
    coopStoreT(sum, &scores[at], line);
}

// Products of the pair's queries with tile `tile` of positions.
fn store_products(a: Queries, b: Queries, pair: u32, tile: u32) {
    var first = SumTile();
    var second = SumTile();
    let k0 = key_tile(tile, 0u);
    first = coopMultiplyAdd(a[0], k0, first);
    second = coopMultiplyAdd(b[0], k0, second);
    let k1 = key_tile(tile, 1u);
    first = coopMultiplyAdd(a[1], k1, first);
    second = coopMultiplyAdd(b[1], k1, second);
    let k2 = key_tile(tile, 2u);
    first = coopMultiplyAdd(a[2], k2, first);
    second = coopMultiplyAdd(b[2], k2, second);
    let k3 = key_tile(tile, 3u);
    first = coopMultiplyAdd(a[3], k3, first);
    second = coopMultiplyAdd(b[3], k3, second);
    let k4 = key_tile(tile, 4u);
    first = coopMultiplyAdd(a[4], k4, first);
    second = coopMultiplyAdd(b[4], k4, second);
    let k5 = key_tile(tile, 5u);
    first = coopMultiplyAdd(a[5], k5, first);
    second = coopMultiplyAdd(b[5], k5, second);
    let k6 = key_tile(tile, 6u);
    first = coopMultiplyAdd(a[6], k6, first);
    second = coopMultiplyAdd(b[6], k6, second);
    let k7 = key_tile(tile, 7u);
    store_scores(coopMultiplyAdd(a[7], k7, first), pair, 0u, tile);
    store_scores(coopMultiplyAdd(b[7], k7, second), pair, 1u, tile);
}

fn add_values(pair: u32, d: u32, sums: Sums, tile: u32) -> Sums {
    let a = weight_tile(pair, 0u, tile);
    let b = weight_tile(pair, 1u, tile);
    let v = value_tile(tile, d);
    let w = value_tile(tile, d + 1u);
    let x = value_tile(tile, d + 2u);
    let y = value_tile(tile, d + 3u);
    return add_products(a, b, v, w, x, y, sums);
}

// Stores means of two tiles of the head, through the memory of the pair's scores. Each subgroup brings one tile of
// queries, and a lane stores half of a query's means at `pack`. `query` counts within the workgroup.
fn store_means(a: SumTile, b: SumTile, subgroup: u32, lane: u32, query: u32, pack: u32) {
    store_scores(a, subgroup / 2u, 0u, subgroup % 2u);
    store_scores(b, subgroup / 2u, 1u, subgroup % 2u);
    workgroupBarrier();
    let pair_line = lane / 64u * TILE * SCORE_LINE + lane / 32u % 2u * SECOND_SCORES;
    let line = pair_line + lane % 32u / 2u * SCORE_LINE + lane % 2u * 2u;
    store_mean_pack(scores[line], scores[line + 1u], inverses[query], pack);
    store_mean_pack(scores[line + 4u], scores[line + 5u], inverses[query], pack + TILE / PACK_MEANS);
    workgroupBarrier();
}

// Loads tiles `tile` and `tile + 1`. Beyond the last, tile `last` is loaded again, and its weights are zero.
fn load_keys(at: u32, tile: u32, last: u32) -> Loaded {
    return Loaded(
        cache_keys[at + min(tile, last) * TILE_PACKS],
        cache_keys[at + min(tile + 1u, last) * TILE_PACKS],
    );
}

fn load_values(at: u32, tile: u32, last: u32) -> Loaded {
    return Loaded(
        cache_values[at + min(tile, last) * TILE_PACKS],
        cache_values[at + min(tile + 1u, last) * TILE_PACKS],
    );
}

fn stage_keys(loaded: Loaded, lane: u32) {
    let place = key_place(lane);
    keys[place] = halves_of(loaded[0]);
    keys[TILE * KEY_LINE + place] = halves_of(loaded[1]);
}

fn stage_values(loaded: Loaded, lane: u32) {
    let place = value_place(lane);
    values[place] = halves_of(loaded[0]);
    values[place + 2u] = halves_of(loaded[1]);
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
    // Later rows see no fewer positions than earlier ones.
    let max_kv_len = kv_len_of(min(first + QUERY_TILES * TILE, queries) - 1u, queries, split);
    if first >= queries || max_kv_len == 0u {
        return;
    }
    let unmasked_len = select(0u, kv_len_of(first, queries, split), first + QUERY_TILES * TILE <= queries);
    let last = (max_kv_len - 1u) / TILE;
    let cache_at = (kv_head * (params.context / TILE) + split_begin(split) / TILE) * TILE_PACKS + lane;

    // For weights, a lane has one tile of positions of one query.
    let tile = lane % 2u;
    let row = lane / 2u % 16u;
    let query_tile = lane / 32u;
    let query = first + query_tile * TILE + row;
    let kv_len = kv_len_of(query, queries, split);
    let pair_line = query_tile / 2u * TILE + row;
    let line = pair_line * SCORE_LINE + tile * SECOND_SCORES + query_tile % 2u * 4u;
    let weight_line = pair_line * WEIGHT_LINE + tile * SECOND_WEIGHTS + query_tile % 2u * 2u;
    // For products and sums, a subgroup has a pair of tiles of queries, and one tile of positions or half of the head.
    let pair = subgroup / 2u;
    let side = subgroup % 2u;
    let head_tile = head_tile_of(subgroup);

    let width = HEAD_TILES * TILE;
    let own = first + 2u * pair * TILE;
    let a_held = held_queries(kv_head, own);
    let b_held = held_queries(kv_head, own + TILE);
    if lane == 0u {
        zero_later = vec4(0u);
    }
    var reference = 0.0;
    var largest = LOWEST;
    var sum = 0.0;
    var sums = no_sums();
    var retry = false;
    var attempts = 1u;
    for (var attempt = 0u; attempt < attempts; attempt++) {
        sum = 0.0;
        sums = no_sums();
        var loaded_values = load_values(cache_at, 0u, last);
        stage_keys(load_keys(cache_at, 0u, last), lane);
        var loaded_keys = load_keys(cache_at, 2u, last);
        workgroupBarrier();
        for (var step = 0u; step <= last; step += 2u) {
            store_products(a_held, b_held, pair, side);
            workgroupBarrier();
            var a = scores[line];
            var b = scores[line + 1u];
            var c = scores[line + 2u];
            var d = scores[line + 3u];
            if (step + 2u) * TILE > unmasked_len {
                let position = (step + tile) * TILE;
                a = masked(a, position, kv_len);
                b = masked(b, position + 4u, kv_len);
                c = masked(c, position + 8u, kv_len);
                d = masked(d, position + 12u, kv_len);
            }
            if step == 0u || attempt == 1u {
                let lane_max = max_of_four(max(max(a, b), max(c, d)));
                largest = max(largest, lane_max);
                if attempt == 0u {
                    let other = subgroupShuffleXor(lane_max, 1u);
                    reference = first_reference(select(lane_max, other, tile == 1u));
                }
            }
            stage_keys(loaded_keys, lane);
            stage_values(loaded_values, lane);
            let wa = weights_of(a, reference);
            let wb = weights_of(b, reference);
            let wc = weights_of(c, reference);
            let wd = weights_of(d, reference);
            weights[weight_line] = Halves(wa, wb);
            weights[weight_line + 1u] = Halves(wc, wd);
            sum += sum_of_eight(wa, wc) + sum_of_eight(wb, wd);
            workgroupBarrier();
            // The zero makes the address unknown until here. Otherwise a driver hoists these loads to where the
            // registers are in use, and waits for them in order to copy them.
            let later = cache_at + zero_later.x;
            loaded_keys = load_keys(later, step + 4u, last);
            loaded_values = load_values(later, step + 2u, last);
            sums = add_values(pair, head_tile, sums, 0u);
            sums = add_values(pair, head_tile, sums, 1u);
        }
        sum += subgroupShuffleXor(sum, 1u);
        if attempt == 0u {
            retry = sum > MAX_SUM;
            attempts += 2u * u32(workgroup_any(lane, retry));
        } else if attempt == 1u {
            let all = max(largest, subgroupShuffleXor(largest, 1u));
            reference = select(reference, largest_reference(all), retry);
        }
    }
    if tile == 0u {
        store_stat(kv_head, split, query, reference, sum, kv_len);
        inverses[query_tile * TILE + row] = inverse_of(sum, kv_len);
    }
    // A subgroup has sums of two tiles of queries by four tiles of the head.
    let of_pair = lane / 64u * 2u * TILE + lane % 32u / 2u;
    let other = of_pair + TILE;
    let place = head_tile_of(lane / 32u) * TILE + lane % 2u * PACK_MEANS;
    let to = (partial(kv_head, split, first + of_pair) * width + place) / PACK_MEANS;
    let to_other = to + TILE * width / PACK_MEANS;
    let next = 2u * TILE / PACK_MEANS;
    store_means(sums[0], sums[1], subgroup, lane, of_pair, to);
    store_means(sums[2], sums[3], subgroup, lane, of_pair, to + next);
    store_means(sums[4], sums[5], subgroup, lane, other, to_other);
    store_means(sums[6], sums[7], subgroup, lane, other, to_other + next);
}
