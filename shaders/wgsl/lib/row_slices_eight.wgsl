// Choice `row_slices`: a row is summed in eight slices. For `matmul_row` 256 lanes, core WebGPU's limit.

const SLICES: u32 = 8u;
