//! Row-invariance: a row has the same bits alone, first, last and in the middle of a
//! block, whatever the other rows hold. It is what makes dual-view decoding lossless in every number format.

use orthrus::lab::MeasuredPass;
use orthrus::loader::Checkpoint;
use orthrus::shaders::WeightFormat;
use orthrus::{ArKernel, GenerateOptions, Model, Session, no_progress};
use orthrus_tests::cases;
use orthrus_tests::checkpoint::{Shape, random_checkpoint};
use orthrus_tests::compare::assert_same_bits;
use orthrus_tests::golden::{CASES, Golden};
use orthrus_tests::gpu::{gpu, tiers};
use orthrus_tests::random::Random;
use orthrus_tests::run::{Test, run};

macro_rules! invariance {
    ($($family:ident)*) => {
        mod row_invariance {
            use super::{Test, cases, run};

            $(#[test]
            fn $family() {
                let report = run(&cases::$family::cases(), Test::Invariance);
                report.finish(concat!("row-invariance: ", stringify!($family)));
            })*
        }
    };
}

orthrus_tests::families!(invariance);

/// The second layer's keys and values.
fn cache_of(session: &Session) -> Vec<f32> {
    let (keys, values) = session.cache(1).unwrap();
    [keys, values].concat()
}

/// All of it together: the logits of a text, appended in pieces of any size, have the same bits as one token at
/// a time, and so has the cache. So has a prompt, whose passes have more rows: of one that is in the cache already, the
/// last token alone goes through again.
#[test]
fn whole_passes() {
    for case in CASES {
        let golden = Golden::open(case);
        let checkpoint = Checkpoint::open(&golden.directory).unwrap();
        let once = [&golden.decoding.prompt_ids[..], &golden.decoding.runs["main"].new_ids].concat();
        // As long as what prompts alone have kernels for.
        let text = once.repeat(3);
        for tier in tiers() {
            for format in WeightFormat::ALL {
                let model = Model::load(&gpu(tier), &checkpoint, format, &mut no_progress).unwrap();
                let mut session = model.session(text.len() + 1).unwrap();
                let mut append_by = |sizes: &mut dyn FnMut() -> usize| {
                    session.clear();
                    let mut logits = Vec::new();
                    while session.cached() < text.len() {
                        let size = sizes().min(text.len() - session.cached());
                        let piece = &text[session.cached()..][..size];
                        logits.extend(session.append(piece).unwrap());
                    }
                    let cache = cache_of(&session);
                    (logits, cache)
                };
                let (alone, alone_cache) = append_by(&mut || 1);
                let in_format = format!("{case}, tier {}, {}", tier.name(), format.name());
                for seed in 0..3 {
                    let mut random = Random::new(seed);
                    let (logits, cache) = append_by(&mut || random.between(1, 20));
                    let what = format!("{in_format}, seed {seed}");
                    assert_same_bits(&logits, &alone, &what);
                    assert_same_bits(&cache, &alone_cache, &what);
                }
                session.clear();
                let one = GenerateOptions { max_new_tokens: 1, ..GenerateOptions::default() };
                session.generate(&text, &one, &mut no_progress).unwrap().for_each(|run| _ = run.unwrap());
                assert_same_bits(&cache_of(&session), &alone_cache, &format!("{in_format}, as a prompt"));
            }
        }
    }
}

/// A prompt whose passes go through attention in pieces, as partials for a long context make them, gives the cache
/// and the tokens that it gives in a short one. A cycle takes as many dispatches.
#[test]
fn pieces_of_a_prompt() {
    let shape = Shape {
        hidden: 32,
        layers: 2,
        heads: 64,
        kv_heads: 2,
        head_dim: 256,
        intermediate: 48,
        vocabulary: 90,
        block: 8,
        tied: true,
    };
    let checkpoint = random_checkpoint(&shape, 12);
    let mut random = Random::new(12);
    let prompt: Vec<u32> = (0..100).map(|_| random.between(0, shape.vocabulary - 2) as u32).collect();
    let options = GenerateOptions { max_new_tokens: 4, end_ids: Some(Vec::new()), ..Default::default() };
    for tier in tiers() {
        let model = Model::load(&gpu(tier), &checkpoint, WeightFormat::F16, &mut no_progress).unwrap();
        let of = |context: usize| {
            let mut session = model.session(context).unwrap();
            let answer = session.generate(&prompt, &options, &mut no_progress).unwrap();
            let ids: Vec<u32> = answer.flat_map(|run| run.unwrap().ids).collect();
            let cache = cache_of(&session);
            let kernels =
                session.kernels_of(MeasuredPass::Verify(ArKernel::Exact), shape.block).unwrap().len();
            (session.sizes(), ids, cache, [session.dispatches_per_layer().unwrap(), kernels])
        };
        let (sizes, ids, cache, dispatches) = of(prompt.len() + 4 + shape.block);
        let (long_sizes, long_ids, long_cache, long_dispatches) = of(8192);
        assert_eq!(sizes.chunks(), 1);
        assert!(sizes.rows.min(prompt.len()) > long_sizes.chunk_rows, "{long_sizes:?}");
        assert_eq!(long_ids, ids, "tier {}", tier.name());
        assert_same_bits(&long_cache, &cache, &format!("tier {}", tier.name()));
        assert_eq!(long_dispatches, dispatches);
    }
}
