//! Shapes that no golden has: odd widths, other head counts and sizes, blocks of 1 to 64, prompts of 1 to
//! thousands of tokens, against the decoder made of CPU twins.

use orthrus::loader::Checkpoint;
use orthrus::{Decoding, GenerateOptions, Model, Tier, WeightFormat, no_progress};
use orthrus_tests::checkpoint::{Shape, random_checkpoint};
use orthrus_tests::compare::assert_rows_close;
use orthrus_tests::gpu::{gpu, tiers, tiers_with_formats};
use orthrus_tests::random::Random;
use orthrus_tests::reference::Reference;

fn random_shape(random: &mut Random) -> Shape {
    let kv_heads = random.between(1, 3);
    Shape {
        hidden: random.between(5, 90),
        layers: random.between(1, 3),
        heads: kv_heads * random.between(1, 5),
        kv_heads,
        head_dim: 2 * random.between(1, 40),
        intermediate: random.between(3, 150),
        vocabulary: random.between(20, 500),
        block: random.between(1, 64),
        tied: random.between(0, 1) == 1,
    }
}

fn random_text(random: &mut Random, length: usize, vocabulary: usize) -> Vec<u32> {
    (0..length).map(|_| random.between(0, vocabulary - 1) as u32).collect()
}

fn load(checkpoint: &Checkpoint, tier: Tier, format: WeightFormat) -> Model {
    Model::load(&gpu(tier), checkpoint, format, &mut no_progress).unwrap()
}

#[test]
fn both_views_of_random_shapes() {
    for seed in 0..12 {
        let mut random = Random::new(seed);
        let shape = random_shape(&mut random);
        let checkpoint = random_checkpoint(&shape, seed);
        let length = random.between(1, 60);
        let text = random_text(&mut random, length, shape.vocabulary);
        let rows = random.between(1, shape.block);
        let reference = Reference::new(&checkpoint);
        let ar = reference.ar_logits(&text);
        let draft = reference.draft_logits(&text, 3, rows);
        for tier in tiers() {
            let what = format!("{shape:?}, {length} tokens, tier {}", tier.name());
            let mut session = load(&checkpoint, tier, WeightFormat::F32).session(200).unwrap();
            let found = session.append(&text).unwrap();
            assert_rows_close(&found, &ar, shape.vocabulary, &format!("{what}, AR"));
            let found = session.draft(3, rows).unwrap();
            assert_rows_close(&found, &draft, shape.vocabulary, &format!("{what}, block of {rows}"));
        }
    }
}

/// Thousands of positions: many splits of the cache, several blocks of the prompt.
#[test]
fn a_prompt_of_thousands() {
    let shape = Shape {
        hidden: 32,
        layers: 1,
        heads: 4,
        kv_heads: 2,
        head_dim: 16,
        intermediate: 40,
        vocabulary: 50,
        block: 32,
        tied: true,
    };
    let checkpoint = random_checkpoint(&shape, 1);
    let text = random_text(&mut Random::new(1), 2_501, shape.vocabulary);
    let reference = Reference::new(&checkpoint);
    let ar = reference.ar_logits(&text);
    let draft = reference.draft_logits(&text, 3, shape.block);
    for tier in tiers() {
        let mut session = load(&checkpoint, tier, WeightFormat::F32).session(4_000).unwrap();
        let found = session.append(&text).unwrap();
        assert_rows_close(&found, &ar, shape.vocabulary, "AR");
        let found = session.draft(3, shape.block).unwrap();
        assert_rows_close(&found, &draft, shape.vocabulary, "diffusion");

        // The prompt's way in, in long blocks, gives the token that its last logits say.
        let mut session = load(&checkpoint, tier, WeightFormat::F32).session(4_000).unwrap();
        let options = GenerateOptions { max_new_tokens: 1, ..Default::default() };
        let mut blocks = 0;
        let mut count = |_| {
            blocks += 1;
            std::ops::ControlFlow::Continue(())
        };
        let mut generation = session.generate(&text, &options, &mut count).unwrap();
        let first = generation.next().unwrap().unwrap().ids;
        let last_row = &ar[(text.len() - 1) * shape.vocabulary..];
        let best = (0..shape.vocabulary).max_by(|&a, &b| last_row[a].total_cmp(&last_row[b])).unwrap();
        assert_eq!(first, [best as u32]);
        assert!((3..=100).contains(&blocks), "{blocks} blocks");
    }
}

/// Greedy ids do not depend on the view, the block size or the format's rounding: only on the format.
#[test]
fn dual_is_ar_for_any_shape_block_and_format() {
    for seed in 20..25 {
        let mut random = Random::new(seed);
        let shape = random_shape(&mut random);
        let checkpoint = random_checkpoint(&shape, seed);
        let length = random.pick(&[1, 2, 33, 150, 300]);
        let prompt = random_text(&mut random, length, shape.vocabulary);
        for (tier, format) in tiers_with_formats() {
            let mut session = load(&checkpoint, tier, format).session(400).unwrap();
            let mut ids = |view, block_size| -> Vec<u32> {
                let options = GenerateOptions {
                    max_new_tokens: 16,
                    decoding: view,
                    block_size,
                    end_ids: Some(Vec::new()),
                    ..Default::default()
                };
                let generation = session.generate(&prompt, &options, &mut no_progress).unwrap();
                generation.flat_map(|run| run.unwrap().ids).collect()
            };
            let ar = ids(Decoding::Ar, None);
            assert_eq!(ar.len(), 16);
            for block_size in [None, Some(1), Some(shape.block.div_ceil(2))] {
                assert_eq!(
                    ids(Decoding::Dual, block_size),
                    ar,
                    "{shape:?}, {length} tokens, block {block_size:?}"
                );
            }
        }
    }
}
