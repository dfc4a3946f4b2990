//! A text on its way through a model: KV cache, decode state, and prefill.

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
    /// The decode state that the generation began with.
    pub(crate) state: State,
    /// Tokens of the prompt that were in the cache already.
    pub(crate) reused: usize,
}

/// One text, its KV cache and its decode state. Several sessions can share a model.
///
/// A session remembers its text. A prompt that begins with what is in the cache already, as the next turn of a chat does,
/// is prefilled from where it differs.
pub struct Session {
    pub(crate) model: Model,
    pub(crate) buffers: Arc<Buffers>,
    pub(crate) passes: Passes,
    pub(crate) in_flight: InFlight,
    /// Drafts to replay, in benchmarks.
    pub(crate) script: Option<Script>,
    /// The text as far as the host knows it.
    pub(crate) text: Vec<u32>,
    /// Positions of the text that are in the cache. The rest of it is at most the anchor.
    pub(crate) cached: usize,
    /// Positions from the first one on whose keys and values come from the exact kernels. At most `cached`.
    pub(crate) exact: usize,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let context = self.context();
        f.debug_struct("Session").field("context", &context).field("cached", &self.cached).finish()
    }
}

impl Model {
    /// A session whose prompt and answer together have up to `context` tokens.
    ///
    /// It takes [`SessionSizes::cache_bytes`] and [`SessionSizes::scratch_bytes`] of GPU memory. The sessions of a model
    /// share [`SessionSizes::rope_bytes`] more.
    ///
    /// # Errors
    /// The context is longer than the model's, needs a buffer larger than the adapter allows, or memory is short.
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
    /// As [`Model::session_async`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn session(&self, context: usize) -> Result<Session> {
        pollster::block_on(self.session_async(context))
    }

    /// Adds to an error about a buffer too large for the adapter which context would do.
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
    /// Positions of the KV cache: the largest number of tokens of prompt and answer together.
    pub fn context(&self) -> usize {
        self.buffers.sizes.context
    }

    /// The sizes of its buffers.
    pub fn sizes(&self) -> SessionSizes {
        self.buffers.sizes
    }

    /// The text so far: prompt and answer.
    pub fn text(&self) -> &[u32] {
        &self.text
    }

    /// How many tokens at the beginning of the text are in the cache.
    pub fn cached(&self) -> usize {
        self.cached
    }

    /// Forgets the text.
    pub fn clear(&mut self) {
        self.text.clear();
        self.cached = 0;
        self.exact = 0;
    }

    /// Checks the request, and has the last prefill pass in flight when it returns.
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
            // A step of AR decoding is a cycle of one row, with nothing to draft.
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

    /// Prefill: brings the cache up to the prompt's last token, whose logits give the first new one. Returns how many
    /// tokens were in the cache already.
    async fn prefill(
        &mut self,
        prompt: &[u32],
        first: &State,
        mode: DecodeMode,
        progress: OnProgress<'_>,
    ) -> Result<usize> {
        self.in_flight.drain().await?;
        // Exact decoding cannot build on keys and values of the fast kernels.
        let usable = match mode.kernels {
            ArKernel::Exact => self.exact,
            ArKernel::Fast => self.cached,
        };
        let common = self.text[..usable].iter().zip(prompt).take_while(|(a, b)| a == b).count();
        // The last token always goes through: its logits are needed.
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

    /// Notes that `kernels` brought the cache up to `cached` positions.
    pub(crate) fn advance_cached(&mut self, cached: usize, kernels: ArKernel) {
        if kernels == ArKernel::Exact && self.exact == self.cached {
            self.exact = cached;
        }
        self.cached = cached;
    }

    /// Makes the text its first `kept` tokens and then `ids`, here and on the GPU.
    pub(crate) fn replace_text(&mut self, kept: usize, ids: &[u32]) {
        self.text.truncate(kept);
        self.text.extend_from_slice(ids);
        self.cached = kept;
        self.exact = self.exact.min(kept);
        self.gpu().write(&self.buffers.tokens, 4 * kept as u64, ids);
    }

    /// Submits a pass of text through the AR view whose logits nobody needs.
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

    /// Submits one cycle (draft, verify, accept) within `bounds`, without waiting for the one before.
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
