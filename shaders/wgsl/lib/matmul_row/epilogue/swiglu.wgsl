// Choice epilogue = swiglu: stores GATED_SCALE silu(gate) up, with silu(g) = g / (1 + exp(-g)).
//
// The matrix has rows of the gate and of the up projection by turns, sixteen of each. out_first counts pairs of them.
//
// Supplies: `N_TILES`, `finish_products`. Calls: `store_output` (choice output).

const N_TILES: u32 = 2u;

fn finish_products(lane: u32, first: u32, addend: f32) {
    if lane < 16u && first < params.outputs {
        let gate = total(lane);
        let column = params.out_first + first / 2u + lane;
        store_output(0u, column, gate / (1.0 + exp(-gate)) * total(16u + lane) * GATED_SCALE);
    }
}
