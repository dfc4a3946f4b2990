//! Runs cases: the twin test, and the row-invariance test.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use orthrus::{Gpu, Tier};

use crate::cases::{Case, Place, Rows};
use crate::compare::same_bits;
use crate::gpu::{gpu_or_reason, tested_tiers};
use crate::random::Random;
use crate::report::{Outcome, Report};

/// A test of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Test {
    /// The kernel computes what its CPU twin does, on random shapes with poisoned outputs.
    Twin,
    /// A row has the same bits wherever it is, whatever the other rows hold.
    Invariance,
}

/// Seeds of a kernel on tiers above its own, where only the device differs.
const SEEDS_ABOVE: u64 = 2;

/// Seeds of a test: `ORTHRUS_TEST_SEEDS`, or `usual`.
///
/// # Panics
/// If the variable is not a number above zero.
pub fn seeds(usual: u64) -> u64 {
    let Ok(seeds) = std::env::var("ORTHRUS_TEST_SEEDS") else { return usual };
    let seeds = seeds.parse().unwrap_or(0);
    assert!(seeds > 0, "ORTHRUS_TEST_SEEDS is a number above zero");
    seeds
}

/// Runs `test` for each case on each tier that has the kernel.
pub fn run(cases: &[Case], test: Test) -> Report {
    let mut report = Report::default();
    for tier in tested_tiers() {
        let cases: Vec<&Case> = cases.iter().filter(|case| case.kernel.spec().tier <= tier).collect();
        let known = Mutex::new(HashMap::new());
        let next = AtomicUsize::new(0);
        let lines = Mutex::new(Vec::new());
        let work = || {
            while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                let started = Instant::now();
                let outcome = on_tier(case, test, tier, &known);
                lock(&lines).push((*case, outcome, started.elapsed()));
            }
        };
        // A software driver compiles on the thread that asks, which is most of the time there.
        let workers = std::thread::available_parallelism().map_or(1, usize::from).min(4);
        std::thread::scope(|scope| {
            (1..workers.min(cases.len())).for_each(|_| _ = scope.spawn(work));
            work();
        });
        for (case, outcome, time) in lines.into_inner().unwrap_or_default() {
            report.add(case, tier, outcome, time);
        }
    }
    report
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What kernels gave a row, and which gave it first, by key and seed.
type Known = HashMap<(String, u64), (String, Vec<f32>)>;

fn on_tier(case: &Case, test: Test, tier: Tier, known: &Mutex<Known>) -> Outcome {
    let gpu = match gpu_or_reason(tier) {
        Ok(gpu) => gpu,
        Err(reason) => return Outcome::Skipped(reason),
    };
    if let Some(missing) = case.missing(&gpu) {
        return Outcome::Impossible(missing.to_string());
    }
    let is_least = case.kernel.spec().tier == tier;
    let of = |usual: u64| seeds(if is_least { usual } else { usual.min(SEEDS_ABOVE) });
    let outcome = match (test, case.rows()) {
        (Test::Twin, _) => by_twin(case, &gpu, of(case.seeds)),
        (Test::Invariance, Rows::None(why)) => return Outcome::Skipped(format!("no rows: {why}")),
        (Test::Invariance, Rows::Invariant(places, _)) => {
            invariant(case, &gpu, places, of(case.seeds.div_ceil(3)), known)
        }
    };
    outcome.map_or_else(Outcome::Failed, |()| Outcome::Passed)
}

fn by_twin(case: &Case, gpu: &Gpu, seeds: u64) -> Result<(), String> {
    for seed in 0..seeds {
        let instance = case.twin(&mut Random::new(seed));
        instance.check(gpu).map_err(|fault| format!("seed {seed}: {fault}"))?;
    }
    Ok(())
}

fn invariant(
    case: &Case,
    gpu: &Gpu,
    places: &[Place],
    seeds: u64,
    known: &Mutex<Known>,
) -> Result<(), String> {
    let Rows::Invariant(_, run) = case.rows() else { return Ok(()) };
    for seed in 0..seeds {
        for place in places {
            let one = run(&mut Random::new(seed), *place);
            let loaded = one.instance.load(gpu)?;
            loaded.run(1)?;
            let found = (one.row)(&loaded);
            let what = format!("seed {seed}, row {} of {}", place.at, place.rows);
            let shape = &one.instance.what;
            if found.is_empty() || !found.iter().all(|value| value.is_finite()) {
                return Err(format!("{what}: a value is not finite, or there is none ({shape})"));
            }
            let mut known = lock(known);
            let first = || (format!("{} at {place:?}", case.name()), found.clone());
            let (whose, expected) = known.entry((one.key, seed)).or_insert_with(first);
            same_bits(&found, expected).map_err(|fault| format!("{what}: {fault} for {whose} ({shape})"))?;
        }
    }
    Ok(())
}
