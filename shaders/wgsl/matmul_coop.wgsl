// matmul_coop: rows times a weight matrix by cooperative matrices: f16 in, accumulated in f32.
//
//   product[row][o] = scale Σ_k x[row][k] weights[o][k]        row < row_count(), o < outputs
//
// A workgroup has COLUMN_TILES tiles of 16 outputs and ROW_TILES tiles of 16 rows. Each of its SLICES subgroups takes
// a run of tiles of k, and the partial sums are added, slice by slice, through workgroup memory: enough loads are
// under way even where a matrix has few outputs. Weights are read once for all rows of a workgroup.
//
// Row-invariant: a row of a cooperative product does not depend on the others, and the order of tiles and slices
// depends on the matrix alone. So one or two tiles of rows give a row the same bits, and `matmul_prompt`
// gives it the same.
//
//   weights  tiled [outputs][16 k_tiles]   f16, see lib/chunk.wgsl; outputs in whole 32
//   x        tiles [rows][16 k_tiles]      f16, see lib/tile.wgsl; rows beyond the pass hold anything
//
// Choices: `rows`, `row_tiles`, `columns` with `row_slices`, `product` (what becomes of it).
// Grid: (outputs / (16 COLUMN_TILES), rows / (16 ROW_TILES)).

enable f16;
enable wgpu_cooperative_matrix;

const LANES: u32 = SLICES * 32u;
const ROW_LINE: u32 = COLUMN_TILES * TILE_VALUES; // sums of a tile of rows
const ROUND_TILES: u32 = min(ROUND, ROW_TILES);
const LINE: u32 = ROUND_TILES * ROW_LINE; // sums of a round

var<workgroup> partials: array<f32, SLICES * LINE>;

// The sum at place `at` of the round.
fn total(at: u32) -> f32 {
    var sum = partials[at];
    for (var slice = 1u; slice < SLICES; slice++) {
        sum += partials[slice * LINE + at];
    }
    return sum * params.scale;
}

// A tile of rows' partial sums, at its place in the round.
fn put_row(slice: u32, sums: Sums, row_tile: u32, place: u32) {
    if place == 0u {
        workgroupBarrier();
    }
    // A loop where an `if` would do: naga takes a branch on the subgroup's number for one that could part it.
    for (var s = slice; s < SLICES; s += SLICES) {
        store_partials(sums, row_tile, s * LINE + place * ROW_LINE);
    }
}

// What becomes of a round's sums, the first of which are those of tile `row_tile`.
fn finish_round(lane: u32, row_tile: u32) {
    workgroupBarrier();
    finish_products(lane, first_row + row_tile * TILE);
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
    @builtin(subgroup_id) slice: u32,
) {
    first_row = group.y * ROW_TILES * TILE;
    first_column = group.x * COLUMN_TILES;
    let matrix_stride = params.k_tiles * TILE_VALUES;
    let weights_at = first_column * matrix_stride;
    let x_at = group.y * ROW_TILES * matrix_stride;
    let run = (params.k_tiles + SLICES - 1u) / SLICES;
    let end = min((slice + 1u) * run, params.k_tiles);

    var k = slice * run;
    // The first tiles are asked for before it is known whether there are such rows: one wait for memory, not two.
    let first = min(k, params.k_tiles - 1u) * TILE_VALUES;
    let second = min(k + 1u, params.k_tiles - 1u) * TILE_VALUES;
    let b_first = load_weights(weights_at + first, matrix_stride);
    let b_second = load_weights(weights_at + second, matrix_stride);
    let a_first = load_inputs(x_at + first, matrix_stride);
    let a_second = load_inputs(x_at + second, matrix_stride);
    if group.y * ROW_TILES * TILE >= row_count() {
        return;
    }
    var sums = zero();
    if k + 2u <= end {
        sums = add_products(a_first, b_first, sums);
        sums = add_products(a_second, b_second, sums);
        k += 2u;
    }
    // Two tiles at a time: more loads under way.
    for (; k + 2u <= end; k += 2u) {
        let at = k * TILE_VALUES;
        let b = load_weights(weights_at + at, matrix_stride);
        let b_next = load_weights(weights_at + at + TILE_VALUES, matrix_stride);
        let a = load_inputs(x_at + at, matrix_stride);
        let a_next = load_inputs(x_at + at + TILE_VALUES, matrix_stride);
        sums = add_products(a, b, sums);
        sums = add_products(a_next, b_next, sums);
    }
    for (; k < end; k++) {
        let at = k * TILE_VALUES;
        let b = load_weights(weights_at + at, matrix_stride);
        let a = load_inputs(x_at + at, matrix_stride);
        sums = add_products(a, b, sums);
    }
    finish_rows(lane, slice, sums);
}
