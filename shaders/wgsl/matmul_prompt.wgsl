// matmul_prompt: `matmul_coop` for passes of many rows.
//
//   product[row][o] = scale Σ_k x[row][k] weights[o][k]        row < row_count(), o < outputs
//
// A workgroup has 128 rows and 128 outputs, and its subgroups are side by side: each has 64 rows and 32 outputs, and
// finds in the nearest cache what its neighbours load. So weights are read once for 128 rows, inputs for 128 outputs.
//
// Row-invariant, and bit-equal to `matmul_coop`: a row's slices are the same, each is summed from zero in the same
// order, and the slices' sums are added in theirs. There a subgroup has one slice, here it has one after another.
//
//   weights  tiled [outputs][16 k_tiles]   f16, see lib/chunk.wgsl; outputs in whole 32
//   x        tiles [rows][16 k_tiles]      f16, see lib/tile.wgsl; rows in whole 128, those beyond the pass hold anything
//
// Choices: `row_slices`, `product` (what becomes of it).
// Grid: (rows / 128, outputs / 128): workgroups that run together share weights first, of which there are more.

enable f16;
enable wgpu_cooperative_matrix;

const LANES: u32 = 256u;
const ROW_TILES: u32 = 8u;    // of a workgroup
const COLUMN_TILES: u32 = 8u;
const PARTS: u32 = 8u;        // subgroups that multiply, 2 of rows by 4 of outputs; small ones are more, and idle

const ROW_LINE: u32 = COLUMN_TILES * TILE_VALUES; // sums of a tile of rows
const ROUND_TILES: u32 = 2u;                      // tiles of rows whose sums are in workgroup memory together
const LINE: u32 = ROUND_TILES * ROW_LINE;

// A subgroup has every second tile of rows and two tiles of outputs that follow one another.
alias Weights = array<WeightTile, 2>;
alias Inputs = array<InputTile, 4>;
alias Sums = array<SumTile, 8>; // first outputs, then second

var<workgroup> sums_of_round: array<f32, LINE>;

fn load_weights(at: u32, stride: u32) -> Weights {
    return Weights(weight_tile(at), weight_tile(at + stride));
}

fn load_inputs(at: u32, stride: u32) -> Inputs {
    return Inputs(
        input_tile(at),
        input_tile(at + 2u * stride),
        input_tile(at + 4u * stride),
        input_tile(at + 6u * stride),
    );
}

fn zero() -> Sums {
    return Sums(SumTile(), SumTile(), SumTile(), SumTile(), SumTile(), SumTile(), SumTile(), SumTile());
}

fn add_products(a: Inputs, b: Weights, sums: Sums) -> Sums {
    return Sums(
        coopMultiplyAdd(a[0], b[0], sums[0]),
        coopMultiplyAdd(a[1], b[0], sums[1]),
        coopMultiplyAdd(a[2], b[0], sums[2]),
        coopMultiplyAdd(a[3], b[0], sums[3]),
        coopMultiplyAdd(a[0], b[1], sums[4]),
        coopMultiplyAdd(a[1], b[1], sums[5]),
        coopMultiplyAdd(a[2], b[1], sums[6]),
        coopMultiplyAdd(a[3], b[1], sums[7]),
    );
}

fn add_sums(a: Sums, b: Sums) -> Sums {
    return Sums(
        a[0] + b[0],
        a[1] + b[1],
        a[2] + b[2],
        a[3] + b[3],
        a[4] + b[4],
        a[5] + b[5],
        a[6] + b[6],
        a[7] + b[7],
    );
}

// The sum at place `at` of the round.
fn total(at: u32) -> f32 {
    return sums_of_round[at] * params.scale;
}

// What becomes of the sums of two tiles of rows, of which each subgroup has one.
fn finish_round(lane: u32, subgroup: u32, round: u32, first: SumTile, second: SumTile) {
    workgroupBarrier();
    // A loop where an `if` would do: naga takes a branch on the subgroup's number for one that could part it.
    for (var part = subgroup; part < PARTS; part += PARTS) {
        let first_at = part % 2u * ROW_LINE + part / 2u * 2u * TILE_VALUES;
        let second_at = first_at + TILE_VALUES;
        let stride = TILE;
        coopStoreT(first, &sums_of_round[first_at], stride);
        coopStoreT(second, &sums_of_round[second_at], stride);
    }
    workgroupBarrier();
    finish_products(lane, first_row + round * ROUND_TILES * TILE);
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
    @builtin(subgroup_id) subgroup: u32,
) {
    first_row = group.x * ROW_TILES * TILE;
    first_column = group.y * COLUMN_TILES;
    if group.x * ROW_TILES * TILE >= row_count() {
        return;
    }
    let stride = params.k_tiles * TILE_VALUES;
    let last_tile = params.k_tiles - 1u;
    let run = (params.k_tiles + SLICES - 1u) / SLICES;
    // Where the matrix ends, its last outputs are multiplied again, for nothing.
    let last_column = (params.outputs - 1u) / (2u * TILE) * 2u;
    var totals = zero();
    // Once or not at all: see `finish_round`.
    for (var part = subgroup; part < PARTS; part += PARTS) {
        let weights_at = min(first_column + part / 2u * 2u, last_column) * stride;
        let x_at = (group.x * ROW_TILES + part % 2u) * stride;
        // Tiles are loaded a step before they are multiplied, the last ones once more for no step.
        var b = load_weights(weights_at, stride);
        var a = load_inputs(x_at, stride);
        var k = 0u;
        for (var slice = 0u; slice < SLICES; slice++) {
            let end = min((slice + 1u) * run, params.k_tiles);
            var sums = zero();
            // Two steps at a time, so that no tile need be copied.
            for (; k + 2u <= end; k += 2u) {
                let next = (k + 1u) * TILE_VALUES;
                let b_next = load_weights(weights_at + next, stride);
                let a_next = load_inputs(x_at + next, stride);
                sums = add_products(a, b, sums);
                let after = min(k + 2u, last_tile) * TILE_VALUES;
                b = load_weights(weights_at + after, stride);
                a = load_inputs(x_at + after, stride);
                sums = add_products(a_next, b_next, sums);
            }
            for (; k < end; k++) {
                sums = add_products(a, b, sums);
                let next = min(k + 1u, last_tile) * TILE_VALUES;
                b = load_weights(weights_at + next, stride);
                a = load_inputs(x_at + next, stride);
            }
            // The first slice too is added to zero, which changes nothing: a sum from zero on is never -0.
            totals = add_sums(totals, sums);
        }
    }
    finish_round(lane, subgroup, 0u, totals[0], totals[4]);
    finish_round(lane, subgroup, 1u, totals[1], totals[5]);
    finish_round(lane, subgroup, 2u, totals[2], totals[6]);
    finish_round(lane, subgroup, 3u, totals[3], totals[7]);
}
