// Part of choice input: an input that is not normed has no sum of squares.

fn squares_of(pack: u32) -> f32 {
    return 0.0;
}

fn squares_of_part(part: u32, sum: f32) -> f32 {
    return sum;
}

fn norm_scale(square_sum: f32) -> f32 {
    return 1.0;
}
