// Choice `row_slices`: a row is summed in four slices.

const SLICES: u32 = 4u;
