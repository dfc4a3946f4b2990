//! The decode loop: cycles recorded ahead, accepted runs as they arrive.

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
    /// The tokens: accepted drafts, then the bonus. An id that ends the text is included, and is the last.
    pub ids: Vec<u32>,
    /// The cycle they come from; `None` for the first token, which comes from the prompt's pass.
    pub cycle: Option<Cycle>,
}

/// One cycle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// Rows of its block.
    pub rows: usize,
    /// The drafts, `rows - 1` of them. Empty in the AR view.
    pub drafts: Vec<u32>,
    /// How many of them the AR view agreed with, the bonus not counted. The end of the text or of the token
    /// budget can make the run shorter than that.
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
    /// The name users see.
    pub fn name(self) -> &'static str {
        match self {
            FinishReason::Stop => "stop",
            FinishReason::Length => "length",
        }
    }
}

/// What a generation did so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Those of them that were in the cache already.
    pub reused_tokens: usize,
    /// Tokens generated.
    pub new_tokens: usize,
    /// Passes: one for the prompt, then two a cycle in the dual view and one in the AR view.
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

    /// Generated tokens over all forward passes (the paper's Eq. 9); plain AR decoding has 1.
    pub fn tpf(&self) -> f64 {
        self.new_tokens as f64 / self.forward_passes.max(1) as f64
    }
}

/// An answer under way: a stream of runs, and on native an iterator too. Drop it to cancel; the session keeps
/// what has arrived, cache included.
///
/// `S` is how it holds its session: `&mut Session` from [`Session::generate_async`], or what
/// [`Generation::start`] was given.
pub struct Generation<S> {
    session: S,
    mode: DecodeMode,
    limit: usize,
    block: usize,
    finish: Option<FinishReason>,
    /// What to say after the last run.
    failure: Option<Error>,
    /// Nothing more will come: the end was reached, or an error was given.
    over: bool,
    stats: Stats,
}

impl<S> std::fmt::Debug for Generation<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Generation").field("stats", &self.stats).field("finish", &self.finish).finish()
    }
}

impl<S: DerefMut<Target = Session>> Generation<S> {
    /// [`Session::generate_async`] for who cannot borrow the session as long as the answer takes, and hands it over, in
    /// a `Box` for one: it comes back with an error, or from [`Generation::into_session`].
    ///
    /// # Errors
    /// As [`Session::generate_async`].
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

    /// Ends the answer where it is and gives the session back, with what has arrived.
    pub fn into_session(self) -> S {
        self.session
    }

    /// What was done so far.
    pub fn stats(&self) -> &Stats {
        &self.stats
    }

    /// Why it ended, once it has.
    pub fn finish_reason(&self) -> Option<FinishReason> {
        self.finish
    }

    /// The next run, or `None` at the end.
    pub async fn next_run(&mut self) -> Option<Result<Run>> {
        std::future::poll_fn(|context| self.poll_run(context, true)).await
    }

    /// The next run of the cycles that are under way already, `None` once the GPU has nothing left to do for this
    /// answer. Records no further cycles: for who divides a GPU between answers, and has one at rest while the other's
    /// time is taken.
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

    /// Keeps the GPU busy. Every cycle in flight adds at least one token, so some may be one too many only when the text
    /// ends: those find no rows to work on.
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
        // The first token comes from the prefill, whose positions are counted already.
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

    /// The runs as a stream. The generation keeps its statistics meanwhile.
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
    /// Prefills `prompt` and starts to generate what follows it. The tokens come from the [`Generation`].
    ///
    /// `progress` hears of each prefill pass, and can cancel. What was prefilled by then stays cached.
    ///
    /// # Errors
    /// The prompt is empty, has ids beyond the vocabulary or outgrows the context together with the token budget; an
    /// option is out of range; `progress` cancelled; the GPU failed. All but the last two are found before anything is
    /// changed.
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
}
