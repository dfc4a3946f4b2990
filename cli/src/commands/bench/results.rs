//! The results of `orthrus bench`: the JSON, field by field.

use orthrus::Model;
use orthrus::sizes::weight_bytes;
use serde::Serialize;

use crate::commands::bench::acceptance::Acceptance;
use crate::commands::bench::date::utc_now;
use crate::commands::bench::spread::Spread;
use crate::model_source::ModelSource;

/// All results, with the command, the machine and the model.
#[derive(Serialize, Debug)]
pub(crate) struct Results {
    pub(crate) command: String,
    /// The date and time in UTC.
    pub(crate) date: String,
    pub(crate) version: &'static str,
    pub(crate) adapter: String,
    pub(crate) backend: String,
    pub(crate) driver: String,
    pub(crate) tier: &'static str,
    pub(crate) model: String,
    /// Whether weights are random.
    pub(crate) synthetic: bool,
    pub(crate) dtype: &'static str,
    pub(crate) block_size: usize,
    pub(crate) weight_bytes: u64,
    /// The number of measurements behind each median.
    pub(crate) repetitions: usize,
    /// The GB/s that a compute shader reads and writes when it copies.
    pub(crate) copy_gb_per_second: Spread,
    /// The acceptance lengths that dual-view decoding replays a sample of.
    pub(crate) acceptance: Acceptance,
    pub(crate) contexts: Vec<AtContext>,
    /// The measurements that were left out, and why.
    pub(crate) notes: Vec<String>,
}

/// All figures at one context.
#[derive(Serialize, Debug)]
pub(crate) struct AtContext {
    pub(crate) context: usize,
    pub(crate) passes: Vec<PassFigures>,
    /// AR decoding, once for each set of kernels.
    pub(crate) ar: Vec<DecodeFigures>,
    /// Dual-view decoding. `None`: the model has no diffusion view.
    pub(crate) dual: Option<DecodeFigures>,
    /// Prefill: the time from an empty KV cache to the first token after a prompt of `context` tokens. `None`: the
    /// context is too long to be measured.
    pub(crate) prompt_ms: Option<Spread>,
    pub(crate) prompt_tokens_per_second: Option<Spread>,
    pub(crate) cache_bytes: u64,
    /// The bytes that the session takes beyond weights and KV cache.
    pub(crate) scratch_bytes: u64,
}

/// One pass, with its head and its choice of ids.
#[derive(Serialize, Debug)]
pub(crate) struct PassFigures {
    /// `AR`, `verify` or `draft`. With `--kernels` also `prompt`, which is the last pass of a prefill.
    pub(crate) pass: &'static str,
    pub(crate) rows: usize,
    /// The kernels of an AR pass. `None`: the pass has only one set of kernels.
    pub(crate) kernel: Option<&'static str>,
    pub(crate) ms: Spread,
    /// The bytes that the pass must read: its weights and the KV cache, each once.
    pub(crate) bytes: u64,
    pub(crate) gb_per_second: f64,
    /// Empty without `--kernels`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) kernels: Vec<KernelFigures>,
}

/// A kernel at one place of each layer. Its dispatches run one after the other, without the rest of the pass.
#[derive(Serialize, Debug)]
pub(crate) struct KernelFigures {
    pub(crate) kernel: &'static str,
    /// `layers`, or the `greedy` or `sampled` choice of ids.
    pub(crate) part: &'static str,
    pub(crate) dispatches: usize,
    /// The time of one dispatch.
    pub(crate) us: Spread,
}

/// Decoding through the real decode loop.
#[derive(Serialize, Debug)]
pub(crate) struct DecodeFigures {
    /// The kernels of AR decoding. `None`: dual-view decoding.
    pub(crate) kernel: Option<&'static str>,
    pub(crate) tokens: usize,
    /// The number of cycles. A step of AR decoding is a cycle of one row.
    pub(crate) cycles: usize,
    pub(crate) tokens_per_cycle: f64,
    /// The wall-clock time of a cycle.
    pub(crate) cycle_ms: Spread,
    pub(crate) tokens_per_second: Spread,
    /// The share of a cycle that its passes take. `None`: its passes were not measured by themselves.
    pub(crate) passes_share: Option<f64>,
    /// The number of ids before the first that differs from exact AR decoding. `None`: exact AR decoding itself.
    pub(crate) same_ids: Option<usize>,
}

impl Results {
    /// Results without contexts: the copy is the only measurement so far.
    pub(crate) fn new(
        source: &ModelSource,
        model: &Model,
        repetitions: usize,
        copy: Spread,
        acceptance: Acceptance,
    ) -> Results {
        let adapter = model.gpu().adapter();
        let arguments: Vec<String> = std::env::args().skip(1).collect();
        Results {
            command: format!("orthrus {}", arguments.join(" ")),
            date: utc_now(),
            version: env!("CARGO_PKG_VERSION"),
            adapter: adapter.name.clone(),
            backend: adapter.backend.clone(),
            driver: adapter.driver.clone(),
            tier: model.gpu().tier().name(),
            model: source.name(),
            synthetic: source.is_synthetic(),
            dtype: model.format().name(),
            block_size: model.config().block_size,
            weight_bytes: weight_bytes(model.config(), model.views(), model.format()),
            repetitions,
            copy_gb_per_second: copy,
            acceptance,
            contexts: Vec::new(),
            notes: Vec::new(),
        }
    }
}
