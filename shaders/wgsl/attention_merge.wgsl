// attention_merge: the splits of `attention` put together, in the order of their positions.
//
//   m = max_s m_s,  out[row][head] = Σ_s exp(m_s - m) sums_s / Σ_s exp(m_s - m) l_s
//
//   sums     [kv_heads][splits][queries][head_vecs]   vec4
//   stats    [kv_heads][splits][queries]              vec2: m, l
//   out      [rows][out_stride]                       choice `output`, heads side by side without padding
//
// Choices: `visible`, `output`. Grid: (heads, rows). One lane a vec4 of the head.

struct Params {
    heads: u32,
    kv_heads: u32,
    head_dim: u32,
    head_vecs: u32,
    queries: u32,    // queries of a kv head that `sums` and `stats` have room for
    splits: u32,     // splits that they have room for
    out_stride: u32, // values from a row of out to the next
    pad0: u32,
}

@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> sums: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> stats: array<vec2<f32>>;

const LANES: u32 = 64u;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let head = group.x;
    let row = group.y;
    if row >= state.rows || lane >= params.head_vecs {
        return;
    }
    let splits = (visible(row) + SPLIT - 1u) / SPLIT;
    let heads_per_kv = params.heads / params.kv_heads;
    let kv_head = head / heads_per_kv;
    let query = row * heads_per_kv + head % heads_per_kv;
    // Four splits at a time, whose loads do not wait for each other; each is added in its order.
    let last = splits - 1u;
    var highest = stats[partial(kv_head, 0u, query)].x;
    for (var s = 0u; s < splits; s += 4u) {
        let a = stats[partial(kv_head, s, query)].x;
        let b = stats[partial(kv_head, min(s + 1u, last), query)].x;
        let c = stats[partial(kv_head, min(s + 2u, last), query)].x;
        let d = stats[partial(kv_head, min(s + 3u, last), query)].x;
        highest = max(highest, max(max(a, b), max(c, d)));
    }
    var weight = 0.0;
    var sum = vec4(0.0);
    for (var s = 0u; s < splits; s += 4u) {
        var stat: array<vec2<f32>, 4>;
        var part: array<vec4<f32>, 4>;
        for (var i = 0u; i < 4u; i++) {
            let at = partial(kv_head, min(s + i, last), query);
            stat[i] = stats[at];
            part[i] = sums[at * params.head_vecs + lane];
        }
        for (var i = 0u; i < 4u; i++) {
            if s + i < splits {
                let factor = exp(stat[i].x - highest);
                weight = fma(stat[i].y, factor, weight);
                sum = fma(part[i], vec4(factor), sum);
            }
        }
    }
    let mean = sum / weight;
    for (var i = 0u; i < 4u; i++) {
        if lane * 4u + i < params.head_dim {
            put(row, head * params.head_dim + lane * 4u + i, mean[i]);
        }
    }
}
