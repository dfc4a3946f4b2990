// Choice `product`: written, f32, row after row.

@group(0) @binding(4) var<storage, read_write> out: array<f32>;

fn finish_products(lane: u32, row_of_round: u32) {
    for (var i = lane; i < LINE; i += LANES) {
        let row = row_of_round + i / ROW_LINE * TILE + i % TILE_VALUES / TILE;
        let output = (first_column + i % ROW_LINE / TILE_VALUES) * TILE + i % TILE;
        if row < row_count() && output < params.outputs {
            out[row * params.out_stride + params.out_first + output] = total(i);
        }
    }
}
