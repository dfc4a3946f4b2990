// Positions in a split of `attention`.

const SPLIT: u32 = 256u;
