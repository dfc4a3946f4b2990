// Choice `row_queries`: four.

const QUERIES: u32 = 4u;
alias PerQuery = vec4<f32>;
