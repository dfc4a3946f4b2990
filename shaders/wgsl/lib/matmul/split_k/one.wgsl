// Choice split_k = one: a lane has eight outputs, whole rows of the matrix. For software adapters.
//
// Loads are most of a kernel's time there: Mesa loads for each lane by itself, even from the same address.
//
// Supplies: `OUTPUT_LANES`, `OUTPUTS_PER_LANE`, `finish`.

const OUTPUT_LANES: u32 = 8u;
const OUTPUTS_PER_LANE: u32 = 8u;

// A lane's sums are whole, so no workgroup memory is needed. Browsers fill it with zeros, which takes time.
fn finish(lane: u32, first_row: u32, first_output: u32, sums: ptr<function, array<f32, VALUES>>) {
    for (var v = 0u; v < VALUES; v++) {
        store_product(first_row + v / OUTPUTS_PER_LANE, first_output + v % OUTPUTS_PER_LANE * OUTPUT_LANES + lane, (*sums)[v]);
    }
}
