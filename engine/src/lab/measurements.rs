//! The measurements that `orthrus bench` and the criterion benchmarks share: which passes, at which contexts, how often.

use std::time::{Duration, Instant};

use orthrus_loader::{CheckpointViews, Config};
use orthrus_shaders::twin::random::philox;

use super::profile::MeasuredPass;
use crate::decode::{Decoding, GenerateOptions, Replay, Session};
use crate::forward::ArKernel;
use crate::gpu::Gpu;
use crate::model::Model;
use crate::{Error, Result};

/// The default contexts, in positions.
pub const CONTEXTS: [usize; 3] = [512, 8192, 40_000];

/// The rows of verify and draft passes, as far as the block size allows.
pub const BLOCK_ROWS: [usize; 3] = [8, 16, 32];

/// The longest context at which prefill is measured. A longer prefill takes minutes on many machines.
pub const LONGEST_PREFILL: usize = 8192;

/// All sets of kernels for AR decoding, the exact one first.
pub const AR_KERNELS: [ArKernel; 2] = [ArKernel::Exact, ArKernel::Fast];

/// The bytes copied to measure memory bandwidth: more than the caches of a GPU hold.
const COPIED: u64 = 512 << 20;

/// The bytes that a software adapter copies, which is slower.
const COPIED_BY_SOFTWARE: u64 = 32 << 20;

/// The work before the measurements at a context. A GPU takes about as long to raise its clock.
const WARM_UP: Duration = Duration::from_secs(1);

/// A pass to measure, with its rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PassCase {
    /// The pass.
    pub pass: MeasuredPass,
    /// The rows of the pass.
    pub rows: usize,
}

impl PassCase {
    /// The name in results: `AR`, `verify`, `draft` or `prompt`.
    pub fn name(self) -> &'static str {
        match self.pass {
            MeasuredPass::Verify(_) if self.rows == 1 => "AR",
            MeasuredPass::Verify(_) => "verify",
            MeasuredPass::Draft => "draft",
            MeasuredPass::Prefill => "prompt",
        }
    }

    /// The kernels of an AR pass. `None`: the pass has only one set of kernels.
    pub fn kernel(self) -> Option<ArKernel> {
        match self.pass {
            MeasuredPass::Verify(kernel) if self.rows == 1 => Some(kernel),
            _ => None,
        }
    }

    /// A name without spaces that no other case has, such as `ar-exact` or `verify-16`.
    pub fn label(self) -> String {
        match self.kernel() {
            Some(kernel) => format!("ar-{}", kernel.name()),
            None => format!("{}-{}", self.name(), self.rows),
        }
    }
}

/// The passes to measure at each context: AR passes with `kernels`, then verify passes, then draft passes.
pub fn pass_cases(config: &Config, views: CheckpointViews, kernels: &[ArKernel]) -> Vec<PassCase> {
    let ar = kernels.iter().map(|&kernel| PassCase { pass: MeasuredPass::Verify(kernel), rows: 1 });
    let has_blocks = views == CheckpointViews::Dual;
    let block = |pass| {
        let rows = BLOCK_ROWS.into_iter().filter(move |rows| has_blocks && *rows <= config.block_size);
        rows.map(move |rows| PassCase { pass, rows })
    };
    ar.chain(block(MeasuredPass::Verify(ArKernel::Exact))).chain(block(MeasuredPass::Draft)).collect()
}

/// The last pass of a prefill of `context` ids. It runs the rows that whole passes leave.
pub fn last_prefill_pass(session: &Session, context: usize) -> PassCase {
    PassCase { pass: MeasuredPass::Prefill, rows: context.saturating_sub(1) % session.sizes().rows + 1 }
}

/// The contexts to measure if the user names none. A software adapter has time for the first one only.
pub fn default_contexts(gpu: &Gpu) -> Vec<usize> {
    let count = if gpu.adapter().is_software() { 1 } else { CONTEXTS.len() };
    CONTEXTS[..count].to_vec()
}

/// The bytes to copy for a measurement of memory bandwidth.
pub fn copy_bytes(gpu: &Gpu) -> u64 {
    if gpu.adapter().is_software() { COPIED_BY_SOFTWARE } else { COPIED }
}

/// Makes a session whose text is `context` random ids, marked cached, and warms the GPU up.
///
/// The KV cache holds zeros. `room` is the number of positions after the context: 2 or more, for the warm-up.
///
/// # Errors
/// The context is empty, the model or the GPU has no room for it, or the GPU failed.
pub fn session_at(model: &Model, context: usize, room: usize) -> Result<Session> {
    let mut session = model.session(context.saturating_add(room))?;
    session.assume_cached(&random_numbers(context, 0, model.config().vocab_size))?;
    let start = Instant::now();
    while start.elapsed() < WARM_UP {
        session.run_passes(MeasuredPass::Verify(ArKernel::Exact), 1, 1)?;
    }
    Ok(session)
}

/// Marks the positions before a pass cached. A prefill pass runs the last of `ids` itself; other passes come after them.
///
/// # Errors
/// As [`Session::assume_cached`].
pub fn assume_before(session: &mut Session, ids: &[u32], case: PassCase) -> Result<()> {
    let own = if case.pass == MeasuredPass::Prefill { case.rows } else { 0 };
    match &ids[..ids.len().saturating_sub(own)] {
        [] => session.clear(),
        before => session.assume_cached(before)?,
    }
    Ok(())
}

/// Whether `error` says that a context is too long for the model or the GPU. Such a default context is left out.
pub fn is_left_out(error: &Error) -> bool {
    matches!(error, Error::ContextSize { .. } | Error::OutOfMemory { .. } | Error::TooLarge { .. })
}

/// `count` random numbers below `limit`, the same ones in every run. Each `stream` has its own numbers.
pub fn random_numbers(count: usize, stream: u32, limit: usize) -> Vec<u32> {
    (0..count as u32).map(|place| philox([stream, place], 0)[0] % limit as u32).collect()
}

/// The tokens of cycles with these acceptance lengths, and the token of the prefill before them.
pub fn tokens_of_cycles(lengths: &[u32]) -> usize {
    1 + lengths.iter().map(|length| *length as usize + 1).sum::<usize>()
}

/// Options for AR decoding of exactly `tokens` tokens: no id ends the text.
pub fn ar_options(tokens: usize, kernel: ArKernel) -> GenerateOptions {
    GenerateOptions {
        max_new_tokens: tokens,
        decoding: Decoding::Ar,
        end_ids: Some(Vec::new()),
        ar_kernel: kernel,
        ..GenerateOptions::default()
    }
}

/// Options for dual-view decoding that replays `lengths` in blocks of `block` rows. Exact AR decoding gave `text`.
///
/// The token budget is `text.len() + block`, so that the last block is as long as the others. The caller stops after
/// `lengths.len()` cycles.
pub fn replay_options(text: &[u32], lengths: &[u32], block: usize) -> GenerateOptions {
    let budget = text.len() + block;
    let mut text = text.to_vec();
    text.resize(budget, 0);
    GenerateOptions {
        max_new_tokens: budget,
        block_size: Some(block),
        end_ids: Some(Vec::new()),
        replay: Some(Replay { text, lengths: lengths.to_vec() }),
        ..GenerateOptions::default()
    }
}

/// How long one measurement lasts. Runs are short, so a measurement has many of them and waits once, at the end.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Repetition {
    /// The least time of a measurement, in seconds.
    pub seconds: f64,
    /// The largest number of runs in a measurement.
    pub most_runs: usize,
}

impl Repetition {
    /// The measurement of a pass or a copy.
    pub const PASS: Repetition = Repetition { seconds: 0.2, most_runs: 4096 };

    /// The measurement of a kernel. It is shorter, because a pass has many kernels.
    pub const KERNEL: Repetition = Repetition { seconds: 0.05, most_runs: 4096 };

    /// The number of runs in a measurement of `run`, which is called with 1 to warm up and to be timed.
    ///
    /// `run` runs as often as its argument says, and waits for the last run.
    ///
    /// # Errors
    /// As `run`.
    pub fn runs<E>(
        &self,
        mut run: impl FnMut(usize) -> std::result::Result<(), E>,
    ) -> std::result::Result<usize, E> {
        run(1)?;
        let start = Instant::now();
        run(1)?;
        let seconds = start.elapsed().as_secs_f64().max(1e-9);
        Ok(((self.seconds / seconds) as usize).clamp(1, self.most_runs))
    }
}

#[cfg(test)]
mod tests {
    use orthrus_loader::CheckpointViews;

    use super::{AR_KERNELS, Repetition, pass_cases, replay_options, tokens_of_cycles};
    use crate::forward::ArKernel;
    use crate::model::Synthetic;

    #[test]
    fn cases_have_labels_of_their_own() {
        let config = Synthetic::SMALLEST.config();
        let labels = |block_size, views, kernels: &[ArKernel]| {
            let config = orthrus_loader::Config { block_size, ..config.clone() };
            pass_cases(&config, views, kernels).into_iter().map(|case| case.label()).collect::<Vec<_>>()
        };
        assert_eq!(
            labels(16, CheckpointViews::Dual, &AR_KERNELS),
            ["ar-exact", "ar-fast", "verify-8", "verify-16", "draft-8", "draft-16"]
        );
        assert_eq!(labels(7, CheckpointViews::Dual, &[ArKernel::Fast]), ["ar-fast"]);
        assert_eq!(labels(32, CheckpointViews::ArOnly, &[ArKernel::Exact]), ["ar-exact"]);
    }

    #[test]
    fn short_runs_are_repeated() {
        let mut calls = Vec::new();
        let runs = Repetition::PASS.runs(|times| {
            calls.push(times);
            std::thread::sleep(std::time::Duration::from_millis(1));
            Ok::<_, ()>(())
        });
        // A loaded machine sleeps longer.
        assert!(runs.is_ok_and(|runs| (1..=200).contains(&runs)), "{runs:?}");
        assert_eq!(calls, [1, 1]);
        assert_eq!(Repetition { seconds: 1e9, most_runs: 9 }.runs(|_| Ok::<_, ()>(())), Ok(9));
        assert_eq!(Repetition { seconds: 0.0, most_runs: 9 }.runs(|_| Ok::<_, ()>(())), Ok(1));
        assert_eq!(Repetition::PASS.runs(|_| Err("failed")), Err("failed"));
    }

    #[test]
    fn the_last_replayed_block_is_whole() {
        let lengths = [3, 0];
        let text = vec![1; tokens_of_cycles(&lengths)];
        let options = replay_options(&text, &lengths, 8);
        assert_eq!((text.len(), options.max_new_tokens), (6, 14));
        assert!(options.replay.is_some_and(|replay| replay.text.len() == 14 && replay.lengths == lengths));
    }
}
