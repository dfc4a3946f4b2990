// attention: softmax attention of every query over one split of the KV cache, for `attention_merge` to combine.
//
//   over the positions p of split s, split_begin(s) <= p < min(split_begin(s + 1), visible(row)):
//   stats[kv_head][s][query]    = (m, l) = (max score, Σ exp(score_p - m))      score_p = scale q·key_p
//   partials[kv_head][s][query] = Σ exp(score_p - m) value_p
//
// Scores stay in workgroup memory. A pass goes through in chunks of rows, each merged before the next
// (lib/attention/partials.wgsl).
//
// Row-invariant: a position's place in its split, and the order of every sum, depend on the position alone. Masked
// positions are skipped, not multiplied by zero, so not even an infinity there matters.
//
//   q              [rows][heads][head_vecs]                       vec4
//   cache_keys     [kv_heads][head_vecs][context]                 vec4
//   cache_values   [context][kv_heads][head_vecs]                 vec4
//   partials       [kv_heads][splits][chunk_queries][head_vecs]   vec4
//   stats          [kv_heads][splits][chunk_queries]              vec2: m, l
//
// Calls: `split_begin` (choice splits), `visible`, `partial`, `queries_of_chunk` (lib/attention).
// Grid: (splits, rows of the chunk * heads_per_kv / TILE_QUERIES, kv_heads).
// A workgroup takes TILE_QUERIES of the queries that share a kv head, (row, head) in row-major order.

struct Params {
    heads: u32,
    kv_heads: u32,
    head_vecs: u32,
    context: u32, // positions of the KV cache
    queries: u32, // not read: room of a tiled `q`
    splits: u32,  // splits that `partials` and `stats` have room for
    scale: f32,
    mask: u32,          // CAUSAL or BLOCK
    first_row: u32,     // first row of the chunk
    chunk_queries: u32, // queries of a kv head, of whole rows, that `partials` and `stats` have room for
}

@group(0) @binding(0) var<storage, read> state: State;
@group(0) @binding(1) var<uniform> params: Params;
@group(0) @binding(2) var<storage, read> q: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> cache_keys: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> cache_values: array<vec4<f32>>;
@group(0) @binding(5) var<storage, read_write> partials: array<vec4<f32>>;
@group(0) @binding(6) var<storage, read_write> stats: array<vec2<f32>>;

const LANES: u32 = 64u;                  // a quarter of SPLIT
const PARTS: u32 = LANES / TILE_QUERIES; // lanes that share a query's softmax
const LOWEST: f32 = -3.402823e38;

var<workgroup> scores: array<f32, TILE_QUERIES * SPLIT>;
var<workgroup> parts: array<f32, LANES>;

fn key(kv_head: u32, d: u32, position: u32) -> vec4<f32> {
    return cache_keys[(kv_head * params.head_vecs + d) * params.context + position];
}

fn value(kv_head: u32, d: u32, position: u32) -> vec4<f32> {
    return cache_values[(position * params.kv_heads + kv_head) * params.head_vecs + d];
}

struct Query {
    row: u32,
    head: u32,
    kv_len: u32, // visible positions of this split; 0 for a query beyond the chunk
}

fn query(index: u32, kv_head: u32, base: u32) -> Query {
    let heads_per_kv = params.heads / params.kv_heads;
    let row = params.first_row + index / heads_per_kv;
    let head = kv_head * heads_per_kv + index % heads_per_kv;
    var kv_len = 0u;
    if index < queries_of_chunk() {
        kv_len = min(max(visible(row), base) - base, SPLIT);
    }
    return Query(row, head, kv_len);
}

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) lane: u32) {
    let split = group.x;
    let first = group.y * TILE_QUERIES;
    let kv_head = group.z;
    let base = split_begin(split);
    let queries = queries_of_chunk();
    if first >= queries {
        return;
    }
    // Later rows see no fewer positions than earlier ones.
    let last = query(min(first + TILE_QUERIES, queries) - 1u, kv_head, base);
    if last.kv_len == 0u {
        return;
    }

    var q_first: array<u32, TILE_QUERIES>;
    var kv_len: array<u32, TILE_QUERIES>;
    for (var t = 0u; t < TILE_QUERIES; t++) {
        let at = query(min(first + t, queries - 1u), kv_head, base);
        q_first[t] = (at.row * params.heads + at.head) * params.head_vecs;
        kv_len[t] = select(0u, at.kv_len, first + t < queries);
    }

    // Scores: a lane has four positions, which share each load of a query, and every query of the workgroup.
    if lane < last.kv_len {
        let p = vec4(lane) + vec4(0u, 1u, 2u, 3u) * LANES;
        let position = vec4(base) + min(p, vec4(last.kv_len - 1u));
        var dots = array<vec4<f32>, TILE_QUERIES>();
        for (var d = 0u; d < params.head_vecs; d++) {
            let a = key(kv_head, d, position.x);
            let b = key(kv_head, d, position.y);
            let c = key(kv_head, d, position.z);
            let e = key(kv_head, d, position.w);
            for (var t = 0u; t < TILE_QUERIES; t++) {
                let v = q[q_first[t] + d];
                var dot = fma(vec4(a.x, b.x, c.x, e.x), vec4(v.x), dots[t]);
                dot = fma(vec4(a.y, b.y, c.y, e.y), vec4(v.y), dot);
                dot = fma(vec4(a.z, b.z, c.z, e.z), vec4(v.z), dot);
                dots[t] = fma(vec4(a.w, b.w, c.w, e.w), vec4(v.w), dot);
            }
        }
        for (var t = 0u; t < TILE_QUERIES; t++) {
            for (var i = 0u; i < 4u; i++) {
                scores[t * SPLIT + p[i]] = dots[t][i] * params.scale;
            }
        }
    }
    workgroupBarrier();

    // Softmax: PARTS lanes a query.
    let tile_query = lane / PARTS;
    let mine = query(first + tile_query, kv_head, base);
    let line = tile_query * SPLIT;
    var highest = LOWEST;
    for (var p = lane % PARTS; p < mine.kv_len; p += PARTS) {
        highest = max(highest, scores[line + p]);
    }
    parts[lane] = highest;
    workgroupBarrier();
    for (var part = 0u; part < PARTS; part++) {
        highest = max(highest, parts[tile_query * PARTS + part]);
    }
    workgroupBarrier();
    var sum = 0.0;
    for (var p = lane % PARTS; p < mine.kv_len; p += PARTS) {
        let e = exp(scores[line + p] - highest);
        scores[line + p] = e;
        sum += e;
    }
    parts[lane] = sum;
    workgroupBarrier();
    if lane % PARTS == 0u && mine.kv_len > 0u {
        var whole = 0.0;
        for (var part = 0u; part < PARTS; part++) {
            whole += parts[lane + part];
        }
        stats[partial(kv_head, split, first + tile_query)] = vec2(highest, whole);
    }

    // Values: a lane has one vec4 of a head, and every query. Up to `least`, every query sees every position.
    let least = query(first, kv_head, base).kv_len;
    for (var d = lane; d < params.head_vecs; d += LANES) {
        var gathered = array<vec4<f32>, TILE_QUERIES>();
        for (var p = 0u; p < least; p++) {
            let v = value(kv_head, d, base + p);
            for (var t = 0u; t < TILE_QUERIES; t++) {
                gathered[t] = fma(vec4(scores[t * SPLIT + p]), v, gathered[t]);
            }
        }
        for (var p = least; p < last.kv_len; p++) {
            let v = value(kv_head, d, base + p);
            for (var t = 0u; t < TILE_QUERIES; t++) {
                if p < kv_len[t] {
                    gathered[t] = fma(vec4(scores[t * SPLIT + p]), v, gathered[t]);
                }
            }
        }
        for (var t = 0u; t < TILE_QUERIES; t++) {
            if kv_len[t] > 0u {
                partials[partial(kv_head, split, first + t) * params.head_vecs + d] = gathered[t];
            }
        }
    }
}
