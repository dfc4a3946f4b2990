// Choice `splits`: short ones first, since a short text is to have work for a whole GPU, then long ones, of which there are
// fewer to merge. Where a split begins depends on nothing but its number.

const SHORT_SPLIT: u32 = 128u;
const SHORT_SPLITS: u32 = 16u;
const LONG_SPLIT: u32 = 512u;

fn split_begin(split: u32) -> u32 {
    let short = min(split, SHORT_SPLITS);
    return short * SHORT_SPLIT + (split - short) * LONG_SPLIT;
}

// Splits of the first `positions`.
fn splits_of(positions: u32) -> u32 {
    let short = min(positions, SHORT_SPLITS * SHORT_SPLIT);
    return (short + SHORT_SPLIT - 1u) / SHORT_SPLIT + (positions - short + LONG_SPLIT - 1u) / LONG_SPLIT;
}
