// Gated values are kept as f32: no scale.

const GATED_SCALE: f32 = 1.0;
