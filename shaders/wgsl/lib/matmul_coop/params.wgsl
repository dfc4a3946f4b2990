// Parameters of `matmul_coop` and `matmul_prefill`, and the tiles that they multiply.

struct Params {
    outputs: u32,    // rows of the matrix
    k_tiles: u32,    // tiles of a row of the matrix
    out_stride: u32, // see choice epilogue
    out_first: u32,
    scale: f32, // a power of two
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<uniform> params: Params;

alias WeightTile = coop_mat16x16<f16, B>;
alias InputTile = coop_mat16x16<f16, A>;
alias SumTile = coop_mat16x16<f32, C>;

// The first row and the first tile of outputs of the workgroup.
var<private> first_row: u32;
var<private> first_column: u32;
