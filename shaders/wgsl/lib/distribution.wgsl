// What `distribution` finds of a row of logits: which ids remain after temperature, top-k and top-p, and how
// much they weigh together. The probability of an id is weight(…) / mass.

struct Distribution {
    highest: f32, // largest logit over temperature
    cut: f32,     // smallest one that remains
    last_id: u32, // of those equal to `cut`, ids up to this one remain
    mass: f32,    // Σ weight over the ids that remain; 0 if the row has no number in it
}

fn scaled(logit: f32) -> f32 {
    return logit / state.temperature;
}

// exp(l - highest) for an id that remains, else 0.
fn weight(d: Distribution, l: f32, id: u32) -> f32 {
    if l > d.cut || (l == d.cut && id <= d.last_id) {
        // Where the largest is infinite, the difference is not a number.
        return select(exp(l - d.highest), 1.0, l == d.highest);
    }
    return 0.0;
}
