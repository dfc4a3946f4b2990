// The ids of a row that remain after temperature, top-k and top-p, and their mass.
//
// The probability of an id is weight(row_cut, logit, id) / row_cut.mass. Cuts compare logits, which temperature
// does not reorder. Quotients would not do: a driver may round a division differently in two kernels.

struct SamplingCut {
    highest: f32, // largest logit
    cut: f32,     // smallest logit that remains
    last_id: u32, // among logits equal to `cut`, ids up to this one remain
    mass: f32,    // Σ weight over the ids that remain; 0 if the row has no number in it
}

// (logit - highest) / temperature. Two equal infinities have distance 0, though their difference is NaN.
fn scaled_distance(highest: f32, logit: f32) -> f32 {
    return select((logit - highest) * state.inverse_temperature, 0.0, logit == highest);
}

fn remains(row_cut: SamplingCut, logit: f32, id: u32) -> bool {
    return logit > row_cut.cut || (logit == row_cut.cut && id <= row_cut.last_id);
}

// exp((logit - highest) / temperature) for an id that remains, else 0.
fn weight(row_cut: SamplingCut, logit: f32, id: u32) -> f32 {
    return select(0.0, exp(scaled_distance(row_cut.highest, logit)), remains(row_cut, logit, id));
}
