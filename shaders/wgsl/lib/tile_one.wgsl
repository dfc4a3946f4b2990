// Choice `tile`: one row, for passes of one row.

const TILE_ROWS: u32 = 1u;
