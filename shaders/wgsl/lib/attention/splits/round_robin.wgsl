// Choice splits = round_robin: splits take turns at the positions, ROUND_ROBIN_TILES tiles a turn.
//
// For a single row, whose result need not have the bits of a row of a block. There are as many splits as a large
// GPU runs at once, and their lengths differ by one turn at most.
//
// Supplies: `splits_of`, `MAX_SPLITS`.

// The number of splits of the first `positions` positions.
fn splits_of(positions: u32) -> u32 {
    let at_once = ROUND_ROBIN_TILES * 16u;
    return min((positions + at_once - 1u) / at_once, ROUND_ROBIN_SPLITS);
}

const MAX_SPLITS: u32 = ROUND_ROBIN_SPLITS;
