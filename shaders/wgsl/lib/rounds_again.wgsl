// Choice `rounds`: keys and values are read again for each round of queries. For few rounds: what `rounds_held` holds
// leaves room for fewer workgroups at a time.

fn can_hold(head_tiles: u32, subgroups: u32) -> bool {
    return false;
}

fn rounds_of_held(at: Place, begin: u32, queries: u32, step: u32) {}
