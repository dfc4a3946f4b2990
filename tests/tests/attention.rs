//! Attention at the ends of its range, and the bits of its kernels compared with each other.

use bytemuck::Zeroable;
use orthrus::shaders::params::{Attention, AttentionMerge, padded};
use orthrus::shaders::{ActivationLayout, Kernel, KvSplits, Mask, SPLIT, State, twin};
use orthrus_tests::cases::attention::{attention, merge};
use orthrus_tests::cases::attention_coop::{self, RandomPass, attend, kernels_of};
use orthrus_tests::cases::operands::poison;
use orthrus_tests::cases::{Expected, Instance};
use orthrus_tests::compare::assert_same_bits;
use orthrus_tests::gpu::{coop_gpu, gpu, tiers};
use orthrus_tests::random::Random;
use orthrus_tests::run::seeds;

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
        mask: Mask::Causal as u32,
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
        mask: Mask::Causal as u32,
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
    twin::attention_merge(&state, &merge, KvSplits::Fixed, &sums, &stats, &mut expected);
    let kernel = Kernel::AttentionMerge { splits: KvSplits::Fixed, output: ActivationLayout::RowsF32 };
    for tier in tiers() {
        let expected = expected.clone();
        let run: Instance = attention(state, params, q.clone(), [keys.clone(), values.clone()])
            .with("merge", &[merge])
            .with("out", &poison(rows * 16))
            .then(kernel, merge.grid(rows), &[("params", "merge")])
            .expect(move || {
                // A mean of 40,000 values within [-1, 1]: errors of the sums cancel rather than add.
                let out = Expected::Near(expected, 1e-5);
                vec![("partials", Expected::Scratch), ("stats", Expected::Scratch), ("out", out)]
            });
        run.check(&gpu(tier)).unwrap_or_else(|fault| panic!("tier {}: {fault}", tier.name()));
    }
}

/// More splits than a group of lanes goes through at a time, and heads of more values than it has lanes for vec4s.
#[test]
fn attention_merge_of_many_splits() {
    let (rows, splits, head_vecs): (usize, usize, usize) = (3, 75, 63);
    let start = (splits - 1) * SPLIT + 5;
    let params = AttentionMerge {
        heads: 2,
        kv_heads: 1,
        head_dim: 4 * head_vecs as u32,
        head_vecs: head_vecs as u32,
        splits: splits as u32,
        out_stride: padded(8 * head_vecs) as u32,
        mask: Mask::Causal as u32,
        first_row: 0,
        chunk_queries: 2 * rows as u32,
        pad: [0; 3],
    };
    let state = State { start: start as u32, rows: rows as u32, ..State::zeroed() };
    let mut random = Random::new(2);
    let partials = splits * 2 * rows;
    let sums = random.units(partials * 4 * head_vecs);
    let stats: Vec<[f32; 2]> = (0..partials).map(|_| [9.0 * random.unit(), 1.5 + random.unit()]).collect();
    for tier in tiers() {
        let (sums, stats) = (sums.clone(), stats.clone());
        merge(state, params, KvSplits::Fixed, ActivationLayout::RowsF32, sums, stats)
            .check(&gpu(tier))
            .unwrap_or_else(|fault| panic!("tier {}: {fault}", tier.name()));
    }
}

/// The kernels over tiles give a pass the same bits, in chunks and whole, and however few workgroups there are. That holds
/// for splits that are gone through again, because later scores outgrow the first ones, too.
#[test]
fn kernels_of_attention_give_the_same_bits() {
    let Some(gpu) = coop_gpu("kernels_of_attention_give_the_same_bits") else { return };
    let runs_here = |kernel: &Kernel| {
        attention_coop::cases().iter().any(|case| case.kernel == *kernel && case.missing(&gpu).is_none())
    };
    for seed in 0..seeds(25) {
        let RandomPass { shape, mask, q, cache } =
            RandomPass::new(&mut Random::new(seed), Kernel::AttentionCoop);
        let mut same: Option<Vec<f32>> = None;
        let kernels = kernels_of(&shape).into_iter().filter(runs_here).map(|kernel| (kernel, 99));
        for (kernel, workgroups) in kernels.chain([(Kernel::AttentionCoop, 1)]) {
            for shape in [shape, shape.in_one_chunk()] {
                let run = attend(kernel, shape, mask, workgroups, &q, &cache, Vec::new);
                let loaded = run.load(&gpu).unwrap();
                loaded.run(1).unwrap();
                let out = attention_coop::merged(&loaded, &shape);
                let first = same.get_or_insert_with(|| out.clone());
                assert_same_bits(&out, first, &format!("seed {seed}, {kernel:?}, {}", run.what));
            }
        }
    }
}
