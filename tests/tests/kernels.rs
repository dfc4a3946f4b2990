//! Every kernel against its CPU twin, on random shapes, outputs poisoned. Each test prints what became of its kernels.
//!
//! `ORTHRUS_TEST_SEEDS` is the number of random shapes, `ORTHRUS_REQUIRE_TIERS` the tiers that may not be missing.
//!
//! Tolerances are absolute below 1 and relative above. Inputs are within [-1, 1], f32 rounds by 6e-8, and the
//! error of a sum of n products in sequence stays below a few times sqrt(n) roundings of its largest partial sum.

use std::collections::HashSet;

use orthrus::shaders::Kernel;
use orthrus_tests::cases;
use orthrus_tests::run::{Test, run};

macro_rules! twins {
    ($($family:ident)*) => {$(
        #[test]
        fn $family() {
            let report = run(&cases::$family::cases(), Test::Twin);
            report.finish(concat!("twins: ", stringify!($family)));
        }
    )*};
}

orthrus_tests::families!(twins);

#[test]
fn every_kernel_has_a_case() {
    let cases: Vec<Kernel> = cases::all().iter().map(|case| case.kernel).collect();
    let without: Vec<Kernel> = Kernel::all().into_iter().filter(|kernel| !cases.contains(kernel)).collect();
    assert!(without.is_empty(), "kernels without a case in tests/src/cases: {without:#?}");
    let once: HashSet<Kernel> = cases.iter().copied().collect();
    assert_eq!(once.len(), cases.len(), "a kernel has two cases");
}

#[test]
fn names_of_cases_tell_them_apart_and_have_no_spaces() {
    let names: Vec<String> = cases::all().iter().map(cases::Case::name).collect();
    assert_eq!(names.iter().collect::<HashSet<_>>().len(), names.len());
    assert!(names.iter().all(|name| !name.contains(' ')));
    assert!(names.contains(&"matmul/F16-All-Eight-One-Store".to_string()), "{names:?}");
}
