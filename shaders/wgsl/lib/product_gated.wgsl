// Choice `product`: the gate of the MLP, silu(gate) up, written.
//
// The matrix has the gate's and the up projection's rows by turns, sixteen of each; out_first is in outputs of the
// pair. Choice `output`.

const PAIRS: u32 = COLUMN_TILES / 2u; // of gate and up projection, in a tile of rows

fn finish_products(lane: u32, row_of_round: u32) {
    for (var i = lane; i < LINE / 2u; i += LANES) {
        let pair = i / TILE_VALUES;
        let at = pair * 2u * TILE_VALUES + i % TILE_VALUES;
        let row = row_of_round + pair / PAIRS * TILE + i % TILE_VALUES / TILE;
        let column = first_column + pair % PAIRS * 2u;
        let output = column / 2u * TILE + i % TILE;
        if row < row_count() && column * TILE < params.outputs {
            let gate = total(at);
            let gated = gate / (1.0 + exp(-gate)) * total(at + TILE_VALUES);
            put(row, params.out_first + output, gated * GATED_SCALE);
        }
    }
}
