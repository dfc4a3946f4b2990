// Choice `slices`: a lane has whole rows, of eight outputs. For software adapters, where loads are most of a
// kernel's time (Mesa makes one for each lane, even of the same address), and lanes are few.

const OUTPUT_LANES: u32 = 8u;
const TILE_OUTPUTS: u32 = 8u;

// A lane's sums are whole already: no workgroup memory, which browsers fill with zeros.
fn finish(lane: u32, first_row: u32, first_output: u32, sums: ptr<function, array<f32, VALUES>>) {
    for (var v = 0u; v < VALUES; v++) {
        put_product(first_row + v / TILE_OUTPUTS, first_output + v % TILE_OUTPUTS * OUTPUT_LANES + lane, (*sums)[v]);
    }
}
