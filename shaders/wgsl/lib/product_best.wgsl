// Choice `product`: logits, of which only the largest of the workgroup's outputs is kept for each row, with its id:
// `argmax` looks among those. The lowest id where several are equal; NaN and NO_ID where there is no number.
//
//   out      [rows][out_stride]   Candidate, one a workgroup; out_first is in outputs

@group(0) @binding(4) var<storage, read_write> out: array<Candidate>;

const OUTPUTS: u32 = COLUMN_TILES * TILE;
const SHARE: u32 = 8u; // lanes that look through a row

fn better(a: Candidate, b: Candidate) -> bool {
    let is_number = a.logit == a.logit;
    return is_number && (b.id == NO_ID || a.logit > b.logit || (a.logit == b.logit && a.id < b.id));
}

fn finish_products(lane: u32, row_of_round: u32) {
    for (var i = lane; i < LINE; i += LANES) {
        partials[i] = total(i);
    }
    workgroupBarrier();
    var best = Candidate(0.0, NO_ID);
    let row = lane / SHARE;
    for (var o = lane % SHARE; o < OUTPUTS && row < ROUND_TILES * TILE; o += SHARE) {
        let output = first_column * TILE + o;
        let at = row / TILE * ROW_LINE + o / TILE * TILE_VALUES + row % TILE * TILE + o % TILE;
        let found = Candidate(partials[at], params.out_first + output);
        if output < params.outputs && better(found, best) {
            best = found;
        }
    }
    for (var step = 1u; step < SHARE; step *= 2u) {
        let other = Candidate(subgroupShuffleXor(best.logit, step), subgroupShuffleXor(best.id, step));
        if other.id != NO_ID && better(other, best) {
            best = other;
        }
    }
    if lane % SHARE == 0u && row < ROUND_TILES * TILE && row_of_round + row < row_count() {
        let at = (params.out_first / TILE + first_column) / COLUMN_TILES;
        out[(row_of_round + row) * params.out_stride + at] = best;
    }
}
