// A candidate for the largest logit of a row. Its id is NO_ID where there was no number.

struct Candidate {
    logit: f32,
    id: u32,
}
