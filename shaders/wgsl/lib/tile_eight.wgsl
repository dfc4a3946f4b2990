// Choice `tile`: eight rows share each weight that a lane reads, for passes of more than one.

const TILE_ROWS: u32 = 8u;
