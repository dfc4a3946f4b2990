//! The buffers of a session: decode state, KV cache, scratch.

use crate::Result;
use crate::gpu::Buffer;
use crate::model::ModelData;
use crate::model::sizes::{SessionBuffer, SessionSizes};

/// Keys and values of one layer, in the model's KV format.
///
/// The diffusion view writes its block to the positions that the AR view writes next.
pub(crate) struct KeyValues {
    pub(crate) keys: Buffer,
    pub(crate) values: Buffer,
}

/// The buffers of a session. Shapes are without padding: the headers of the kernels have the exact layouts.
pub(crate) struct Buffers {
    pub(crate) sizes: SessionSizes,
    /// The decode state. In the decode loop, `accept` alone advances it.
    pub(crate) state: Buffer,
    /// The text: ids by position, `[context]`.
    pub(crate) tokens: Buffer,
    /// The AR view's own tokens for the rows of a block, `[block]`.
    pub(crate) target_tokens: Buffer,
    /// The result of a cycle, which `accept` writes for the host.
    pub(crate) result: Buffer,
    /// Keys and values of each layer.
    pub(crate) kv: Vec<KeyValues>,
    /// Rotary angles, `[positions][head_dim / 2]`, shared by the model's sessions.
    pub(crate) rope: Buffer,
    /// Residual stream, `[rows][hidden]`.
    pub(crate) x: Buffer,
    /// RMS-normed residual stream, `[rows][hidden]`.
    pub(crate) normed: Buffer,
    /// Queries, keys and values before norm and rotation, `[rows][heads + 2 kv_heads][head_dim]`.
    pub(crate) qkv: Buffer,
    /// Queries after norm and rotation.
    pub(crate) q: Buffer,
    /// Partial results of attention, before the merge: `[kv_heads][splits][chunk_queries][head_dim]`.
    pub(crate) partials: Buffer,
    /// Reference score and sum of weights of each partial result: `[kv_heads][splits][chunk_queries]`.
    pub(crate) stats: Buffer,
    /// Output of attention, `[rows][heads * head_dim]`.
    pub(crate) attended: Buffer,
    /// Gate and up projection before SwiGLU, `[rows][2 intermediate]`. Unused where a kernel fuses them.
    pub(crate) gate_up: Buffer,
    /// Output of SwiGLU, `[rows][intermediate]`.
    pub(crate) gated: Buffer,
    /// Sums over the slices so far, in `matmul_prefill`.
    pub(crate) totals: Buffer,
    /// Largest logit and mass of each part of a row, of the view that ran last.
    pub(crate) logit_parts: Buffer,
    /// Argmax candidates of each row, of the view that ran last.
    pub(crate) best: Buffer,
    /// Logits of the AR view, `[block][vocabulary]`.
    pub(crate) logits: Buffer,
    /// Sampling cuts of the AR view, `[block]`.
    pub(crate) cuts: Buffer,
    /// Logits of the diffusion view, `[block][vocabulary]`. Rejection sampling needs both views' logits.
    pub(crate) draft_logits: Buffer,
    /// Sampling cuts of the diffusion view, `[block]`.
    pub(crate) draft_cuts: Buffer,
}

impl Buffers {
    /// Allocates the buffers of a session with `context` positions. `rope` has angles for at least as many.
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
