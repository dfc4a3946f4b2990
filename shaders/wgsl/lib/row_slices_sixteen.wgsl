// Choice `row_slices`: 512 lanes. Tier `coop`.

const SLICES: u32 = 16u;
