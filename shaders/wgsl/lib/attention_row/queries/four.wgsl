// Choice queries = four: a workgroup takes four queries of a kv head, one a component.
//
// Supplies: `PerQuery`.

alias PerQuery = vec4<f32>;
