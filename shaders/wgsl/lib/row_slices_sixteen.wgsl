// Choice `row_slices`: a row is summed in sixteen slices. For `matmul_row` 512 lanes: tier `coop`.

const SLICES: u32 = 16u;
