// Choice candidates = best: one candidate a workgroup of `matmul_coop`, `matmul_row` or `sample`, by ascending id.
//
// A workgroup that found no number says NO_ID.
//
//   best     [rows][candidates]   Candidate
//
// Supplies: `candidate`.

@group(0) @binding(2) var<storage, read> best: array<Candidate>;

fn candidate(row: u32, i: u32) -> Candidate {
    return best[row * params.candidates + i];
}
