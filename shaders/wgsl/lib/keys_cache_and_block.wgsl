// Choice `keys`: positions below `start` are in the cache, the block's own in its scratch. The diffusion view.

@group(0) @binding(7) var<storage, read> block_keys: array<vec4<f32>>;
@group(0) @binding(8) var<storage, read> block_values: array<vec4<f32>>;

fn key(kv_head: u32, d: u32, position: u32) -> vec4<f32> {
    let line = kv_head * params.head_vecs + d;
    if position < state.start {
        return cache_keys[line * params.capacity + position];
    }
    return block_keys[line * params.block_capacity + position - state.start];
}

fn value(kv_head: u32, d: u32, position: u32) -> vec4<f32> {
    if position < state.start {
        return cache_values[(position * params.kv_heads + kv_head) * params.head_vecs + d];
    }
    return block_values[((position - state.start) * params.kv_heads + kv_head) * params.head_vecs + d];
}
