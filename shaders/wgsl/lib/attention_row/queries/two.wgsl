// Choice queries = two: a workgroup takes two queries of a kv head, one a component.
//
// Supplies: `PerQuery`.

alias PerQuery = vec2<f32>;
