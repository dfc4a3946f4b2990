// Where a stored chunk belongs: the inverse of `interleaved` in lib/chunk.wgsl.

struct Place {
    row: u32,
    chunk: u32,
}

fn place_of(index: u32, chunks: u32) -> Place {
    let line = index / 16u;
    return Place(line / chunks * 16u + index % 16u, line % chunks);
}
