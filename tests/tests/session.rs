//! What a session promises beyond one answer: reuse of its cache, cancelling, errors that lose nothing.

use std::ops::ControlFlow;

use orthrus::loader::{Checkpoint, ReadAt};
use orthrus::{
    Decoding, Error, GenerateOptions, Generation, Gpu, GpuOptions, Model, Progress, Session, Tier,
    WeightFormat, no_progress,
};
use orthrus_tests::checkpoint::{Shape, edited_checkpoint, random_checkpoint, virtual_checkpoint};
use orthrus_tests::compare::assert_rows_close;
use orthrus_tests::golden::Golden;
use orthrus_tests::gpu::{gpu, options as options_of, tiers};
use orthrus_tests::random::Random;
use orthrus_tests::reference::Reference;

const SHAPE: Shape = Shape {
    hidden: 32,
    layers: 2,
    heads: 4,
    kv_heads: 2,
    head_dim: 16,
    intermediate: 48,
    vocabulary: 90,
    block: 8,
    tied: true,
};

fn golden_model() -> (Golden, Model) {
    let golden = Golden::open("tied-gqa");
    let checkpoint = Checkpoint::open(&golden.directory).unwrap();
    let model = Model::load(&gpu(Tier::Subgroup), &checkpoint, WeightFormat::F32, &mut no_progress).unwrap();
    (golden, model)
}

fn options(max_new_tokens: usize) -> GenerateOptions {
    GenerateOptions { max_new_tokens, end_ids: Some(Vec::new()), ..Default::default() }
}

/// New ids, and how many prompt tokens were in the cache.
fn answer(session: &mut Session, prompt: &[u32], budget: usize) -> (Vec<u32>, usize) {
    let mut generation = session.generate(prompt, &options(budget), &mut no_progress).unwrap();
    let ids = generation.by_ref().flat_map(|run| run.unwrap().ids).collect();
    (ids, generation.stats().reused_tokens)
}

#[test]
fn the_next_turn_reuses_the_cache() {
    let (golden, model) = golden_model();
    let prompt = &golden.decoding.prompt_ids;
    let mut session = model.session(256).unwrap();
    let (first, reused) = answer(&mut session, prompt, 20);
    assert_eq!(reused, 0);
    let turn: Vec<u32> = prompt.iter().chain(&first).copied().chain([5, 6, 7]).collect();
    let cached = session.cached();
    assert!(cached >= prompt.len() + first.len() - 1, "all but the last token is in the cache");
    let (second, reused) = answer(&mut session, &turn, 20);
    assert_eq!(reused, cached);
    let (fresh, _) = answer(&mut model.session(256).unwrap(), &turn, 20);
    assert_eq!(second, fresh);
    assert_eq!(session.text(), [&turn[..], &second].concat());

    // Another history: what it has in common is reused, the rest is not.
    let mut other = turn.clone();
    other[prompt.len() + 3] = 9;
    let (third, reused) = answer(&mut session, &other, 20);
    assert_eq!(reused, prompt.len() + 3);
    assert_eq!(third, answer(&mut model.session(256).unwrap(), &other, 20).0);

    // The same prompt again: its last token goes through once more.
    assert_eq!(answer(&mut session, &other, 20), (third, other.len() - 1));
}

#[test]
fn a_dropped_answer_leaves_the_session_whole() {
    let (golden, model) = golden_model();
    let prompt = &golden.decoding.prompt_ids;
    let whole = answer(&mut model.session(256).unwrap(), prompt, 64).0;
    let mut session = model.session(256).unwrap();
    for runs in 0..6 {
        let mut generation = session.generate(prompt, &options(64), &mut no_progress).unwrap();
        let kept: Vec<u32> = generation.by_ref().take(runs).flat_map(|run| run.unwrap().ids).collect();
        drop(generation);
        assert_eq!(kept, whole[..kept.len()]);
        assert_eq!(session.text(), [prompt, &kept[..]].concat());
        let turn: Vec<u32> = prompt.iter().chain(&kept).copied().chain([11, 12]).collect();
        let fresh = answer(&mut model.session(256).unwrap(), &turn, 16).0;
        assert_eq!(answer(&mut session, &turn, 16).0, fresh, "after {runs} runs");
    }
}

#[test]
fn a_prompt_can_be_cancelled_and_goes_on_where_it_was() {
    let checkpoint = random_checkpoint(&SHAPE, 4);
    let model = Model::load(&gpu(Tier::Subgroup), &checkpoint, WeightFormat::F32, &mut no_progress).unwrap();
    let mut random = Random::new(4);
    let prompt: Vec<u32> = (0..700).map(|_| random.between(0, 80) as u32).collect();
    let mut session = model.session(1000).unwrap();
    let mut seen = Vec::new();
    let mut after_two = |progress: Progress| {
        seen.push(progress);
        if seen.len() == 2 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    };
    let cancelled = session.generate(&prompt, &options(8), &mut after_two).err();
    assert!(matches!(cancelled, Some(Error::Cancelled)));
    assert!(
        seen[0].done < seen[1].done
            && seen[1].done < prompt.len() as u64
            && seen[1].total == prompt.len() as u64
    );
    assert_eq!(session.cached() as u64, seen[1].done);
    let (ids, reused) = answer(&mut session, &prompt, 8);
    assert_eq!(reused as u64, seen[1].done);
    assert_eq!(ids, answer(&mut model.session(1000).unwrap(), &prompt, 8).0);
}

#[test]
fn bad_requests_change_nothing() {
    let (golden, model) = golden_model();
    let prompt = &golden.decoding.prompt_ids;
    let mut session = model.session(64).unwrap();
    let (first, _) = answer(&mut session, prompt, 10);
    let text = session.text().to_vec();
    let mut refused = |prompt: &[u32], options: GenerateOptions| {
        session.generate(prompt, &options, &mut no_progress).err().unwrap()
    };
    let default = || options(10);
    assert!(matches!(refused(&[], default()), Error::EmptyPrompt));
    assert!(matches!(refused(prompt, options(0)), Error::EmptyBudget));
    let full = refused(prompt, options(64 - prompt.len() + 1));
    assert!(matches!(full, Error::ContextFull { prompt: 23, budget: 42, context: 64 }), "{full}");
    assert!(matches!(refused(prompt, options(usize::MAX)), Error::ContextFull { .. }));
    let beyond = refused(&[3, 320], default());
    assert!(matches!(beyond, Error::IdOutOfRange { index: 1, id: 320, vocabulary: 320 }), "{beyond}");
    for asked in [0, 9, 1000] {
        let error = refused(prompt, GenerateOptions { block_size: Some(asked), ..default() });
        assert!(matches!(error, Error::BlockSize { most: 8, .. }), "{error}");
    }
    let many = refused(prompt, GenerateOptions { end_ids: Some((0..17).collect()), ..default() });
    assert!(matches!(many, Error::TooManyEndIds { count: 17, most: 16 }), "{many}");
    assert_eq!(session.text(), text);
    assert_eq!(answer(&mut session, prompt, 10).0, first);

    assert!(matches!(model.session(0), Err(Error::ContextSize { .. })));
    assert!(matches!(model.session(40_961), Err(Error::ContextSize { most: 40_960, .. })));
}

#[test]
fn a_checkpoint_without_diffusion_view_decodes_by_ar_alone() {
    let checkpoint = edited_checkpoint(&SHAPE, 5, |name, _| !name.contains("_diff"));
    let model = Model::load(&gpu(Tier::Baseline), &checkpoint, WeightFormat::F16, &mut no_progress).unwrap();
    let mut session = model.session(64).unwrap();
    let dual = session.generate(&[1, 2], &options(5), &mut no_progress).err();
    assert!(matches!(dual, Some(Error::NoDiffusionView)));
    let ar = GenerateOptions { decoding: Decoding::Ar, ..options(5) };
    let ids: Vec<u32> =
        session.generate(&[1, 2], &ar, &mut no_progress).unwrap().flat_map(|run| run.unwrap().ids).collect();
    let dual_model =
        Model::load(&gpu(Tier::Baseline), &random_checkpoint(&SHAPE, 5), WeightFormat::F16, &mut no_progress);
    assert_eq!(ids, answer(&mut dual_model.unwrap().session(64).unwrap(), &[1, 2], 5).0);
}

#[test]
fn weights_that_do_not_fit_are_refused_by_name() {
    const DOWN: &str = "model.layers.1.mlp.down_proj.weight";
    let with = |name: &'static str, value: f32| {
        edited_checkpoint(&SHAPE, 6, move |of, values: &mut [f32]| {
            if of == name {
                values[33] = value;
            }
            true
        })
    };
    let load = |checkpoint: &Checkpoint, format| {
        Model::load(&gpu(Tier::Baseline), checkpoint, format, &mut no_progress).map(|_| ())
    };
    let large = with(DOWN, -70_000.0);
    let error = load(&large, WeightFormat::F16).unwrap_err();
    assert!(
        matches!(&error, Error::WeightOverflow { tensor, element: 33, value } if tensor == DOWN && *value == -70_000.0),
        "{error}"
    );
    load(&large, WeightFormat::F32).unwrap();
    for name in [DOWN, "model.embed_tokens.weight"] {
        for value in [f32::NAN, f32::INFINITY] {
            for format in WeightFormat::ALL {
                let error = load(&with(name, value), format).unwrap_err();
                assert!(
                    matches!(&error, Error::WeightNotFinite { tensor, element: 33, .. } if tensor == name),
                    "{error}"
                );
            }
        }
    }
}

#[test]
fn activations_that_overflow_end_in_an_error() {
    let checkpoint = edited_checkpoint(&SHAPE, 7, |name, values| {
        if name == "model.norm.weight" {
            values.fill(f32::MAX);
        }
        true
    });
    let model = Model::load(&gpu(Tier::Subgroup), &checkpoint, WeightFormat::F32, &mut no_progress).unwrap();
    let mut session = model.session(64).unwrap();
    for _ in 0..2 {
        let mut generation = session.generate(&[1, 2, 3], &options(20), &mut no_progress).unwrap();
        let error = generation.next().unwrap().unwrap_err();
        assert!(matches!(error, Error::InvalidLogits { position: 2 }), "{error}");
        assert!(generation.next().is_none());
    }
}

#[test]
fn looking_inside_leaves_the_text_as_it_says() {
    let (golden, model) = golden_model();
    let prompt = &golden.decoding.prompt_ids;
    let mut session = model.session(64).unwrap();
    let (ids, _) = answer(&mut session, prompt, 9);
    let text = [prompt, &ids[..]].concat();
    session.draft(5, 8).unwrap();
    assert_eq!(session.text(), text);
    // The last id was certain but not cached: it goes through with what is appended.
    let appended = session.append(&[7, 8]).unwrap();
    assert_eq!(session.text(), [&text[..], &[7, 8]].concat());
    assert_eq!(session.cached(), text.len() + 2);
    let whole = session.text().to_vec();
    let fresh = model.session(64).unwrap().append(&whole).unwrap();
    assert_eq!(appended, fresh[fresh.len() - appended.len()..]);

    assert!(matches!(session.draft(5, 9), Err(Error::BlockSize { asked: 9, most: 8 })));
    assert!(matches!(session.append(&[1; 60]), Err(Error::ContextFull { .. })));
    assert!(matches!(session.cache(2), Err(Error::LayerOutOfRange { asked: 2, layers: 2 })));
}

/// The advice of a refused context can be followed.
#[test]
fn a_context_too_long_for_the_adapter_is_refused_with_one_that_is_not() {
    let core = GpuOptions { core_limits: true, ..options_of(Tier::Baseline) };
    let gpu = Gpu::open(&core).unwrap();
    // 64 heads of 128 f32 are 32 KiB a position: 128 MiB hold 4096 of them, of the model's 8192.
    let shape = Shape { layers: 1, heads: 64, kv_heads: 64, head_dim: 128, ..SHAPE };
    let model =
        Model::load(&gpu, &random_checkpoint(&shape, 10), WeightFormat::F16, &mut no_progress).unwrap();
    let error = model.session(8192).unwrap_err();
    let Error::TooLarge { advice, .. } = &error else { panic!("{error}") };
    let advised: usize = advice.rsplit(' ').next().unwrap().parse().unwrap();
    assert_eq!(advised, 4096, "{error}");
    model.session(advised).unwrap();
}

#[test]
fn loading_reports_every_weight_and_can_be_cancelled() {
    // Odd sizes: what they are padded with is no weight.
    let shape = Shape { hidden: 35, intermediate: 49, ..SHAPE };
    let checkpoint = random_checkpoint(&shape, 8);
    let weights: usize = checkpoint.tensors().map(|(_, tensor)| tensor.len()).sum();
    let mut last = 0;
    let mut watch = |progress: Progress| {
        assert!(progress.done > last && progress.done <= progress.total);
        last = progress.done;
        ControlFlow::Continue(())
    };
    Model::load(&gpu(Tier::Baseline), &checkpoint, WeightFormat::F16, &mut watch).unwrap();
    assert_eq!(last, weights as u64);
    let cancelled =
        Model::load(&gpu(Tier::Baseline), &checkpoint, WeightFormat::F16, &mut |_| ControlFlow::Break(()));
    assert!(matches!(cancelled, Err(Error::Cancelled)));
}

/// A file that nobody may read beyond its beginning.
struct HeaderOnly {
    header: Vec<u8>,
    size: u64,
}

impl ReadAt for HeaderOnly {
    fn size(&self) -> u64 {
        self.size
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        let end = offset as usize + out.len();
        assert!(end <= self.header.len(), "a weight was read");
        out.copy_from_slice(&self.header[offset as usize..end]);
        Ok(())
    }
}

#[test]
fn what_the_adapter_cannot_hold_is_said_before_a_weight_is_read() {
    let core = Gpu::open(&GpuOptions { core_limits: true, ..options_of(Tier::Baseline) }).unwrap();
    let refused = |shape: &Shape| {
        let (config, header, size) = virtual_checkpoint(shape);
        let config: Box<dyn ReadAt> = Box::new(HeaderOnly { size: config.len() as u64, header: config });
        let weights: Box<dyn ReadAt> = Box::new(HeaderOnly { header, size });
        let files = vec![("config.json".to_string(), config), ("model.safetensors".to_string(), weights)];
        let checkpoint = Checkpoint::from_files("virtual", files).unwrap();
        Model::load(&core, &checkpoint, WeightFormat::F16, &mut no_progress).unwrap_err().to_string()
    };
    // A block of 64 rows of a million gates and ups is 512 MB, and one of 600,000 logits 154 MB.
    let wide = refused(&Shape { layers: 1, intermediate: 1_000_000, block: 64, ..SHAPE });
    assert!(wide.starts_with("a session of one position needs 512000000 bytes in one buffer"), "{wide}");
    let many = refused(&Shape { layers: 1, vocabulary: 600_000, block: 64, ..SHAPE });
    assert!(many.starts_with("a session of one position needs 153600000 bytes in one buffer"), "{many}");
}

/// An answer can own its session, rest while others use the GPU, and give the session back.
#[test]
fn an_answer_can_own_its_session() {
    let checkpoint = random_checkpoint(&SHAPE, 11);
    for tier in tiers() {
        let model = Model::load(&gpu(tier), &checkpoint, WeightFormat::F16, &mut no_progress).unwrap();
        let text = [1, 2, 3];
        let mut borrowed = model.session(64).unwrap();
        let expected: Vec<u32> = borrowed
            .generate(&text, &options(40), &mut no_progress)
            .unwrap()
            .flat_map(|run| run.unwrap().ids)
            .collect();
        let session = Box::new(model.session(64).unwrap());
        let (options, mut progress) = (options(40), no_progress);
        let started = Generation::start(session, &text, &options, &mut progress);
        let mut answer = pollster::block_on(started).map_err(|(_, error)| error).unwrap();
        let mut ids = Vec::new();
        while let Some(run) = answer.next() {
            ids.extend(run.unwrap().ids);
            // Every time, to the end of what is under way.
            while let Some(run) = pollster::block_on(answer.next_run_in_flight()) {
                ids.extend(run.unwrap().ids);
            }
        }
        assert_eq!(ids, expected, "tier {}", tier.name());
        assert!(answer.finish_reason().is_some());
        let session = answer.into_session();
        assert_eq!(session.text()[3..], expected);
        let refused = pollster::block_on(Generation::start(session, &[], &options, &mut progress));
        let (session, error) = refused.unwrap_err();
        assert!(matches!(error, Error::EmptyPrompt));
        assert_eq!(session.text()[3..], expected, "a refused prompt changes nothing");
    }
}

/// 540,000 rows of 64 f32 are more than the 128 MiB that core WebGPU lets a kernel bind.
#[test]
fn a_matrix_larger_than_a_binding_is_split() {
    let shape = Shape { hidden: 64, layers: 1, vocabulary: 540_000, block: 2, ..SHAPE };
    let checkpoint = random_checkpoint(&shape, 9);
    let core = GpuOptions { core_limits: true, ..options_of(Tier::Baseline) };
    let core = Gpu::open(&core).unwrap();
    let model = Model::load(&core, &checkpoint, WeightFormat::F32, &mut no_progress).unwrap();
    let mut session = model.session(16).unwrap();
    // Ids from the first piece, around the border, and from the last row.
    let border = (128 << 20) / (64 * 4);
    let text = [0, border - 1, border, 539_999];
    let found = session.append(&text).unwrap();
    let expected = Reference::new(&checkpoint).ar_logits(&text);
    assert_rows_close(&found, &expected, 540_000, "split");
    // The mask is the last id, in the second piece: drafting goes through both too.
    let decode = |session: &mut Session, view| -> Vec<u32> {
        let options = GenerateOptions { decoding: view, ..options(4) };
        session
            .generate(&text, &options, &mut no_progress)
            .unwrap()
            .flat_map(|run| run.unwrap().ids)
            .collect()
    };
    assert_eq!(decode(&mut session, Decoding::Dual), decode(&mut session, Decoding::Ar));
}
