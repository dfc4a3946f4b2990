//! A text on its way through a model: cache, decode state, and the prompt's way into them.

use std::sync::Arc;

use orthrus_loader::Views;
use orthrus_shaders::{MAX_END_IDS, State};

use crate::buffers::Buffers;
use crate::generation::Generation;
use crate::memory::SessionSizes;
use crate::model::{Model, OnProgress, Progress};
use crate::options::{ArKernel, GenerateOptions, View};
use crate::pass::Extent;
use crate::passes::Passes;
use crate::replay::Script;
use crate::ring::Ring;
use crate::sampling::AcceptRule;
use crate::{Error, Result};

/// How the cycles of a generation go.
#[derive(Clone, Copy)]
pub(crate) struct Way {
    pub(crate) view: View,
    /// Of the AR view's passes.
    pub(crate) kernel: ArKernel,
    /// [`State::rule`].
    pub(crate) rule: u32,
}

impl Way {
    fn of(options: &GenerateOptions, state: &State) -> Way {
        // The kernel chosen is the AR view's: a dual view's block of one row is verified exactly, as any other.
        let kernel = match options.view {
            View::Ar => options.ar_kernel,
            View::Dual => ArKernel::Exact,
        };
        Way { view: options.view, kernel, rule: state.rule }
    }
}

/// A generation whose prompt's last pass is under way.
pub(crate) struct Begun {
    pub(crate) way: Way,
    /// The decode state that it began with.
    pub(crate) state: State,
    /// Tokens of the prompt that were in the cache already.
    pub(crate) reused: usize,
}

/// One text, its cache and its decode state. Several sessions can share a model.
///
/// A session remembers its text: a prompt that begins with what is in the cache already, as the next turn of a
/// chat does, is processed from where it differs.
pub struct Session {
    pub(crate) model: Model,
    pub(crate) buffers: Arc<Buffers>,
    pub(crate) passes: Passes,
    pub(crate) ring: Ring,
    /// Drafts to replay, in benchmarks.
    pub(crate) script: Option<Script>,
    /// The text as far as the host knows it.
    pub(crate) text: Vec<u32>,
    /// Positions of the text that are in the cache. The rest of it is at most the anchor.
    pub(crate) cached: usize,
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let capacity = self.capacity();
        f.debug_struct("Session").field("capacity", &capacity).field("cached", &self.cached).finish()
    }
}

impl Model {
    /// A session whose prompt and answer together have up to `context` tokens.
    ///
    /// Takes [`SessionSizes::cache_bytes`] and [`SessionSizes::scratch_bytes`] of GPU memory.
    ///
    /// # Errors
    /// The context is longer than the model's, needs a buffer larger than the adapter allows, or memory is short.
    pub async fn session_async(&self, context: usize) -> Result<Session> {
        let most = self.config().max_position_embeddings;
        if context == 0 || context > most {
            return Err(Error::ContextSize { asked: context, most });
        }
        let make = || {
            let buffers = Arc::new(Buffers::new(&self.shared, context)?);
            let passes = Passes::new(self, &buffers);
            let ring = Ring::new(self.gpu());
            Ok(Session {
                model: self.clone(),
                buffers,
                passes,
                ring,
                script: None,
                text: Vec::new(),
                cached: 0,
            })
        };
        self.gpu().check()?;
        self.gpu().allocating(make).await.map_err(|error| self.with_advice(error))
    }

    /// [`Model::session_async`] for programs that are not async.
    ///
    /// # Errors
    /// As [`Model::session_async`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn session(&self, context: usize) -> Result<Session> {
        pollster::block_on(self.session_async(context))
    }

    /// A buffer too large for the adapter: which context would do.
    fn with_advice(&self, error: Error) -> Error {
        match error {
            Error::TooLarge { what, needed, limit, adapter, .. } => {
                let config = self.config();
                let advice =
                    match SessionSizes::longest_context(config, self.views(), self.shared.cache, limit) {
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
    /// Positions of the cache: most tokens of prompt and answer together.
    pub fn capacity(&self) -> usize {
        self.buffers.sizes.capacity
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

    /// Processes `prompt` and starts to generate what follows it. The tokens come from the [`Generation`].
    ///
    /// `progress` hears of each pass of the prompt, and can cancel; what was processed by then stays cached.
    ///
    /// # Errors
    /// The prompt is empty, has ids beyond the vocabulary or outgrows the cache together with the token budget;
    /// an option is out of range; `progress` cancelled; the GPU failed. All but the last two are found before
    /// anything is changed.
    pub async fn generate_async(
        &mut self,
        prompt: &[u32],
        options: &GenerateOptions,
        progress: OnProgress<'_>,
    ) -> Result<Generation<&mut Session>> {
        Generation::start(self, prompt, options, progress).await.map_err(|(_, error)| error)
    }

    /// [`Session::generate_async`] for programs that are not async.
    ///
    /// # Errors
    /// As [`Session::generate_async`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn generate(
        &mut self,
        prompt: &[u32],
        options: &GenerateOptions,
        progress: OnProgress<'_>,
    ) -> Result<Generation<&mut Session>> {
        pollster::block_on(self.generate_async(prompt, options, progress))
    }

    /// Checks the request, and has the prompt's last pass under way when it returns.
    pub(crate) async fn begin(
        &mut self,
        prompt: &[u32],
        options: &GenerateOptions,
        progress: OnProgress<'_>,
    ) -> Result<Begun> {
        let state = self.first_state(prompt, options)?;
        let way = Way::of(options, &state);
        self.passes.prepare(way);
        self.prepare_replay(options.replay.as_ref(), prompt.len(), &state).await?;
        let reused = self.process_prompt(prompt, &state, progress).await?;
        Ok(Begun { way, state, reused })
    }

    /// The decode state at the start of a generation, from validated options.
    fn first_state(&self, prompt: &[u32], options: &GenerateOptions) -> Result<State> {
        let weights = &self.model.shared;
        self.check_ids(prompt)?;
        if options.max_new_tokens == 0 {
            return Err(Error::EmptyBudget);
        }
        let capacity = self.capacity();
        let limit = prompt.len().checked_add(options.max_new_tokens).filter(|&limit| limit <= capacity);
        let Some(limit) = limit else {
            return Err(Error::ContextFull {
                prompt: prompt.len(),
                budget: options.max_new_tokens,
                capacity,
            });
        };
        if options.view == View::Dual && weights.views == Views::ArOnly {
            return Err(Error::NoDiffusionView);
        }
        let most = weights.config.block_size;
        let block = options.block_size.unwrap_or(most);
        if !(1..=most).contains(&block) {
            return Err(Error::BlockSize { asked: block, most });
        }
        let ends = options.end_ids.as_ref().unwrap_or(&weights.end_ids);
        if ends.len() > MAX_END_IDS {
            return Err(Error::TooManyEndIds { count: ends.len(), most: MAX_END_IDS });
        }
        let sampling = options.sampling;
        sampling.check()?;
        let rule = match sampling.accept {
            _ if sampling.is_greedy() => State::GREEDY,
            AcceptRule::Coupled => State::COUPLED,
            AcceptRule::Rejection => State::REJECTION,
        };
        let mut end_ids = [0; MAX_END_IDS];
        end_ids[..ends.len()].copy_from_slice(ends);
        let state = State {
            limit: limit as u32,
            // A step of AR decoding is a cycle of one row, with nothing to draft.
            block: if options.view == View::Ar { 1 } else { block as u32 },
            finish: State::RUNNING,
            end_count: ends.len() as u32,
            rule,
            inverse_temperature: 1.0 / sampling.temperature,
            top_k: sampling.top_k,
            top_p: sampling.top_p,
            seed: [sampling.seed as u32, (sampling.seed >> 32) as u32],
            end_ids,
            ..bytemuck::Zeroable::zeroed()
        };
        if let Some(replay) = &options.replay {
            replay.check(options.max_new_tokens, weights.config.vocab_size, &state)?;
        }
        Ok(state)
    }

    pub(crate) fn check_ids(&self, ids: &[u32]) -> Result<()> {
        if ids.is_empty() {
            return Err(Error::EmptyPrompt);
        }
        let vocabulary = self.model.config().vocab_size;
        match ids.iter().position(|&id| id as usize >= vocabulary) {
            Some(index) => Err(Error::IdOutOfRange { index, id: ids[index], vocabulary }),
            None => Ok(()),
        }
    }

    /// Brings the cache up to the prompt's last token, whose logits give the first new one. Returns how many
    /// tokens were in the cache already.
    async fn process_prompt(
        &mut self,
        prompt: &[u32],
        first: &State,
        progress: OnProgress<'_>,
    ) -> Result<usize> {
        self.ring.drain().await?;
        let common = self.text[..self.cached].iter().zip(prompt).take_while(|(a, b)| a == b).count();
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
                self.submit_last_of_prompt(rows, prompt.len(), first.rule);
            } else {
                self.submit_text(rows, start + rows);
                self.gpu().idle().await?;
            }
            self.cached += rows;
            let done = Progress { done: self.cached as u64, total: prompt.len() as u64 };
            if progress(done).is_break() {
                self.text.truncate(self.cached);
                return Err(Error::Cancelled);
            }
        }
        Ok(reused)
    }

    /// Makes the text its first `kept` tokens and then `ids`, here and on the GPU.
    pub(crate) fn replace_text(&mut self, kept: usize, ids: &[u32]) {
        self.text.truncate(kept);
        self.text.extend_from_slice(ids);
        self.cached = kept;
        self.gpu().write(&self.buffers.tokens, 4 * kept as u64, ids);
    }

    pub(crate) fn submit_text(&self, rows: usize, positions: usize) {
        self.gpu().submit(|encoder| {
            let mut commands = encoder.begin_compute_pass(&Default::default());
            self.passes.ar(ArKernel::Exact).layers.record(&mut commands, Extent { rows, positions });
        });
    }

    fn submit_last_of_prompt(&mut self, rows: usize, positions: usize, rule: u32) {
        let passes = &self.passes;
        self.ring.submit(&self.buffers.record, |encoder| {
            let mut commands = encoder.begin_compute_pass(&Default::default());
            passes.ar(ArKernel::Exact).layers.record(&mut commands, Extent { rows, positions });
            passes.record_picks(&mut commands, Extent { rows: 1, positions }, rule, ArKernel::Exact);
        });
    }

    /// Records one cycle (draft, verify, accept) that sees no position at or above `extent.positions`, and submits it
    /// without waiting for the one before.
    pub(crate) fn submit_cycle(&mut self, way: Way, extent: Extent) {
        let (passes, script) = (&self.passes, &self.script);
        self.ring.submit(&self.buffers.record, |encoder| {
            let mut commands = encoder.begin_compute_pass(&Default::default());
            if way.view == View::Dual {
                passes.record_drafts(&mut commands, extent, way.rule);
                if let Some(script) = script {
                    script.pass.record(&mut commands, extent);
                }
            }
            passes.ar(way.kernel).layers.record(&mut commands, extent);
            passes.record_picks(&mut commands, extent, way.rule, way.kernel);
        });
    }

    pub(crate) fn gpu(&self) -> &crate::Gpu {
        self.model.gpu()
    }

    /// Forgets the text.
    pub fn clear(&mut self) {
        self.text.clear();
        self.cached = 0;
    }

    /// Most dispatches that one layer takes in any pass of a cycle, embedding and head not counted. A prompt's passes
    /// may have more: see [`SessionSizes::pieces`].
    pub fn dispatches_per_layer(&self) -> usize {
        let weights = &self.model.shared;
        let embedding = weights.embedding.pieces.len();
        let text = self.passes.ar(ArKernel::Exact).layers.dispatches(self.of_a_block());
        let draft = self.passes.draft.as_ref();
        let draft = draft.map_or(0, |draft| draft.layers.dispatches(self.of_a_block()));
        (text.max(draft) - embedding).div_ceil(weights.layers.len())
    }

    /// The largest extent that a pass of a cycle has.
    pub(crate) fn of_a_block(&self) -> Extent {
        Extent { rows: self.buffers.sizes.block, positions: self.capacity() }
    }
}
