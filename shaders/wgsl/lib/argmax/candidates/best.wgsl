// Choice `candidates`: the best of each workgroup of `matmul_coop`, `matmul_row` or `sample`, by ascending id. One that
// had no number says NO_ID.

@group(0) @binding(2) var<storage, read> best: array<Candidate>;

fn candidate(row: u32, i: u32) -> Candidate {
    return best[row * params.candidates + i];
}
