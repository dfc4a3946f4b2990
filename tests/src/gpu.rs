//! GPUs for tests: one for each tier, opened once a process. And what the environment says about a run of tests.
//!
//! | variable | effect |
//! |---|---|
//! | `ORTHRUS_TEST_ADAPTER` | the adapter that tests run on |
//! | `ORTHRUS_TEST_ANY_MATRIX` | tier `coop` also runs on an adapter that does not list its matrix size |
//! | `ORTHRUS_TEST_SEEDS` | the number of random shapes that a test of a kernel takes |
//! | `ORTHRUS_TEST_REPORT` | a file that gets a line for each tier and kernel that did not run, and each tier that did |
//! | `ORTHRUS_TEST_TIERS` | tiers, separated by commas, that tests of several tiers keep to |
//! | `ORTHRUS_REQUIRE_TIERS` | tiers, separated by commas, whose tests fail where the adapter lacks the tier |

use std::fs::OpenOptions;
use std::io::Write;
use std::sync::{Once, OnceLock};

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

/// The tiers that must run: `ORTHRUS_REQUIRE_TIERS`, names with commas between. By default those of every adapter.
///
/// # Panics
/// If there is no tier of such a name.
pub fn required_tiers() -> Vec<Tier> {
    tiers_of("ORTHRUS_REQUIRE_TIERS").unwrap_or(vec![Tier::Baseline, Tier::Subgroup])
}

/// The tiers that are tested, if the adapter has them: `ORTHRUS_TEST_TIERS`, or all.
///
/// # Panics
/// If there is no tier of such a name.
pub fn tested_tiers() -> Vec<Tier> {
    tiers_of("ORTHRUS_TEST_TIERS").unwrap_or(Tier::ALL.to_vec())
}

/// The tiers that a variable names.
fn tiers_of(variable: &str) -> Option<Vec<Tier>> {
    let names = std::env::var(variable).ok()?;
    let tier = |name: &str| {
        let found = Tier::ALL.into_iter().find(|tier| tier.name() == name);
        found.unwrap_or_else(|| panic!("{variable}: there is no tier `{name}`"))
    };
    Some(names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(tier).collect())
}

/// The tiers that the test adapter has. The first call names the others on stderr.
///
/// # Panics
/// If a required tier is missing.
pub fn tiers() -> Vec<Tier> {
    tested_tiers().into_iter().filter(|&tier| gpu_or_reason(tier).is_ok()).collect()
}

/// The test GPU at `tier`, or why the adapter does not have it. The first call that finds a tier missing says so on stderr.
///
/// # Errors
/// What the adapter lacks.
///
/// # Panics
/// If the tier is required.
pub fn gpu_or_reason(tier: Tier) -> Result<Gpu, String> {
    static REPORTED: [Once; 3] = [const { Once::new() }; 3];
    let opened = try_open(tier);
    if let Err(reason) = &opened {
        let name = tier.name();
        assert!(!required_tiers().contains(&tier), "tier {name} is required and cannot run here: {reason}");
        // Not `eprintln`, which the test harness keeps to itself while tests pass.
        REPORTED[tier as usize].call_once(|| {
            let _ = writeln!(std::io::stderr(), "skipped: tier {name}: not run here: {reason}");
        });
    }
    opened
}

/// The test GPU at tier `coop`, for a test of this name. Where the adapter lacks the tier, stderr says that it is skipped.
pub fn coop_gpu(test: &str) -> Option<Gpu> {
    let opened = gpu_or_reason(Tier::Coop);
    if opened.is_err() {
        let _ = writeln!(std::io::stderr(), "skipped: {test}: it needs tier coop");
    }
    opened.ok()
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
    let file = OpenOptions::new().create(true).append(true).open(&path);
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
