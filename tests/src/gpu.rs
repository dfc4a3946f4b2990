//! GPUs for tests: one for each tier, opened once a process.

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
pub fn tiers() -> Vec<Tier> {
    let has = |tier: &Tier| *tier != Tier::Coop || try_open(Tier::Coop).is_ok();
    Tier::ALL.into_iter().filter(has).collect()
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
