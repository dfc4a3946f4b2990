//! A session's buffers: decode state, cache, scratch.

use orthrus_loader::Views;
use orthrus_shaders::{MAX_BLOCK, Record, State};

use crate::buffer::Buffer;
use crate::memory::SessionSizes;
use crate::model::Weights;
use crate::{Result, rope};

/// Keys and values of one layer, as `lib/cache_rows.wgsl` or `lib/cache_tiles.wgsl` has them. The diffusion view's
/// block goes to the positions that the AR view writes next.
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
    /// The AR view's picks.
    pub(crate) picks: Buffer,
    /// What `accept` tells the host.
    pub(crate) record: Buffer,
    /// Keys and values of the text, one for each layer.
    pub(crate) cache: Vec<KeyValues>,
    pub(crate) rope: Buffer,
    /// The residual stream.
    pub(crate) x: Buffer,
    pub(crate) normed: Buffer,
    pub(crate) qkv: Buffer,
    pub(crate) q: Buffer,
    pub(crate) partials: Buffer,
    pub(crate) stats: Buffer,
    pub(crate) attended: Buffer,
    pub(crate) gate_up: Buffer,
    pub(crate) gated: Buffer,
    /// Sums of the slices so far, of products with many rows.
    pub(crate) totals: Buffer,
    /// What `survey` finds of each row's logits, of whichever view came last.
    pub(crate) parts: Buffer,
    /// The best logits of each row, or the best scores, of whichever view came last.
    pub(crate) best: Buffer,
    /// The AR view's.
    pub(crate) logits: Buffer,
    pub(crate) distributions: Buffer,
    /// The diffusion view's, which rejection sampling needs beside the AR view's.
    pub(crate) draft_logits: Buffer,
    pub(crate) draft_distributions: Buffer,
}

impl Buffers {
    pub(crate) fn new(weights: &Weights, capacity: usize) -> Result<Buffers> {
        let (gpu, config) = (&weights.gpu, &weights.config);
        let sizes = SessionSizes::new(config, weights.views, capacity, weights.cache);
        let cache_layer = || -> Result<KeyValues> {
            let bytes = sizes.cache_bytes_of_layer();
            Ok(KeyValues {
                keys: gpu.storage("cache keys", bytes)?,
                values: gpu.storage("cache values", bytes)?,
            })
        };
        let cache = (0..config.num_hidden_layers).map(|_| cache_layer()).collect::<Result<_>>()?;
        let draft = u64::from(weights.views == Views::Dual);
        let rope = rope::table(config.rope_theta, config.head_dim, capacity);
        Ok(Buffers {
            sizes,
            state: gpu.storage("state", size_of::<State>() as u64)?,
            tokens: gpu.storage("tokens", 4 * capacity as u64)?,
            picks: gpu.storage("picks", 4 * MAX_BLOCK as u64)?,
            record: gpu.storage("record", size_of::<Record>() as u64)?,
            cache,
            rope: gpu.storage_with("rope", &rope)?,
            x: gpu.storage("residual stream", sizes.hidden_bytes())?,
            normed: gpu.storage("normed", sizes.normed_bytes())?,
            qkv: gpu.storage("qkv", sizes.qkv_bytes())?,
            q: gpu.storage("q", sizes.query_bytes())?,
            partials: gpu.storage("attention partials", sizes.partials_bytes())?,
            stats: gpu.storage("attention stats", sizes.stats_bytes())?,
            attended: gpu.storage("attended", sizes.attended_bytes())?,
            gate_up: gpu.storage("gate_up", sizes.gate_up_bytes())?,
            gated: gpu.storage("gated", sizes.gated_bytes())?,
            totals: gpu.storage("totals", sizes.totals_bytes())?,
            parts: gpu.storage("parts of rows", sizes.parts_bytes())?,
            best: gpu.storage("best logits", sizes.best_bytes())?,
            logits: gpu.storage("logits", sizes.logits_bytes())?,
            distributions: gpu.storage("distributions", sizes.distribution_bytes())?,
            draft_logits: gpu.storage("draft logits", draft * sizes.logits_bytes())?,
            draft_distributions: gpu.storage("draft distributions", draft * sizes.distribution_bytes())?,
        })
    }
}
