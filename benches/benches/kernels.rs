//! Every kernel at a model's shapes: `cargo bench --bench kernels`, narrowed with a filter such as `tiny/32`.
//!
//! Throughput is of the bytes that the kernel must move. Software adapters run only the bundled model's shapes.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use orthrus_benches::{SHAPES, gpu, kernels};

/// Dispatches measured together, so that the wait at their end does not count.
const TIMES: usize = 20;

fn bench(criterion: &mut Criterion) {
    let gpu = gpu();
    let software = gpu.adapter().is_software();
    for shape in SHAPES.iter().filter(|shape| !software || shape.name == "tiny") {
        for rows in [1, 8, 32] {
            for context in [512, 8192] {
                let mut group = criterion.benchmark_group(format!("{}/{rows} rows/{context}", shape.name));
                for kernel in kernels(&gpu, shape, rows, context) {
                    group.throughput(Throughput::Bytes(kernel.bytes));
                    group.bench_function(BenchmarkId::from_parameter(&kernel.name), |bencher| {
                        bencher.iter_custom(|iterations| {
                            let start = std::time::Instant::now();
                            for _ in 0..iterations {
                                kernel.run(&gpu, TIMES);
                            }
                            start.elapsed() / TIMES as u32
                        });
                    });
                }
                group.finish();
            }
        }
    }
}

criterion_group!(benches, bench);
criterion_main!(benches);
