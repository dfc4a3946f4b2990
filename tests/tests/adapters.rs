//! What an adapter says of the tiers that it lacks.

use orthrus::{Gpu, GpuOptions, Tier};
use orthrus_tests::gpu::options;

#[test]
fn an_adapter_without_the_tier_says_what_it_lacks() {
    for report in orthrus::adapters_blocking() {
        let lacks = report.tiers.iter().find(|(tier, _)| *tier == Tier::Coop).unwrap().1.clone();
        let options = GpuOptions { adapter: Some(report.name.clone()), ..options(Tier::Coop) };
        match (lacks, Gpu::open(&options)) {
            (None, opened) => assert_eq!(opened.unwrap().tier(), Tier::Coop),
            // Mesa's software adapter takes sizes that it does not list.
            (Some(_), Ok(_)) => assert!(options.any_matrix_size),
            (Some(lacks), Err(error)) => {
                assert!(error.to_string().contains(&lacks), "{lacks}: {error}");
                // Names, and not how Rust writes a struct.
                assert!(!lacks.contains('{'), "{lacks}");
            }
        }
    }
}
