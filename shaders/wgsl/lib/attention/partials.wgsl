// The partial results of `attention`, of a piece of the pass's rows: [kv_heads][splits][chunk_queries], where query is
// (row - first_row) heads_per_kv + head % heads_per_kv. The next piece's take their place once they are merged.

fn partial(kv_head: u32, split: u32, query: u32) -> u32 {
    return (kv_head * params.splits + split) * params.chunk_queries + query;
}

// Queries of a kv head in the piece: those there is room for, or what is left of the pass.
fn queries_of_chunk() -> u32 {
    let rows = max(state.rows, params.first_row) - params.first_row;
    return min(rows * (params.heads / params.kv_heads), params.chunk_queries);
}
