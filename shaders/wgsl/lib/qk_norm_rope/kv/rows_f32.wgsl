// Choice kv = rows_f32: queries and KV cache in f32, as `attention` reads them.
//
//   q              [rows][heads][4 head_vecs]           f32, each head padded with zeros to whole vec4
//   cache_keys     [kv_heads][head_vecs][context][4]    f32, positions innermost: neighbouring lanes of `attention`
//                                                       read neighbouring positions
//   cache_values   [context][kv_heads][4 head_vecs]     f32
//
// Supplies: `store_query`, `store_key`, `store_value`.

@group(0) @binding(5) var<storage, read_write> q: array<f32>;
@group(0) @binding(6) var<storage, read_write> cache_keys: array<f32>;
@group(0) @binding(7) var<storage, read_write> cache_values: array<f32>;

fn store_query(row: u32, head: u32, i: u32, value: f32) {
    q[(row * params.heads + head) * params.head_vecs * 4u + i] = value;
}

fn store_key(kv_head: u32, position: u32, i: u32, value: f32) {
    cache_keys[((kv_head * params.head_vecs + i / 4u) * params.context + position) * 4u + i % 4u] = value;
}

fn store_value(kv_head: u32, position: u32, i: u32, value: f32) {
    cache_values[(position * params.kv_heads + kv_head) * params.head_vecs * 4u + i] = value;
}
