// Choice `row_queries`: two.

alias PerQuery = vec2<f32>;
