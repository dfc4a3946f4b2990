// Choice `cache`: f16 in tiles, for `attention_coop`, `attention_staged` and `attention_row`.
//
//   q        tiles [kv_heads][queries][4 head_vecs]   query is row heads_per_kv + head % heads_per_kv
//   keys     [kv_heads][context / 16][head_vecs / 4][16 positions][16 values]
//   values   [kv_heads][context / 16][head_vecs / 4][16 values][16 positions]
//
// Values are kept finite, clamped to f16's range and zero for NaN: cooperative matrices multiply those that a row may
// not see by zero. Keys are not, so whoever attends to a NaN still hears of it.

enable f16;

@group(0) @binding(5) var<storage, read_write> q: array<f16>;
@group(0) @binding(6) var<storage, read_write> cache_keys: array<f16>;
@group(0) @binding(7) var<storage, read_write> cache_values: array<f16>;

const F16_LARGEST: f32 = 65504.0;

fn store_query(row: u32, head: u32, i: u32, value: f32) {
    let heads_per_kv = params.heads / params.kv_heads;
    let query = head / heads_per_kv * params.queries + row * heads_per_kv + head % heads_per_kv;
    q[in_tiles(query, i, params.head_vecs / 4u)] = f16(value);
}

fn store_key(kv_head: u32, position: u32, i: u32, value: f32) {
    cache_keys[in_tiles(kv_head * params.context + position, i, params.head_vecs / 4u)] = f16(value);
}

fn store_value(kv_head: u32, position: u32, i: u32, value: f32) {
    let finite = select(0.0, clamp(value, -F16_LARGEST, F16_LARGEST), value == value);
    let tile = ((kv_head * params.context + position) / TILE * (params.head_vecs / 4u) + i / TILE) * TILE_VALUES;
    cache_values[tile + i % TILE * TILE + position % TILE] = f16(finite);
}
