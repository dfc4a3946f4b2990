// Attention through workgroup memory, heads of 128 values: the layout there, and what a subgroup holds in registers.
//
//   cache_keys     [kv_heads][context / 16][head / 16][16 positions][16 values]   f16, eight a vec4
//   cache_values   [kv_heads][context / 16][head / 16][16 values][16 positions]   f16, eight a vec4
//
// The kernel declares VALUE_LINE, the packs from a value to the next.

@group(0) @binding(3) var<storage, read> cache_keys: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> cache_values: array<vec4<u32>>;

const HEAD_TILES: u32 = STAGED_HEAD / TILE;
const TILE_PACKS: u32 = HEAD_TILES * 32u; // packs of a tile of positions

// Lines in workgroup memory are a little longer than their contents, so that lanes which read together read different
// banks. The kernel declares the lines of values, scores and weights.
const KEY_LINE: u32 = 2u * HEAD_TILES + 1u; // packs

alias Queries = array<QueryTile, HEAD_TILES>;
alias Sums = array<SumTile, HEAD_TILES>; // two tiles of queries by four tiles of the head
alias Loaded = array<vec4<u32>, 2>;      // a lane's packs of a step

fn queries_from(at: u32) -> Queries {
    return Queries(
        query_tile(at),
        query_tile(at + TILE_VALUES),
        query_tile(at + 2u * TILE_VALUES),
        query_tile(at + 3u * TILE_VALUES),
        query_tile(at + 4u * TILE_VALUES),
        query_tile(at + 5u * TILE_VALUES),
        query_tile(at + 6u * TILE_VALUES),
        query_tile(at + 7u * TILE_VALUES),
    );
}

// The tile of queries that begins with query `first` of the chunk. Beyond the end of `q`, its last tile.
fn held_queries(kv_head: u32, first: u32) -> Queries {
    let last = params.queries - params.first_row * (params.heads / params.kv_heads) - TILE;
    return queries_from(queries_at(kv_head) + min(first, last) * (HEAD_TILES * TILE));
}

fn no_sums() -> Sums {
    return Sums(SumTile(), SumTile(), SumTile(), SumTile(), SumTile(), SumTile(), SumTile(), SumTile());
}

// Adds weights of two tiles of queries times values of four tiles of the head.
fn add_products(
    a: QueryTile,
    b: QueryTile,
    v: KeyTile,
    w: KeyTile,
    x: KeyTile,
    y: KeyTile,
    sums: Sums,
) -> Sums {
    return Sums(
        coopMultiplyAdd(a, v, sums[0]),
        coopMultiplyAdd(a, w, sums[1]),
        coopMultiplyAdd(a, x, sums[2]),
        coopMultiplyAdd(a, y, sums[3]),
        coopMultiplyAdd(b, v, sums[4]),
        coopMultiplyAdd(b, w, sums[5]),
        coopMultiplyAdd(b, x, sums[6]),
        coopMultiplyAdd(b, y, sums[7]),
    );
}

// The first of the four tiles of the head that a subgroup sums. Two subgroups share two tiles of queries.
fn head_tile_of(subgroup: u32) -> u32 {
    return subgroup % 2u * 4u;
}

// The place of pack `pack` of a tile of positions among the keys: a position's packs follow each other.
fn key_place(pack: u32) -> u32 {
    return pack % 32u / 2u * KEY_LINE + pack / 32u * 2u + pack % 2u;
}

// The place of a pack among the values: each value of the head has two packs for a tile of positions.
fn value_place(pack: u32) -> u32 {
    return pack / 2u * VALUE_LINE + pack % 2u;
}
