//! What the library promises to programs: futures that threads can share, refusals that lose nothing, memory as it is
//! said, and exact texts after fast ones.

use orthrus::lab::MeasuredPass;
use orthrus::loader::Checkpoint;
use orthrus::{
    AcceptRule, ArKernel, Decoding, Error, GenerateOptions, Generation, Gpu, GpuOptions, Model, Sampling,
    Session, Tier, WeightFormat, no_progress,
};
use orthrus_tests::golden::Golden;
use orthrus_tests::gpu::{gpu, options as options_of, tiers};

fn model(gpu: &Gpu, format: WeightFormat) -> (Golden, Model) {
    let golden = Golden::open("tied-gqa");
    let checkpoint = Checkpoint::open(&golden.directory).unwrap();
    let model = Model::load(gpu, &checkpoint, format, &mut no_progress).unwrap();
    (golden, model)
}

fn ids(session: &mut Session, prompt: &[u32], options: &GenerateOptions) -> Vec<u32> {
    let generation = session.generate(prompt, options, &mut no_progress).unwrap();
    generation.flat_map(|run| run.unwrap().ids).collect()
}

/// A runtime of many threads moves futures from one to another.
#[test]
fn futures_can_change_threads() {
    fn is_send<T: Send>(value: T) -> T {
        value
    }
    let options = GpuOptions { tier: Some(Tier::Baseline), ..options_of(Tier::Baseline) };
    let gpu = pollster::block_on(is_send(Gpu::open_async(&options))).unwrap();
    let golden = Golden::open("tied-gqa");
    let checkpoint = Checkpoint::open(&golden.directory).unwrap();
    let mut ignored = no_progress;
    let load = is_send(Model::load_async(&gpu, &checkpoint, WeightFormat::F16, &mut ignored));
    let model = pollster::block_on(load).unwrap();
    let mut session = Box::new(pollster::block_on(is_send(model.session_async(128))).unwrap());
    let prompt = &golden.decoding.prompt_ids;
    let default = GenerateOptions { max_new_tokens: 8, ..Default::default() };
    let mut ignored = no_progress;
    drop(pollster::block_on(is_send(session.generate_async(prompt, &default, &mut ignored))).unwrap());
    let mut ignored = no_progress;
    let start = is_send(Generation::start(session, prompt, &default, &mut ignored));
    let Ok(generation) = pollster::block_on(start) else { panic!("the generation did not start") };
    let mut generation = is_send(generation);
    assert!(pollster::block_on(is_send(generation.next_run())).unwrap().is_ok());
    is_send(generation.stream());
}

/// What a request needs and the session lacks is prepared with it. A refusal then is that request's own error.
#[test]
fn a_refusal_while_preparing_leaves_session_and_gpu_usable() {
    for tier in tiers() {
        let gpu = Gpu::open(&options_of(tier)).unwrap();
        let (golden, model) = model(&gpu, WeightFormat::F16);
        let prompt = &golden.decoding.prompt_ids;
        let mut session = model.session(256).unwrap();
        let greedy = GenerateOptions { max_new_tokens: 24, ..Default::default() };
        let expected = ids(&mut session, prompt, &greedy);
        let sampling = Sampling { temperature: 0.8, seed: 3, ..Sampling::default() };
        let rejection = Sampling { accept: AcceptRule::Rejection, ..sampling };
        let fast = GenerateOptions { decoding: Decoding::Ar, ar_kernel: ArKernel::Fast, ..greedy.clone() };
        for lazy in [fast, GenerateOptions { sampling, ..greedy.clone() }] {
            gpu.refuse_next_allocation();
            let refused = session.generate(prompt, &lazy, &mut no_progress).err();
            assert!(matches!(refused, Some(Error::Device(_) | Error::OutOfMemory { .. })), "{refused:?}");
            gpu.check().unwrap();
            assert_eq!(ids(&mut session, prompt, &greedy), expected, "tier {}", tier.name());
            assert_eq!(ids(&mut session, prompt, &lazy).len(), expected.len());
            assert_eq!(ids(&mut session, prompt, &greedy), expected, "tier {}", tier.name());
        }
        let rejected = GenerateOptions { sampling: rejection, ..greedy.clone() };
        assert_eq!(ids(&mut session, prompt, &rejected).len(), expected.len());

        gpu.refuse_next_allocation();
        assert!(model.session(128).is_err());
        gpu.refuse_next_allocation();
        assert!(session.run_passes(MeasuredPass::Draft, 4, 1).is_err());
        assert_eq!(ids(&mut model.session(128).unwrap(), prompt, &greedy), expected);
        gpu.check().unwrap();
    }
}

/// Keys and values of the fast kernels differ in their last bits, so that an exact text cannot follow them.
#[test]
fn exact_decoding_does_not_build_on_fast_keys_and_values() {
    for tier in tiers() {
        let (golden, model) = model(&gpu(tier), WeightFormat::F16);
        let prompt = &golden.decoding.prompt_ids;
        let mut session = model.session(256).unwrap();
        let fast = GenerateOptions {
            max_new_tokens: 24,
            decoding: Decoding::Ar,
            ar_kernel: ArKernel::Fast,
            end_ids: Some(Vec::new()),
            ..Default::default()
        };
        let exact = GenerateOptions { ar_kernel: ArKernel::Exact, ..fast.clone() };
        let first = ids(&mut session, prompt, &fast);
        let turn = [&prompt[..], &first, &[5, 6]].concat();
        let mut generation = session.generate(&turn, &exact, &mut no_progress).unwrap();
        let found: Vec<u32> = generation.by_ref().flat_map(|run| run.unwrap().ids).collect();
        assert_eq!(generation.stats().reused_tokens, prompt.len(), "tier {}", tier.name());
        assert_eq!(found, ids(&mut model.session(256).unwrap(), &turn, &exact));

        // A fast text may build on all there is.
        let first = ids(&mut session, prompt, &fast);
        let turn = [&prompt[..], &first, &[5, 6]].concat();
        let generation = session.generate(&turn, &fast, &mut no_progress).unwrap();
        assert!(generation.stats().reused_tokens > prompt.len());
    }
}

/// Sizes that are told before are those that are allocated.
#[test]
fn memory_is_what_sizes_say() {
    for tier in tiers() {
        for format in WeightFormat::ALL {
            let gpu = Gpu::open(&options_of(tier)).unwrap();
            let before = gpu.created().storage_bytes;
            let (_, model) = model(&gpu, format);
            let weights = gpu.created().storage_bytes - before;
            let (config, views) = (model.config(), model.views());
            assert_eq!(weights, orthrus::sizes::weight_bytes(config, views, format), "{}", tier.name());
            for (context, rope) in [(100, true), (256, true), (64, false)] {
                let before = gpu.created().storage_bytes;
                let session = model.session(context).unwrap();
                let sizes = session.sizes();
                // Sessions share the rotary table of the longest.
                let rope = if rope { sizes.rope_bytes() } else { 0 };
                let said = sizes.cache_bytes() + sizes.scratch_bytes() + rope;
                assert_eq!(gpu.created().storage_bytes - before, said, "{}, {context}", tier.name());
            }
        }
    }
}
