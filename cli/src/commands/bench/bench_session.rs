//! A session to measure: its passes, their kernels, decoding and prefill, each repeated.

use std::time::Instant;

use orthrus::lab::{Copying, KernelOfPass, MeasuredPass};
use orthrus::{ArKernel, Decoding, GenerateOptions, Gpu, Model, Replay, Session, no_progress};

use crate::args::BenchArgs;
use crate::commands::bench::results::DecodeFigures;
use crate::commands::bench::spread::Spread;
use crate::error::Result;
use crate::prompts;

/// Seconds of one measurement of passes. Over this time, the wait at its end does not count.
const PASS_SECONDS: f64 = 0.2;

/// Seconds of one measurement of a kernel. It is shorter, because a pass has many kernels.
const KERNEL_SECONDS: f64 = 0.05;

/// Seconds of work before the measurements at a context. A GPU takes about as long to raise its clock.
const WARM_UP_SECONDS: f64 = 1.0;

/// The largest number of runs in one measurement.
const MOST_RUNS: usize = 4096;

/// The seconds of one run, measured `repetitions` times after a warm-up. Each measurement lasts `seconds` or more, over
/// many runs. `run` runs as often as its argument says, and waits for the last run.
fn seconds_per_run(
    seconds: f64,
    repetitions: usize,
    mut run: impl FnMut(usize) -> Result<()>,
) -> Result<Spread> {
    let mut time = |times: usize| -> Result<f64> {
        let start = Instant::now();
        run(times)?;
        Ok(start.elapsed().as_secs_f64() / times as f64)
    };
    time(1)?;
    let times = ((seconds / time(1)?.max(1e-9)) as usize).clamp(1, MOST_RUNS);
    Ok(Spread::of((0..repetitions).map(|_| time(times)).collect::<Result<_>>()?))
}

/// The memory bandwidth of a copy on the GPU, in GB/s. Bytes read and bytes written both count.
pub(crate) fn copy_bandwidth(gpu: &Gpu, bytes: u64, repetitions: usize) -> Result<Spread> {
    let copying = Copying::new(gpu, bytes)?;
    let seconds = seconds_per_run(PASS_SECONDS, repetitions, |times| Ok(copying.run(times)?))?;
    Ok(seconds.map(|s| copying.bytes() as f64 / s / 1e9))
}

/// The tokens of cycles with these acceptance lengths, and the token of the prefill before them.
fn tokens_of_cycles(lengths: &[u32]) -> usize {
    1 + lengths.iter().map(|length| *length as usize + 1).sum::<usize>()
}

/// The positions that decoding needs after a context.
pub(crate) fn positions_needed(lengths: &[u32], block: usize) -> usize {
    tokens_of_cycles(lengths) + block
}

/// A session whose KV cache holds a context of zeros.
pub(crate) struct BenchSession<'a> {
    pub(crate) session: Session,
    pub(crate) args: &'a BenchArgs,
    /// The acceptance length of each cycle.
    lengths: &'a [u32],
    /// The ids of the context.
    ids: Vec<u32>,
}

/// The outcome of repeated runs of the decode loop.
pub(crate) struct Decoded {
    /// The new ids, the same in every run.
    pub(crate) ids: Vec<u32>,
    /// The acceptance length of each cycle.
    lengths: Vec<usize>,
    /// Seconds from the first token to the last. Prefill gives the first one.
    seconds: Spread,
}

impl<'a> BenchSession<'a> {
    pub(crate) fn new(
        model: &Model,
        context: usize,
        lengths: &'a [u32],
        args: &'a BenchArgs,
    ) -> Result<BenchSession<'a>> {
        let ids = prompts::random_numbers(context, 0, model.config().vocab_size);
        let mut session = model.session(context + positions_needed(lengths, model.config().block_size))?;
        session.assume_cached(&ids)?;
        let start = Instant::now();
        while start.elapsed().as_secs_f64() < WARM_UP_SECONDS {
            session.run_passes(MeasuredPass::Verify(ArKernel::Exact), 1, 1)?;
        }
        Ok(BenchSession { session, args, lengths, ids })
    }

    /// The rows of the last pass of a prefill of the context.
    pub(crate) fn rows_of_last_prefill_pass(&self) -> usize {
        (self.ids.len() - 1) % self.session.sizes().rows + 1
    }

    /// Marks the positions before a pass cached. A prefill pass runs rows of the context itself; other passes come
    /// after it.
    fn assume_before(&mut self, pass: MeasuredPass, rows: usize) -> Result<()> {
        let own = if pass == MeasuredPass::Prefill { rows } else { 0 };
        self.assume(self.ids.len().saturating_sub(own))
    }

    /// Marks the first `count` ids of the context cached.
    fn assume(&mut self, count: usize) -> Result<()> {
        match &self.ids[..count] {
            [] => self.session.clear(),
            ids => self.session.assume_cached(ids)?,
        }
        Ok(())
    }

    /// The seconds of a pass.
    pub(crate) fn pass(&mut self, pass: MeasuredPass, rows: usize) -> Result<Spread> {
        self.assume_before(pass, rows)?;
        seconds_per_run(PASS_SECONDS, self.args.repetitions, |times| {
            Ok(self.session.run_passes(pass, rows, times)?)
        })
    }

    /// Each kernel of a pass, with the seconds of all its dispatches.
    pub(crate) fn kernels(&mut self, pass: MeasuredPass, rows: usize) -> Result<Vec<(KernelOfPass, Spread)>> {
        self.assume_before(pass, rows)?;
        let kernels = self.session.kernels_of(pass, rows)?;
        let session = &mut self.session;
        let mut time = |kernel: KernelOfPass| {
            let run = |times| Ok(session.run_kernel(pass, rows, &kernel, times)?);
            Ok((kernel, seconds_per_run(KERNEL_SECONDS, self.args.repetitions, run)?))
        };
        kernels.into_iter().map(&mut time).collect()
    }

    /// AR decoding of as many tokens as dual-view decoding gives.
    pub(crate) fn decode_ar(&mut self, kernel: ArKernel) -> Result<Decoded> {
        let options = GenerateOptions {
            max_new_tokens: tokens_of_cycles(self.lengths),
            decoding: Decoding::Ar,
            ar_kernel: kernel,
            ..GenerateOptions::default()
        };
        self.decode(options, usize::MAX)
    }

    /// Dual-view decoding. It replays `text`, which exact AR decoding gave.
    pub(crate) fn decode_dual(&mut self, text: &[u32]) -> Result<Decoded> {
        // A budget of one more block keeps the last block as long as the others.
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

    /// Generates after the context through the real decode loop, up to `cycles` cycles.
    fn decode(&mut self, options: GenerateOptions, cycles: usize) -> Result<Decoded> {
        let options = GenerateOptions { end_ids: Some(Vec::new()), ..options };
        let mut all = Vec::new();
        let mut decoded = Decoded { ids: Vec::new(), lengths: Vec::new(), seconds: Spread::of(Vec::new()) };
        for repetition in 0..=self.args.repetitions {
            // Prefill takes the last id.
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
            // The first run is the warm-up.
            if let Some(first) = first.filter(|_| repetition > 0) {
                all.push(first.elapsed().as_secs_f64());
            }
            decoded.lengths = generation.stats().acceptance_lengths.clone();
        }
        decoded.seconds = Spread::of(all);
        Ok(decoded)
    }

    /// The seconds of prefill: from an empty KV cache to the first token, with the context as the prompt.
    pub(crate) fn prefill(&mut self) -> Result<Spread> {
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

    /// The figures with the number of ids before the first that differs from exact AR decoding.
    pub(crate) fn figures_beside(&self, exact: &Decoded) -> DecodeFigures {
        let same = self.ids.iter().zip(&exact.ids).take_while(|(a, b)| a == b).count();
        DecodeFigures { same_ids: Some(same), ..self.figures() }
    }
}

#[cfg(test)]
mod tests {
    use super::{PASS_SECONDS, seconds_per_run};

    #[test]
    fn short_runs_are_repeated() {
        let mut most = 0;
        let seconds = seconds_per_run(PASS_SECONDS, 5, |times| {
            most = most.max(times);
            std::thread::sleep(std::time::Duration::from_millis(times as u64));
            Ok(())
        });
        let seconds = seconds.unwrap_or_else(|error| panic!("{error}"));
        assert!((20..=200).contains(&most), "{most}");
        assert!(seconds.least >= 0.001 && seconds.most < 0.1, "{seconds:?}");
    }
}
