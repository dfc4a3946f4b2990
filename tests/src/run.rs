//! Runs cases: the twin test, and the row-invariance test.

use std::collections::HashMap;
use std::time::Instant;

use orthrus::{Gpu, Tier};

use crate::cases::{Case, Place, Rows};
use crate::compare::same_bits;
use crate::gpu::gpu_or_reason;
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

/// Seeds of a case: `ORTHRUS_TEST_SEEDS`, or `usual`.
pub fn seeds(usual: u64) -> u64 {
    std::env::var("ORTHRUS_TEST_SEEDS").ok().and_then(|seeds| seeds.parse().ok()).unwrap_or(usual)
}

/// Runs `test` for each case on each tier that has the kernel.
pub fn run(cases: &[Case], test: Test) -> Report {
    let mut report = Report::default();
    for tier in Tier::ALL {
        // What kernels gave a row, by key and seed.
        let mut known = HashMap::new();
        for case in cases.iter().filter(|case| case.kernel.spec().tier <= tier) {
            let started = Instant::now();
            let outcome = on_tier(case, test, tier, &mut known);
            report.add(case, tier, outcome, started.elapsed());
        }
    }
    report
}

type Known = HashMap<(String, u64), (String, Vec<f32>)>;

fn on_tier(case: &Case, test: Test, tier: Tier, known: &mut Known) -> Outcome {
    let gpu = match gpu_or_reason(tier) {
        Ok(gpu) => gpu,
        Err(reason) => return Outcome::Skipped(reason),
    };
    if let Some(missing) = case.missing(&gpu) {
        return Outcome::Skipped(missing.to_string());
    }
    let is_least = case.kernel.spec().tier == tier;
    let of = |usual: u64| seeds(if is_least { usual } else { usual.min(SEEDS_ABOVE) });
    let outcome = match (test, case.rows()) {
        (Test::Twin, _) => by_twin(case, &gpu, of(case.seeds)),
        (Test::Invariance, Rows::None(why)) => return Outcome::Skipped(format!("no rows: {why}")),
        (Test::Invariance, Rows::Invariant(places, _)) => {
            invariant(case, &gpu, places, of(case.seeds.div_ceil(2).min(25)), known)
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
    known: &mut Known,
) -> Result<(), String> {
    let Rows::Invariant(_, run) = case.rows() else { return Ok(()) };
    for seed in 0..seeds {
        for place in places {
            let one = run(&mut Random::new(seed), *place);
            let loaded = one.instance.load(gpu)?;
            loaded.run(1)?;
            let found = (one.row)(&loaded);
            let what = format!("seed {seed}, row {} of {}, {}", place.at, place.rows, one.instance.what);
            if found.is_empty() || !found.iter().all(|value| value.is_finite()) {
                return Err(format!("{what}: a value is not finite, or there is none"));
            }
            match known.get(&(one.key.clone(), seed)) {
                None => _ = known.insert((one.key, seed), (format!("{} at {place:?}", case.name()), found)),
                Some((whose, expected)) => {
                    same_bits(&found, expected).map_err(|fault| format!("{what}: {fault} ({whose})"))?;
                }
            }
        }
    }
    Ok(())
}
