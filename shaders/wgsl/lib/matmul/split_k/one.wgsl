// Choice `slices`: a lane has whole rows, of eight outputs. For software adapters, where loads are most of a
// kernel's time (Mesa makes one for each lane, even of the same address), and lanes are few.

const OUTPUT_LANES: u32 = 8u;
const OUTPUTS_PER_LANE: u32 = 8u;

// A lane's sums are whole already: no workgroup memory, which browsers fill with zeros.
fn finish(lane: u32, first_row: u32, first_output: u32, sums: ptr<function, array<f32, VALUES>>) {
    for (var v = 0u; v < VALUES; v++) {
        store_product(first_row + v / OUTPUTS_PER_LANE, first_output + v % OUTPUTS_PER_LANE * OUTPUT_LANES + lane, (*sums)[v]);
    }
}
