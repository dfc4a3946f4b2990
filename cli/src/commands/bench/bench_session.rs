//! A session to measure: its passes, their kernels, decoding and prefill, each repeated.

use std::time::Instant;

use orthrus::lab::measurements::{
    PassCase, Repetition, ar_options, assume_before, copy_bytes, replay_options, session_at, tokens_of_cycles,
};
use orthrus::lab::{Copying, KernelOfPass, MeasuredPass};
use orthrus::{ArKernel, GenerateOptions, Gpu, Model, Session, no_progress};

use crate::args::BenchArgs;
use crate::commands::bench::results::DecodeFigures;
use crate::commands::bench::spread::Spread;
use crate::error::Result;

/// The seconds of one run, measured `repetitions` times. `run` runs as often as its argument says, and waits for the
/// last run.
fn seconds_per_run(
    repetition: Repetition,
    repetitions: usize,
    mut run: impl FnMut(usize) -> Result<()>,
) -> Result<Spread> {
    let runs = repetition.runs(&mut run)?;
    let mut time = || -> Result<f64> {
        let start = Instant::now();
        run(runs)?;
        Ok(start.elapsed().as_secs_f64() / runs as f64)
    };
    Ok(Spread::of((0..repetitions).map(|_| time()).collect::<Result<_>>()?))
}

/// The memory bandwidth of a copy on the GPU, in GB/s. Bytes read and bytes written both count.
pub(crate) fn copy_bandwidth(gpu: &Gpu, repetitions: usize) -> Result<Spread> {
    let copying = Copying::new(gpu, copy_bytes(gpu))?;
    let seconds = seconds_per_run(Repetition::PASS, repetitions, |times| Ok(copying.run(times)?))?;
    Ok(seconds.map(|s| copying.bytes() as f64 / s / 1e9))
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
        let session = session_at(model, context, positions_needed(lengths, model.config().block_size))?;
        let ids = session.text().to_vec();
        Ok(BenchSession { session, args, lengths, ids })
    }

    /// The seconds of a pass.
    pub(crate) fn pass(&mut self, case: PassCase) -> Result<Spread> {
        assume_before(&mut self.session, &self.ids, case)?;
        seconds_per_run(Repetition::PASS, self.args.repetitions, |times| {
            Ok(self.session.run_passes(case.pass, case.rows, times)?)
        })
    }

    /// Each kernel of a pass, with the seconds of all its dispatches.
    pub(crate) fn kernels(&mut self, case: PassCase) -> Result<Vec<(KernelOfPass, Spread)>> {
        let PassCase { pass, rows } = case;
        assume_before(&mut self.session, &self.ids, case)?;
        let kernels = self.session.kernels_of(pass, rows)?;
        let session = &mut self.session;
        let mut time = |kernel: KernelOfPass| {
            let run = |times| Ok(session.run_kernel(pass, rows, &kernel, times)?);
            Ok((kernel, seconds_per_run(Repetition::KERNEL, self.args.repetitions, run)?))
        };
        kernels.into_iter().map(&mut time).collect()
    }

    /// AR decoding of as many tokens as dual-view decoding gives.
    pub(crate) fn decode_ar(&mut self, kernel: ArKernel) -> Result<Decoded> {
        self.decode(&ar_options(tokens_of_cycles(self.lengths), kernel), usize::MAX)
    }

    /// Dual-view decoding. It replays `text`, which exact AR decoding gave.
    pub(crate) fn decode_dual(&mut self, text: &[u32]) -> Result<Decoded> {
        let block = self.args.block_size.unwrap_or(self.session.sizes().block);
        self.decode(&replay_options(text, self.lengths, block), self.lengths.len())
    }

    /// Generates after the context through the real decode loop, up to `cycles` cycles.
    fn decode(&mut self, options: &GenerateOptions, cycles: usize) -> Result<Decoded> {
        // Prefill runs the last id.
        let prefill = PassCase { pass: MeasuredPass::Prefill, rows: 1 };
        let mut all = Vec::new();
        let mut decoded = Decoded { ids: Vec::new(), lengths: Vec::new(), seconds: Spread::of(Vec::new()) };
        for repetition in 0..=self.args.repetitions {
            assume_before(&mut self.session, &self.ids, prefill)?;
            let mut generation = self.session.generate(&self.ids, options, &mut no_progress)?;
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
        let options = ar_options(1, ArKernel::Exact);
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
