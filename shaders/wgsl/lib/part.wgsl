// A row of logits in parts of PART ids, and what `survey` finds of each.

const PART: u32 = 128u;

struct Part {
    key: u32,  // of its largest logit (lib/logit_key.wgsl); LOWEST_KEY if there is no number in it
    mass: f32, // Σ exp((logit - largest) / temperature)
}
