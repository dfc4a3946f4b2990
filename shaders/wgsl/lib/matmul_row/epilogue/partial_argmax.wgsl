// Choice `row_product`: logits, of which only the largest of the workgroup's outputs is kept, with its id.
//
//   out      [groups]   Candidate, one a workgroup

@group(0) @binding(4) var<storage, read_write> out: array<Candidate>;

const N_TILES: u32 = 1u;

var<workgroup> logits: array<f32, 16>;

fn finish_products(lane: u32, first: u32, addend: f32) {
    if lane < 16u {
        logits[lane] = total(lane);
    }
    workgroupBarrier();
    if lane > 0u {
        return;
    }
    var best = Candidate(0.0, NO_ID);
    for (var o = 0u; o < 16u && first + o < params.outputs; o++) {
        let logit = logits[o];
        if logit == logit && (best.id == NO_ID || logit > best.logit) {
            best = Candidate(logit, params.out_first + first + o);
        }
    }
    out[(params.out_first + first) / 16u] = best;
}
