// matmul_prompt: `matmul_coop` for passes of many rows.
//
//   product[row][o] = scale Σ_k x[row][k] weights[o][k]        row < row_count(), o < outputs
//
// A workgroup has 128 rows and 128 outputs. Its lanes bring a tile of k of all of them to workgroup memory, while its
// subgroups multiply the one before: each has 64 rows and 32 outputs. So weights are read once for 128 rows and inputs
// for 128 outputs, and neither more than once a workgroup. What is brought was asked for three tiles before: a GPU's
// memory takes longer than multiplying one.
//
// Row-invariant, and bit-equal to `matmul_coop`: a row's slices are the same, each is summed from zero in the same
// order, and the slices' sums are added in theirs. There a subgroup has one slice, here it has one after another.
//
//   weights  tiled [outputs][16 k_tiles]   f16 in vec4, see lib/chunk.wgsl; outputs in whole 32
//   x        tiles [rows][16 k_tiles]      f16 in vec4, see lib/tile.wgsl; rows in whole 128, those beyond the pass
//                                          hold anything
//
// Choices: `row_slices`, `product` (what becomes of it).
// Grid: (rows / 128, outputs / 128): workgroups that run together share weights first, of which there are more.

enable f16;
enable wgpu_cooperative_matrix;

@group(0) @binding(2) var<storage, read> weights: array<vec4<f16>>;
@group(0) @binding(3) var<storage, read> x: array<vec4<f16>>;

const LANES: u32 = 256u;
const ROW_TILES: u32 = 8u;    // of a workgroup
const COLUMN_TILES: u32 = 8u;
const PARTS: u32 = 8u;        // subgroups that multiply, 2 of rows by 4 of outputs

// Tiles in workgroup memory: weights, then inputs. A row of one has room for 24 values, so that eight rows lie in
// different banks.
const STAGED_ROW: u32 = 6u; // vec4
const STAGED_TILE: u32 = TILE * STAGED_ROW;
const STAGE_TILES: u32 = COLUMN_TILES + ROW_TILES;
const STAGE: u32 = STAGE_TILES * STAGED_TILE;
const TILE_VECS: u32 = TILE_VALUES / 4u;
const TILE_LANES: u32 = 64u;                     // lanes that bring a tile, a vec4 each
const STEP_TILES: u32 = LANES / TILE_LANES;      // tiles that all lanes bring at once
const STEP: u32 = STEP_TILES * STAGED_TILE;

// A subgroup has four tiles of rows and two of outputs, which follow one another.
alias Sums = array<SumTile, 8>; // first outputs, then second
// Of a lane: a vec4 of every fourth tile, two of weights and two of inputs.
alias Brought = array<vec4<f16>, 4>;

var<workgroup> staged: array<vec4<f16>, 2u * STAGE>; // a stage is written while the other is multiplied
var<workgroup> sums_of_round: array<f32, COLUMN_TILES * TILE_VALUES>; // of a tile of rows

// Of the lane: where what it brings is in `weights` and `x`, and in a stage.
var<private> sources: vec4<u32>;
var<private> place: u32;

// The last tile of k again where there is none.
fn fetch(k: u32) -> Brought {
    let at = sources + min(k, params.k_tiles - 1u) * TILE_VECS;
    return Brought(weights[at.x], weights[at.y], x[at.z], x[at.w]);
}

fn stage(first: u32, brought: Brought) {
    let at = first + place;
    staged[at] = brought[0];
    staged[at + STEP] = brought[1];
    staged[at + 2u * STEP] = brought[2];
    staged[at + 3u * STEP] = brought[3];
}

fn weight_tile(at: u32) -> WeightTile {
    return coopLoad<WeightTile>(&staged[at], STAGED_ROW);
}

fn input_tile(at: u32) -> InputTile {
    return coopLoadT<InputTile>(&staged[at], STAGED_ROW);
}

fn zero() -> Sums {
    return Sums(SumTile(), SumTile(), SumTile(), SumTile(), SumTile(), SumTile(), SumTile(), SumTile());
}

// The tile of k that is staged `at` is multiplied.
fn add_products(part: u32, at: u32, sums: Sums) -> Sums {
    let weights_at = at + part / 2u * 2u * STAGED_TILE;
    let x_at = at + (COLUMN_TILES + part % 2u * 4u) * STAGED_TILE;
    let first = weight_tile(weights_at);
    let second = weight_tile(weights_at + STAGED_TILE);
    let a = input_tile(x_at);
    let b = input_tile(x_at + STAGED_TILE);
    let c = input_tile(x_at + 2u * STAGED_TILE);
    let d = input_tile(x_at + 3u * STAGED_TILE);
    return Sums(
        coopMultiplyAdd(a, first, sums[0]),
        coopMultiplyAdd(b, first, sums[1]),
        coopMultiplyAdd(c, first, sums[2]),
        coopMultiplyAdd(d, first, sums[3]),
        coopMultiplyAdd(a, second, sums[4]),
        coopMultiplyAdd(b, second, sums[5]),
        coopMultiplyAdd(c, second, sums[6]),
        coopMultiplyAdd(d, second, sums[7]),
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

// Of the round, where the tile's sums begin that are finished.
var<private> tile_at: u32;

// The sum at place `at` of the tile.
fn total(at: u32) -> f32 {
    return sums_of_round[tile_at + at] * params.scale;
}

// What becomes of the sums of a tile of rows, which every second subgroup has.
fn finish_round(lane: u32, subgroup: u32, row_tile: u32, first: SumTile, second: SumTile) {
    workgroupBarrier();
    // A loop where an `if` would do: naga takes a branch on the subgroup's number for one that could part it.
    for (var part = subgroup; part < PARTS && part % 2u == row_tile / 4u; part += PARTS) {
        let first_at = part / 2u * 2u * TILE_VALUES;
        let second_at = first_at + TILE_VALUES;
        let stride = TILE;
        coopStoreT(first, &sums_of_round[first_at], stride);
        coopStoreT(second, &sums_of_round[second_at], stride);
    }
    workgroupBarrier();
    for (var column = 0u; column < COLUMN_TILES; column++) {
        tile_at = column * TILE_VALUES;
        finish_tile(lane, first_row + row_tile * TILE, first_column + column);
    }
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3<u32>,
    @builtin(local_invocation_index) lane: u32,
    @builtin(subgroup_id) subgroup: u32,
) {
    first_row = group.x * ROW_TILES * TILE;
    first_column = group.y * COLUMN_TILES;
    if first_row >= row_count() {
        return;
    }
    // Where the matrix ends, its last outputs are multiplied again, for nothing.
    let tile = lane / TILE_LANES;
    let columns = min(vec2(first_column + tile) + vec2(0u, STEP_TILES), vec2((params.outputs - 1u) / TILE));
    let rows = vec2(group.x * ROW_TILES + tile) + vec2(0u, STEP_TILES);
    let vec = lane % TILE_LANES;
    sources = vec4(columns, rows) * params.k_tiles * TILE_VECS + vec;
    place = tile * STAGED_TILE + vec / 4u * STAGED_ROW + vec % 4u;
    let run = (params.k_tiles + SLICES - 1u) / SLICES;

    // Subgroups beyond those that there is work for do the last one's too.
    let part = min(subgroup, PARTS - 1u);
    var totals = zero();
    // Tile k is staged, the next three are under way. Four steps at a time, so that nothing that is under way need be
    // copied, which would wait for it.
    stage(0u, fetch(0u));
    var b = fetch(1u);
    var c = fetch(2u);
    var d = fetch(3u);
    workgroupBarrier();
    var k = 0u;
    for (var slice = 0u; slice < SLICES; slice++) {
        let end = min((slice + 1u) * run, params.k_tiles);
        var sums = zero();
        for (; k + 4u <= end; k += 4u) {
            let a = fetch(k + 4u);
            sums = add_products(part, 0u, sums);
            stage(STAGE, b);
            workgroupBarrier();
            b = fetch(k + 5u);
            sums = add_products(part, STAGE, sums);
            stage(0u, c);
            workgroupBarrier();
            c = fetch(k + 6u);
            sums = add_products(part, 0u, sums);
            stage(STAGE, d);
            workgroupBarrier();
            d = fetch(k + 7u);
            sums = add_products(part, STAGE, sums);
            stage(0u, a);
            workgroupBarrier();
        }
        if k < end {
            for (; k < end; k++) {
                let next = fetch(k + 1u);
                sums = add_products(part, 0u, sums);
                workgroupBarrier();
                stage(0u, next);
                workgroupBarrier();
            }
            b = fetch(k + 1u);
            c = fetch(k + 2u);
            d = fetch(k + 3u);
        }
        // The first slice too is added to zero, which changes nothing: a sum from zero on is never -0.
        totals = add_sums(totals, sums);
    }
    finish_round(lane, subgroup, 0u, totals[0], totals[4]);
    finish_round(lane, subgroup, 1u, totals[1], totals[5]);
    finish_round(lane, subgroup, 2u, totals[2], totals[6]);
    finish_round(lane, subgroup, 3u, totals[3], totals[7]);
    finish_round(lane, subgroup, 4u, totals[0], totals[4]);
    finish_round(lane, subgroup, 5u, totals[1], totals[5]);
    finish_round(lane, subgroup, 6u, totals[2], totals[6]);
    finish_round(lane, subgroup, 7u, totals[3], totals[7]);
}
