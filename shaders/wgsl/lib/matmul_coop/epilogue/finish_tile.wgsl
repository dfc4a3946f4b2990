// Part of choice epilogue: finishes a tile of sums value by value, one or two values a lane.
//
// `addend` is called long before `finish_value`, so that its load from memory is done by then.
//
// Calls: `addend`, `finish_value` (choice epilogue).

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
