//! What the benchmarks share: the GPU, the models, and how time is taken.

mod models;

pub use models::{models, synthetic_models, timed};

use orthrus::{Gpu, GpuOptions, Tier};

/// The adapter and tier of `ORTHRUS_ADAPTER` and `ORTHRUS_TIER`, or the default ones.
///
/// # Panics
/// If there is none, or no such tier.
pub fn gpu() -> Gpu {
    let tier = std::env::var("ORTHRUS_TIER").ok().map(|name| {
        let found = Tier::ALL.into_iter().find(|tier| tier.name() == name);
        found.unwrap_or_else(|| panic!("no tier `{name}`"))
    });
    let adapter = std::env::var("ORTHRUS_ADAPTER").ok();
    let options = GpuOptions { adapter, tier, ..GpuOptions::default() };
    Gpu::open(&options).unwrap_or_else(|error| panic!("{error}"))
}
