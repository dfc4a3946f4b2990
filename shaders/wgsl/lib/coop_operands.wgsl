// What `matmul_coop` multiplies.

@group(0) @binding(2) var<storage, read> weights: array<f16>;
@group(0) @binding(3) var<storage, read> x: array<f16>;

fn weight_tile(at: u32) -> WeightTile {
    return coopLoad<WeightTile>(&weights[at], 16u);
}

fn input_tile(at: u32) -> InputTile {
    return coopLoadT<InputTile>(&x[at], 16u);
}
