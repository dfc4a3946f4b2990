//! Row-invariance: a row has the same bits alone, first, last and in the middle of a
//! block, whatever the other rows hold. It is what makes dual-view decoding lossless in every number format.

use bytemuck::Zeroable;
use orthrus::lab::MeasuredPass;
use orthrus::loader::Checkpoint;
use orthrus::shaders::params::{
    Argmax, Attention, AttentionMerge, Embed, Matmul, QkNormRope, RmsNorm, Swiglu, padded,
};
use orthrus::shaders::{
    ActivationLayout, Cache, Candidates, Kernel, KvSplits, Mask, Rows, RowsPerLane, SPLIT, SplitK, State,
    Store, WeightFormat, packs,
};
use orthrus::{ArKernel, GenerateOptions, Gpu, Model, Session, no_progress};
use orthrus_tests::checkpoint::{Shape, random_checkpoint};
use orthrus_tests::golden::{CASES, Golden};
use orthrus_tests::gpu::{gpu, tiers};
use orthrus_tests::kernel::{Operands, assert_same_bits, poison, stored};
use orthrus_tests::random::Random;

const TRIALS: u64 = 25;

/// Where the row is: its place in a block of so many rows. The first is the row alone.
const PLACES: [(usize, usize); 7] = [(0, 1), (0, 32), (31, 32), (13, 32), (6, 7), (8, 9), (2, 5)];

/// Runs `row_at(gpu, random, place, rows)` for every place and asserts that it gives the same bits.
fn assert_invariant(row_at: impl Fn(&Gpu, &mut Random, usize, usize) -> Vec<f32>) {
    for tier in tiers() {
        let gpu = gpu(tier);
        for seed in 0..TRIALS {
            let of = |(place, rows)| row_at(&gpu, &mut Random::new(seed), place, rows);
            let alone = of(PLACES[0]);
            assert!(alone.iter().all(|value| value.is_finite()));
            for place in &PLACES[1..] {
                assert_same_bits(
                    &of(*place),
                    &alone,
                    &format!("tier {}, seed {seed}, {place:?}", tier.name()),
                );
            }
        }
    }
}

fn pass(start: usize, rows: usize) -> State {
    State { start: start as u32, rows: rows as u32, logit_rows: rows as u32, ..State::zeroed() }
}

/// `row` at `place` among `rows` others, which hold numbers, zeros, infinities or NaN.
fn among_others(random: &mut Random, row: &[f32], place: usize, rows: usize) -> Vec<f32> {
    let mut all = Vec::with_capacity(rows * row.len());
    for other in 0..rows {
        if other == place {
            all.extend_from_slice(row);
        } else {
            let filling = random.pick(&[None, Some(0.0), Some(f32::INFINITY), Some(f32::NAN)]);
            all.extend((0..row.len()).map(|_| filling.unwrap_or(100.0 * random.unit())));
        }
    }
    all
}

fn matmul_row(
    format: WeightFormat,
    slices: SplitK,
    gpu: &Gpu,
    random: &mut Random,
    place: usize,
    rows: usize,
) -> Vec<f32> {
    let inputs = random.between(1, 1500);
    let outputs = random.between(1, 90);
    let width = padded(inputs);
    let weights: Vec<f32> = random.halves(outputs * width).iter().map(|half| half.to_f32()).collect();
    let row = random.units(width);
    let tile = if rows == 1 { RowsPerLane::One } else { RowsPerLane::Eight };
    let mut x = among_others(random, &row, place, rows);
    x.resize(rows.next_multiple_of(tile.rows()) * width, f32::NAN);
    let n = outputs as u32;
    let params = Matmul { outputs: n, packs: packs(inputs) as u32, y_stride: n, y_first: 0 };
    let kernel = Kernel::Matmul { weights: format, rows: Rows::All, tile, slices, store: Epilogue::Store };
    let run = Operands::new(gpu)
        .storage(&[pass(0, rows)])
        .params(&params)
        .storage(&stored(format, &weights, width))
        .storage(&x)
        .storage(&poison(rows * outputs))
        .run(kernel, params.grid(rows, tile, slices));
    run.read::<f32>(4, rows * outputs)[place * outputs..][..outputs].to_vec()
}

#[test]
fn matmul() {
    for format in WeightFormat::ALL {
        for slices in [SplitK::One, SplitK::ThirtyTwo] {
            assert_invariant(|gpu, random, place, rows| matmul_row(format, slices, gpu, random, place, rows));
        }
    }
}

#[test]
fn embed() {
    assert_invariant(|gpu, random, place, rows| {
        let width = 16 * random.between(1, 30);
        let weights: Vec<f32> = random.halves(20 * width).iter().map(|half| half.to_f32()).collect();
        let params =
            Embed { packs: packs(width) as u32, first_id: 0, ids: 20, masked: 0, mask_id: 0, pad: [0; 3] };
        let mut tokens: Vec<u32> = (0..rows).map(|i| i as u32 % 20).collect();
        tokens[place] = 11;
        let run = Operands::new(gpu)
            .storage(&[pass(0, rows)])
            .params(&params)
            .storage(&stored(WeightFormat::F16, &weights, width))
            .storage(&tokens)
            .storage(&poison(rows * width))
            .run(Kernel::Embed(WeightFormat::F16), params.grid(rows));
        run.read::<f32>(4, rows * width)[place * width..][..width].to_vec()
    });
}

#[test]
fn rms_norm() {
    assert_invariant(|gpu, random, place, rows| {
        let width = 16 * random.between(1, 90);
        let row = random.units(width);
        let weight = random.units(width);
        let x = among_others(random, &row, place, rows);
        let stride = width as u32;
        let params = RmsNorm { width: stride, stride, out_stride: stride, eps: 1e-6 };
        let run = Operands::new(gpu)
            .storage(&[pass(0, rows)])
            .params(&params)
            .storage(&x)
            .storage(&weight)
            .storage(&poison(rows * width))
            .run(Kernel::RmsNorm { rows: Rows::All, output: ActivationLayout::RowsF32 }, params.grid(rows));
        run.read::<f32>(4, rows * width)[place * width..][..width].to_vec()
    });
}

#[test]
fn swiglu() {
    assert_invariant(|gpu, random, place, rows| {
        let width = random.between(1, 600);
        let row = random.units(2 * padded(width));
        let gate_up = among_others(random, &row, place, rows);
        let params = Swiglu { width: width as u32, out_stride: padded(width) as u32, pad: [0; 2] };
        let run = Operands::new(gpu)
            .storage(&[pass(0, rows)])
            .params(&params)
            .storage(&gate_up)
            .storage(&poison(rows * padded(width)))
            .run(Kernel::Swiglu, params.grid(rows));
        run.read::<f32>(3, rows * padded(width))[place * padded(width)..][..width].to_vec()
    });
}

#[test]
fn argmax() {
    assert_invariant(|gpu, random, place, rows| {
        let vocabulary = random.between(1, 3000);
        let row = random.units(vocabulary);
        let logits = among_others(random, &row, place, rows);
        let params = Argmax { candidates: vocabulary as u32, draft: 0, pad: [0; 2] };
        let run = Operands::new(gpu)
            .storage(&[pass(0, rows)])
            .params(&params)
            .storage(&logits)
            .storage(&vec![0u32; rows])
            .run(Kernel::Argmax(Candidates::Logits), params.grid(rows));
        vec![run.read::<u32>(3, rows)[place] as f32]
    });
}

/// The row's position stays, so the block starts `place` positions before it.
#[test]
fn qk_norm_rope() {
    assert_invariant(|gpu, random, place, rows| {
        let position = 40 + random.between(0, 20);
        let kv_heads = random.between(1, 3);
        let heads = kv_heads * random.between(1, 4);
        let head_vecs = random.between(1, 40);
        let head_dim = head_vecs * 4;
        let context = position + 32;
        let width = (heads + 2 * kv_heads) * head_dim;
        let row = random.units(width);
        let norms = random.units(2 * head_dim);
        let rope = random.units(context * head_dim);
        let qkv = among_others(random, &row, place, rows);
        let params = QkNormRope {
            heads: heads as u32,
            kv_heads: kv_heads as u32,
            head_dim: head_dim as u32,
            head_vecs: head_vecs as u32,
            qkv_stride: width as u32,
            context: context as u32,
            queries: 0,
            eps: 1e-6,
        };
        let slots = context * kv_heads * head_dim;
        let run = Operands::new(gpu)
            .storage(&[pass(position - place, rows)])
            .params(&params)
            .storage(&qkv)
            .storage(&norms)
            .storage(&rope)
            .storage(&poison(rows * heads * head_dim))
            .storage(&poison(slots))
            .storage(&poison(slots))
            .run(Kernel::QkNormRope(KvFormat::RowsF32), params.grid(rows));
        let mut found = run.read::<f32>(5, rows * heads * head_dim)[place * heads * head_dim..]
            [..heads * head_dim]
            .to_vec();
        let keys = run.read::<f32>(6, slots);
        for line in 0..kv_heads * head_vecs {
            found.extend_from_slice(&keys[(line * context + position) * 4..][..4]);
        }
        found.extend_from_slice(
            &run.read::<f32>(7, slots)[position * kv_heads * head_dim..][..kv_heads * head_dim],
        );
        found
    });
}

/// Attention and its merge, causal: what lies in the cache beyond the row's position differs from place to place,
/// and is not always a number. So does the piece of the pass that the row is in.
#[test]
fn attention() {
    assert_invariant(|gpu, random, place, rows| {
        let anywhere = 40 + random.between(0, 3 * SPLIT);
        let position = random.pick(&[anywhere, SPLIT - 1, SPLIT, 2 * SPLIT + 3]);
        let kv_heads = random.between(1, 2);
        let heads = kv_heads * random.between(1, 5);
        let head_vecs = random.between(1, 40);
        let head_dim = head_vecs * 4;
        let context = position + 40;
        let slot = kv_heads * head_dim;
        let row = random.units(heads * head_dim);
        let mut keys = random.units(context * slot);
        let mut values = random.units(context * slot);
        let mut others = Random::new(random.bits() ^ (place * 100 + rows) as u64);
        for later in position + 1..context {
            let filling = others.pick(&[0.0, 7.0, f32::INFINITY, f32::NAN]);
            values[later * slot..][..slot].fill(filling);
            for line in 0..kv_heads * head_vecs {
                keys[(line * context + later) * 4..][..4].fill(filling);
            }
        }
        let splits = context.div_ceil(SPLIT);
        let q = among_others(&mut others, &row, place, rows);
        let chunk_rows = others.between(1, rows);
        let first_row = place / chunk_rows * chunk_rows;
        let params = Attention {
            heads: heads as u32,
            kv_heads: kv_heads as u32,
            head_vecs: head_vecs as u32,
            context: context as u32,
            queries: 0,
            splits: splits as u32,
            scale: 0.7,
            visible: Mask::Causal as u32,
            first_row: first_row as u32,
            chunk_queries: (chunk_rows * heads / kv_heads) as u32,
            eps: 1e-6,
            pad: 0,
        };
        let state = pass(position - place, rows);
        let partials = chunk_rows * heads * splits;
        let (sums_len, stats_len) = (partials * head_dim, partials * 2);
        let run = Operands::new(gpu)
            .storage(&[state])
            .params(&params)
            .storage(&q)
            .storage(&keys)
            .storage(&values)
            .storage(&poison(sums_len))
            .storage(&poison(stats_len))
            .run(Kernel::Attention, params.grid(rows, context));
        let merge = AttentionMerge {
            heads: heads as u32,
            kv_heads: kv_heads as u32,
            head_dim: head_dim as u32,
            head_vecs: head_vecs as u32,
            splits: splits as u32,
            out_stride: (heads * head_dim) as u32,
            visible: Mask::Causal as u32,
            first_row: first_row as u32,
            chunk_queries: (chunk_rows * heads / kv_heads) as u32,
            pad: [0; 3],
        };
        let merged = Operands::new(gpu)
            .storage(&[state])
            .params(&merge)
            .storage(&run.read::<f32>(5, sums_len))
            .storage(&run.read::<f32>(6, stats_len))
            .storage(&poison(rows * heads * head_dim))
            .run(Kernel::AttentionMerge(KvSplits::Fixed), merge.grid(rows));
        merged.read::<f32>(4, rows * heads * head_dim)[place * heads * head_dim..][..heads * head_dim]
            .to_vec()
    });
}

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
            (session.sizes(), ids, cache, [session.dispatches_per_layer(), kernels])
        };
        let (sizes, ids, cache, dispatches) = of(prompt.len() + 4 + shape.block);
        let (long_sizes, long_ids, long_cache, long_dispatches) = of(8192);
        assert_eq!(sizes.pieces(), 1);
        assert!(sizes.rows.min(prompt.len()) > long_sizes.chunk_rows, "{long_sizes:?}");
        assert_eq!(long_ids, ids, "tier {}", tier.name());
        assert_same_bits(&long_cache, &cache, &format!("tier {}", tier.name()));
        assert_eq!(long_dispatches, dispatches);
    }
}
