// Choice `keys`: every position is in the cache. The AR view, whose pass has just written its own rows there.

fn key(kv_head: u32, d: u32, position: u32) -> vec4<f32> {
    return cache_keys[(kv_head * params.head_vecs + d) * params.capacity + position];
}

fn value(kv_head: u32, d: u32, position: u32) -> vec4<f32> {
    return cache_values[(position * params.kv_heads + kv_head) * params.head_vecs + d];
}
