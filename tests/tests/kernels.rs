//! Every kernel against its CPU twin, on random shapes, outputs poisoned.
//!
//! Tolerances are absolute below 1 and relative above. Inputs are within [-1, 1], f32 rounds by 6e-8, and the
//! error of a sum of n products in sequence stays below a few times sqrt(n) roundings of its largest partial sum.

use bytemuck::Zeroable;
use orthrus::shaders::params::{
    Argmax, Attention, AttentionMerge, Embed, Matmul, QkNormRope, RmsNorm, Swiglu, padded,
};
use orthrus::shaders::twin;
use orthrus::shaders::{
    ActivationLayout, Cache, Candidates, CycleResult, Kernel, KvSplits, MAX_BLOCK, Mask, NO_ID, Rows,
    RowsPerLane, SPLIT, SplitK, State, Store, WeightFormat, packs,
};
use orthrus_tests::gpu::{gpu, tiers};
use orthrus_tests::kernel::{Operands, assert_close, on_random_shapes, poison, stored};
use orthrus_tests::random::Random;

/// One row, a full block, or anything between.
fn random_rows(random: &mut Random) -> usize {
    let between = random.between(1, MAX_BLOCK);
    random.pick(&[1, 8, 32, MAX_BLOCK, between, between])
}

/// A pass of `rows` rows, some of which have logits.
fn random_pass(random: &mut Random, rows: usize) -> State {
    let logit_first = random.between(0, rows - 1);
    State {
        start: random.between(0, 100) as u32,
        rows: rows as u32,
        logit_first: logit_first as u32,
        logit_rows: random.between(1, rows - logit_first) as u32,
        ..State::zeroed()
    }
}

/// Weights as stored, in tiles, and as the twin takes them, rows padded with zeros to whole tiles.
fn random_weights(
    random: &mut Random,
    format: WeightFormat,
    rows: usize,
    width: usize,
) -> (Vec<u8>, Vec<f32>) {
    let mut values = Vec::new();
    for _ in 0..rows {
        match format {
            WeightFormat::F32 => values.extend(random.units(width)),
            WeightFormat::F16 => values.extend(random.halves(width).iter().map(|half| half.to_f32())),
        }
        values.resize(values.len().next_multiple_of(padded(width)), 0.0);
    }
    (stored(format, &values, padded(width)), values)
}

/// Rows of `width` values, padded with zeros to whole tiles.
fn random_rows_of(random: &mut Random, rows: usize, width: usize) -> Vec<f32> {
    let mut values = Vec::new();
    for _ in 0..rows {
        values.extend(random.units(width));
        values.resize(values.len().next_multiple_of(padded(width)), 0.0);
    }
    values
}

#[test]
fn embed() {
    on_random_shapes(|gpu, random, what| {
        for format in WeightFormat::ALL {
            let rows = random_rows(random);
            let state = random_pass(random, rows);
            let width = random.between(1, 300);
            let ids = random.between(1, 50);
            let first_id = random.between(0, 3) as u32;
            let params = Embed {
                packs: packs(width) as u32,
                first_id,
                ids: ids as u32,
                masked: random.between(0, 1) as u32,
                mask_id: random.between(0, ids + 3) as u32,
                pad: [0; 3],
            };
            let (bytes, values) = random_weights(random, format, ids, width);
            let tokens: Vec<u32> =
                (0..state.start as usize + rows).map(|_| random.between(0, ids + 6) as u32).collect();
            let mut expected = poison(rows * padded(width));
            let run = Operands::new(gpu)
                .storage(&[state])
                .params(&params)
                .storage(&bytes)
                .storage(&tokens)
                .storage(&expected)
                .run(Kernel::Embed(format), params.grid(rows));
            twin::embed(&state, &params, &values, &tokens, &mut expected);
            // A copy: nothing to round.
            assert_close(&run.read(4, expected.len()), &expected, 0.0, what);
        }
    });
}

#[test]
fn rms_norm() {
    on_random_shapes(|gpu, random, what| {
        for rows_choice in [Rows::All, Rows::Logits] {
            let rows = random_rows(random);
            let state = random_pass(random, rows);
            let width = random.between(1, 700);
            let stride = padded(width);
            let out_stride = stride as u32;
            let params = RmsNorm { width: width as u32, stride: out_stride, out_stride, eps: 1e-6 };
            let x = random_rows_of(random, rows, width);
            let weight = random_rows_of(random, 1, width);
            let mut expected = poison(rows * stride);
            let run = Operands::new(gpu)
                .storage(&[state])
                .params(&params)
                .storage(&x)
                .storage(&weight)
                .storage(&expected)
                .run(
                    Kernel::RmsNorm { rows: rows_choice, output: ActivationLayout::RowsF32 },
                    params.grid(rows),
                );
            twin::rms_norm(&state, &params, rows_choice, &x, &weight, &mut expected);
            assert_close(&run.read(4, expected.len()), &expected, 2e-6, what);
        }
    });
}

#[test]
fn matmul() {
    on_random_shapes(|gpu, random, what| {
        for format in WeightFormat::ALL {
            for (tile, slices) in [
                (RowsPerLane::One, SplitK::One),
                (RowsPerLane::One, SplitK::ThirtyTwo),
                (RowsPerLane::Eight, SplitK::One),
                (RowsPerLane::Eight, SplitK::ThirtyTwo),
            ] {
                let store = random.pick(&[Epilogue::Store, Epilogue::AddResidual]);
                let rows_choice = random.pick(&[Rows::All, Rows::Logits]);
                let rows = random_rows(random);
                let state = random_pass(random, rows);
                let inputs = random.between(1, 700);
                let outputs = random.between(1, 150);
                let y_first = random.between(0, 5);
                let y_stride = y_first + outputs + random.between(0, 5);
                let params = Matmul {
                    outputs: outputs as u32,
                    packs: packs(inputs) as u32,
                    y_stride: y_stride as u32,
                    y_first: y_first as u32,
                };
                let (bytes, values) = random_weights(random, format, outputs, inputs);
                // Rows beyond the pass, which a tile may read, hold anything.
                let mut x = random.units(rows * padded(inputs));
                x.resize(rows.next_multiple_of(tile.rows()) * padded(inputs), f32::NAN);
                let mut expected = poison(rows * y_stride);
                if store == Epilogue::AddResidual {
                    for row in 0..rows_choice.count(&state) {
                        let at = row * y_stride + y_first;
                        expected[at..at + outputs].copy_from_slice(&random.units(outputs));
                    }
                }
                let run = Operands::new(gpu)
                    .storage(&[state])
                    .params(&params)
                    .storage(&bytes)
                    .storage(&x)
                    .storage(&expected)
                    .run(
                        Kernel::Matmul { weights: format, rows: rows_choice, tile, slices, store },
                        params.grid(rows, tile, slices),
                    );
                twin::matmul(&state, &params, rows_choice, store, &values, &x, &mut expected);
                // Up to 700 products in sequence, partial sums up to about 15.
                assert_close(&run.read(4, expected.len()), &expected, 3e-5, &format!("{what}, {tile:?}"));
            }
        }
    });
}

#[test]
fn qk_norm_rope() {
    on_random_shapes(|gpu, random, what| {
        let rows = random_rows(random);
        let state = random_pass(random, rows);
        let kv_heads = random.between(1, 4);
        let heads = kv_heads * random.between(1, 4);
        let head_dim = 2 * random.between(1, 128);
        let head_vecs = head_dim.div_ceil(4);
        let positions = state.start as usize + rows;
        let context = positions + random.between(0, 9);
        let qkv_stride = (heads + 2 * kv_heads) * head_dim;
        let params = QkNormRope {
            heads: heads as u32,
            kv_heads: kv_heads as u32,
            head_dim: head_dim as u32,
            head_vecs: head_vecs as u32,
            qkv_stride: qkv_stride as u32,
            context: context as u32,
            queries: 0,
            eps: 1e-6,
        };
        let qkv = random.units(rows * qkv_stride);
        let norms = random.units(2 * head_dim);
        let rope: Vec<[f32; 2]> =
            (0..positions * head_dim / 2).map(|_| [random.unit(), random.unit()]).collect();
        let mut q = poison(rows * heads * head_vecs * 4);
        let mut keys = poison(context * kv_heads * head_vecs * 4);
        let mut values = keys.clone();
        let run = Operands::new(gpu)
            .storage(&[state])
            .params(&params)
            .storage(&qkv)
            .storage(&norms)
            .storage(&rope)
            .storage(&q)
            .storage(&keys)
            .storage(&values)
            .run(Kernel::QkNormRope(KvFormat::RowsF32), params.grid(rows));
        twin::qk_norm_rope(&state, &params, &qkv, &norms, &rope, &mut q, &mut keys, &mut values);
        assert_close(&run.read(5, q.len()), &q, 3e-6, &format!("{what}, q"));
        assert_close(&run.read(6, keys.len()), &keys, 3e-6, &format!("{what}, keys"));
        assert_close(&run.read(7, values.len()), &values, 0.0, &format!("{what}, values"));
    });
}

struct AttentionShape {
    state: State,
    params: Attention,
    rows: usize,
    positions: usize,
}

fn random_attention(random: &mut Random, visible: Mask) -> AttentionShape {
    // Up to 40 rows: the twin's time grows with rows times positions.
    let rows = random_rows(random).min(40);
    let kv_heads = random.between(1, 3);
    let heads = kv_heads * random.between(1, 5);
    let head_vecs = random.pick(&[1, 4, 8, random.clone().between(1, 64)]);
    // Within one split, across several, and at their edges.
    let anywhere = random.between(0, 3 * SPLIT);
    let start = random.pick(&[0, anywhere, anywhere, SPLIT - 1, 2 * SPLIT - rows]);
    let positions = start + rows;
    let splits = positions.div_ceil(SPLIT) + random.between(0, 2);
    // All rows, or a piece of them.
    let first_row = random.pick(&[0, random.clone().between(0, rows - 1)]);
    let chunk_rows = random.pick(&[rows + 2, random.clone().between(1, rows)]);
    let params = Attention {
        heads: heads as u32,
        kv_heads: kv_heads as u32,
        head_vecs: head_vecs as u32,
        context: (positions + random.between(0, 9)) as u32,
        queries: 0,
        splits: splits as u32,
        scale: 1.0 / ((4 * head_vecs) as f32).sqrt(),
        visible: visible as u32,
        first_row: first_row as u32,
        chunk_queries: (chunk_rows * heads / kv_heads) as u32,
        eps: 1e-6,
        pad: 0,
    };
    let state = State { start: start as u32, rows: rows as u32, ..State::zeroed() };
    AttentionShape { state, params, rows, positions }
}

#[test]
fn attention() {
    on_random_shapes(|gpu, random, what| {
        for visible in [Mask::Causal, Mask::Block] {
            let AttentionShape { state, params, rows, positions } = random_attention(random, visible);
            let width = params.head_vecs as usize * 4;
            let heads = params.heads as usize;
            let slot = params.kv_heads as usize * width;
            let mut q = random.units(rows * heads * width);
            q.iter_mut().for_each(|q| *q *= 3.0);
            let cache_keys = random.units(params.context as usize * slot);
            let cache_values = random.units(params.context as usize * slot);
            let partials = (params.kv_heads * params.splits * params.chunk_queries) as usize;
            let mut sums = poison(partials * width);
            let mut stats = poison(partials * 2);
            let operands = Operands::new(gpu)
                .storage(&[state])
                .params(&params)
                .storage(&q)
                .storage(&cache_keys)
                .storage(&cache_values)
                .storage(&sums)
                .storage(&stats);
            // A grid for more positions and rows than there are, as one recorded ahead.
            let run = operands.run(Kernel::Attention, params.grid(rows + 3, positions + SPLIT));
            twin::attention(
                &state,
                &params,
                &q,
                &cache_keys,
                &cache_values,
                &mut sums,
                bytemuck::cast_slice_mut(&mut stats),
            );
            // Scores up to about 12, exp within 2^-21 of their differences; up to 256 terms.
            assert_close(&run.read(5, sums.len()), &sums, 3e-5, &format!("{what}, {visible:?}, sums"));
            assert_close(&run.read(6, stats.len()), &stats, 2e-5, &format!("{what}, {visible:?}, stats"));
        }
    });
}

/// The last positions of a context as long as the released models have.
#[test]
fn attention_at_forty_thousand_positions() {
    let (start, rows, head_vecs): (usize, usize, usize) = (40_000, 5, 2);
    let positions = start + rows;
    let splits = positions.div_ceil(SPLIT);
    let params = Attention {
        heads: 2,
        kv_heads: 1,
        head_vecs: head_vecs as u32,
        context: positions as u32,
        queries: 0,
        splits: splits as u32,
        scale: 1.0,
        visible: Mask::Causal as u32,
        first_row: 0,
        chunk_queries: 2 * rows as u32,
        eps: 1e-6,
        pad: 0,
    };
    let merge = AttentionMerge {
        heads: 2,
        kv_heads: 1,
        head_dim: 8,
        head_vecs: head_vecs as u32,
        splits: splits as u32,
        out_stride: 16,
        visible: Mask::Causal as u32,
        first_row: 0,
        chunk_queries: 2 * rows as u32,
        pad: [0; 3],
    };
    let state = State { start: start as u32, rows: rows as u32, ..State::zeroed() };
    let mut random = Random::new(1);
    let q = random.units(rows * 16);
    let keys = random.units(positions * 8);
    let values = random.units(positions * 8);
    let mut sums = vec![0.0; rows * 2 * splits * 8];
    let mut stats = vec![[0.0; 2]; rows * 2 * splits];
    let mut expected = poison(rows * 16);
    twin::attention(&state, &params, &q, &keys, &values, &mut sums, &mut stats);
    twin::attention_merge(&state, &merge, &sums, &stats, &mut expected);
    for tier in tiers() {
        let gpu = gpu(tier);
        let run = Operands::new(&gpu)
            .storage(&[state])
            .params(&params)
            .storage(&q)
            .storage(&keys)
            .storage(&values)
            .storage(&poison(sums.len()))
            .storage(&poison(2 * stats.len()))
            .run(Kernel::Attention, params.grid(rows, positions));
        let merged = Operands::new(&gpu)
            .storage(&[state])
            .params(&merge)
            .storage(&run.read::<f32>(5, sums.len()))
            .storage(&run.read::<f32>(6, 2 * stats.len()))
            .storage(&poison(expected.len()))
            .run(Kernel::AttentionMerge(KvSplits::Fixed), merge.grid(rows));
        // A mean of 40,000 values within [-1, 1]: errors of the sums cancel rather than add.
        assert_close(&merged.read(4, expected.len()), &expected, 1e-5, tier.name());
    }
}

#[test]
fn attention_merge() {
    on_random_shapes(|gpu, random, what| {
        for visible in [Mask::Causal, Mask::Block] {
            let AttentionShape { state, params, rows, .. } = random_attention(random, visible);
            let (heads, width) = (params.heads as usize, params.head_vecs as usize * 4);
            let head_dim = width - random.between(0, 1) * 2;
            let out_stride = padded(heads * head_dim);
            let merge = AttentionMerge {
                heads: params.heads,
                kv_heads: params.kv_heads,
                head_dim: head_dim as u32,
                head_vecs: params.head_vecs,
                splits: params.splits,
                out_stride: out_stride as u32,
                visible: visible as u32,
                first_row: params.first_row,
                chunk_queries: params.chunk_queries,
                pad: [0; 3],
            };
            let partials = (params.kv_heads * params.splits * params.chunk_queries) as usize;
            let sums = random.units(partials * width);
            let stats: Vec<[f32; 2]> =
                (0..partials).map(|_| [9.0 * random.unit(), 1.5 + random.unit()]).collect();
            let mut expected = poison(rows * out_stride);
            let run = Operands::new(gpu)
                .storage(&[state])
                .params(&merge)
                .storage(&sums)
                .storage(&stats)
                .storage(&expected)
                .run(Kernel::AttentionMerge(KvSplits::Fixed), merge.grid(rows));
            twin::attention_merge(&state, &merge, &sums, &stats, &mut expected);
            assert_close(&run.read(4, expected.len()), &expected, 5e-6, &format!("{what}, {visible:?}"));
        }
    });
}

/// More splits than a group of lanes goes through at a time, and heads of more values than it has lanes for vec4s.
#[test]
fn attention_merge_of_many_splits() {
    let (rows, splits, head_vecs): (usize, usize, usize) = (3, 75, 63);
    let start = (splits - 1) * SPLIT + 5;
    let merge = AttentionMerge {
        heads: 2,
        kv_heads: 1,
        head_dim: 4 * head_vecs as u32,
        head_vecs: head_vecs as u32,
        splits: splits as u32,
        out_stride: padded(8 * head_vecs) as u32,
        visible: Mask::Causal as u32,
        first_row: 0,
        chunk_queries: 2 * rows as u32,
        pad: [0; 3],
    };
    let state = State { start: start as u32, rows: rows as u32, ..State::zeroed() };
    let mut random = Random::new(2);
    let partials = splits * 2 * rows;
    let sums = random.units(partials * 4 * head_vecs);
    let stats: Vec<[f32; 2]> = (0..partials).map(|_| [9.0 * random.unit(), 1.5 + random.unit()]).collect();
    let mut expected = poison(rows * merge.out_stride as usize);
    twin::attention_merge(&state, &merge, &sums, &stats, &mut expected);
    for tier in tiers() {
        let gpu = gpu(tier);
        let run = Operands::new(&gpu)
            .storage(&[state])
            .params(&merge)
            .storage(&sums)
            .storage(&stats)
            .storage(&poison(expected.len()))
            .run(Kernel::AttentionMerge(KvSplits::Fixed), merge.grid(rows));
        assert_close(&run.read(4, expected.len()), &expected, 5e-6, tier.name());
    }
}

#[test]
fn swiglu() {
    on_random_shapes(|gpu, random, what| {
        let rows = random_rows(random);
        let state = random_pass(random, rows);
        let width = random.between(1, 400);
        let params = Swiglu { width: width as u32, out_stride: padded(width) as u32, pad: [0; 2] };
        // Far into both tails, where exp overflows or vanishes.
        let gate_up: Vec<f32> =
            (0..rows * 2 * padded(width)).map(|_| random.unit() * random.pick(&[1.0, 20.0, 200.0])).collect();
        let mut expected = poison(rows * padded(width));
        let run = Operands::new(gpu)
            .storage(&[state])
            .params(&params)
            .storage(&gate_up)
            .storage(&expected)
            .run(Kernel::Swiglu, params.grid(rows));
        twin::swiglu(&state, &params, &gate_up, &mut expected);
        // WGSL grants exp(x) 3 + 2 |x| units in the last place.
        assert_close(&run.read(3, expected.len()), &expected, 3e-5, what);
    });
}

#[test]
fn argmax() {
    on_random_shapes(|gpu, random, what| {
        for draft in [0, 1] {
            let rows = random_rows(random);
            let state = random_pass(random, rows);
            let state =
                if draft == 1 { State { logit_first: 0, logit_rows: rows as u32, ..state } } else { state };
            let vocabulary = random.between(1, 2000);
            let params = Argmax { candidates: vocabulary as u32, draft, pad: [0; 2] };
            let mut logits = random.units(rows * vocabulary);
            for row in logits.chunks_mut(vocabulary) {
                match random.between(0, 4) {
                    // Ties, between lanes and within one.
                    0 => row.iter_mut().for_each(|logit| *logit = (*logit * 3.0).round()),
                    1 => row.fill(-1.5),
                    2 => row[random.between(0, vocabulary - 1)] = f32::INFINITY,
                    3 => row.iter_mut().for_each(|logit| *logit -= 1e30),
                    _ => {}
                }
            }
            let mut expected = vec![NO_ID - 1; state.start as usize + rows + 1];
            let run = Operands::new(gpu)
                .storage(&[state])
                .params(&params)
                .storage(&logits)
                .storage(&expected)
                .run(Kernel::Argmax(Candidates::Logits), params.grid(rows));
            twin::argmax(&state, &params, &logits, &mut expected);
            assert_eq!(run.read::<u32>(3, expected.len()), expected, "{what}");
        }
    });
}

#[test]
fn argmax_of_extreme_rows() {
    for tier in tiers() {
        let state = State { rows: 5, logit_rows: 5, ..State::zeroed() };
        let params = Argmax { candidates: 300, draft: 0, pad: [0; 2] };
        let mut logits = vec![f32::NAN; 300];
        logits.extend([f32::NAN; 300]);
        logits[300 + 7] = 0.5;
        logits.extend([f32::MIN; 300]);
        logits.extend([f32::NEG_INFINITY; 300]);
        logits.extend([f32::NEG_INFINITY; 300]);
        logits[4 * 300 + 290] = f32::MIN;
        let gpu = gpu(tier);
        let run = Operands::new(&gpu)
            .storage(&[state])
            .params(&params)
            .storage(&logits)
            .storage(&[0u32; 8])
            .run(Kernel::Argmax(Candidates::Logits), params.grid(5));
        let mut expected = [0; 5];
        twin::argmax(&state, &params, &logits, &mut expected);
        assert_eq!(expected, [NO_ID, 7, 0, 0, 290], "as torch has it, but for the row without a number");
        assert_eq!(run.read::<u32>(3, 5), expected);
    }
}

#[test]
fn accept() {
    on_random_shapes(|gpu, random, what| {
        let rows = random.between(1, MAX_BLOCK);
        let start = random.between(0, 50);
        let logit_first = if random.between(0, 3) == 0 { rows - 1 } else { 0 };
        let logit_rows = if random.between(0, 9) == 0 { 0 } else { rows - logit_first };
        let anchor = start + logit_first;
        // The budget ends within the block, right after it, or later.
        let room = random.pick(&[1, random.clone().between(1, rows), rows + 1, rows + 100]);
        let mut state = State {
            start: start as u32,
            rows: rows as u32,
            logit_first: logit_first as u32,
            logit_rows: logit_rows as u32,
            limit: (anchor + 1 + room) as u32,
            block: random.between(1, MAX_BLOCK) as u32,
            finish: Finish::Running,
            end_count: random.between(0, 16) as u32,
            ..State::zeroed()
        };
        state.end_ids.fill_with(|| random.between(0, 40) as u32);
        let mut tokens: Vec<u32> =
            (0..anchor + 1 + rows + 100).map(|_| random.between(0, 60) as u32).collect();
        let mut target_tokens = vec![NO_ID; MAX_BLOCK];
        let agreeing = random.between(0, rows);
        for (i, pick) in target_tokens.iter_mut().enumerate() {
            let draft = tokens[anchor + 1 + i];
            *pick = if i < agreeing { draft } else { random.pick(&[draft + 1, draft + 1, NO_ID]) };
        }
        let mut record = CycleResult::zeroed();
        record.target_tokens.fill(77);
        record.drafts.fill(77);
        let run = Operands::new(gpu)
            .storage(&[state])
            .storage(&tokens)
            .storage(&target_tokens)
            .storage(&[record])
            .run(Kernel::Accept, [1, 1, 1]);
        twin::accept(&mut state, &mut tokens, &target_tokens, &mut record);
        assert_eq!(run.read::<State>(0, 1), [state], "{what}");
        assert_eq!(run.read::<u32>(1, tokens.len()), tokens, "{what}");
        assert_eq!(run.read::<CycleResult>(3, 1), [record], "{what}");
    });
}
