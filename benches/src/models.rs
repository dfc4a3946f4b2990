//! Models to measure, and timing.

use std::time::{Duration, Instant};

use orthrus::lab::measurements::Repetition;
use orthrus::loader::Checkpoint;
use orthrus::{Error, Gpu, Model, Synthetic, WeightFormat, no_progress};

/// The synthetic f16 models that `ORTHRUS_SHAPES` names, each with its benchmark name. The default is 1.7b and 8b on a
/// GPU, none on a software adapter.
///
/// Models are made one at a time. Models that do not fit GPU memory are skipped, with a message.
///
/// # Panics
/// If there is no such shape, or the GPU fails.
pub fn synthetic_models(gpu: &Gpu) -> impl Iterator<Item = (String, Model)> {
    let default = if gpu.adapter().is_software() { "" } else { "1.7b,8b" };
    let names = std::env::var("ORTHRUS_SHAPES").unwrap_or_else(|_| default.to_string());
    let shapes: Vec<Synthetic> = names
        .split(',')
        .filter(|name| !name.is_empty())
        .map(|name| Synthetic::named(name).unwrap_or_else(|| panic!("no shape `{name}`")))
        .collect();
    let gpu = gpu.clone();
    shapes.into_iter().filter_map(move |shape| {
        let name = format!("synthetic-{}", shape.name);
        match Model::synthetic(&gpu, &shape, 0, WeightFormat::F16) {
            Ok(model) => Some((name, model)),
            Err(error @ Error::OutOfMemory { .. }) => {
                eprintln!("{name} is skipped: {error}");
                None
            }
            Err(error) => panic!("{error}"),
        }
    })
}

/// [`synthetic_models`], or the bundled model if there are none.
///
/// # Panics
/// As [`synthetic_models`].
pub fn models(gpu: &Gpu) -> impl Iterator<Item = (String, Model)> {
    let bundled = || {
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/../models/tiny");
        let checkpoint = Checkpoint::open(directory).unwrap_or_else(|error| panic!("{error}"));
        let model = Model::load(gpu, &checkpoint, WeightFormat::F16, &mut no_progress);
        ("tiny".to_string(), model.unwrap_or_else(|error| panic!("{error}")))
    };
    let mut synthetic = synthetic_models(gpu).peekable();
    let none = synthetic.peek().is_none();
    synthetic.chain(none.then(bundled))
}

/// Time for criterion's `iter_custom`: calls `run(times)` once per iteration, and divides by `times`.
///
/// # Panics
/// If `run` fails.
pub fn timed(iterations: u64, times: usize, mut run: impl FnMut(usize) -> orthrus::Result<()>) -> Duration {
    let start = Instant::now();
    for _ in 0..iterations {
        run(times).unwrap_or_else(|error| panic!("{error}"));
    }
    start.elapsed() / times as u32
}

/// A clock for criterion's `iter_custom`: an iteration is as many runs as a measurement of `repetition` has.
///
/// The first call finds the number of runs. Benchmarks that a filter leaves out therefore cost nothing.
///
/// # Panics
/// The clock panics if `run` fails.
pub fn timer(
    repetition: Repetition,
    mut run: impl FnMut(usize) -> orthrus::Result<()>,
) -> impl FnMut(u64) -> Duration {
    let mut runs = None;
    move |iterations| {
        let count = || repetition.runs(&mut run).unwrap_or_else(|error: orthrus::Error| panic!("{error}"));
        let times = *runs.get_or_insert_with(count);
        timed(iterations, times, &mut run)
    }
}
