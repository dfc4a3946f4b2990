// Choice `staging`: a subgroup loads tiles of weights as cooperative matrices. For subgroups of any size.

@group(0) @binding(2) var<storage, read> weights: array<f16>;

alias Brought = WeightTile;

fn bring(at: u32) -> Brought {
    return coopLoad<WeightTile>(&weights[at], 16u);
}

fn stage_tile(place: u32, brought: Brought) {}

fn lanes_meet() {}

fn weight_tile(place: u32, brought: Brought) -> WeightTile {
    return brought;
}
