// Choice `query_tiles`: 128 queries a workgroup, which halves the traffic of keys and values.

const QUERY_TILES: u32 = 8u;

// A lane's share of a tile of positions.
alias Brought = vec4<u32>;

fn bring_keys(at: u32, lane: u32) -> Brought {
    return cache_keys[at + lane];
}

fn bring_values(at: u32, lane: u32) -> Brought {
    return cache_values[at + lane];
}

fn put_keys(brought: Brought, lane: u32) {
    keys[key_place(lane)] = halves_of(brought);
}

fn put_values(brought: Brought, lane: u32) {
    values[value_place(lane)] = halves_of(brought);
}
