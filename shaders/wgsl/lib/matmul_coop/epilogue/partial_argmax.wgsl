// Choice `product`: logits, of which only the largest of the workgroup's outputs is kept for each row, with its id:
// `argmax` looks among those. The lowest id where several are equal; NO_ID, and any logit, where there is no number.
//
//   out      [rows][out_stride]   Candidate, one a workgroup; out_first is in outputs

@group(0) @binding(4) var<storage, read_write> out: array<Candidate>;

const ROW_LANES: u32 = 8u; // lanes that look through a row

// Of the lane, among what it has seen of the row.
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
