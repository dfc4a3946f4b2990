//! The `baseline` tier on the least that WebGPU promises, and a decode loop that makes nothing.

use orthrus::Layouts;
use orthrus::loader::{Checkpoint, CheckpointViews};
use orthrus::shaders::KvFormat;
use orthrus::sizes::SessionSizes;
use orthrus::{
    AcceptRule, ArKernel, Decoding, GenerateOptions, Gpu, GpuOptions, Model, Sampling, Session, Synthetic,
    Tier, WeightFormat, no_progress,
};
use orthrus_tests::golden::{CASES, Golden};
use orthrus_tests::gpu::{gpu, options as options_of, tiers};

fn load(gpu: &Gpu, golden: &Golden, format: WeightFormat) -> Model {
    let checkpoint = Checkpoint::open(&golden.directory).unwrap();
    Model::load(gpu, &checkpoint, format, &mut no_progress).unwrap()
}

fn options(golden: &Golden, view: Decoding) -> GenerateOptions {
    let end_ids = Some(vec![golden.decoding.runs["main"].eos_token_id]);
    GenerateOptions { max_new_tokens: 64, decoding: view, end_ids, ..Default::default() }
}

fn ids(session: &mut Session, prompt: &[u32], options: &GenerateOptions) -> Vec<u32> {
    let generation = session.generate(prompt, options, &mut no_progress).unwrap();
    generation.flat_map(|run| run.unwrap().ids).collect()
}

#[test]
fn baseline_runs_on_core_limits_without_features() {
    let options_of_gpu = GpuOptions { core_limits: true, ..options_of(Tier::Baseline) };
    let gpu = Gpu::open(&options_of_gpu).unwrap();
    assert_eq!(gpu.max_binding(), 128 << 20);
    for case in CASES {
        let golden = Golden::open(case);
        let mut session = load(&gpu, &golden, WeightFormat::F32).session(256).unwrap();
        let found = ids(&mut session, &golden.decoding.prompt_ids, &options(&golden, Decoding::Dual));
        assert_eq!(found, golden.decoding.runs["main"].new_ids, "{case}");
    }
}

#[test]
fn the_decode_loop_makes_nothing() {
    for tier in tiers() {
        // A GPU of its own: it counts for all its sessions.
        let gpu = Gpu::open(&options_of(tier)).unwrap();
        let golden = Golden::open("tied-gqa");
        let mut session = load(&gpu, &golden, WeightFormat::F16).session(256).unwrap();
        let sampled = Sampling { temperature: 0.8, seed: 1, ..Sampling::default() };
        let rejected = Sampling { accept: AcceptRule::Rejection, ..sampled };
        for (view, ar_kernel, sampling) in [
            (Decoding::Dual, ArKernel::Exact, Sampling::default()),
            (Decoding::Ar, ArKernel::Exact, Sampling::default()),
            // What is prepared only when it is asked for is, before the loop.
            (Decoding::Ar, ArKernel::Fast, Sampling::default()),
            (Decoding::Ar, ArKernel::Fast, sampled),
            (Decoding::Dual, ArKernel::Exact, sampled),
            (Decoding::Dual, ArKernel::Exact, rejected),
        ] {
            let options = GenerateOptions { ar_kernel, sampling, ..options(&golden, view) };
            let mut generation =
                session.generate(&golden.decoding.prompt_ids, &options, &mut no_progress).unwrap();
            let before = gpu.created();
            let runs = generation.by_ref().filter(|run| run.is_ok()).count();
            assert!(runs > 10);
            assert_eq!(gpu.created(), before, "tier {}, {options:?}", tier.name());
        }
    }
}

#[test]
fn what_is_compiled_ahead_is_all_that_greedy_decoding_takes() {
    // On tier `coop` a model's shapes choose kernels too.
    for tier in tiers().into_iter().filter(|tier| *tier != Tier::Coop) {
        let gpu = Gpu::open(&options_of(tier)).unwrap();
        gpu.compile_ahead(WeightFormat::F16).unwrap();
        let ahead = gpu.created().pipelines;
        let golden = Golden::open("tied-gqa");
        let mut session = load(&gpu, &golden, WeightFormat::F16).session(256).unwrap();
        for view in [Decoding::Dual, Decoding::Ar] {
            let found = ids(&mut session, &golden.decoding.prompt_ids, &options(&golden, view));
            assert!(!found.is_empty());
        }
        assert_eq!(gpu.created().pipelines, ahead, "tier {}", tier.name());
    }
}

/// The count above is of what goes through `Gpu`: nothing else may make these.
#[test]
fn one_file_makes_buffers_pipelines_and_bind_groups() {
    let engine = concat!(env!("CARGO_MANIFEST_DIR"), "/../engine/src");
    let mut makers = Vec::new();
    for room in std::fs::read_dir(engine).unwrap() {
        let room = room.unwrap().path();
        let files = if room.is_dir() {
            std::fs::read_dir(room).unwrap().map(|e| e.unwrap().path()).collect()
        } else {
            vec![room]
        };
        for path in files {
            let source = std::fs::read_to_string(&path).unwrap();
            let made = ["create_buffer", "create_compute_pipeline", "create_bind_group"];
            if made.iter().any(|call| source.contains(&format!(".{call}"))) {
                makers.push(path.file_name().unwrap().to_string_lossy().into_owned());
            }
        }
    }
    assert_eq!(makers, ["resources.rs"]);
}

#[test]
fn a_layer_takes_ten_dispatches_and_nine_with_cooperative_matrices() {
    for tier in tiers() {
        for format in WeightFormat::ALL {
            let expected = match Layouts::of(tier, format).kv {
                KvFormat::RowsF32 => 10,
                KvFormat::TilesF16 => 9,
            };
            for case in CASES {
                let session = load(&gpu(tier), &Golden::open(case), format).session(64).unwrap();
                assert_eq!(session.dispatches_per_layer().unwrap(), expected, "{}, {case}", tier.name());
            }
        }
    }
}

/// Partials shorten no pass, however long the context: attention takes it in pieces, of a block at least. No pass is
/// longer than the context.
#[test]
fn a_session_takes_little_beyond_its_cache() {
    for name in ["1.7b", "8b"] {
        let config = Synthetic::named(name).unwrap().config();
        for (tier, rows, most) in [(Tier::Subgroup, 128, 128), (Tier::Coop, 2048, 64)] {
            let layouts = Layouts::of(tier, WeightFormat::F16);
            for context in [1, 512, 8192, 40_960] {
                let sizes = SessionSizes::new(&config, CheckpointViews::Dual, context, layouts);
                let (scratch, partials) = (sizes.scratch_bytes() >> 20, sizes.partials_bytes() >> 20);
                let what = format!(
                    "{name}, {layouts:?}, {context}: {scratch} MiB, partials {partials} MiB, {} rows in pieces of {}",
                    sizes.rows, sizes.chunk_rows
                );
                println!("{what}");
                assert_eq!(sizes.rows, rows.min(context.next_multiple_of(8)).max(sizes.block), "{what}");
                assert!(sizes.chunk_rows.is_multiple_of(8), "{what}");
                assert!(sizes.chunk_rows >= sizes.block && sizes.chunk_rows < sizes.rows + 32, "{what}");
                assert!(partials <= most || sizes.chunk_rows == 32, "{what}");
                assert!(scratch < 400, "{what}");
            }
        }
    }
}
