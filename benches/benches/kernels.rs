//! Kernels by themselves: `cargo bench --bench kernels`, narrowed with a filter such as `1.7b/512/32` or
//! `cases/matmul_row`.
//!
//! `kernels/…` are those of a pass, as the pass runs them. A figure is of all the pass's dispatches of the kernel, layer
//! after layer, so that weights come from memory as they do in a pass. Throughput is of the weights that they read, beside
//! that of a copy in `cargo bench --bench passes`.
//!
//! `cases/…` are every variant of every kernel that the adapter can run, from the list of cases that the kernel tests
//! take, at shapes of the 1.7B. A figure is of one dispatch, repeated on the same operands: what fits a cache comes from
//! there. Throughput is of all that the kernel moves.

use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use orthrus::lab::MeasuredPass;
use orthrus::{ArKernel, Model};
use orthrus_benches::{gpu, models, timed};
use orthrus_tests::cases;

const ROWS: [usize; 3] = [1, 8, 32];
const CONTEXTS: [usize; 2] = [512, 8192];

/// Runs measured together, so that the wait at their end does not count.
const TIMES: usize = 20;

/// For each case: there are hundreds.
const WARM_UP: Duration = Duration::from_millis(100);
const MEASUREMENT: Duration = Duration::from_millis(500);

fn bench(criterion: &mut Criterion) {
    let gpu = gpu();
    let software = gpu.adapter().is_software();
    for (name, model) in models(&gpu) {
        let longest = model.config().max_position_embeddings - model.config().block_size - 1;
        let contexts = CONTEXTS.into_iter().filter(|context| *context <= longest);
        for context in contexts.take(if software { 1 } else { CONTEXTS.len() }) {
            at_context(criterion, &name, &model, context, if software { 1 } else { TIMES });
        }
    }
}

fn at_context(criterion: &mut Criterion, model_name: &str, model: &Model, context: usize, times: usize) {
    let most = model.config().block_size;
    let mut session = model.session(context + most + 1).unwrap_or_else(|error| panic!("{error}"));
    session.assume_cached(&vec![1; context]).unwrap_or_else(|error| panic!("{error}"));
    let exact = MeasuredPass::Verify(ArKernel::Exact);
    let mut passes = vec![("fast-1".to_string(), MeasuredPass::Verify(ArKernel::Fast), 1)];
    passes.extend(ROWS.into_iter().filter(|rows| *rows <= most).map(|rows| (rows.to_string(), exact, rows)));
    for (pass_name, pass, rows) in passes {
        let kernels = session.kernels_of(pass, rows).unwrap_or_else(|error| panic!("{error}"));
        for (place, kernel) in kernels.into_iter().enumerate() {
            let model_name = model_name.replace(' ', "-");
            let mut group = criterion.benchmark_group(format!("kernels/{model_name}/{context}/{pass_name}"));
            group.sample_size(10);
            if kernel.weight_bytes > 0 {
                group.throughput(Throughput::Bytes(kernel.weight_bytes));
            }
            // A kernel comes several times in a layer: the number tells which it is.
            let name = format!("{}-{place:02}-{}", kernel.of.name(), kernel.name);
            group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
                bencher.iter_custom(|iterations| {
                    timed(iterations, times, |times| session.run_kernel(pass, rows, &kernel, times))
                });
            });
            group.finish();
        }
    }
}

/// Every kernel of the list of cases that runs here.
fn bench_cases(criterion: &mut Criterion) {
    let gpu = gpu();
    let times = if gpu.adapter().is_software() { 1 } else { TIMES };
    for case in cases::all() {
        if case.kernel.spec().tier > gpu.tier() || case.missing(&gpu).is_some() {
            continue;
        }
        let instance = case.bench();
        let mut group = criterion.benchmark_group("cases");
        group.sample_size(10).warm_up_time(WARM_UP).measurement_time(MEASUREMENT);
        group.throughput(Throughput::Bytes(instance.bytes()));
        group.bench_function(case.name(), |bencher| {
            // Anew for each: `accept` ends its text.
            let loaded = instance.load(&gpu).unwrap_or_else(|fault| panic!("{fault}"));
            bencher.iter_custom(|iterations| {
                timed(iterations, times, |times| {
                    loaded.run(times).unwrap_or_else(|fault| panic!("{fault}"));
                    Ok(())
                })
            });
        });
        group.finish();
    }
}

criterion_group!(benches, bench, bench_cases);
criterion_main!(benches);
