// Choice candidates = logits: every logit of a row.
//
//   logits   [rows][candidates]   f32
//
// Supplies: `candidate`.

@group(0) @binding(2) var<storage, read> logits: array<f32>;

fn candidate(row: u32, i: u32) -> Candidate {
    return Candidate(logits[row * params.candidates + i], i);
}
