//! The decode loop: cycles are submitted ahead, and their runs are read back as they finish.

use std::ops::DerefMut;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use orthrus_shaders::{CycleResult, Finish};

use super::in_flight::DEPTH;
use super::options::{DecodeMode, Decoding, GenerateOptions};
use super::session::{Prefilled, Session};
use crate::forward::PassBounds;
use crate::model::OnProgress;
use crate::{Error, Result};

/// Tokens that became certain together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// Accepted drafts, then the bonus. An id that ends the text is included, as the last one.
    pub ids: Vec<u32>,
    /// The cycle that gave the tokens. `None`: the first token, which prefill gives.
    pub cycle: Option<Cycle>,
}

/// One cycle: draft, verify, accept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// Rows of the block.
    pub rows: usize,
    /// The drafts, `rows - 1` of them. Empty in AR decoding.
    pub drafts: Vec<u32>,
    /// Acceptance length: drafts that equal their target tokens, the bonus not counted. The end of the text or of
    /// the token budget can make the run shorter.
    pub acceptance_length: usize,
}

/// Why a generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FinishReason {
    /// An id that ends the text was produced.
    Stop,
    /// The token budget is used up.
    Length,
}

impl FinishReason {
    /// The name that users see.
    pub fn name(self) -> &'static str {
        match self {
            FinishReason::Stop => "stop",
            FinishReason::Length => "length",
        }
    }
}

/// Counts of a generation so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Prompt tokens.
    pub prompt_tokens: usize,
    /// Prompt tokens that were in the KV cache already.
    pub reused_tokens: usize,
    /// Generated tokens.
    pub new_tokens: usize,
    /// Forward passes: one for prefill, then two a cycle with [`Decoding::Dual`] and one with [`Decoding::Ar`].
    pub forward_passes: usize,
    /// Acceptance length of each cycle.
    pub acceptance_lengths: Vec<usize>,
}

impl Stats {
    /// Cycles so far. A step of AR decoding is a cycle of one row.
    pub fn cycles(&self) -> usize {
        self.acceptance_lengths.len()
    }

    /// Mean acceptance length plus one; 0 before the first cycle.
    pub fn tokens_per_cycle(&self) -> f64 {
        match self.cycles() {
            0 => 0.0,
            cycles => 1.0 + self.acceptance_lengths.iter().sum::<usize>() as f64 / cycles as f64,
        }
    }

    /// TPF: generated tokens per forward pass, prefill counted as one (the paper's Eq. 9). Plain AR decoding has 1.
    pub fn tpf(&self) -> f64 {
        self.new_tokens as f64 / self.forward_passes.max(1) as f64
    }
}

/// A generation in progress: a stream of runs through [`Generation::stream`], and an iterator on native targets.
///
/// Drop it to cancel. The session keeps the text that has arrived, with its KV cache.
///
/// `S` holds the session: `&mut Session` from [`Session::generate_async`], or any owner given to
/// [`Generation::start`].
pub struct Generation<S> {
    session: S,
    mode: DecodeMode,
    limit: usize,
    block: usize,
    finish: Option<FinishReason>,
    /// The error to give after the last run.
    failure: Option<Error>,
    /// No run will come any more: the end was reached, or an error was given.
    over: bool,
    stats: Stats,
}

impl<S> std::fmt::Debug for Generation<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Generation").field("stats", &self.stats).field("finish", &self.finish).finish()
    }
}

impl<S: DerefMut<Target = Session>> Generation<S> {
    /// [`Session::generate_async`] for a caller that gives the session away, in a `Box` for example.
    ///
    /// Use it where the session cannot be borrowed for as long as the answer takes. The session comes back with an
    /// error, or from [`Generation::into_session`].
    ///
    /// # Errors
    /// The errors of [`Session::generate_async`].
    pub async fn start(
        mut session: S,
        prompt: &[u32],
        options: &GenerateOptions,
        progress: OnProgress<'_>,
    ) -> std::result::Result<Generation<S>, (S, Error)> {
        let Prefilled { mode, state, reused } = match session.begin(prompt, options, progress).await {
            Ok(prefilled) => prefilled,
            Err(error) => return Err((session, error)),
        };
        let (prompt_tokens, reused_tokens) = (prompt.len(), reused);
        Ok(Generation {
            session,
            mode,
            limit: state.limit as usize,
            block: state.block as usize,
            finish: None,
            failure: None,
            over: false,
            stats: Stats { prompt_tokens, reused_tokens, forward_passes: 1, ..Stats::default() },
        })
    }

    /// Ends the generation and returns the session, with the text that has arrived.
    pub fn into_session(self) -> S {
        self.session
    }

    /// Counts so far.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// The reason why the generation ended. `None`: it has not ended.
    pub fn finish_reason(&self) -> Option<FinishReason> {
        self.finish
    }

    /// The next run. `None`: the generation has ended.
    pub async fn next_run(&mut self) -> Option<Result<Run>> {
        std::future::poll_fn(|context| self.poll_run(context, true)).await
    }

    /// The next run from cycles already submitted; submits no more. `None`: no cycle is in flight, or the
    /// generation has ended.
    ///
    /// Use it to pause one answer while another uses the GPU.
    pub async fn next_run_in_flight(&mut self) -> Option<Result<Run>> {
        std::future::poll_fn(|context| self.poll_run(context, false)).await
    }

    fn poll_run(&mut self, context: &mut Context<'_>, submit_ahead: bool) -> Poll<Option<Result<Run>>> {
        if self.over {
            return Poll::Ready(None);
        }
        if let Some(error) = self.failure.take() {
            self.over = true;
            return Poll::Ready(Some(Err(error)));
        }
        if submit_ahead && let Err(error) = self.submit_ahead() {
            self.over = true;
            return Poll::Ready(Some(Err(error)));
        }
        let result = match ready!(self.session.in_flight.poll_next(context)) {
            None => return Poll::Ready(None),
            Some(result) => result,
        };
        let run = result.and_then(|result| self.arrived(&result));
        self.over = run.is_err() || self.finish.is_some();
        Poll::Ready(Some(run))
    }

    /// Keeps [`DEPTH`] cycles in flight.
    ///
    /// Each cycle adds at least one token, so cycles are superfluous only when the text ends early. Such cycles
    /// find no rows to work on.
    fn submit_ahead(&mut self) -> Result<()> {
        let known = self.session.text.len();
        while self.session.in_flight.len() < DEPTH {
            let in_flight = self.session.in_flight.len();
            if known + in_flight >= self.limit {
                break;
            }
            let kv_len = (known + (in_flight + 1) * self.block).min(self.limit);
            self.session.submit_cycle(self.mode, PassBounds { max_rows: self.block, kv_len })?;
        }
        Ok(())
    }

    fn arrived(&mut self, result: &CycleResult) -> Result<Run> {
        let emitted = &result.target_tokens[..result.emitted as usize];
        let first = self.stats.new_tokens == 0;
        self.session.text.extend_from_slice(emitted);
        // Prefill gives the first token, and has counted its positions already.
        if !first {
            self.session.advance_cached(result.start as usize, self.mode.kernels);
        }
        self.stats.new_tokens += emitted.len();
        self.finish = match Finish::from(result.finish) {
            Finish::Running => None,
            Finish::Stop => Some(FinishReason::Stop),
            Finish::Length => Some(FinishReason::Length),
            Finish::Invalid => {
                let error = Error::InvalidLogits { position: self.session.text.len() - 1 };
                if emitted.is_empty() {
                    return Err(error);
                }
                self.failure = Some(error);
                None
            }
        };
        let cycle = (!first).then(|| {
            self.stats.forward_passes += if self.mode.decoding == Decoding::Dual { 2 } else { 1 };
            self.stats.acceptance_lengths.push(result.accepted as usize);
            Cycle {
                rows: result.rows as usize,
                drafts: result.drafts[..result.rows as usize - 1].to_vec(),
                acceptance_length: result.accepted as usize,
            }
        });
        Ok(Run { ids: emitted.to_vec(), cycle })
    }

    /// The runs as a stream. The generation stays available for its statistics.
    pub fn stream(&mut self) -> RunStream<'_, S> {
        RunStream { generation: self }
    }
}

/// The runs of a [`Generation`] as a stream.
#[derive(Debug)]
pub struct RunStream<'a, S> {
    generation: &'a mut Generation<S>,
}

impl<S: DerefMut<Target = Session>> Stream for RunStream<'_, S> {
    type Item = Result<Run>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.generation.poll_run(context, true)
    }
}

#[cfg(not(target_arch = "wasm32"))]
impl<S: DerefMut<Target = Session>> Iterator for Generation<S> {
    type Item = Result<Run>;

    fn next(&mut self) -> Option<Self::Item> {
        pollster::block_on(self.next_run())
    }
}

impl Session {
    /// Prefills `prompt` and starts to generate. The tokens come from the [`Generation`].
    ///
    /// `progress` hears of each prefill pass, and can cancel. Tokens that were prefilled by then stay cached.
    ///
    /// # Errors
    /// Before anything changes: the prompt is empty or has ids beyond the vocabulary; prompt and token budget
    /// exceed the context; an option is out of range. Later: `progress` cancelled; the GPU is out of memory, or
    /// failed.
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
    /// The errors of [`Session::generate_async`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn generate(
        &mut self,
        prompt: &[u32],
        options: &GenerateOptions,
        progress: OnProgress<'_>,
    ) -> Result<Generation<&mut Session>> {
        pollster::block_on(self.generate_async(prompt, options, progress))
    }
}
