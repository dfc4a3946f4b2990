//! GPUs for tests: one for each tier, opened once a process. A tier that the adapter lacks is reported, never skipped in
//! silence.

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
    let Ok(names) = std::env::var("ORTHRUS_REQUIRE_TIERS") else { return vec![Tier::Baseline, Tier::Subgroup] };
    let tier = |name: &str| {
        let found = Tier::ALL.into_iter().find(|tier| tier.name() == name);
        found.unwrap_or_else(|| panic!("ORTHRUS_REQUIRE_TIERS: there is no tier `{name}`"))
    };
    names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(tier).collect()
}

/// The tiers that the test adapter has. The first call names the others on stderr.
///
/// # Panics
/// If a required tier is missing.
pub fn tiers() -> Vec<Tier> {
    Tier::ALL.into_iter().filter(|&tier| gpu_or_reason(tier).is_ok()).collect()
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
    let open = || Gpu::open(&options(tier)).map_err(|error| error.to_string());
    GPUS[tier as usize].get_or_init(open).clone()
}
