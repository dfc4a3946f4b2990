// qk_norm_rope: RMS norm and rotary embedding of query and key heads, and the write of keys and values to the KV cache.
//
//   n = head / sqrt(mean(head²) + eps) * norm
//   (n[i], n[i + half]) -> (n[i] cos - n[i + half] sin, n[i + half] cos + n[i] sin)     rotate-half; values as they are
//
// The diffusion view's keys and values go to the positions that the AR view writes next. Nothing certain is there
// yet, and verifying the block overwrites all of it. Pads are never written: the buffers start as zeros.
//
//   qkv      [rows][qkv_stride]          f32: heads, then kv_heads keys, then kv_heads values
//   norms    [2][head_dim]               f32: q_norm, k_norm
//   rope     [positions][head_dim / 2]   (cos, sin) of position * theta^(-2i / head_dim)
//   q, cache_keys, cache_values          see choice kv
//
// Calls: `store_query`, `store_key`, `store_value` (choice kv), `store_partial`, `total` (choice reduce).
// Grid: (heads + 2 kv_heads, rows). One workgroup a head of a row.

struct Params {
    heads: u32,
    kv_heads: u32,
    head_dim: u32,
    head_vecs: u32,  // vec4 of a head, padded
    qkv_stride: u32, // values from a row of `qkv` to the next
    context: u32,    // positions of the KV cache
    queries: u32,    // queries of a kv head that a tiled `q` has room for
    eps: f32,
}

@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> qkv: array<f32>;
@group(0) @binding(3) var<storage, read> norms: array<f32>;
@group(0) @binding(4) var<storage, read> rope: array<vec2<f32>>;

const LANES: u32 = 64u;
const PAIRS: u32 = 2u; // pairs of a lane: heads have up to 256 values

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, thread: Thread) {
    let head = group.x;
    let row = group.y;
    let source = row * params.qkv_stride + head * params.head_dim;
    let keys_end = params.heads + params.kv_heads;
    let is_key = head >= params.heads;
    let norm = select(0u, params.head_dim, is_key);
    let half_dim = params.head_dim / 2u;

    // Loaded before the number of rows is known, and norm and rotation before the sum of squares: one wait each.
    var a: array<f32, PAIRS>;
    var b: array<f32, PAIRS>;
    var rotation: array<vec2<f32>, PAIRS>;
    var squares = 0.0;
    let position = state.start + row;
    for (var pair = 0u; pair < PAIRS; pair++) {
        let i = thread.lane + pair * LANES;
        if i < half_dim {
            a[pair] = qkv[source + i];
            b[pair] = qkv[source + half_dim + i];
        }
    }
    if row >= state.rows {
        return;
    }
    if head >= keys_end {
        for (var pair = 0u; pair < PAIRS; pair++) {
            let i = thread.lane + pair * LANES;
            if i < half_dim {
                store_value(head - keys_end, position, i, a[pair]);
                store_value(head - keys_end, position, half_dim + i, b[pair]);
            }
        }
        return;
    }
    for (var pair = 0u; pair < PAIRS; pair++) {
        let i = thread.lane + pair * LANES;
        if i < half_dim {
            squares = fma(a[pair], a[pair], squares);
            squares = fma(b[pair], b[pair], squares);
            a[pair] *= norms[norm + i];
            b[pair] *= norms[norm + half_dim + i];
            rotation[pair] = rope[position * half_dim + i];
        }
    }
    store_partial(thread, squares);
    workgroupBarrier();
    let scale = inverseSqrt(total(thread) / f32(params.head_dim) + params.eps);

    for (var pair = 0u; pair < PAIRS; pair++) {
        let i = thread.lane + pair * LANES;
        if i < half_dim {
            let x = a[pair] * scale;
            let y = b[pair] * scale;
            let rotated_a = fma(x, rotation[pair].x, -(y * rotation[pair].y));
            let rotated_b = fma(y, rotation[pair].x, x * rotation[pair].y);
            if is_key {
                store_key(head - params.heads, position, i, rotated_a);
                store_key(head - params.heads, position, half_dim + i, rotated_b);
            } else {
                store_query(row, head, i, rotated_a);
                store_query(row, head, half_dim + i, rotated_b);
            }
        }
    }
}
