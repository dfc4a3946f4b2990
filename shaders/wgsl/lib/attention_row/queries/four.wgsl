// Choice `row_queries`: four.

alias PerQuery = vec4<f32>;
