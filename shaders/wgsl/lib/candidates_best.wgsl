// Choice `candidates`: the best of each of `matmul_coop`'s or `matmul_row`'s workgroups, by ascending id. One that had
// no number says NO_ID.

@group(0) @binding(2) var<storage, read> best: array<Candidate>;

fn candidate(row: u32, i: u32) -> Candidate {
    return best[row * params.candidates + i];
}
