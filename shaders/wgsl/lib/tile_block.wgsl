// Choice `tile`: eight rows share each weight that is read, for blocks.

const TILE_ROWS: u32 = 8u;
const TILE_OUTPUTS: u32 = 4u;
