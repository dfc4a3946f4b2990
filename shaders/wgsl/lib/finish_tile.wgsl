// What becomes of a tile of sums, value by value: lanes take them in their order, and what `product` does with one is
// `finish_value`.

fn finish_tile(lane: u32, row: u32, column: u32) {
    if lane < TILE_VALUES {
        finish_value(lane, row, column);
    }
    if LANES < TILE_VALUES {
        finish_value(lane + LANES, row, column);
    }
}
