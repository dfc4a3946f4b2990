//! Whole passes by rows and context, with head and choice of ids, in f16. `orthrus bench` measures the same passes.
//!
//! GPUs measure synthetic models (true shapes, random weights), software adapters the bundled model. `ORTHRUS_SHAPES`
//! chooses other shapes: `0.6b,8b`. A filter chooses passes: `cargo bench --bench passes -- 8b/512`.
//!
//! Throughput counts the bytes that a pass must read. `passes/copy` is the throughput of a copy, to compare with.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use orthrus::Model;
use orthrus::lab::Copying;
use orthrus::lab::measurements::{
    AR_KERNELS, LONGEST_PREFILL, Repetition, assume_before, copy_bytes, default_contexts, is_left_out,
    last_prefill_pass, pass_cases, session_at,
};
use orthrus_benches::{gpu, models, timer};

fn bench(criterion: &mut Criterion) {
    let gpu = gpu();
    let copying = Copying::new(&gpu, copy_bytes(&gpu)).unwrap_or_else(|error| panic!("{error}"));
    let mut group = criterion.benchmark_group("passes");
    group.throughput(Throughput::Bytes(copying.bytes()));
    let mut time = timer(Repetition::PASS, |times| copying.run(times));
    group.bench_function("copy", |bencher| bencher.iter_custom(&mut time));
    group.finish();
    for (name, model) in models(&gpu) {
        for context in default_contexts(&gpu) {
            at_context(criterion, &name, &model, context);
        }
    }
}

fn at_context(criterion: &mut Criterion, model_name: &str, model: &Model, context: usize) {
    let mut session = match session_at(model, context, model.config().block_size + 1) {
        Ok(session) => session,
        Err(error) if is_left_out(&error) => {
            eprintln!("passes/{model_name}/{context} is skipped: {error}");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let ids = session.text().to_vec();
    let mut cases = pass_cases(model.config(), model.views(), &AR_KERNELS);
    if context <= LONGEST_PREFILL {
        cases.push(last_prefill_pass(&session, context));
    }
    let mut group = criterion.benchmark_group(format!("passes/{model_name}/{context}"));
    group.sample_size(10);
    for case in cases {
        assume_before(&mut session, &ids, case).unwrap_or_else(|error| panic!("{error}"));
        group.throughput(Throughput::Bytes(session.bytes_of_pass(case.pass)));
        let mut time = timer(Repetition::PASS, |times| session.run_passes(case.pass, case.rows, times));
        group.bench_function(BenchmarkId::from_parameter(case.label()), |bencher| {
            bencher.iter_custom(&mut time);
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
