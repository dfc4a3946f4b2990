//! A session's buffers: decode state, KV cache, scratch.

use crate::Result;
use crate::gpu::Buffer;
use crate::model::ModelData;
use crate::model::sizes::{SessionBuffer, SessionSizes};

/// Keys and values of one layer, in the model's KV format. The diffusion view's block goes to the positions that the AR
/// view writes next.
pub(crate) struct KeyValues {
    pub(crate) keys: Buffer,
    pub(crate) values: Buffer,
}

/// All buffers of a session. Shapes are the kernels'.
pub(crate) struct Buffers {
    pub(crate) sizes: SessionSizes,
    /// The decode state, which `accept` alone advances.
    pub(crate) state: Buffer,
    /// The text: ids by position.
    pub(crate) tokens: Buffer,
    /// The AR view's own tokens for the rows of a block.
    pub(crate) target_tokens: Buffer,
    /// What `accept` tells the host.
    pub(crate) result: Buffer,
    /// Keys and values of each layer.
    pub(crate) kv: Vec<KeyValues>,
    /// Rotary angles, shared by the model's sessions.
    pub(crate) rope: Buffer,
    /// The residual stream.
    pub(crate) x: Buffer,
    pub(crate) normed: Buffer,
    pub(crate) qkv: Buffer,
    pub(crate) q: Buffer,
    /// Attention over each split of the cache, before the merge.
    pub(crate) partials: Buffer,
    /// Maximum and weight of each partial result.
    pub(crate) stats: Buffer,
    pub(crate) attended: Buffer,
    pub(crate) gate_up: Buffer,
    pub(crate) gated: Buffer,
    /// Sums of the slices so far, in `matmul_prefill`.
    pub(crate) totals: Buffer,
    /// Largest logit and mass of each part of a row, of the view that came last.
    pub(crate) logit_parts: Buffer,
    /// Candidates of each row, of the view that came last.
    pub(crate) best: Buffer,
    /// Logits of the AR view.
    pub(crate) logits: Buffer,
    /// Sampling cuts of the AR view.
    pub(crate) cuts: Buffer,
    /// Logits of the diffusion view, which rejection sampling needs beside the AR view's.
    pub(crate) draft_logits: Buffer,
    /// Sampling cuts of the diffusion view.
    pub(crate) draft_cuts: Buffer,
}

impl Buffers {
    /// The buffers of a session with `context` positions. `rope` has the angles of as many.
    pub(crate) fn new(model: &ModelData, context: usize, rope: Buffer) -> Result<Buffers> {
        let (gpu, config) = (&model.gpu, &model.config);
        let sizes = SessionSizes::new(config, model.views, context, model.layouts);
        let make = |buffer: SessionBuffer| gpu.storage(&format!("{buffer:?}"), sizes.bytes_of(buffer));
        let layer_cache = |_| -> Result<KeyValues> {
            let bytes = sizes.cache_bytes_of_layer();
            Ok(KeyValues { keys: gpu.storage("keys", bytes)?, values: gpu.storage("values", bytes)? })
        };
        Ok(Buffers {
            sizes,
            state: make(SessionBuffer::State)?,
            tokens: make(SessionBuffer::Tokens)?,
            target_tokens: make(SessionBuffer::TargetTokens)?,
            result: make(SessionBuffer::CycleResult)?,
            kv: (0..config.num_hidden_layers).map(layer_cache).collect::<Result<_>>()?,
            rope,
            x: make(SessionBuffer::ResidualStream)?,
            normed: make(SessionBuffer::Normed)?,
            qkv: make(SessionBuffer::Qkv)?,
            q: make(SessionBuffer::Queries)?,
            partials: make(SessionBuffer::Partials)?,
            stats: make(SessionBuffer::Stats)?,
            attended: make(SessionBuffer::Attended)?,
            gate_up: make(SessionBuffer::GateUp)?,
            gated: make(SessionBuffer::Gated)?,
            totals: make(SessionBuffer::Totals)?,
            logit_parts: make(SessionBuffer::LogitParts)?,
            best: make(SessionBuffer::Best)?,
            logits: make(SessionBuffer::Logits)?,
            cuts: make(SessionBuffer::Cuts)?,
            draft_logits: make(SessionBuffer::DraftLogits)?,
            draft_cuts: make(SessionBuffer::DraftCuts)?,
        })
    }
}
