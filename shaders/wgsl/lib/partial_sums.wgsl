// The partial results of `attention`: [kv_heads][splits][queries], where query is row heads_per_kv + head % heads_per_kv.

fn partial(kv_head: u32, split: u32, query: u32) -> u32 {
    return (kv_head * params.splits + split) * params.queries + query;
}
