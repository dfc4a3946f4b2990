// A logit and the id it is of.

struct Candidate {
    logit: f32,
    id: u32,
}
