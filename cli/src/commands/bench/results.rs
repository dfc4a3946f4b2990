//! What a run of `orthrus bench` found: the JSON, field by field.

use orthrus::Model;
use orthrus::sizes::weight_bytes;
use serde::Serialize;

use crate::commands::bench::acceptance::Acceptance;
use crate::commands::bench::date::utc_now;
use crate::commands::bench::spread::Spread;
use crate::model_source::ModelSource;

/// Everything, with what it takes to do it again.
#[derive(Serialize, Debug)]
pub(crate) struct Results {
    pub(crate) command: String,
    /// UTC.
    pub(crate) date: String,
    pub(crate) version: &'static str,
    pub(crate) adapter: String,
    pub(crate) backend: String,
    pub(crate) driver: String,
    pub(crate) tier: &'static str,
    pub(crate) model: String,
    /// Random weights.
    pub(crate) synthetic: bool,
    pub(crate) dtype: &'static str,
    pub(crate) block_size: usize,
    pub(crate) weight_bytes: u64,
    /// How many measurements each median is of.
    pub(crate) repetitions: usize,
    /// GB/s read and written by a compute shader that copies.
    pub(crate) copy_gb_per_second: Spread,
    /// What the cycles of the dual view replay.
    pub(crate) acceptance: Acceptance,
    pub(crate) contexts: Vec<AtContext>,
    /// What was left out, and why.
    pub(crate) notes: Vec<String>,
}

/// All figures at one context.
#[derive(Serialize, Debug)]
pub(crate) struct AtContext {
    pub(crate) context: usize,
    pub(crate) passes: Vec<PassFigures>,
    /// AR decoding, by kernel.
    pub(crate) ar: Vec<DecodeFigures>,
    pub(crate) dual: Option<DecodeFigures>,
    /// From nothing to the first token after a prompt of `context` tokens.
    pub(crate) prompt_ms: Option<Spread>,
    pub(crate) prompt_tokens_per_second: Option<Spread>,
    pub(crate) cache_bytes: u64,
    /// Beyond weights and cache.
    pub(crate) scratch_bytes: u64,
}

/// One pass, head and choice of ids included.
#[derive(Serialize, Debug)]
pub(crate) struct PassFigures {
    /// `AR`, `verify` or `draft`, with `--kernels` also `prompt`: the last of its passes.
    pub(crate) pass: &'static str,
    pub(crate) rows: usize,
    /// Of a pass of one row.
    pub(crate) kernel: Option<&'static str>,
    pub(crate) ms: Spread,
    /// That it must read: weights and cache once.
    pub(crate) bytes: u64,
    pub(crate) gb_per_second: f64,
    /// With `--kernels`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(crate) kernels: Vec<KernelFigures>,
}

/// All dispatches of a kernel at one place of each layer, run one after the other without the rest of the pass.
#[derive(Serialize, Debug)]
pub(crate) struct KernelFigures {
    pub(crate) kernel: &'static str,
    /// `layers`, or `greedy` or `sampled` choice of ids.
    pub(crate) part: &'static str,
    pub(crate) dispatches: usize,
    /// Of one dispatch.
    pub(crate) us: Spread,
}

/// The decode loop.
#[derive(Serialize, Debug)]
pub(crate) struct DecodeFigures {
    /// Of AR decoding.
    pub(crate) kernel: Option<&'static str>,
    pub(crate) tokens: usize,
    /// A step of AR decoding is a cycle.
    pub(crate) cycles: usize,
    pub(crate) tokens_per_cycle: f64,
    /// Wall clock.
    pub(crate) cycle_ms: Spread,
    pub(crate) tokens_per_second: Spread,
    /// Share of a cycle that its passes take, as measured by themselves. None where they were not.
    pub(crate) passes_share: Option<f64>,
    /// Ids up to the first that is not that of exact AR decoding. None for exact AR decoding itself.
    pub(crate) same_ids: Option<usize>,
}

impl Results {
    /// Before anything is measured but the copy.
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
