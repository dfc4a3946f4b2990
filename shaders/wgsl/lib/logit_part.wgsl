// A row of logits in parts of PART ids, and what `logit_parts` finds of each.

struct LogitPart {
    key: u32,  // of its largest logit (lib/logit_key.wgsl); LOWEST_KEY if there is no number in it
    mass: f32, // Σ exp((logit - largest) / temperature)
}
