// Part of choice input: the factor 1 / sqrt(mean(x²) + eps) of a normed input, applied to the product.

fn norm_scale(square_sum: f32) -> f32 {
    return inverseSqrt(square_sum / f32(params.inputs) + params.eps);
}
