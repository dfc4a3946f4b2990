// Choice `slices`: a lane has whole rows, of eight outputs. For software adapters, where loads are most of a
// kernel's time (Mesa makes one for each lane, even of the same address), and lanes are few.

const OUTPUT_LANES: u32 = 8u;
const TILE_OUTPUTS: u32 = 8u;
const SLICES: u32 = 1u;
