// What `matmul_row` scales a product by whose input is normed on the way.

fn norm_scale(square_sum: f32) -> f32 {
    return inverseSqrt(square_sum / f32(params.inputs) + params.eps);
}
