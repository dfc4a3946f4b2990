//! Whole passes by rows and context, with head and choice of ids, in f16.
//!
//! GPUs measure synthetic models (true shapes, random weights), software adapters the bundled model. `ORTHRUS_SHAPES`
//! chooses other shapes: `0.6b,8b`. A filter chooses passes: `cargo bench --bench passes -- 8b/512`.
//!
//! Throughput counts the bytes that a pass must read. `passes/copy` is the throughput of a copy, to compare with.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use orthrus::lab::{Copying, MeasuredPass};
use orthrus::{ArKernel, Error, Model};
use orthrus_benches::{gpu, models, timed};

const CONTEXTS: [usize; 3] = [512, 8192, 40_000];
const ROWS: [usize; 4] = [1, 8, 16, 32];

/// Passes per measurement: many, so that the one wait at the end counts little.
const TIMES: usize = 20;

/// Bytes copied: more than the GPU's caches hold.
const COPIED: u64 = 512 << 20;
const COPIED_BY_SOFTWARE: u64 = 32 << 20;

fn bench(criterion: &mut Criterion) {
    let gpu = gpu();
    let software = gpu.adapter().is_software();
    let copying = Copying::new(&gpu, if software { COPIED_BY_SOFTWARE } else { COPIED })
        .unwrap_or_else(|error| panic!("{error}"));
    let mut group = criterion.benchmark_group("passes");
    group.throughput(Throughput::Bytes(copying.bytes()));
    group.bench_function("copy", |bencher| {
        bencher.iter_custom(|iterations| timed(iterations, TIMES, |times| copying.run(times)));
    });
    group.finish();
    for (name, model) in models(&gpu) {
        for context in CONTEXTS.into_iter().filter(|context| !software || *context == CONTEXTS[0]) {
            at_context(criterion, &name, &model, context, if software { 1 } else { TIMES });
        }
    }
}

fn at_context(criterion: &mut Criterion, model_name: &str, model: &Model, context: usize, times: usize) {
    let block = model.config().block_size;
    let mut session = match model.session(context + block + 1) {
        Ok(session) => session,
        Err(error @ (Error::ContextSize { .. } | Error::OutOfMemory { .. } | Error::TooLarge { .. })) => {
            eprintln!("passes/{model_name}/{context} is skipped: {error}");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    session.assume_cached(&vec![1; context]).unwrap_or_else(|error| panic!("{error}"));
    let mut passes = vec![
        ("ar-exact".to_string(), MeasuredPass::Verify(ArKernel::Exact), 1),
        ("ar-fast".to_string(), MeasuredPass::Verify(ArKernel::Fast), 1),
    ];
    for rows in ROWS.into_iter().filter(|rows| (2..=block).contains(rows)) {
        passes.push((format!("verify-{rows}"), MeasuredPass::Verify(ArKernel::Exact), rows));
        passes.push((format!("draft-{rows}"), MeasuredPass::Draft, rows));
    }
    let mut group = criterion.benchmark_group(format!("passes/{model_name}/{context}"));
    group.sample_size(10);
    for (name, pass, rows) in passes {
        group.throughput(Throughput::Bytes(session.bytes_of_pass(pass)));
        group.bench_function(BenchmarkId::from_parameter(name), |bencher| {
            bencher.iter_custom(|iterations| {
                timed(iterations, times, |times| session.run_passes(pass, rows, times))
            });
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
