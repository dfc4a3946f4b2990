// Gated values can be beyond f16's range: where they are kept as f16, they are GATED_SCALE times as large, and the next
// product's `scale` undoes it.

const GATED_SCALE: f32 = 0.0625;
