//! Timing: everything several times, medians with their spread.

use std::time::Instant;

use orthrus::lab::{Copying, KernelOfPass, MeasuredPass};
use orthrus::{ArKernel, Decoding, GenerateOptions, Gpu, Model, Replay, Session, no_progress};

use crate::args::BenchArgs;
use crate::commands::bench::results::DecodeFigures;
use crate::commands::bench::spread::Spread;
use crate::error::Result;
use crate::prompts;

/// How long passes are repeated for one measurement, in seconds: so long that the wait at its end does not count.
const LONG_ENOUGH: f64 = 0.2;

/// And kernels by themselves, of which there are many, and which are submitted together.
const LONG_ENOUGH_FOR_A_KERNEL: f64 = 0.05;

/// How long the GPU works before a context's passes are measured, in seconds: it takes about as long to raise its clock.
const WARM_UP: f64 = 1.0;

/// Most repetitions within one measurement.
const MOST_TIMES: usize = 4096;

/// Seconds that one of many runs takes, which go on for `long_enough`, `repetitions` times over, after one to warm up.
/// `run` runs as often as it is told and waits.
fn seconds_of_one(
    long_enough: f64,
    repetitions: usize,
    mut run: impl FnMut(usize) -> Result<()>,
) -> Result<Spread> {
    let mut time = |times: usize| -> Result<f64> {
        let start = Instant::now();
        run(times)?;
        Ok(start.elapsed().as_secs_f64() / times as f64)
    };
    time(1)?;
    let times = ((long_enough / time(1)?.max(1e-9)) as usize).clamp(1, MOST_TIMES);
    Ok(Spread::of((0..repetitions).map(|_| time(times)).collect::<Result<_>>()?))
}

/// What the GPU copies: bytes read and written, in GB/s.
pub(crate) fn copy_bandwidth(gpu: &Gpu, bytes: u64, repetitions: usize) -> Result<Spread> {
    let copying = Copying::new(gpu, bytes)?;
    let seconds = seconds_of_one(LONG_ENOUGH, repetitions, |times| Ok(copying.run(times)?))?;
    Ok(seconds.map(|s| copying.bytes() as f64 / s / 1e9))
}

/// Tokens that cycles of these acceptance lengths give, the prompt's own counted.
fn tokens(lengths: &[u32]) -> usize {
    1 + lengths.iter().map(|length| *length as usize + 1).sum::<usize>()
}

/// Positions that decoding takes after a context.
pub(crate) fn room(lengths: &[u32], block: usize) -> usize {
    tokens(lengths) + block
}

/// A session at a context.
pub(crate) struct Bench<'a> {
    pub(crate) session: Session,
    pub(crate) args: &'a BenchArgs,
    /// What each cycle is to accept.
    lengths: &'a [u32],
    /// Ids that stand for the context.
    ids: Vec<u32>,
}

/// What several runs of the decode loop gave.
pub(crate) struct Decoded {
    /// The new tokens, the same in each.
    pub(crate) ids: Vec<u32>,
    /// Drafts accepted in each cycle.
    lengths: Vec<usize>,
    /// From the first token, which belongs to the prompt, to the last.
    seconds: Spread,
}

impl<'a> Bench<'a> {
    pub(crate) fn new(
        model: &Model,
        context: usize,
        lengths: &'a [u32],
        args: &'a BenchArgs,
    ) -> Result<Bench<'a>> {
        let ids = prompts::random_ids(context, 0, model.config().vocab_size);
        let mut session = model.session(context + room(lengths, model.config().block_size))?;
        session.assume_cached(&ids)?;
        let start = Instant::now();
        while start.elapsed().as_secs_f64() < WARM_UP {
            session.run_passes(MeasuredPass::Verify(ArKernel::Exact), 1, 1)?;
        }
        Ok(Bench { session, args, lengths, ids })
    }

    /// Rows of the last pass of a prompt that the context is.
    pub(crate) fn rows_of_prompt(&self) -> usize {
        (self.ids.len() - 1) % self.session.sizes().rows + 1
    }

    /// Takes for cached what is before a pass: the context, but for a prompt's own rows.
    fn assume_before(&mut self, pass: MeasuredPass, rows: usize) -> Result<()> {
        let own = if pass == MeasuredPass::Prefill { rows } else { 0 };
        self.assume(self.ids.len().saturating_sub(own))
    }

    /// Takes the first ids of the context for cached.
    fn assume(&mut self, count: usize) -> Result<()> {
        match &self.ids[..count] {
            [] => self.session.clear(),
            ids => self.session.assume_cached(ids)?,
        }
        Ok(())
    }

    /// Seconds of a pass.
    pub(crate) fn pass(&mut self, pass: MeasuredPass, rows: usize) -> Result<Spread> {
        self.assume_before(pass, rows)?;
        seconds_of_one(LONG_ENOUGH, self.args.repetitions, |times| {
            Ok(self.session.run_passes(pass, rows, times)?)
        })
    }

    /// Each kernel of a pass, with the seconds that all its dispatches take.
    pub(crate) fn kernels(&mut self, pass: MeasuredPass, rows: usize) -> Result<Vec<(KernelOfPass, Spread)>> {
        self.assume_before(pass, rows)?;
        let kernels = self.session.kernels_of(pass, rows)?;
        let session = &mut self.session;
        let mut time = |kernel: KernelOfPass| {
            let run = |times| Ok(session.run_kernel(pass, rows, &kernel, times)?);
            Ok((kernel, seconds_of_one(LONG_ENOUGH_FOR_A_KERNEL, self.args.repetitions, run)?))
        };
        kernels.into_iter().map(&mut time).collect()
    }

    /// AR decoding of as many tokens as the cycles give.
    pub(crate) fn decode_ar(&mut self, kernel: ArKernel) -> Result<Decoded> {
        let options = GenerateOptions {
            max_new_tokens: tokens(self.lengths),
            decoding: Decoding::Ar,
            ar_kernel: kernel,
            ..GenerateOptions::default()
        };
        self.decode(options, usize::MAX)
    }

    /// The cycles, drafting the AR view's text.
    pub(crate) fn decode_dual(&mut self, text: &[u32]) -> Result<Decoded> {
        // With room for another block, the last one is no shorter than the others.
        let budget = text.len() + self.session.sizes().block;
        let mut text = text.to_vec();
        text.resize(budget, 0);
        let options = GenerateOptions {
            max_new_tokens: budget,
            block_size: self.args.block_size,
            replay: Some(Replay { text, lengths: self.lengths.to_vec() }),
            ..GenerateOptions::default()
        };
        self.decode(options, self.lengths.len())
    }

    /// Generates from the context on through the real decode loop, up to `cycles` cycles.
    fn decode(&mut self, options: GenerateOptions, cycles: usize) -> Result<Decoded> {
        let options = GenerateOptions { end_ids: Some(Vec::new()), ..options };
        let mut all = Vec::new();
        let mut decoded = Decoded { ids: Vec::new(), lengths: Vec::new(), seconds: Spread::of(Vec::new()) };
        for repetition in 0..=self.args.repetitions {
            // All but the last id, which the prompt's pass takes.
            self.assume(self.ids.len() - 1)?;
            let mut generation = self.session.generate(&self.ids, &options, &mut no_progress)?;
            let mut first = None;
            decoded.ids.clear();
            while let Some(run) = generation.next() {
                decoded.ids.extend(run?.ids);
                first.get_or_insert_with(Instant::now);
                if generation.stats().cycles() == cycles {
                    break;
                }
            }
            // The first run warms up.
            if let Some(first) = first.filter(|_| repetition > 0) {
                all.push(first.elapsed().as_secs_f64());
            }
            decoded.lengths = generation.stats().acceptance_lengths.clone();
        }
        decoded.seconds = Spread::of(all);
        Ok(decoded)
    }

    /// Seconds from nothing to the first token after the context's ids as a prompt.
    pub(crate) fn prompt(&mut self) -> Result<Spread> {
        let options =
            GenerateOptions { max_new_tokens: 1, decoding: Decoding::Ar, ..GenerateOptions::default() };
        let mut all = Vec::new();
        for repetition in 0..=self.args.repetitions {
            self.session.clear();
            let start = Instant::now();
            for run in self.session.generate(&self.ids, &options, &mut no_progress)? {
                run?;
            }
            if repetition > 0 {
                all.push(start.elapsed().as_secs_f64());
            }
        }
        Ok(Spread::of(all))
    }
}

impl Decoded {
    pub(crate) fn figures(&self) -> DecodeFigures {
        let cycles = self.lengths.len();
        let tokens = self.ids.len().saturating_sub(1);
        let accepted: usize = self.lengths.iter().sum();
        DecodeFigures {
            kernel: None,
            tokens: self.ids.len(),
            cycles,
            tokens_per_cycle: 1.0 + accepted as f64 / cycles.max(1) as f64,
            cycle_ms: self.seconds.map(|s| s * 1e3 / cycles.max(1) as f64),
            tokens_per_second: self.seconds.map(|s| if s > 0.0 { tokens as f64 / s } else { 0.0 }),
            passes_share: None,
            same_ids: None,
        }
    }

    /// With how many ids are the same as the exact kernels'.
    pub(crate) fn figures_beside(&self, exact: &Decoded) -> DecodeFigures {
        let same = self.ids.iter().zip(&exact.ids).take_while(|(a, b)| a == b).count();
        DecodeFigures { same_ids: Some(same), ..self.figures() }
    }
}

#[cfg(test)]
mod tests {
    use super::{LONG_ENOUGH, seconds_of_one};

    #[test]
    fn short_runs_are_repeated() {
        let mut most = 0;
        let seconds = seconds_of_one(LONG_ENOUGH, 5, |times| {
            most = most.max(times);
            std::thread::sleep(std::time::Duration::from_millis(times as u64));
            Ok(())
        });
        let seconds = seconds.unwrap_or_else(|error| panic!("{error}"));
        assert!((20..=200).contains(&most), "{most}");
        assert!(seconds.least >= 0.001 && seconds.most < 0.1, "{seconds:?}");
    }
}
