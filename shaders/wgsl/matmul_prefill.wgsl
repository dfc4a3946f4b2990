// matmul_prefill: `matmul_coop` for passes of many rows. The same bits.
//
//   product[row][o] = scale Σ_k x[row][k] weights[o][k]        row < row_count(), o < outputs
//
// A workgroup has 128 rows and 128 outputs at a time, then the next ones. Its lanes stage two tiles of k of all of
// them in workgroup memory. Its four subgroups multiply those, 64 rows by 64 outputs each, while the next two tiles
// are loaded. Large parts make one barrier, and one tile from workgroup memory, serve many products. Few lanes and
// little workgroup memory let a multiprocessor run two workgroups: one multiplies while the other waits.
//
//   two tiles of k:  load the next; products | barrier | stage the next | barrier
//
// Row-invariant, and bit-equal to `matmul_coop`: a row's slices are the same, each is summed from zero in the same
// order, and the slices are added in order. Here a subgroup sums one slice after another. The total of the earlier
// slices waits in memory, since registers have room for the sums of one slice.
//
//   weights  tiled [outputs][16 k_tiles]   f16, eight a vec4 (lib/pack.wgsl); outputs in whole 32
//   x        tiles [rows][16 k_tiles]      f16, eight a vec4 (lib/tile.wgsl); rows in whole 128, the last ones anything
//   totals   [workgroups][4 parts][16 tiles][16][16]   f32, scratch: sums of the earlier slices
//   out      see choice epilogue
//
// Calls: `addends_of`, `finish_tile` (choice epilogue), `row_count` (choice rows), `halves_of` (lib/halves).
// Constants: SLICES (choice split_k).
// Grid: (any, 1, 1). Workgroups that run together share weights first, which take more bytes than inputs.

enable f16;
enable wgpu_cooperative_matrix;

@group(0) @binding(2) var<storage, read> weights: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> x: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read_write> totals: array<f32>;

const LANES: u32 = 128u;
const M_TILES: u32 = PREFILL_TILE / TILE; // tiles of rows of a workgroup; N_TILES: tiles of outputs
const N_TILES: u32 = PREFILL_TILE / TILE;
const PARTS: u32 = 4u;      // subgroups that multiply: 2 by rows, 2 by outputs
const PART_TILES: u32 = 4u; // tiles of rows, and of outputs, of a part

// Workgroup memory holds weights, then inputs, a row's two tiles of k side by side. A row has room for 40 values, so
// that eight rows lie in different banks.
const STAGED_ROW: u32 = 5u; // packs
const STAGED_TILE: u32 = TILE * STAGED_ROW;
const TILE_PACKS: u32 = 32u;
const TILES_AT_ONCE: u32 = LANES / TILE_PACKS / 2u; // tiles that all lanes load at once, from two tiles of k

// Sums of a part: four tiles of rows for the first tile of outputs, then for the next.
alias Sums = array<SumTile, 16>;
// Packs of a lane: one of every second tile, four of weights and four of inputs.
alias Loaded = array<vec4<u32>, 8>;

var<workgroup> staged: array<Halves, (N_TILES + M_TILES) * STAGED_TILE>;
var<workgroup> sums_of_round: array<f32, PART_TILES * TILE_VALUES>; // one tile of rows of a part

// The lane's packs of the first tile of k; whether it loads the second of two tiles of k; its index in `staged`.
var<private> weights_at: vec4<u32>;
var<private> x_at: vec4<u32>;
var<private> second: u32;
var<private> place: u32;

// Loads the lane's packs of tile `k + second`. Beyond the last tile of k, the last one is loaded again.
fn load_packs(k: u32) -> Loaded {
    let tile = min(k + second, params.k_tiles - 1u) * TILE_PACKS;
    let w = weights_at + tile;
    let v = x_at + tile;
    return Loaded(weights[w.x], weights[w.y], weights[w.z], weights[w.w], x[v.x], x[v.y], x[v.z], x[v.w]);
}

fn stage_packs(loaded: Loaded) {
    let step = TILES_AT_ONCE * STAGED_TILE;
    staged[place] = halves_of(loaded[0]);
    staged[place + step] = halves_of(loaded[1]);
    staged[place + 2u * step] = halves_of(loaded[2]);
    staged[place + 3u * step] = halves_of(loaded[3]);
    staged[place + 4u * step] = halves_of(loaded[4]);
    staged[place + 5u * step] = halves_of(loaded[5]);
    staged[place + 6u * step] = halves_of(loaded[6]);
    staged[place + 7u * step] = halves_of(loaded[7]);
}

fn weight_tile(at: u32) -> WeightTile {
    return coopLoad<WeightTile>(&staged[at].lo, 2u * STAGED_ROW);
}

fn input_tile(at: u32) -> InputTile {
    return coopLoadT<InputTile>(&staged[at].lo, 2u * STAGED_ROW);
}

fn no_sums() -> Sums {
    return Sums(
        SumTile(), SumTile(), SumTile(), SumTile(), SumTile(), SumTile(), SumTile(), SumTile(),
        SumTile(), SumTile(), SumTile(), SumTile(), SumTile(), SumTile(), SumTile(), SumTile(),
    );
}

// Multiplies the first (k = 0) or the second (k = 1) of the two staged tiles of k.
fn add_products(part: u32, k: u32, sums: Sums) -> Sums {
    let first_weights = part / 2u * PART_TILES * STAGED_TILE + 2u * k;
    let first_inputs = (N_TILES + part % 2u * PART_TILES) * STAGED_TILE + 2u * k;
    let a = input_tile(first_inputs);
    let b = input_tile(first_inputs + STAGED_TILE);
    let c = input_tile(first_inputs + 2u * STAGED_TILE);
    let d = input_tile(first_inputs + 3u * STAGED_TILE);
    let w0 = weight_tile(first_weights);
    let w1 = weight_tile(first_weights + STAGED_TILE);
    let w2 = weight_tile(first_weights + 2u * STAGED_TILE);
    let w3 = weight_tile(first_weights + 3u * STAGED_TILE);
    return Sums(
        coopMultiplyAdd(a, w0, sums[0]),
        coopMultiplyAdd(b, w0, sums[1]),
        coopMultiplyAdd(c, w0, sums[2]),
        coopMultiplyAdd(d, w0, sums[3]),
        coopMultiplyAdd(a, w1, sums[4]),
        coopMultiplyAdd(b, w1, sums[5]),
        coopMultiplyAdd(c, w1, sums[6]),
        coopMultiplyAdd(d, w1, sums[7]),
        coopMultiplyAdd(a, w2, sums[8]),
        coopMultiplyAdd(b, w2, sums[9]),
        coopMultiplyAdd(c, w2, sums[10]),
        coopMultiplyAdd(d, w2, sums[11]),
        coopMultiplyAdd(a, w3, sums[12]),
        coopMultiplyAdd(b, w3, sums[13]),
        coopMultiplyAdd(c, w3, sums[14]),
        coopMultiplyAdd(d, w3, sums[15]),
    );
}

// The total of the earlier slices. A subgroup reads its own stores, and each slice that has tiles of k puts barriers
// between.
fn total_tile(at: u32) -> SumTile {
    return coopLoadT<SumTile>(&totals[at], TILE);
}

fn keep_tile(at: u32, total: SumTile) {
    coopStoreT(total, &totals[at], TILE);
}

fn add_totals(at: u32, sums: Sums) -> Sums {
    return Sums(
        total_tile(at) + sums[0],
        total_tile(at + TILE_VALUES) + sums[1],
        total_tile(at + 2u * TILE_VALUES) + sums[2],
        total_tile(at + 3u * TILE_VALUES) + sums[3],
        total_tile(at + 4u * TILE_VALUES) + sums[4],
        total_tile(at + 5u * TILE_VALUES) + sums[5],
        total_tile(at + 6u * TILE_VALUES) + sums[6],
        total_tile(at + 7u * TILE_VALUES) + sums[7],
        total_tile(at + 8u * TILE_VALUES) + sums[8],
        total_tile(at + 9u * TILE_VALUES) + sums[9],
        total_tile(at + 10u * TILE_VALUES) + sums[10],
        total_tile(at + 11u * TILE_VALUES) + sums[11],
        total_tile(at + 12u * TILE_VALUES) + sums[12],
        total_tile(at + 13u * TILE_VALUES) + sums[13],
        total_tile(at + 14u * TILE_VALUES) + sums[14],
        total_tile(at + 15u * TILE_VALUES) + sums[15],
    );
}

fn keep_totals(at: u32, sums: Sums) {
    keep_tile(at, sums[0]);
    keep_tile(at + TILE_VALUES, sums[1]);
    keep_tile(at + 2u * TILE_VALUES, sums[2]);
    keep_tile(at + 3u * TILE_VALUES, sums[3]);
    keep_tile(at + 4u * TILE_VALUES, sums[4]);
    keep_tile(at + 5u * TILE_VALUES, sums[5]);
    keep_tile(at + 6u * TILE_VALUES, sums[6]);
    keep_tile(at + 7u * TILE_VALUES, sums[7]);
    keep_tile(at + 8u * TILE_VALUES, sums[8]);
    keep_tile(at + 9u * TILE_VALUES, sums[9]);
    keep_tile(at + 10u * TILE_VALUES, sums[10]);
    keep_tile(at + 11u * TILE_VALUES, sums[11]);
    keep_tile(at + 12u * TILE_VALUES, sums[12]);
    keep_tile(at + 13u * TILE_VALUES, sums[13]);
    keep_tile(at + 14u * TILE_VALUES, sums[14]);
    keep_tile(at + 15u * TILE_VALUES, sums[15]);
}

// Where in `sums_of_round` the tile begins that is being finished.
var<private> tile_at: u32;

// The product at index `at` of the tile.
fn total(at: u32) -> f32 {
    return sums_of_round[tile_at + at] * params.scale;
}

// Finishes one tile of rows of a part, four tiles of outputs.
fn finish_round(lane: u32, subgroup: u32, part: u32, row_tile: u32, a: SumTile, b: SumTile, c: SumTile, d: SumTile) {
    let row = first_row + (part % 2u * PART_TILES + row_tile) * TILE;
    let column = first_column + part / 2u * PART_TILES;
    let a_addends = addends_of(lane, row, column);
    let b_addends = addends_of(lane, row, column + 1u);
    let c_addends = addends_of(lane, row, column + 2u);
    let d_addends = addends_of(lane, row, column + 3u);
    workgroupBarrier();
    // A loop that runs once or never: naga takes an `if` on the subgroup's number for divergent control flow.
    for (var s = subgroup; s == part; s += PARTS) {
        let stride = TILE;
        let b_at = TILE_VALUES;
        let c_at = 2u * TILE_VALUES;
        let d_at = 3u * TILE_VALUES;
        coopStoreT(a, &sums_of_round[0], stride);
        coopStoreT(b, &sums_of_round[b_at], stride);
        coopStoreT(c, &sums_of_round[c_at], stride);
        coopStoreT(d, &sums_of_round[d_at], stride);
    }
    workgroupBarrier();
    tile_at = 0u;
    finish_tile(lane, row, column, a_addends);
    tile_at = TILE_VALUES;
    finish_tile(lane, row, column + 1u, b_addends);
    tile_at = 2u * TILE_VALUES;
    finish_tile(lane, row, column + 2u, c_addends);
    tile_at = 3u * TILE_VALUES;
    finish_tile(lane, row, column + 3u, d_addends);
}

// Finishes all 128 rows and outputs, through workgroup memory, one tile of rows of a part at a time.
fn finish(lane: u32, subgroup: u32, sums: Sums) {
    for (var part = 0u; part < PARTS; part++) {
        finish_round(lane, subgroup, part, 0u, sums[0], sums[4], sums[8], sums[12]);
        finish_round(lane, subgroup, part, 1u, sums[1], sums[5], sums[9], sums[13]);
        finish_round(lane, subgroup, part, 2u, sums[2], sums[6], sums[10], sums[14]);
        finish_round(lane, subgroup, part, 3u, sums[3], sums[7], sums[11], sums[15]);
    }
}

// Finds the lane's packs. `row_tile` and `column_tile` are the first of the workgroup.
fn find_sources(lane: u32, row_tile: u32, column_tile: u32) {
    let tiles = vec4(0u, 1u, 2u, 3u) * TILES_AT_ONCE + lane / (2u * TILE_PACKS);
    // Beyond the matrix, its last outputs are multiplied again, and not stored.
    let columns = min(column_tile + tiles, vec4((params.outputs - 1u) / TILE));
    weights_at = columns * params.k_tiles * TILE_PACKS + lane % TILE_PACKS;
    x_at = (row_tile + tiles) * params.k_tiles * TILE_PACKS + lane % TILE_PACKS;
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(num_workgroups) groups: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
    @builtin(subgroup_id) subgroup: u32,
) {
    let slice_tiles = (params.k_tiles + SLICES - 1u) / SLICES;
    let row_groups = (row_count() + M_TILES * TILE - 1u) / (M_TILES * TILE);
    let column_groups = (params.outputs + N_TILES * TILE - 1u) / (N_TILES * TILE);
    let pack = lane % TILE_PACKS;
    second = lane / TILE_PACKS % 2u;
    place = (lane / (2u * TILE_PACKS) * TILE + pack / 2u) * STAGED_ROW + 2u * second + pack % 2u;
    // Subgroups beyond PARTS repeat the last part: all must reach the same barriers.
    let part = min(subgroup, PARTS - 1u);
    let totals_at = (group.x * PARTS + part) * 16u * TILE_VALUES;

    for (var tile = group.x; tile < row_groups * column_groups; tile += groups.x) {
        let row_tile = tile % row_groups * M_TILES;
        first_row = row_tile * TILE;
        first_column = tile / row_groups * N_TILES;
        find_sources(lane, row_tile, first_column);
        var sums = no_sums();
        stage_packs(load_packs(0u));
        workgroupBarrier();
        var k = 0u;
        for (var slice = 0u; slice < SLICES; slice++) {
            let end = min((slice + 1u) * slice_tiles, params.k_tiles);
            sums = no_sums();
            for (; k + 2u <= end; k += 2u) {
                let next = load_packs(k + 2u);
                sums = add_products(part, 1u, add_products(part, 0u, sums));
                workgroupBarrier();
                stage_packs(next);
                workgroupBarrier();
            }
            for (; k < end; k++) {
                let next = load_packs(k + 1u);
                sums = add_products(part, 0u, sums);
                workgroupBarrier();
                stage_packs(next);
                workgroupBarrier();
            }
            // Loops, as in `finish_round`. Subgroups beyond PARTS leave the totals alone.
            for (var later = select(0u, slice, subgroup < PARTS); later > 0u; later = 0u) {
                sums = add_totals(totals_at, sums);
            }
            for (var earlier = select(SLICES, slice, subgroup < PARTS); earlier + 1u < SLICES; earlier = SLICES) {
                keep_totals(totals_at, sums);
            }
        }
        finish(lane, subgroup, sums);
    }
}
