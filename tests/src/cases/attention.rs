//! Attention over a cache in f32, and the merge of splits.

use bytemuck::Zeroable;
use orthrus::shaders::params::{Attention, AttentionMerge, padded};
use orthrus::shaders::{ActivationLayout, Kernel, KvSplits, Mask, SPLIT, State, twin};

use super::heads::{Heads, as_halves};
use super::operands::{among_others, expected_output, halves, output_row, pass, poison, poisoned_output};
use super::{Case, Expected, Instance, PLACES, Place, RowInstance, Rows};
use crate::random::Random;

/// A case for each of these kernels.
pub fn cases() -> Vec<Case> {
    let case = |kernel| match kernel {
        Kernel::Attention => Some(Case::new(
            kernel,
            60,
            |random| {
                let mask = random.pick(&[Mask::Causal, Mask::Block]);
                random_attention(random, mask)
            },
            Rows::invariant(PLACES, attention_row),
            |random| {
                let shape = Heads::of_the_1_7b(992);
                let q = random.units(shape.rows * shape.heads * shape.width());
                let cache = [0, 1].map(|_| random.units(shape.context * shape.slot()));
                let params =
                    Attention { queries: 0, ..shape.attention(KvSplits::Fixed, Mask::Causal, 0) };
                attention(shape.state(), params, q, cache)
            },
        )),
        Kernel::AttentionMerge { splits, output } => Some(Case::new(
            kernel,
            if splits == KvSplits::Fixed { 60 } else { 25 },
            move |random| random_merge(random, splits, output),
            match splits {
                KvSplits::RoundRobin => Rows::None("it follows attention_row, which takes one row"),
                _ => Rows::invariant(PLACES, move |random, place| merge_row(random, splits, output, place)),
            },
            move |random| {
                let rows = if splits == KvSplits::RoundRobin { 1 } else { 32 };
                let shape = Heads { rows, ..Heads::of_the_1_7b(992) };
                let partials = shape.partials(splits);
                let sums = halves(random, partials * shape.width());
                let stats = (0..partials).map(|_| [random.unit(), 1.5]).collect();
                merge(shape.state(), shape.merge(splits, Mask::Causal, 0), splits, output, sums, stats)
            },
        )),
        _ => None,
    };
    Kernel::all().into_iter().filter_map(case).collect()
}

/// Attention over keys `[kv_heads][head_vecs][context][4]` and values `[context][kv_heads][4 head_vecs]`.
pub fn attention(state: State, params: Attention, q: Vec<f32>, [keys, values]: [Vec<f32>; 2]) -> Instance {
    let partials = (params.kv_heads * params.splits * params.chunk_queries) as usize;
    let width = params.head_vecs as usize * 4;
    let (rows, positions) = (state.rows as usize, (state.start + state.rows) as usize);
    // The grid is for more positions and rows than there are, like one that is encoded ahead.
    Instance::new(Kernel::Attention, params.grid(rows + 3, positions + SPLIT), format!("{state:?}, {params:?}"))
        .with("state", &[state])
        .with("params", &[params])
        .with("q", &q)
        .with("cache_keys", &keys)
        .with("cache_values", &values)
        .with("partials", &poison(partials * width))
        .with("stats", &poison(partials * 2))
        .expect(move || {
            let (mut sums, mut stats) = (poison(partials * width), poison(partials * 2));
            let pairs = bytemuck::cast_slice_mut(&mut stats);
            twin::attention(&state, &params, &q, &keys, &values, &mut sums, pairs);
            // Scores up to about 12, exp within 2^-21 of their differences; up to 256 terms.
            vec![("partials", Expected::Near(sums, 3e-5)), ("stats", Expected::Near(stats, 2e-5))]
        })
}

/// The merge of partial results: of each split the sums, or means of [`KvSplits::Growing`], and the largest score and sum
/// of weights.
pub fn merge(
    state: State,
    params: AttentionMerge,
    splits: KvSplits,
    output: ActivationLayout,
    sums: Vec<f32>,
    stats: Vec<[f32; 2]>,
) -> Instance {
    let (rows, stride) = (state.rows as usize, params.out_stride as usize);
    let kernel = Kernel::AttentionMerge { splits, output };
    let instance = Instance::new(kernel, params.grid(rows), format!("{state:?}, {params:?}"))
        .with("state", &[state])
        .with("params", &[params])
        .with("stats", &stats)
        .with("out", &poisoned_output(output, rows, stride));
    let (instance, sums) = match splits {
        KvSplits::Growing => {
            // What is stored are means in f16.
            let width = params.head_vecs as usize * 4;
            let weighed = |(i, mean): (usize, &f32)| mean * stats[i / width][1];
            (instance.with("partials", &as_halves(&sums)), sums.iter().enumerate().map(weighed).collect())
        }
        KvSplits::Fixed | KvSplits::RoundRobin => (instance.with("partials", &sums), sums),
    };
    instance.expect(move || {
        let mut expected = poison(rows * stride);
        twin::attention_merge(&state, &params, splits, &sums, &stats, &mut expected);
        vec![("out", expected_output(output, expected, stride, [5e-6, 1e-3], 1.0))]
    })
}

struct Shape {
    state: State,
    params: Attention,
}

fn random_shape(random: &mut Random, mask: Mask) -> Shape {
    // Up to 40 rows: the twin's time grows with rows times positions.
    let between = random.between(1, 40);
    let rows = random.pick(&[1, 8, 32, 40, between, between]);
    let kv_heads = random.between(1, 3);
    let heads = kv_heads * random.between(1, 5);
    let head_vecs = random.pick(&[1, 4, 8, random.clone().between(1, 64)]);
    // Within one split, across several, and at their edges.
    let anywhere = random.between(0, 3 * SPLIT);
    let start = random.pick(&[0, anywhere, anywhere, SPLIT - 1, 2 * SPLIT - rows]);
    let positions = start + rows;
    let splits = positions.div_ceil(SPLIT) + random.between(0, 2);
    // All rows, or a chunk of them.
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
        mask: mask as u32,
        first_row: first_row as u32,
        chunk_queries: (chunk_rows * heads / kv_heads) as u32,
        eps: 1e-6,
        pad: 0,
    };
    let state = State { start: start as u32, rows: rows as u32, ..State::zeroed() };
    Shape { state, params }
}

fn random_attention(random: &mut Random, mask: Mask) -> Instance {
    let Shape { state, params } = random_shape(random, mask);
    let width = params.head_vecs as usize * 4;
    let mut q = random.units(state.rows as usize * params.heads as usize * width);
    q.iter_mut().for_each(|q| *q *= 3.0);
    let slots = (params.context * params.kv_heads) as usize * width;
    let cache = [random.units(slots), random.units(slots)];
    attention(state, params, q, cache)
}

fn random_merge(random: &mut Random, splits: KvSplits, output: ActivationLayout) -> Instance {
    let mask = random.pick(&[Mask::Causal, Mask::Block]);
    let (state, params) = match splits {
        KvSplits::Fixed => {
            let Shape { state, params } = random_shape(random, mask);
            let width = 4 * params.head_vecs as usize;
            let head_dim = width - 2 * random.between(0, 1);
            let merge = AttentionMerge {
                heads: params.heads,
                kv_heads: params.kv_heads,
                head_dim: head_dim as u32,
                head_vecs: params.head_vecs,
                splits: params.splits,
                out_stride: padded(params.heads as usize * head_dim) as u32,
                mask: mask as u32,
                first_row: params.first_row,
                chunk_queries: params.chunk_queries,
                pad: [0; 3],
            };
            (state, merge)
        }
        KvSplits::Growing => {
            let any = Heads::random(random);
            let shape = Heads { rows: any.rows.min(8), ..any };
            (shape.state(), shape.merge(splits, mask, 0))
        }
        KvSplits::RoundRobin => {
            let shape = Heads { rows: 1, ..Heads::random(random) };
            (shape.state(), shape.merge(splits, Mask::Causal, 0))
        }
    };
    let partials = (params.kv_heads * params.splits * params.chunk_queries) as usize;
    let sums = halves(random, partials * 4 * params.head_vecs as usize);
    let stats = (0..partials).map(|_| random_stat(random)).collect();
    merge(state, params, splits, output, sums, stats)
}

fn random_stat(random: &mut Random) -> [f32; 2] {
    [9.0 * random.unit(), 1.5 + random.unit()]
}

/// A causal row. What lies in the cache beyond its position differs from place to place, and is not always a number. So
/// does the chunk of the pass that the row is in.
fn attention_row(random: &mut Random, place: Place) -> RowInstance {
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
    let mut others = Random::new(random.bits() ^ (place.at * 100 + place.rows) as u64);
    for later in position + 1..context {
        let filling = others.pick(&[0.0, 7.0, f32::INFINITY, f32::NAN]);
        values[later * slot..][..slot].fill(filling);
        for line in 0..kv_heads * head_vecs {
            keys[(line * context + later) * 4..][..4].fill(filling);
        }
    }
    let q = among_others(&mut others, &row, place);
    let chunk_rows = others.between(1, place.rows);
    let chunk = Chunk::of(place, chunk_rows, heads / kv_heads);
    let splits = context.div_ceil(SPLIT);
    let params = Attention {
        heads: heads as u32,
        kv_heads: kv_heads as u32,
        head_vecs: head_vecs as u32,
        context: context as u32,
        queries: 0,
        splits: splits as u32,
        scale: 0.7,
        mask: Mask::Causal as u32,
        first_row: chunk.first_row as u32,
        chunk_queries: chunk.queries as u32,
        eps: 1e-6,
        pad: 0,
    };
    RowInstance {
        key: "attention".to_string(),
        instance: attention(pass(position - place.at, place.rows), params, q, [keys, values]),
        row: Box::new(move |loaded| {
            let (sums, stats) = (loaded.read::<f32>("partials"), loaded.read::<f32>("stats"));
            let mut found = Vec::new();
            for kv_head in 0..kv_heads {
                for split in 0..(position + 1).div_ceil(SPLIT) {
                    for query in chunk.queries_of_row.clone() {
                        let at = (kv_head * splits + split) * chunk.queries + query;
                        found.extend_from_slice(&sums[at * head_dim..][..head_dim]);
                        found.extend_from_slice(&stats[at * 2..][..2]);
                    }
                }
            }
            found
        }),
    }
}

/// The chunk of a pass that has a row.
struct Chunk {
    first_row: usize,
    /// Queries of a kv head.
    queries: usize,
    /// Those of the row.
    queries_of_row: std::ops::Range<usize>,
}

impl Chunk {
    fn of(place: Place, chunk_rows: usize, heads_per_kv: usize) -> Chunk {
        let first = place.at % chunk_rows * heads_per_kv;
        Chunk {
            first_row: place.at / chunk_rows * chunk_rows,
            queries: chunk_rows * heads_per_kv,
            queries_of_row: first..first + heads_per_kv,
        }
    }
}

/// A causal row's partial results among those of others. Splits that the row does not see hold anything.
fn merge_row(random: &mut Random, splits: KvSplits, output: ActivationLayout, place: Place) -> RowInstance {
    let any = Heads::random(random);
    let position = 40 + any.start;
    let seen = splits.of(position + 1);
    let width = any.width();
    let of_row = any.kv_heads * seen * any.heads_per_kv();
    let own_sums = halves(random, of_row * width);
    let own_stats: Vec<[f32; 2]> = (0..of_row).map(|_| random_stat(random)).collect();
    let mut others = Random::new(random.bits() ^ (place.at * 100 + place.rows) as u64);
    let chunk_rows = others.between(1, 3) * Heads::least_rows(any.heads_per_kv());
    let chunk = Chunk::of(place, chunk_rows, any.heads_per_kv());
    let shape = Heads { rows: place.rows, start: position - place.at, chunk_rows, ..any };
    let partials = shape.partials(splits);
    let filling = others.pick(&[0.0, 7.0, f32::INFINITY, f32::NAN]);
    let mut sums = vec![filling; partials * width];
    let mut stats = vec![[filling; 2]; partials];
    let room = splits.of(shape.context);
    let mut own = 0;
    for kv_head in 0..shape.kv_heads {
        for split in 0..seen {
            for query in chunk.queries_of_row.clone() {
                let at = (kv_head * room + split) * chunk.queries + query;
                sums[at * width..][..width].copy_from_slice(&own_sums[own * width..][..width]);
                stats[at] = own_stats[own];
                own += 1;
            }
        }
    }
    let params = shape.merge(splits, Mask::Causal, chunk.first_row);
    let merged = shape.heads * shape.head_dim;
    RowInstance {
        key: format!("merge {splits:?}"),
        instance: merge(shape.state(), params, splits, output, sums, stats),
        row: Box::new(move |loaded| output_row(loaded, "out", output, place.at, shape.out_stride(), merged)),
    }
}
