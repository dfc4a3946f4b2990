// Choice kv = tiles_f16: queries and KV cache in f16 tiles, as cooperative matrices load them.
//
//   q              tiles [kv_heads][queries][4 head_vecs]   f16; query is row heads_per_kv + head % heads_per_kv
//   cache_keys     [kv_heads][context / 16][head_vecs / 4][16 positions][16 values]   f16
//   cache_values   [kv_heads][context / 16][head_vecs / 4][16 values][16 positions]   f16
//
// Values are clamped to f16's range, and NaN becomes zero: cooperative matrices multiply masked values by zero,
// and the product must be zero. Keys are stored as they are, so a NaN in a visible key still reaches the logits.
//
// Supplies: `store_query`, `store_key`, `store_value`.

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
