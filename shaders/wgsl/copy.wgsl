// copy: copies memory as fast as the GPU can, as a yardstick for the other kernels.
//
//   out[i] = x[i]      i < count
//
//   x, out   [count]   vec4
//
// Grid: (count / (LANES EACH)). A lane has EACH vec4 under way at once; neighbouring lanes copy neighbouring vec4.

struct Params {
    count: u32,
    pad0: u32,
    pad1: u32,
    pad2: u32,
}

@group(0) @binding(0) var<uniform> params: Params;
@group(0) @binding(1) var<storage, read> x: array<vec4<u32>>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<u32>>;

const LANES: u32 = 256u;
const EACH: u32 = 4u;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let first = group.x * LANES * EACH + lane;
    if first + (EACH - 1u) * LANES < params.count {
        let a = x[first];
        let b = x[first + LANES];
        let c = x[first + 2u * LANES];
        let d = x[first + 3u * LANES];
        out[first] = a;
        out[first + LANES] = b;
        out[first + 2u * LANES] = c;
        out[first + 3u * LANES] = d;
        return;
    }
    for (var i = first; i < params.count; i += LANES) {
        out[i] = x[i];
    }
}
