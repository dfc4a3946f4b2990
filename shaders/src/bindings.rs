//! What each kernel binds.

/// How a kernel uses a binding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// A uniform buffer.
    Uniform,
    /// A storage buffer that is only read.
    Read,
    /// A storage buffer that is written.
    ReadWrite,
}

/// One binding of group 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Binding {
    /// Its number.
    pub index: u32,
    /// The variable's name in the WGSL.
    pub name: &'static str,
    /// How it is used.
    pub access: Access,
}

const fn uniform(index: u32, name: &'static str) -> Binding {
    Binding { index, name, access: Access::Uniform }
}

const fn read(index: u32, name: &'static str) -> Binding {
    Binding { index, name, access: Access::Read }
}

const fn write(index: u32, name: &'static str) -> Binding {
    Binding { index, name, access: Access::ReadWrite }
}

pub(crate) const EMBED: &[Binding] =
    &[read(0, "state"), uniform(1, "params"), read(2, "weights"), read(3, "tokens"), write(4, "x")];
pub(crate) const RMS_NORM: &[Binding] =
    &[read(0, "state"), uniform(1, "params"), read(2, "x"), read(3, "weight"), write(4, "out")];
pub(crate) const MATMUL: &[Binding] =
    &[read(0, "state"), uniform(1, "params"), read(2, "weights"), read(3, "x"), write(4, "y")];
pub(crate) const MATMUL_COOP: &[Binding] =
    &[read(0, "state"), uniform(1, "params"), read(2, "weights"), read(3, "x"), write(4, "out")];
/// `matmul_coop`'s, and one more.
pub(crate) const MATMUL_PROMPT: &[Binding] = &[
    read(0, "state"),
    uniform(1, "params"),
    read(2, "weights"),
    read(3, "x"),
    write(4, "out"),
    write(5, "totals"),
];
pub(crate) const MATMUL_ROW_NORMED: &[Binding] = &[
    read(0, "state"),
    uniform(1, "params"),
    read(2, "weights"),
    read(3, "x"),
    write(4, "out"),
    read(5, "norm"),
];
pub(crate) const QK_NORM_ROPE: &[Binding] = &[
    read(0, "state"),
    uniform(1, "params"),
    read(2, "qkv"),
    read(3, "norms"),
    read(4, "rope"),
    write(5, "q"),
    write(6, "keys"),
    write(7, "values"),
];
pub(crate) const ATTENTION: &[Binding] = &[
    read(0, "state"),
    uniform(1, "params"),
    read(2, "q"),
    read(3, "cache_keys"),
    read(4, "cache_values"),
    write(5, "sums"),
    write(6, "stats"),
];
pub(crate) const ATTENTION_COOP: &[Binding] = &[
    read(0, "state"),
    uniform(1, "params"),
    read(2, "q"),
    read(3, "cache_keys"),
    read(4, "cache_values"),
    write(5, "means"),
    write(6, "stats"),
];
pub(crate) const ATTENTION_ROW: &[Binding] = &[
    read(0, "state"),
    uniform(1, "params"),
    read(2, "qkv"),
    read(3, "norms"),
    read(4, "rope"),
    write(5, "cache_keys"),
    write(6, "cache_values"),
    write(7, "partial_sums"),
    write(8, "stats"),
];
pub(crate) const ATTENTION_MERGE: &[Binding] =
    &[read(0, "state"), uniform(1, "params"), read(2, "partials"), read(3, "stats"), write(4, "out")];
pub(crate) const SWIGLU: &[Binding] =
    &[read(0, "state"), uniform(1, "params"), read(2, "gate_up"), write(3, "out")];
pub(crate) const ARGMAX_LOGITS: &[Binding] =
    &[read(0, "state"), uniform(1, "params"), read(2, "logits"), write(3, "ids")];
pub(crate) const ARGMAX_BEST: &[Binding] =
    &[read(0, "state"), uniform(1, "params"), read(2, "best"), write(3, "ids")];
pub(crate) const SURVEY: &[Binding] =
    &[read(0, "state"), uniform(1, "params"), read(2, "logits"), write(3, "parts")];
pub(crate) const DISTRIBUTION: &[Binding] =
    &[read(0, "state"), uniform(1, "params"), read(2, "logits"), read(3, "parts"), write(4, "distributions")];
pub(crate) const SAMPLE: &[Binding] =
    &[read(0, "state"), uniform(1, "params"), read(2, "logits"), read(3, "distributions"), write(4, "best")];
pub(crate) const REJECT: &[Binding] = &[
    read(0, "state"),
    uniform(1, "params"),
    read(2, "logits"),
    read(3, "distributions"),
    read(4, "draft_logits"),
    read(5, "draft_distributions"),
    read(6, "tokens"),
    write(7, "picks"),
];
pub(crate) const ACCEPT: &[Binding] =
    &[write(0, "state"), write(1, "tokens"), read(2, "picks"), write(3, "record")];

pub(crate) const REPLAY: &[Binding] = &[read(0, "state"), read(1, "script"), write(2, "tokens")];
pub(crate) const FILL_RANDOM: &[Binding] = &[read(0, "state"), uniform(1, "params"), write(2, "weights")];
pub(crate) const COPY: &[Binding] = &[uniform(0, "params"), read(1, "x"), write(2, "y")];
