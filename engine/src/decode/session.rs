//! One text in a model: KV cache, decode state, and prefill.

use std::sync::Arc;

use orthrus_shaders::{Finish, MAX_END_IDS, State};

use super::in_flight::InFlight;
use super::options::{DecodeMode, Decoding, GenerateOptions, check_context};
use super::passes::{PassKind, Passes};
use super::replay::Script;
use crate::forward::{ArKernel, Buffers, PassBounds};
use crate::model::sizes::SessionSizes;
use crate::model::{Model, OnProgress, Progress};
use crate::{Error, Result};

/// A generation whose last prefill pass is in flight.
pub(crate) struct Prefilled {
    pub(crate) mode: DecodeMode,
    /// The first decode state of the generation.
    pub(crate) state: State,
    /// Prompt tokens that were in the KV cache already.
    pub(crate) reused: usize,
}

/// One text, its KV cache and its decode state. Several sessions can share a model.
///
/// A session remembers its text. If a new prompt begins like the cached text, as in the next turn of a chat,
/// prefill starts where they differ.
pub struct Session {
    pub(crate) model: Model,
    pub(crate) buffers: Arc<Buffers>,
    pub(crate) passes: Passes,
    pub(crate) in_flight: InFlight,
    /// Script of a replay, in benchmarks and checks.
    pub(crate) script: Option<Script>,
    /// The text, as far as its tokens have arrived at the host.
    pub(crate) text: Vec<u32>,
    /// Number of positions that are in the KV cache. At most the anchor is missing.
    pub(crate) cached: usize,
    /// Number of positions, from the first on, whose keys and values come from exact kernels: `exact <= cached`.
    pub(crate) exact: usize,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let context = self.context();
        f.debug_struct("Session").field("context", &context).field("cached", &self.cached).finish()
    }
}

impl Model {
    /// Makes a session whose prompt and answer together have up to `context` tokens.
    ///
    /// It takes [`SessionSizes::cache_bytes`] and [`SessionSizes::scratch_bytes`] of GPU memory. The sessions of a
    /// model share another [`SessionSizes::rope_bytes`].
    ///
    /// # Errors
    /// The context is out of range for the model, needs a buffer larger than the adapter allows, or the GPU is out
    /// of memory.
    pub async fn session_async(&self, context: usize) -> Result<Session> {
        check_context(context, self.config())?;
        self.gpu().check()?;
        self.new_session(context).await.map_err(|error| self.with_advice(error))
    }

    async fn new_session(&self, context: usize) -> Result<Session> {
        let data = &self.shared;
        let rope = data.rope.for_context(&data.gpu, &data.config, context).await?;
        let make = || {
            let buffers = Arc::new(Buffers::new(data, context, rope)?);
            let passes = Passes::new(self, &buffers)?;
            Ok(Session {
                model: self.clone(),
                buffers,
                passes,
                in_flight: InFlight::new(self.gpu()),
                script: None,
                text: Vec::new(),
                cached: 0,
                exact: 0,
            })
        };
        data.gpu.allocating(make).await
    }

    /// [`Model::session_async`] for programs that are not async.
    ///
    /// # Errors
    /// The errors of [`Model::session_async`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn session(&self, context: usize) -> Result<Session> {
        pollster::block_on(self.session_async(context))
    }

    /// Adds the longest context that fits to an error about a buffer too large for the adapter.
    fn with_advice(&self, error: Error) -> Error {
        match error {
            Error::TooLarge { what, needed, limit, adapter, .. } => {
                let layouts = self.shared.layouts;
                let longest = SessionSizes::longest_context(self.config(), self.views(), layouts, limit);
                let advice = match longest {
                    0 => String::new(),
                    longest => format!("Ask for a context of at most {longest}"),
                };
                Error::TooLarge { what, needed, limit, adapter, advice }
            }
            other => other,
        }
    }
}

impl Session {
    /// Context of the session, in positions: the largest number of tokens of prompt and answer together.
    pub fn context(&self) -> usize {
        self.buffers.sizes.context
    }

    /// Sizes of the session's buffers.
    pub fn sizes(&self) -> SessionSizes {
        self.buffers.sizes
    }

    /// The text so far: prompt and answer.
    pub fn text(&self) -> &[u32] {
        &self.text
    }

    /// Number of tokens, from the beginning of the text, that are in the KV cache.
    pub fn cached(&self) -> usize {
        self.cached
    }

    /// Forgets the text and its KV cache.
    pub fn clear(&mut self) {
        self.text.clear();
        self.cached = 0;
        self.exact = 0;
    }

    /// Checks a request and prefills its prompt. On return, the last prefill pass is in flight.
    pub(crate) async fn begin(
        &mut self,
        prompt: &[u32],
        options: &GenerateOptions,
        progress: OnProgress<'_>,
    ) -> Result<Prefilled> {
        let state = self.first_state(prompt, options)?;
        let mode = options.mode();
        let prepared = self.gpu().allocating(|| self.passes.prepare(mode)).await?;
        self.passes.keep(prepared);
        self.script = match options.replay() {
            Some(replay) => {
                Some(Script::new(&self.model, &self.buffers, replay, prompt.len(), &state).await?)
            }
            None => None,
        };
        let reused = self.prefill(prompt, &state, mode, progress).await?;
        Ok(Prefilled { mode, state, reused })
    }

    /// The decode state at the start of a generation.
    fn first_state(&self, prompt: &[u32], options: &GenerateOptions) -> Result<State> {
        let config = self.model.config();
        options.check(config, self.model.views(), prompt, self.context())?;
        let ends = options.end_ids.as_ref().unwrap_or(&self.model.shared.end_ids);
        if ends.len() > MAX_END_IDS {
            return Err(Error::TooManyEndIds { count: ends.len(), most: MAX_END_IDS });
        }
        let mut end_ids = [0; MAX_END_IDS];
        end_ids[..ends.len()].copy_from_slice(ends);
        let sampling = options.sampling;
        Ok(State {
            limit: (prompt.len() + options.max_new_tokens) as u32,
            // A step of AR decoding is a cycle of one row, which has no draft.
            block: match options.decoding {
                Decoding::Ar => 1,
                Decoding::Dual => options.block_size.unwrap_or(config.block_size) as u32,
            },
            finish: Finish::Running as u32,
            end_count: ends.len() as u32,
            acceptance: options.acceptance() as u32,
            inverse_temperature: 1.0 / sampling.temperature,
            top_k: sampling.top_k,
            top_p: sampling.top_p,
            seed: [sampling.seed as u32, (sampling.seed >> 32) as u32],
            end_ids,
            ..bytemuck::Zeroable::zeroed()
        })
    }

    /// Prefill: brings the prompt into the KV cache. Its last token gives the logits of the first new one. Returns
    /// the number of tokens that were cached already.
    async fn prefill(
        &mut self,
        prompt: &[u32],
        first: &State,
        mode: DecodeMode,
        progress: OnProgress<'_>,
    ) -> Result<usize> {
        self.in_flight.drain().await?;
        // Exact decoding must not build on keys and values of the fast kernels.
        let usable = match mode.kernels {
            ArKernel::Exact => self.exact,
            ArKernel::Fast => self.cached,
        };
        let common = self.text[..usable].iter().zip(prompt).take_while(|(a, b)| a == b).count();
        // The last token is always computed, because its logits are needed.
        let reused = common.min(prompt.len() - 1);
        self.replace_text(reused, &prompt[reused..]);
        while self.cached < prompt.len() {
            let start = self.cached;
            let rows = (prompt.len() - start).min(self.buffers.sizes.rows);
            let last = start + rows == prompt.len();
            let state = State {
                start: start as u32,
                rows: rows as u32,
                logit_first: rows as u32 - 1,
                logit_rows: u32::from(last),
                ..*first
            };
            self.gpu().write(&self.buffers.state, 0, &[state]);
            if last {
                self.submit_last_prefill(rows, prompt.len(), mode)?;
            } else {
                self.submit_text(rows, start + rows)?;
                self.gpu().idle().await?;
            }
            self.advance_cached(start + rows, ArKernel::Exact);
            let done = Progress { done: self.cached as u64, total: prompt.len() as u64 };
            if progress(done).is_break() {
                self.text.truncate(self.cached);
                return Err(Error::Cancelled);
            }
        }
        Ok(reused)
    }

    /// Notes that `kernels` have filled the KV cache up to `cached` positions.
    pub(crate) fn advance_cached(&mut self, cached: usize, kernels: ArKernel) {
        if kernels == ArKernel::Exact && self.exact == self.cached {
            self.exact = cached;
        }
        self.cached = cached;
    }

    /// Replaces the text after its first `kept` tokens by `ids`, on the host and on the GPU.
    pub(crate) fn replace_text(&mut self, kept: usize, ids: &[u32]) {
        self.text.truncate(kept);
        self.text.extend_from_slice(ids);
        self.cached = kept;
        self.exact = self.exact.min(kept);
        self.gpu().write(&self.buffers.tokens, 4 * kept as u64, ids);
    }

    /// Submits a pass of text through the AR view, without logits.
    pub(crate) fn submit_text(&self, rows: usize, kv_len: usize) -> Result<()> {
        let exact = self.passes.passes(PassKind::Target(ArKernel::Exact))?;
        self.gpu().submit(|encoder| {
            let mut commands = encoder.begin_compute_pass(&Default::default());
            exact.layers.encode(&mut commands, PassBounds { max_rows: rows, kv_len });
        });
        Ok(())
    }

    fn submit_last_prefill(&mut self, rows: usize, kv_len: usize, mode: DecodeMode) -> Result<()> {
        let exact = DecodeMode { decoding: Decoding::Ar, kernels: ArKernel::Exact, ..mode };
        let cycle = self.passes.cycle(exact)?;
        self.in_flight.submit(&self.buffers.result, |encoder| {
            let mut commands = encoder.begin_compute_pass(&Default::default());
            let layers = PassBounds { max_rows: rows, kv_len };
            cycle.encode_verify(&mut commands, layers, PassBounds { max_rows: 1, kv_len });
        })
    }

    /// Submits one cycle (draft, verify, accept) within `bounds`, without waiting for the cycle before.
    pub(crate) fn submit_cycle(&mut self, mode: DecodeMode, bounds: PassBounds) -> Result<()> {
        let cycle = self.passes.cycle(mode)?;
        let script = self.script.as_ref().filter(|_| mode.decoding == Decoding::Dual);
        self.in_flight.submit(&self.buffers.result, |encoder| {
            let mut commands = encoder.begin_compute_pass(&Default::default());
            cycle.encode_draft(&mut commands, bounds);
            if let Some(script) = script {
                script.plan.encode(&mut commands, bounds);
            }
            cycle.encode_verify(&mut commands, bounds, bounds);
        })
    }

    pub(crate) fn gpu(&self) -> &crate::Gpu {
        self.model.gpu()
    }
}
