// Choice `splits`: for one row by the fast kernels, which need not be bit-equal to a row of a block. Positions are dealt out to
// the splits, eight tiles at a time: as many splits as a large GPU works at together, and none longer than another by more.

// Splits of the first `positions`.
fn splits_of(positions: u32) -> u32 {
    let at_once = ROUND_ROBIN_TILES * 16u;
    return min((positions + at_once - 1u) / at_once, ROUND_ROBIN_SPLITS);
}

const MAX_SPLITS: u32 = ROUND_ROBIN_SPLITS;
