// A part of a row of logits, PART ids, as `logit_parts` describes it.

struct LogitPart {
    key: u32,  // key of the largest logit (lib/logit_key.wgsl); LOWEST_KEY if there is no number
    mass: f32, // Σ exp((logit - largest) / temperature)
}
