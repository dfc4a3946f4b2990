// Choice epilogue = swiglu: stores GATED_SCALE silu(gate) up, with silu(g) = g / (1 + exp(-g)).
//
// The matrix has rows of the gate and of the up projection by turns, sixteen of each. `column` counts tiles of
// both, and out_first counts pairs of them.
//
// Supplies: `finish_value`. Calls: `store_output` (choice output).

// The lane's one or two values of the gate, kept until the tile of the up projection is summed.
var<private> gates: vec2<f32>;

fn finish_value(at: u32, first_row: u32, column: u32, addend: f32) {
    let sum = total(at);
    let is_second = at >= LANES;
    if column % 2u == 0u {
        gates = select(vec2(sum, gates.y), vec2(gates.x, sum), is_second);
        return;
    }
    let row = first_row + at / TILE;
    let output = column / 2u * TILE + at % TILE;
    if row < row_count() && column * TILE < params.outputs {
        let gate = select(gates.x, gates.y, is_second);
        store_output(row, params.out_first + output, gate / (1.0 + exp(-gate)) * sum * GATED_SCALE);
    }
}
