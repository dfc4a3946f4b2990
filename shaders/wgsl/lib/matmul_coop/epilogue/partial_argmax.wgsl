// Choice epilogue = partial_argmax: products are logits, and the workgroup stores the largest of each row with its id.
//
// `argmax` finds the row's largest among these candidates, so no logits are written. The lowest id wins where
// several logits are equal. A candidate without any number has NO_ID and any logit.
//
//   out      [rows][out_stride]   Candidate, one a workgroup; out_first is in outputs
//
// Supplies: `addends_of`, `finish_tile`.

@group(0) @binding(4) var<storage, read_write> out: array<Candidate>;

const ROW_LANES: u32 = 8u; // lanes that share a row

// The lane's best candidate of its row so far.
var<private> best: Candidate;

fn better(a: Candidate, b: Candidate) -> bool {
    let is_number = a.logit == a.logit;
    return is_number && (b.id == NO_ID || a.logit > b.logit || (a.logit == b.logit && a.id < b.id));
}

fn addends_of(lane: u32, row: u32, column: u32) -> vec2<f32> {
    return vec2<f32>();
}

fn finish_tile(lane: u32, first_row: u32, column: u32, addends: vec2<f32>) {
    if column == first_column {
        best = Candidate(0.0, NO_ID);
    }
    let row = lane / ROW_LANES;
    for (var o = lane % ROW_LANES; o < TILE && row < TILE; o += ROW_LANES) {
        let output = column * TILE + o;
        let found = Candidate(total(row * TILE + o), params.out_first + output);
        if output < params.outputs && better(found, best) {
            best = found;
        }
    }
    if column != first_column + N_TILES - 1u {
        return;
    }
    for (var step = 1u; step < ROW_LANES; step *= 2u) {
        let other = Candidate(subgroupShuffleXor(best.logit, step), subgroupShuffleXor(best.id, step));
        if other.id != NO_ID && better(other, best) {
            best = other;
        }
    }
    if lane % ROW_LANES == 0u && row < TILE && first_row + row < row_count() {
        let at = (params.out_first / TILE + first_column) / N_TILES;
        out[(first_row + row) * params.out_stride + at] = best;
    }
}
