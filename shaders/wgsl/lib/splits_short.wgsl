// Choice `splits`: short ones only, for one row by the fast kernels, which need not be bit-equal to a row of a block: as
// many workgroups as there can be.

const SHORT_SPLIT: u32 = 128u;

fn split_begin(split: u32) -> u32 {
    return split * SHORT_SPLIT;
}

// Splits of the first `positions`.
fn splits_of(positions: u32) -> u32 {
    return (positions + SHORT_SPLIT - 1u) / SHORT_SPLIT;
}
