// What `matmul_row` would do with squares of its input, which is not normed here.

fn squares_of(pack: u32) -> f32 {
    return 0.0;
}

fn squares_of_part(part: u32, sum: f32) -> f32 {
    return sum;
}

fn norm_scale(square_sum: f32) -> f32 {
    return 1.0;
}
