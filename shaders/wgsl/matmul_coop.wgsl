// matmul_coop: rows times a weight matrix by cooperative matrices: f16 in, accumulated in f32.
//
//   product[row][o] = scale Σ_k x[row][k] weights[o][k]        row < row_count(), o < outputs
//
// A workgroup has M_TILES tiles of 16 rows and N_TILES tiles of 16 outputs. Each of its SLICES subgroups sums one
// slice of k, and the slices are added in order through workgroup memory. So enough loads are under way even where a
// matrix has few outputs. All rows of a workgroup share each load of weights.
//
// Row-invariant: a row of a cooperative product does not depend on other rows, and the order of tiles and slices
// depends on the matrix alone. A row has the same bits with each choice of M_TILES, and with `matmul_prefill`.
//
//   weights  tiled [outputs][16 k_tiles]   f16 (lib/pack.wgsl); outputs in whole 32
//   x        tiles [rows][16 k_tiles]      f16 (lib/tile.wgsl); whole workgroups of rows, the last ones anything
//   out      see choice epilogue
//
// Calls: `row_count` (choice rows), `load_inputs`, `addends_of_rows`, `finish_rows` (choice m_tiles), `load_weights`,
// `weights_of`, `add_products`, `zero` (choice tiling), `finish_tile` (choice epilogue).
// Constants: M_TILES (choice m_tiles), N_TILES and SLICES (choice tiling).
// Grid: (outputs / (16 N_TILES), rows / (16 M_TILES)).

enable f16;
enable wgpu_cooperative_matrix;

@group(0) @binding(3) var<storage, read> x: array<f16>;

const LANES: u32 = SLICES * 32u;

// Whether the first tiles are loaded before the number of rows is known: one wait for memory, not two. Early loads
// take registers, and so cost workgroups that run together. Few slices need many workgroups.
const LOAD_EARLY: bool = SLICES > 4u;

var<private> subgroup_lane: u32;

// Room for one tile of rows by one tile of outputs: the less memory a workgroup takes, the more of them run.
var<workgroup> partials: array<f32, SLICES * TILE_VALUES>;

fn input_tile(at: u32) -> InputTile {
    return coopLoadT<InputTile>(&x[at], 16u);
}

// The product at index `at` of the tile.
fn total(at: u32) -> f32 {
    var sum = partials[at];
    for (var slice = 1u; slice < SLICES; slice++) {
        sum += partials[slice * TILE_VALUES + at];
    }
    return sum * params.scale;
}

// Adds the slices' sums of one tile of rows by one tile of outputs, and finishes it.
fn finish_round(lane: u32, slice: u32, row_tile: u32, column: u32, sum: SumTile, addends: vec2<f32>) {
    workgroupBarrier();
    // A loop that runs once or never: naga takes an `if` on the subgroup's number for divergent control flow.
    for (var s = slice; s < SLICES; s += SLICES) {
        let at = s * TILE_VALUES;
        let stride = TILE;
        coopStoreT(sum, &partials[at], stride);
    }
    workgroupBarrier();
    finish_tile(lane, first_row + row_tile * TILE, first_column + column, addends);
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
    @builtin(subgroup_id) slice: u32,
    @builtin(subgroup_invocation_id) lane_of_subgroup: u32,
) {
    first_row = group.y * M_TILES * TILE;
    first_column = group.x * N_TILES;
    subgroup_lane = lane_of_subgroup;
    let stride = params.k_tiles * TILE_VALUES;
    let weights_at = first_column * stride;
    let x_at = first_row * params.k_tiles * TILE;
    let slice_tiles = (params.k_tiles + SLICES - 1u) / SLICES;
    let end = min((slice + 1u) * slice_tiles, params.k_tiles);
    let place = slice * N_TILES;

    if !LOAD_EARLY && first_row >= row_count() {
        return;
    }
    var k = slice * slice_tiles;
    let first = min(k, params.k_tiles - 1u) * TILE_VALUES;
    let second = min(k + 1u, params.k_tiles - 1u) * TILE_VALUES;
    let b_first = load_weights(weights_at + first, stride);
    let b_second = load_weights(weights_at + second, stride);
    let a_first = load_inputs(x_at + first, stride);
    let a_second = load_inputs(x_at + second, stride);
    if first_row >= row_count() {
        return;
    }
    let addends = addends_of_rows(lane);
    var sums = zero();
    // A loop, as in `finish_round`.
    for (var is_first = LOAD_EARLY && k + 2u <= end; is_first; is_first = false) {
        sums = add_products(a_first, weights_of(place, b_first), sums);
        sums = add_products(a_second, weights_of(place, b_second), sums);
        k += 2u;
    }
    // Two tiles at a time, for more loads under way.
    for (; k + 2u <= end; k += 2u) {
        let at = k * TILE_VALUES;
        let next = at + TILE_VALUES;
        let b = load_weights(weights_at + at, stride);
        let b_next = load_weights(weights_at + next, stride);
        let a = load_inputs(x_at + at, stride);
        let a_next = load_inputs(x_at + next, stride);
        sums = add_products(a, weights_of(place, b), sums);
        sums = add_products(a_next, weights_of(place, b_next), sums);
    }
    for (; k < end; k++) {
        let at = k * TILE_VALUES;
        let b = load_weights(weights_at + at, stride);
        let a = load_inputs(x_at + at, stride);
        sums = add_products(a, weights_of(place, b), sums);
    }
    finish_rows(lane, slice, sums, addends);
}
