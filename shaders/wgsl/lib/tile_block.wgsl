// Choice `tile`: eight rows share each weight that a lane reads, for blocks.

const TILE_ROWS: u32 = 8u;
