// The row and pack that a stored pack belongs to: the inverse of `tiled` in lib/pack.wgsl.

struct Place {
    row: u32,
    pack: u32,
}

fn place_of(index: u32, packs: u32) -> Place {
    let tile = index / 32u;
    let tiles = packs / 2u;
    return Place(tile / tiles * 16u + index % 32u / 2u, tile % tiles * 2u + index % 2u);
}
