// A part of a row of logits, PART ids, as `logit_parts` describes it.

struct LogitPart {
    key: u32,  // of its largest logit (lib/logit_key.wgsl); LOWEST_KEY if there is no number in it
    mass: f32, // Σ exp((logit - largest) / temperature)
}
