//! `orthrus info`: what a checkpoint holds, and how much memory it needs.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use indicatif::{BinaryBytes, HumanCount};
use orthrus::sizes::{SessionSizes, weight_bytes};
use orthrus::{AdapterReport, Layouts, Tier, WeightFormat, adapters_blocking};
use orthrus_loader::{AttentionView, Checkpoint, CheckpointViews, Config, schema};
use serde::Serialize;

use crate::args::InfoArgs;
use crate::error::Result;
use crate::model_source::ModelSource;
use crate::output::{show, show_json};

/// The contexts whose memory is shown, besides the model's longest one.
const CONTEXTS: [usize; 4] = [1024, 4096, 8192, 32_768];

/// Shows the model that `args` name.
pub(crate) fn run(args: &InfoArgs) -> Result<()> {
    let info = Info::new(&ModelSource::open(args.model.as_deref())?)?;
    if args.json { show_json(&info, true) } else { show(&info.text()) }
}

/// The object that `info --json` prints. Names with `bytes` and the fields of `memory` are in bytes.
#[derive(Serialize, Debug)]
struct Info {
    model: String,
    /// Whether weights are random. Then there are no tensors and no tokenizer.
    synthetic: bool,
    views: Vec<&'static str>,
    layers: usize,
    hidden_size: usize,
    attention_heads: usize,
    key_value_heads: usize,
    head_dim: usize,
    intermediate_size: usize,
    vocabulary: usize,
    tied_embeddings: bool,
    rope_theta: f64,
    block_size: usize,
    mask_token_id: Option<u32>,
    end_token_ids: Vec<u32>,
    context: usize,
    parameters: Parameters,
    /// The number of tensors of each type.
    tensor_dtypes: BTreeMap<String, usize>,
    tensor_bytes: u64,
    /// `None`: the checkpoint is not on disk.
    file_bytes: Option<u64>,
    tokenizer: bool,
    chat_template: bool,
    /// The best tier on this machine. It decides the layout of the KV cache, so `memory` is for this tier.
    tier: &'static str,
    memory: Vec<Memory>,
}

#[derive(Serialize, Debug, Default)]
struct Parameters {
    total: u64,
    /// Parameters that both views use.
    shared: u64,
    /// Parameters that only the AR view uses.
    ar: u64,
    /// Parameters that only the diffusion view uses.
    diffusion: u64,
}

/// The GPU memory that a context needs, in bytes.
#[derive(Serialize, Debug)]
struct Memory {
    context: usize,
    dtype: &'static str,
    weights: u64,
    cache: u64,
    scratch: u64,
    total: u64,
}

impl Info {
    fn new(source: &ModelSource) -> Result<Info> {
        let mut info = Info::of_shape(source);
        if let Some(checkpoint) = source.checkpoint() {
            info.add_files(checkpoint)?;
        }
        Ok(info)
    }

    /// The fields that follow from the configuration and this machine. The others keep their defaults.
    fn of_shape(source: &ModelSource) -> Info {
        let config = source.config();
        let adapters = adapters_blocking();
        let tier = adapters.iter().filter_map(AdapterReport::best_tier).max().unwrap_or(Tier::Baseline);
        Info {
            model: source.name(),
            synthetic: source.is_synthetic(),
            views: match source.views() {
                CheckpointViews::Dual => vec!["dual", "ar"],
                CheckpointViews::ArOnly => vec!["ar"],
            },
            layers: config.num_hidden_layers,
            hidden_size: config.hidden_size,
            attention_heads: config.num_attention_heads,
            key_value_heads: config.num_key_value_heads,
            head_dim: config.head_dim,
            intermediate_size: config.intermediate_size,
            vocabulary: config.vocab_size,
            tied_embeddings: config.tie_word_embeddings,
            rope_theta: config.rope_theta,
            block_size: config.block_size,
            mask_token_id: config.mask_token_id,
            end_token_ids: Vec::new(),
            context: config.max_position_embeddings,
            parameters: Parameters::new(config, source.views()),
            tensor_dtypes: BTreeMap::new(),
            tensor_bytes: 0,
            file_bytes: None,
            tokenizer: false,
            chat_template: false,
            tier: tier.name(),
            memory: memory(config, source.views(), tier),
        }
    }

    fn add_files(&mut self, checkpoint: &Checkpoint) -> Result<()> {
        for (_, tensor) in checkpoint.tensors() {
            *self.tensor_dtypes.entry(tensor.dtype.to_string()).or_default() += 1;
            self.tensor_bytes += tensor.byte_len();
        }
        self.end_token_ids = checkpoint.eos_token_ids();
        self.file_bytes = Some(file_bytes(Path::new(checkpoint.name()))).filter(|bytes| *bytes > 0);
        self.tokenizer = checkpoint.tokenizer()?.is_some();
        self.chat_template = checkpoint.chat_template()?.is_some();
        Ok(())
    }

    fn text(&self) -> String {
        let mut lines = Vec::new();
        let mut line = |name: &str, value: String| lines.push(format!("{name:<18}{value}"));
        let yes = |there: bool| if there { "yes" } else { "no" }.to_string();
        line("model", self.model.clone());
        line("views", self.views.join(", "));
        line("layers", self.layers.to_string());
        line("hidden size", self.hidden_size.to_string());
        let heads = (self.attention_heads, self.key_value_heads, self.head_dim);
        line("attention", format!("{} heads, {} key/value heads, head size {}", heads.0, heads.1, heads.2));
        line("MLP size", self.intermediate_size.to_string());
        line("vocabulary", self.vocabulary.to_string());
        line("embedding", if self.tied_embeddings { "tied to the output" } else { "not tied" }.into());
        line("rotary base", self.rope_theta.to_string());
        line("context", self.context.to_string());
        line("block size", self.block_size.to_string());
        if let Some(mask) = self.mask_token_id {
            line("mask token", mask.to_string());
        }
        line("end tokens", listed(&self.end_token_ids));
        line("parameters", self.parameters.text());
        let dtypes: Vec<_> =
            self.tensor_dtypes.iter().map(|(dtype, count)| format!("{count} {dtype}")).collect();
        line(
            "tensors",
            match self.synthetic {
                true => "none: random weights are made on the GPU".to_string(),
                false => format!("{} ({})", dtypes.join(", "), BinaryBytes(self.tensor_bytes)),
            },
        );
        if let Some(bytes) = self.file_bytes {
            line("weights files", BinaryBytes(bytes).to_string());
        }
        line("tokenizer", yes(self.tokenizer));
        line("chat template", yes(self.chat_template));
        lines.push(String::new());
        lines.push(format!("GPU memory needed, on tier {}", self.tier));
        lines.push(format!(
            "{:>10}  {:<6}{:>12}{:>12}{:>12}{:>12}",
            "context", "dtype", "weights", "cache", "scratch", "total"
        ));
        for memory in &self.memory {
            let [weights, cache, scratch, total] =
                [memory.weights, memory.cache, memory.scratch, memory.total]
                    .map(|bytes| BinaryBytes(bytes).to_string());
            let (context, dtype) = (memory.context, memory.dtype);
            lines.push(format!("{context:>10}  {dtype:<6}{weights:>12}{cache:>12}{scratch:>12}{total:>12}"));
        }
        lines.join("\n") + "\n"
    }
}

impl Parameters {
    /// Counts the parameters of a checkpoint with these views.
    fn new(config: &Config, views: CheckpointViews) -> Parameters {
        let mut parameters = Parameters::default();
        for (id, shape) in schema(config, views) {
            let count = shape.elements();
            parameters.total += count;
            *match id.view() {
                None => &mut parameters.shared,
                Some(AttentionView::Ar) => &mut parameters.ar,
                Some(AttentionView::Diffusion) => &mut parameters.diffusion,
            } += count;
        }
        parameters
    }

    fn text(&self) -> String {
        let share = 100.0 * self.diffusion as f64 / self.total.max(1) as f64;
        let [total, shared, ar, diffusion] =
            [self.total, self.shared, self.ar, self.diffusion].map(|count| HumanCount(count).to_string());
        if self.diffusion == 0 {
            return total;
        }
        format!(
            "{total}: {shared} shared, {ar} the AR view's own, {diffusion} ({share:.0} %) the diffusion view's own"
        )
    }
}

fn listed(ids: &[u32]) -> String {
    match ids {
        [] => "none: only the token budget ends an answer".to_string(),
        ids => ids.iter().map(u32::to_string).collect::<Vec<_>>().join(", "),
    }
}

/// The memory of each context with each weight format.
fn memory(config: &Config, views: CheckpointViews, tier: Tier) -> Vec<Memory> {
    let longest = config.max_position_embeddings;
    let contexts: BTreeSet<usize> =
        CONTEXTS.into_iter().filter(|context| *context < longest).chain([longest]).collect();
    let mut rows = Vec::new();
    for format in WeightFormat::ALL {
        for &context in &contexts {
            let weights = weight_bytes(config, views, format);
            let sizes = SessionSizes::new(config, views, context, Layouts::of(tier, format));
            let (cache, scratch) = (sizes.cache_bytes(), sizes.scratch_bytes() + sizes.rope_bytes());
            let total = weights + cache + scratch;
            rows.push(Memory { context, dtype: format.name(), weights, cache, scratch, total });
        }
    }
    rows
}

/// Bytes of the weight files: `model.safetensors`, or else the shards that the index names.
fn file_bytes(directory: &Path) -> u64 {
    let size = |name: &str| std::fs::metadata(directory.join(name)).map(|file| file.len());
    if let Ok(bytes) = size("model.safetensors") {
        return bytes;
    }
    let index = std::fs::read(directory.join("model.safetensors.index.json")).unwrap_or_default();
    let index: serde_json::Value = serde_json::from_slice(&index).unwrap_or_default();
    let shards: BTreeSet<&str> = index["weight_map"]
        .as_object()
        .into_iter()
        .flat_map(|map| map.values())
        .filter_map(|shard| shard.as_str())
        .collect();
    shards.into_iter().filter_map(|shard| size(shard).ok()).sum()
}
