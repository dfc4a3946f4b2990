// Choice splits = growing: short splits first, then middle ones, then long ones.
//
// Short splits give a short text enough workgroups for a whole GPU. Long splits leave less to merge.
// A split's first position depends on its number alone.
//
// Supplies: `split_begin`, `splits_of`, `MAX_SPLITS`.

fn split_begin(split: u32) -> u32 {
    let short = min(split, SHORT_SPLITS);
    let middle = min(split - short, MIDDLE_SPLITS);
    return short * SHORT_SPLIT + middle * MIDDLE_SPLIT + (split - short - middle) * LONG_SPLIT;
}

// The number of splits of the first `positions` positions.
fn splits_of(positions: u32) -> u32 {
    let short = min(positions, SHORT_SPLITS * SHORT_SPLIT);
    let middle = min(positions - short, MIDDLE_SPLITS * MIDDLE_SPLIT);
    let long = positions - short - middle;
    return (short + SHORT_SPLIT - 1u) / SHORT_SPLIT
        + (middle + MIDDLE_SPLIT - 1u) / MIDDLE_SPLIT
        + (long + LONG_SPLIT - 1u) / LONG_SPLIT;
}

// No limit but the KV cache.
const MAX_SPLITS: u32 = 0xffffffffu;
