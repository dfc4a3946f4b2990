// Choice `row_product`: the gate of the MLP, silu(gate) up. The matrix has the gate's and the up projection's rows by
// turns, sixteen of each. Choice `output`; params.out_first is in outputs of the pair.

const N_TILES: u32 = 2u;

fn finish_products(lane: u32, first: u32, addend: f32) {
    if lane < 16u && first < params.outputs {
        let gate = total(lane);
        store_output(0u, params.out_first + first / 2u + lane, gate / (1.0 + exp(-gate)) * total(16u + lane) * GATED_SCALE);
    }
}
