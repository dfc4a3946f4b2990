// Choice `product`: the gate of the MLP, silu(gate) up, written.
//
// The matrix has the gate's and the up projection's rows by turns, sixteen of each; out_first is in outputs of the
// pair. Choice `output`.

fn finish_products(lane: u32, row_of_round: u32) {
    for (var i = lane; i < ROUND_TILES * TILE_VALUES; i += LANES) {
        let at = i / TILE_VALUES * ROW_LINE + i % TILE_VALUES;
        let row = row_of_round + i / TILE;
        let output = first_column / 2u * TILE + i % TILE;
        if row < row_count() && first_column * TILE < params.outputs {
            let gate = total(at);
            let gated = gate / (1.0 + exp(-gate)) * total(at + TILE_VALUES);
            put(row, params.out_first + output, gated * GATED_SCALE);
        }
    }
}
