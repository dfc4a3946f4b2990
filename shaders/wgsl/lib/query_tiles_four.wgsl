// Choice `query_tiles`: 64 queries a workgroup, of which a multiprocessor has room for two.

const QUERY_TILES: u32 = 4u;

// A lane's share of a tile of positions.
alias Brought = array<vec4<u32>, 2>;

fn bring_keys(at: u32, lane: u32) -> Brought {
    return Brought(cache_keys[at + lane], cache_keys[at + LANES + lane]);
}

fn bring_values(at: u32, lane: u32) -> Brought {
    return Brought(cache_values[at + lane], cache_values[at + LANES + lane]);
}

fn put_keys(brought: Brought, lane: u32) {
    keys[key_place(lane)] = halves_of(brought[0]);
    keys[key_place(LANES + lane)] = halves_of(brought[1]);
}

fn put_values(brought: Brought, lane: u32) {
    values[value_place(lane)] = halves_of(brought[0]);
    values[value_place(LANES + lane)] = halves_of(brought[1]);
}
