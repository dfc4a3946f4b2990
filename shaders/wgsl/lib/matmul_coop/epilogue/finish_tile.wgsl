// What becomes of a tile of sums, value by value: lanes take them in their order, two at most. What `product` does with
// one is `finish_value`, and what it adds to it `addend`, which is asked for long before: memory takes its time.

fn addends_of(lane: u32, row: u32, column: u32) -> vec2<f32> {
    var addends = vec2<f32>();
    if lane < TILE_VALUES {
        addends.x = addend(lane, row, column);
    }
    if LANES < TILE_VALUES {
        addends.y = addend(lane + LANES, row, column);
    }
    return addends;
}

fn finish_tile(lane: u32, row: u32, column: u32, addends: vec2<f32>) {
    if lane < TILE_VALUES {
        finish_value(lane, row, column, addends.x);
    }
    if LANES < TILE_VALUES {
        finish_value(lane + LANES, row, column, addends.y);
    }
}
