//! One answer: generated, timed, and shown as it comes.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use orthrus::{Error, FinishReason, GenerateOptions, Session, Stats};
use orthrus_loader::{TextStream, Tokenizer};

use crate::error::Result;
use crate::progress_line::ProgressLine;

/// An answer, complete or stopped.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    /// The new ids, with the id that ends the text.
    pub(crate) ids: Vec<u32>,
    /// The text of these ids, without the id that ends it.
    pub(crate) text: String,
    /// The reason for its end. `None`: it was stopped.
    pub(crate) finish: Option<FinishReason>,
    /// The engine's counts of tokens, cycles and passes.
    pub(crate) stats: Stats,
    /// The time from the start to the first token.
    pub(crate) prefill: Duration,
    /// The time from the first token to the last.
    pub(crate) decode: Duration,
}

impl Answer {
    /// New tokens per second after the first token. Prefill gives the first one.
    pub(crate) fn tokens_per_second(&self) -> f64 {
        let seconds = self.decode.as_secs_f64();
        let tokens = self.ids.len().saturating_sub(1);
        if seconds > 0.0 { tokens as f64 / seconds } else { 0.0 }
    }
}

/// Generates an answer to `prompt`, and passes each piece of its text to `show`. Setting `stop` ends the answer.
pub(crate) fn answer(
    session: &mut Session,
    prompt: &[u32],
    options: &GenerateOptions,
    tokenizer: Option<&Tokenizer>,
    stop: &AtomicBool,
    show: &mut dyn FnMut(&str) -> Result<()>,
) -> Result<Answer> {
    let mut answer = Answer::default();
    let mut decoder = Decoder::new(tokenizer);
    let mut bar = ProgressLine::new("reading the prompt");
    let started = Instant::now();
    let generation = session.generate(prompt, options, &mut |progress| {
        bar.show(progress);
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let mut generation = match generation {
        Err(Error::Cancelled) => return Ok(answer),
        other => other?,
    };
    drop(bar);
    let mut first = None;
    while !stop.load(Ordering::Relaxed) {
        let Some(run) = generation.next() else { break };
        let run = run?;
        let first = *first.get_or_insert_with(Instant::now);
        answer.prefill = first - started;
        answer.decode = first.elapsed();
        let ends = usize::from(generation.finish_reason() == Some(FinishReason::Stop));
        let piece = decoder.push(&run.ids[..run.ids.len() - ends])?;
        answer.ids.extend(run.ids);
        answer.text.push_str(&piece);
        show(&piece)?;
    }
    answer.finish = generation.finish_reason();
    answer.stats = generation.stats().clone();
    let rest = decoder.finish()?;
    answer.text.push_str(&rest);
    show(&rest)?;
    Ok(answer)
}

/// Turns ids into what users see: text, or the ids themselves if the checkpoint has no tokenizer.
enum Decoder {
    Text(TextStream),
    Ids { any: bool },
}

impl Decoder {
    fn new(tokenizer: Option<&Tokenizer>) -> Decoder {
        match tokenizer {
            Some(tokenizer) => Decoder::Text(tokenizer.stream()),
            None => Decoder::Ids { any: false },
        }
    }

    fn push(&mut self, ids: &[u32]) -> Result<String> {
        match self {
            Decoder::Text(stream) => Ok(stream.push(ids)?),
            Decoder::Ids { any } => {
                let mut text = String::new();
                for id in ids {
                    let space = if std::mem::replace(any, true) { " " } else { "" };
                    text += &format!("{space}{id}");
                }
                Ok(text)
            }
        }
    }

    fn finish(self) -> Result<String> {
        match self {
            Decoder::Text(stream) => Ok(stream.finish()?),
            Decoder::Ids { .. } => Ok(String::new()),
        }
    }
}
