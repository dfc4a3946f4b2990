// Choice split_k = many: SLICES lanes share an output, each with one slice of its row. For GPUs, which need many lanes.
//
// Supplies: `OUTPUT_LANES`, `OUTPUTS_PER_LANE`, `finish`.

const OUTPUT_LANES: u32 = 8u;
const OUTPUTS_PER_LANE: u32 = 2u;

const LINE: u32 = VALUES * OUTPUT_LANES;

var<workgroup> partials: array<f32, SLICES * LINE>;

fn finish(lane: u32, first_row: u32, first_output: u32, sums: ptr<function, array<f32, VALUES>>) {
    let slice = lane / OUTPUT_LANES;
    let column = lane % OUTPUT_LANES;
    for (var v = 0u; v < VALUES; v++) {
        partials[slice * LINE + v * OUTPUT_LANES + column] = (*sums)[v];
    }
    workgroupBarrier();
    for (var i = lane; i < LINE; i += LANES) {
        let v = i / OUTPUT_LANES;
        var sum = partials[i];
        for (var s = 1u; s < SLICES; s++) {
            sum += partials[s * LINE + i];
        }
        let output = first_output + v % OUTPUTS_PER_LANE * OUTPUT_LANES + i % OUTPUT_LANES;
        store_product(first_row + v / OUTPUTS_PER_LANE, output, sum);
    }
}
