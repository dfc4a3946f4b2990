//! GPUs for tests: one for each tier, opened once a process.

use std::sync::OnceLock;

use orthrus::{Gpu, GpuOptions, Tier};

/// The adapter that tests run on: `ORTHRUS_TEST_ADAPTER`, or the default one.
pub fn adapter() -> Option<String> {
    std::env::var("ORTHRUS_TEST_ADAPTER").ok()
}

/// The test GPU at `tier`.
///
/// # Panics
/// If the machine has none: `cargo xtask test` installs a software one where it can.
pub fn gpu(tier: Tier) -> Gpu {
    static GPUS: [OnceLock<Gpu>; 2] = [OnceLock::new(), OnceLock::new()];
    let open = || {
        let options = GpuOptions { adapter: adapter(), tier: Some(tier), core_limits: false };
        Gpu::open(&options).unwrap_or_else(|error| panic!("{error}"))
    };
    GPUS[tier as usize].get_or_init(open).clone()
}
