// Choice `rounds`: rounds of queries that see the whole split come after one another while each subgroup holds the keys
// and values that it multiplies with: one tile of positions for scores, one of the head for values. Products and sums
// are in the same order as where they are read again for each round, so bits are the same.

const HELD: u32 = 8u; // tiles of a split, of a head of 128 values, and subgroups of 32 lanes

alias Held = array<KeyTile, HELD>;

fn held_keys(at: u32) -> Held {
    return Held(
        key_tile(at),
        key_tile(at + TILE_VALUES),
        key_tile(at + 2u * TILE_VALUES),
        key_tile(at + 3u * TILE_VALUES),
        key_tile(at + 4u * TILE_VALUES),
        key_tile(at + 5u * TILE_VALUES),
        key_tile(at + 6u * TILE_VALUES),
        key_tile(at + 7u * TILE_VALUES),
    );
}

fn held_values(at: u32, stride: u32) -> Held {
    return Held(
        value_tile(at),
        value_tile(at + stride),
        value_tile(at + 2u * stride),
        value_tile(at + 3u * stride),
        value_tile(at + 4u * stride),
        value_tile(at + 5u * stride),
        value_tile(at + 6u * stride),
        value_tile(at + 7u * stride),
    );
}

fn scores_of_held(q_at: u32, q_stride: u32, keys: Held) -> Sums {
    var sums = zero();
    sums = add_scores(q_at, q_stride, keys[0], sums);
    sums = add_scores(q_at + TILE_VALUES, q_stride, keys[1], sums);
    sums = add_scores(q_at + 2u * TILE_VALUES, q_stride, keys[2], sums);
    sums = add_scores(q_at + 3u * TILE_VALUES, q_stride, keys[3], sums);
    sums = add_scores(q_at + 4u * TILE_VALUES, q_stride, keys[4], sums);
    sums = add_scores(q_at + 5u * TILE_VALUES, q_stride, keys[5], sums);
    sums = add_scores(q_at + 6u * TILE_VALUES, q_stride, keys[6], sums);
    return add_scores(q_at + 7u * TILE_VALUES, q_stride, keys[7], sums);
}

fn sums_of_held(values: Held) -> Sums {
    var sums = zero();
    sums = add_values(0u, values[0], sums);
    sums = add_values(1u, values[1], sums);
    sums = add_values(2u, values[2], sums);
    sums = add_values(3u, values[3], sums);
    sums = add_values(4u, values[4], sums);
    sums = add_values(5u, values[5], sums);
    sums = add_values(6u, values[6], sums);
    return add_values(7u, values[7], sums);
}

// `softmax` for a query that sees the whole split: its scores are read once. Bits are the same.
fn softmax_of_all(lane: u32) -> vec2<f32> {
    let query = lane / PARTS;
    let line = query / TILE * SPLIT_TILES * TILE_VALUES + query % TILE * TILE + lane % PARTS;
    let a = scores_of_two_tiles(line);
    let b = scores_of_two_tiles(line + 2u * TILE_VALUES);
    let c = scores_of_two_tiles(line + 4u * TILE_VALUES);
    let d = scores_of_two_tiles(line + 6u * TILE_VALUES);
    let four = max(max(a, b), max(c, d));
    let highest = largest_of_parts(max(max(four.x, four.y), max(four.z, four.w)));
    var sum = put_weights(line, weights_of(a, highest), 0.0);
    sum = put_weights(line + 2u * TILE_VALUES, weights_of(b, highest), sum);
    sum = put_weights(line + 4u * TILE_VALUES, weights_of(c, highest), sum);
    sum = put_weights(line + 6u * TILE_VALUES, weights_of(d, highest), sum);
    return vec2(highest * params.scale, sum_of_parts(sum));
}

// Of the lane: PARTS is half a tile.
fn scores_of_two_tiles(at: u32) -> vec4<f32> {
    return vec4(scores[at], scores[at + PARTS], scores[at + TILE_VALUES], scores[at + TILE_VALUES + PARTS]);
}

// `weigh` where all queries see the whole split.
fn weigh_all(lane: u32, split: u32, kv_head: u32, first: u32, queries: u32) {
    let query = first + lane / PARTS;
    let stat = softmax_of_all(lane % (QUERIES * PARTS));
    if lane / PARTS < QUERIES && query < queries && lane % PARTS == 0u {
        stats[partial(kv_head, split, query)] = stat;
    }
}

fn can_hold(head_tiles: u32, subgroups: u32) -> bool {
    return head_tiles == HELD && subgroups == HELD;
}

// The rounds from `begin` on.
fn rounds_of_held(at: Place, begin: u32, queries: u32, step: u32) {
    let stride = HELD * TILE_VALUES;
    let width = HELD * TILE;
    let keys = held_keys(at.keys + at.subgroup * stride);
    let values = held_values(at.keys + at.subgroup * TILE_VALUES, stride);
    for (var first = begin; first < queries; first += step) {
        store_scores(scores_of_held(at.q + first * width, width * TILE, keys), at.subgroup);
        workgroupBarrier();
        weigh_all(at.lane, at.split, at.kv_head, first, queries);
        workgroupBarrier();
        store_sums(sums_of_held(values), partial(at.kv_head, at.split, first) * width + at.subgroup * TILE, width);
    }
}
