// Where a stored chunk belongs: the inverse of `tiled` in lib/chunk.wgsl.

struct Place {
    row: u32,
    chunk: u32,
}

fn place_of(index: u32, chunks: u32) -> Place {
    let tile = index / 32u;
    let tiles = chunks / 2u;
    return Place(tile / tiles * 16u + index % 32u / 2u, tile % tiles * 2u + index % 2u);
}
