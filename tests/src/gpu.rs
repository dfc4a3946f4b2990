//! GPUs for tests: one for each tier, opened once a process. And what the environment says about a run of tests.
//!
//! | variable | effect |
//! |---|---|
//! | `ORTHRUS_TEST_ADAPTER` | the adapter that tests run on |
//! | `ORTHRUS_TEST_ANY_MATRIX` | tier `coop` also runs on an adapter that does not list its matrix size |
//! | `ORTHRUS_TEST_SEEDS` | the most seeds that a test of random shapes runs |
//! | `ORTHRUS_TEST_REPORT` | a file that gets a line for each tier that ran or did not |
//! | `ORTHRUS_REQUIRE_TIERS` | tiers, separated by commas, whose tests fail where the adapter lacks the tier |

use std::io::Write;
use std::sync::OnceLock;

use orthrus::{Gpu, GpuOptions, Tier, WeightFormat};

/// The adapter that tests run on: `ORTHRUS_TEST_ADAPTER`, or the default one.
pub fn adapter() -> Option<String> {
    std::env::var("ORTHRUS_TEST_ADAPTER").ok()
}

/// How tests open a GPU. `ORTHRUS_TEST_ANY_MATRIX` lets tier `coop` run on Mesa's software adapter from version 26 on,
/// which takes cooperative matrices of sizes that it does not list.
pub fn options(tier: Tier) -> GpuOptions {
    let any_matrix_size = std::env::var_os("ORTHRUS_TEST_ANY_MATRIX").is_some();
    GpuOptions { adapter: adapter(), tier: Some(tier), any_matrix_size, ..GpuOptions::default() }
}

/// The tiers that the test adapter has: `baseline` and `subgroup` always, `coop` where it says so.
///
/// # Panics
/// If the adapter lacks `coop` and `ORTHRUS_REQUIRE_TIERS` names it.
pub fn tiers() -> Vec<Tier> {
    let has = |tier: &Tier| match tier {
        Tier::Baseline | Tier::Subgroup => true,
        Tier::Coop => match try_open(*tier) {
            Ok(_) => true,
            Err(reason) if is_required(*tier) => panic!("tier {}: {reason}", tier.name()),
            Err(_) => false,
        },
    };
    Tier::ALL.into_iter().filter(has).collect()
}

/// Whether `ORTHRUS_REQUIRE_TIERS` names the tier.
fn is_required(tier: Tier) -> bool {
    let names = std::env::var("ORTHRUS_REQUIRE_TIERS").unwrap_or_default();
    names.split(',').any(|name| name.trim() == tier.name())
}

/// The seeds of a test of random shapes: `0..all`, or fewer where `ORTHRUS_TEST_SEEDS` says so.
///
/// # Panics
/// If the variable is not a number above zero.
pub fn seeds(all: u64) -> std::ops::Range<u64> {
    let Ok(most) = std::env::var("ORTHRUS_TEST_SEEDS") else { return 0..all };
    let most: u64 = most.parse().unwrap_or(0);
    assert!(most > 0, "ORTHRUS_TEST_SEEDS is a number above zero");
    0..all.min(most)
}

/// Adds a line to the file that `ORTHRUS_TEST_REPORT` names: `what` is `tier` or `kernel`, `outcome` begins with `ran`
/// or `not run`. The commands that run the tests print these lines at their end.
///
/// # Panics
/// If the file cannot be written.
pub fn report(what: &str, name: &str, outcome: &str) {
    let Some(path) = std::env::var_os("ORTHRUS_TEST_REPORT") else { return };
    // One write for the whole line: several processes add to the file.
    let line = format!("{what}\t{name}\t{}\n", outcome.replace(['\t', '\n'], " "));
    let file = std::fs::OpenOptions::new().create(true).append(true).open(&path);
    let written = file.and_then(|mut file| file.write_all(line.as_bytes()));
    written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// The tiers with a format each, which take turns: cooperative matrices multiply f16.
pub fn tiers_with_formats() -> Vec<(Tier, WeightFormat)> {
    let format = |tier| if tier == Tier::Subgroup { WeightFormat::F32 } else { WeightFormat::F16 };
    tiers().into_iter().map(|tier| (tier, format(tier))).collect()
}

/// The test GPU at `tier`.
///
/// # Panics
/// If the machine has none: `cargo xtask test` installs a software one where it can.
pub fn gpu(tier: Tier) -> Gpu {
    try_open(tier).unwrap_or_else(|error| panic!("{error}"))
}

fn try_open(tier: Tier) -> Result<Gpu, String> {
    static GPUS: [OnceLock<Result<Gpu, String>>; 3] = [const { OnceLock::new() }; 3];
    let open = || {
        let opened = Gpu::open(&options(tier)).map_err(|error| error.to_string());
        let outcome = match &opened {
            Ok(gpu) => format!("ran on {}, {}", gpu.adapter().name, gpu.adapter().driver),
            Err(reason) => format!("not run: {reason}"),
        };
        report("tier", tier.name(), &outcome);
        opened
    };
    GPUS[tier as usize].get_or_init(open).clone()
}
