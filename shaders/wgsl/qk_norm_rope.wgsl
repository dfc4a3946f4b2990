// qk_norm_rope: RMS norm of each query and key head, rotary embedding (rotate-half), and the write of
// keys and values to the cache (AR view) or to the block's scratch (diffusion view).
//
//   qkv      [rows][qkv_stride]                     f32: heads, then kv_heads keys, then kv_heads values
//   norms    [2][head_dim]                          f32: q_norm, k_norm
//   rope     [positions][head_dim / 2]              (cos, sin) of position * theta^(-2i / head_dim)
//   q        [rows][heads][4 head_vecs]             f32, each head padded with zeros to whole vec4
//   keys     [kv_heads][head_vecs][capacity][4]     f32: positions innermost, so that lanes of `attention`,
//                                                   one a position, read side by side
//   values   [capacity][kv_heads][4 head_vecs]      f32
//
// Position `p` of the cache is slot p; row r of the scratch is slot r. Pads are never written: the buffers
// start as zeros. Choice `reduce`. Grid: (heads + 2 kv_heads, rows). One workgroup a head of a row.

struct Params {
    heads: u32,
    kv_heads: u32,
    head_dim: u32,
    head_vecs: u32,  // vec4 of a head: head_dim / 4, rounded up
    qkv_stride: u32, // values from a row of qkv to the next
    capacity: u32,   // slots of `keys` and `values`
    scratch: u32,    // 1: keys and values are the block's scratch
    eps: f32,
}

@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> qkv: array<f32>;
@group(0) @binding(3) var<storage, read> norms: array<f32>;
@group(0) @binding(4) var<storage, read> rope: array<vec2<f32>>;
@group(0) @binding(5) var<storage, read_write> q: array<f32>;
@group(0) @binding(6) var<storage, read_write> keys: array<f32>;
@group(0) @binding(7) var<storage, read_write> values: array<f32>;

const LANES: u32 = 64u;
const VALUES: u32 = 1u;

fn key_index(kv_head: u32, i: u32, slot: u32) -> u32 {
    return ((kv_head * params.head_vecs + i / 4u) * params.capacity + slot) * 4u + i % 4u;
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, thread: Thread) {
    let head = group.x;
    let row = group.y;
    if row >= state.rows {
        return;
    }
    let position = state.start + row;
    let slot = select(position, row, params.scratch == 1u);
    let source = row * params.qkv_stride + head * params.head_dim;
    let keys_end = params.heads + params.kv_heads;

    if head >= keys_end {
        let target_head = (slot * params.kv_heads + head - keys_end) * params.head_vecs * 4u;
        for (var i = thread.lane; i < params.head_dim; i += LANES) {
            values[target_head + i] = qkv[source + i];
        }
        return;
    }

    var squares = 0.0;
    for (var i = thread.lane; i < params.head_dim; i += LANES) {
        let value = qkv[source + i];
        squares = fma(value, value, squares);
    }
    put_partial(thread, 0u, squares);
    workgroupBarrier();
    let scale = inverseSqrt(total(thread, 0u) / f32(params.head_dim) + params.eps);

    let is_key = head >= params.heads;
    let norm = select(0u, params.head_dim, is_key);
    let half_dim = params.head_dim / 2u;
    for (var i = thread.lane; i < half_dim; i += LANES) {
        let a = qkv[source + i] * scale * norms[norm + i];
        let b = qkv[source + half_dim + i] * scale * norms[norm + half_dim + i];
        let turn = rope[position * half_dim + i];
        let rotated_a = fma(a, turn.x, -(b * turn.y));
        let rotated_b = fma(b, turn.x, a * turn.y);
        if is_key {
            keys[key_index(head - params.heads, i, slot)] = rotated_a;
            keys[key_index(head - params.heads, half_dim + i, slot)] = rotated_b;
        } else {
            let at = (row * params.heads + head) * params.head_vecs * 4u + i;
            q[at] = rotated_a;
            q[at + half_dim] = rotated_b;
        }
    }
}
