// Choice `row_queries`: two.

const QUERIES: u32 = 2u;
alias PerQuery = vec2<f32>;
