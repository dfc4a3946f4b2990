// Where partial results of attention lie: [kv_heads][splits][chunk_queries].
//
// A pass goes through attention in chunks of rows. Each chunk is merged before the next one takes its memory.
// A query of a kv head is numbered (row - first_row) heads_per_kv + head % heads_per_kv.

fn partial(kv_head: u32, split: u32, query: u32) -> u32 {
    return (kv_head * params.splits + split) * params.chunk_queries + query;
}

// Queries of a kv head in the chunk: the room there is, or the rest of the pass if that is less.
fn queries_of_chunk() -> u32 {
    let rows = max(state.rows, params.first_row) - params.first_row;
    return min(rows * (params.heads / params.kv_heads), params.chunk_queries);
}
