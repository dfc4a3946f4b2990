// Choice epilogue = partial_argmax: products are logits, and the workgroup stores its largest one with its id.
//
//   out      [workgroups]   Candidate; out_first is in outputs
//
// Supplies: `N_TILES`, `finish_products`.

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
