//! Shared by the benchmarks: the GPU, the models, timing, and the table of recorded results.

mod models;
pub mod results;

pub use models::{models, synthetic_models, timed, timer};

use orthrus::{Gpu, GpuOptions, Tier};

/// The GPU that `ORTHRUS_ADAPTER` and `ORTHRUS_TIER` choose, or the default one.
///
/// # Panics
/// If there is no such adapter or tier.
pub fn gpu() -> Gpu {
    let tier = std::env::var("ORTHRUS_TIER").ok().map(|name| {
        let found = Tier::ALL.into_iter().find(|tier| tier.name() == name);
        found.unwrap_or_else(|| panic!("no tier `{name}`"))
    });
    let adapter = std::env::var("ORTHRUS_ADAPTER").ok();
    let options = GpuOptions { adapter, tier, ..GpuOptions::default() };
    Gpu::open(&options).unwrap_or_else(|error| panic!("{error}"))
}
