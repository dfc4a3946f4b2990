// Choice splits = fixed: SPLIT positions each.
//
// Supplies: `split_begin`, `splits_of`, `MAX_SPLITS`.

fn split_begin(split: u32) -> u32 {
    return split * SPLIT;
}

// The number of splits of the first `positions` positions.
fn splits_of(positions: u32) -> u32 {
    return (positions + SPLIT - 1u) / SPLIT;
}

// No limit but the KV cache.
const MAX_SPLITS: u32 = 0xffffffffu;
