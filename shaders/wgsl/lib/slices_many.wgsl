// Choice `slices`: 32 lanes share an output, each with a slice of its row. For GPUs, which need many lanes.

const OUTPUT_LANES: u32 = 8u;
const TILE_OUTPUTS: u32 = 2u;
const SLICES: u32 = 32u;
