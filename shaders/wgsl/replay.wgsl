// replay: takes drafts from a script instead of the diffusion view, for benchmarks and checks.
//
//   tokens[start + r] = script[start + r]     0 < r < state.rows
//
//   script   [context]   ids by position
//   tokens   [context]   ids by position: the text
//
// Grid: (1). One lane a row.

@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<storage, read> script: array<u32>;
@group(0) @binding(2) var<storage, read_write> tokens: array<u32>;

@compute @workgroup_size(MAX_BLOCK)
fn main(@builtin(local_invocation_index) lane: u32) {
    if lane > 0u && lane < state.rows {
        tokens[state.start + lane] = script[state.start + lane];
    }
}
