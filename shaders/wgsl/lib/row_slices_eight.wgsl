// Choice `row_slices`: 256 lanes, core WebGPU's limit.

const SLICES: u32 = 8u;
