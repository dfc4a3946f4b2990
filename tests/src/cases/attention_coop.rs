//! Attention over a cache in f16 tiles: the kernels for blocks and prefill, and the one for a single row.

use half::f16;
use orthrus::shaders::{
    ActivationLayout, Kernel, KvSplits, LaneExchange, Mask, ROUND_ROBIN_SPLITS, ROUND_ROBIN_TILES, ROW_HEADS,
    RowQueries, STAGED_HEAD, TILE, twin,
};

use super::heads::{Heads, as_halves};
use super::operands::{
    expected_output, from_tiles, halves, output_row, poison, poison_halves, poisoned_output,
};
use super::{Case, Expected, Instance, Loaded, Need, Place, RowInstance, Rows, at};
use crate::random::Random;

/// Workgroups of `attention_coop`, of which there may be fewer than tiles of queries.
const WORKGROUPS: u32 = 99;

/// Alone, in a block, and in longer passes.
const PLACES: &[Place] =
    &[at(0, 1), at(0, 32), at(31, 32), at(13, 32), at(6, 7), at(2, 5), at(40, 45), at(34, 70)];

/// A case for each of these kernels.
pub fn cases() -> Vec<Case> {
    let case = |kernel| match kernel {
        Kernel::AttentionCoop => Some(tiled(kernel)),
        Kernel::AttentionStaged => Some(tiled(kernel).needs(Need::SubgroupsOf32)),
        Kernel::AttentionPaired => Some(tiled(kernel).needs(Need::PairedWorkgroupBytes)),
        Kernel::AttentionRow { queries, exchange } => Some(single_row(kernel, queries, exchange)),
        _ => None,
    };
    Kernel::all().into_iter().filter_map(case).collect()
}

fn tiled(kernel: Kernel) -> Case {
    Case::new(
        kernel,
        16,
        move |random| {
            let pass = RandomPass::new(random, kernel);
            let expected = pass.clone();
            let shape = if random.between(0, 1) == 0 { pass.shape } else { pass.shape.in_one_chunk() };
            let workgroups = random.pick(&[1, WORKGROUPS]);
            attend(kernel, shape, pass.mask, workgroups, &pass.q, &pass.cache, move || {
                let keys = shape.positions_innermost(&expected.cache[0]);
                shape.merged_by_twins(expected.mask, &expected.q, &keys, &expected.cache[1])
            })
        },
        Rows::invariant(PLACES, move |random, place| row(random, kernel, place)),
        move |random| {
            let shape = Heads::of_the_1_7b(992);
            let q = halves(random, shape.rows * shape.heads * shape.width());
            let cache = [0, 1].map(|_| halves(random, shape.context * shape.slot()));
            attend_chunk(kernel, shape, Mask::Causal, 528, 0, &q, &cache)
        },
    )
}

/// Queries `[rows][heads][width]`, and keys and values `[positions][kv_heads][width]`.
#[derive(Clone)]
pub struct RandomPass {
    /// Its shape.
    pub shape: Heads,
    /// Its mask.
    pub mask: Mask,
    /// Queries.
    pub q: Vec<f32>,
    /// Keys and values.
    pub cache: [Vec<f32>; 2],
}

impl RandomPass {
    /// A pass that `kernel` can take.
    pub fn new(random: &mut Random, kernel: Kernel) -> RandomPass {
        let shape = random_shape(random, kernel);
        let mask = random.pick(&[Mask::Causal, Mask::Block]);
        // Scores so far apart that some outgrow their reference, in every other case.
        let apart = random.pick(&[1.0, 64.0]);
        let mut q = halves(random, shape.rows * shape.heads * shape.width());
        q.iter_mut().for_each(|value| *value *= apart);
        let cache = [0, 1].map(|_| halves(random, shape.context * shape.slot()));
        RandomPass { shape, mask, q, cache }
    }
}

/// Half of the shapes of `attention_coop` are of heads that the other kernels take too.
fn random_shape(random: &mut Random, kernel: Kernel) -> Heads {
    if random.between(0, 1) == 0 || kernel != Kernel::AttentionCoop {
        Heads::random_staged(random)
    } else {
        Heads::random(random)
    }
}

/// The kernels that give such heads the same bits.
pub fn kernels_of(shape: &Heads) -> Vec<Kernel> {
    let all = [Kernel::AttentionCoop, Kernel::AttentionStaged, Kernel::AttentionPaired];
    all.into_iter().filter(|kernel| *kernel == Kernel::AttentionCoop || shape.width() == STAGED_HEAD).collect()
}

/// Attention of a whole pass and its merges, chunk after chunk. `merged` gives what should come out,
/// `[rows][out_stride]`.
pub fn attend(
    kernel: Kernel,
    shape: Heads,
    mask: Mask,
    workgroups: u32,
    q: &[f32],
    cache: &[Vec<f32>; 2],
    merged: impl FnOnce() -> Vec<f32> + 'static,
) -> Instance {
    let mut chunks = (0..shape.rows).step_by(shape.chunk_rows);
    let first = chunks.next().unwrap_or(0);
    let merge_kernel = Kernel::AttentionMerge { splits: KvSplits::Growing, output: ActivationLayout::TilesF16 };
    let merge_name = |first_row: usize| format!("merge of {first_row}");
    let merge = |first_row| shape.merge(KvSplits::Growing, mask, first_row);
    let mut instance = attend_chunk(kernel, shape, mask, workgroups, first, q, cache)
        .with("out", &poisoned_output(ActivationLayout::TilesF16, shape.rows, shape.out_stride()))
        .with(merge_name(first), &[merge(first)])
        .then(merge_kernel, merge(first).grid(shape.rows), &[("params", &merge_name(first))]);
    let mut scratch = vec![partials_name(first), stats_name(first)];
    for first_row in chunks {
        let params_name = format!("attention of {first_row}");
        let [partials, stats] = [partials_name(first_row), stats_name(first_row)];
        let params = shape.attention(KvSplits::Growing, mask, first_row);
        let renamed = [("params", &*params_name), ("partials", &*partials), ("stats", &*stats)];
        let merge_renamed = [("params", &*merge_name(first_row)), ("partials", &*partials), ("stats", &*stats)];
        instance = with_partials(instance, &shape, first_row)
            .with(params_name.clone(), &[params])
            .with(merge_name(first_row), &[merge(first_row)])
            .then(kernel, grid(kernel, &shape, mask, workgroups, first_row), &renamed)
            .then(merge_kernel, merge(first_row).grid(shape.rows), &merge_renamed);
        scratch.extend([partials, stats]);
    }
    instance.expect_named(move || {
        let mut all: Vec<(String, Expected)> =
            scratch.into_iter().map(|name| (name, Expected::Scratch)).collect();
        // Weights and results are f16.
        let out = expected_output(ActivationLayout::TilesF16, merged(), shape.out_stride(), [0.0, 2e-3], 1.0);
        all.push(("out".to_string(), out));
        all
    })
}

fn partials_name(first_row: usize) -> String {
    if first_row == 0 { "partials".to_string() } else { format!("partials of {first_row}") }
}

fn stats_name(first_row: usize) -> String {
    if first_row == 0 { "stats".to_string() } else { format!("stats of {first_row}") }
}

fn with_partials(instance: Instance, shape: &Heads, first_row: usize) -> Instance {
    let partials = shape.partials(KvSplits::Growing);
    instance
        .with(partials_name(first_row), &vec![f16::NAN; partials * shape.width()])
        .with(stats_name(first_row), &poison(partials * 2))
}

fn grid(kernel: Kernel, shape: &Heads, mask: Mask, workgroups: u32, first_row: usize) -> [u32; 3] {
    let params = shape.attention(KvSplits::Growing, mask, first_row);
    let positions = shape.start + shape.rows;
    match kernel {
        Kernel::AttentionStaged => params.staged_grid(shape.rows, positions),
        Kernel::AttentionPaired => params.paired_grid(shape.rows, positions),
        _ => {
            let [kv_heads, tiles, splits] = params.coop_grid(shape.rows, positions, u32::MAX);
            [kv_heads, tiles.min(workgroups), splits]
        }
    }
}

fn attend_chunk(
    kernel: Kernel,
    shape: Heads,
    mask: Mask,
    workgroups: u32,
    first_row: usize,
    q: &[f32],
    cache: &[Vec<f32>; 2],
) -> Instance {
    let params = shape.attention(KvSplits::Growing, mask, first_row);
    let [keys, values] = shape.cache_in_tiles(cache);
    let what = format!("{shape:?}, {mask:?}, {workgroups} workgroups");
    let instance = Instance::new(kernel, grid(kernel, &shape, mask, workgroups, first_row), what)
        .with("state", &[shape.state()])
        .with("params", &[params])
        .with("q", &as_halves(&shape.queries_in_tiles(q, 0.0)))
        .with("cache_keys", &as_halves(&keys))
        .with("cache_values", &as_halves(&values));
    with_partials(instance, &shape, first_row)
}

/// All that a row of a causal pass has: means, stats and result of each of its heads.
pub fn attended_row(loaded: &Loaded<'_>, shape: &Heads, row: usize) -> Vec<f32> {
    let (width, group) = (shape.width(), shape.heads_per_kv());
    let splits = KvSplits::Growing.of(shape.context);
    let seen = KvSplits::Growing.of(shape.start + row + 1);
    let first_row = row / shape.chunk_rows * shape.chunk_rows;
    let means: Vec<f16> = loaded.read(&partials_name(first_row));
    let stats: Vec<f32> = loaded.read(&stats_name(first_row));
    let mut all = Vec::new();
    for kv_head in 0..shape.kv_heads {
        for split in 0..seen {
            for query in (row - first_row) * group..(row - first_row + 1) * group {
                let at = (kv_head * splits + split) * shape.chunk_queries() + query;
                all.extend(means[at * width..][..shape.head_dim].iter().map(|mean| mean.to_f32()));
                all.extend_from_slice(&stats[at * 2..][..2]);
            }
        }
    }
    let merged = shape.heads * shape.head_dim;
    all.extend(output_row(loaded, "out", ActivationLayout::TilesF16, row, shape.out_stride(), merged));
    all
}

/// What lies in the cache beyond the row's position differs from place to place, and so does the row's chunk of the pass.
/// Only values are kept finite.
fn row(random: &mut Random, kernel: Kernel, place: Place) -> RowInstance {
    // The kernels for heads of 128 values, and `attention_coop` on every other seed, take the same shapes.
    let staged = random.clone().between(0, 1) == 0 || kernel != Kernel::AttentionCoop;
    let any = random_shape(random, kernel);
    let position = 40 + any.start;
    let apart = random.pick(&[1.0, 64.0]);
    let row: Vec<f32> = halves(random, any.heads * any.width()).iter().map(|value| value * apart).collect();
    let mut cache = [0, 1].map(|_| halves(random, any.context * any.slot()));
    let mut others = Random::new(random.bits() ^ (place.at * 100 + place.rows) as u64);
    let slot = any.slot();
    for later in position + 1..any.context {
        cache[0][later * slot..][..slot].fill(others.pick(&[0.0, 7.0, f32::INFINITY, f32::NAN]));
        cache[1][later * slot..][..slot].fill(others.pick(&[0.0, 7.0, 65504.0]));
    }
    let mut q = Vec::new();
    for other in 0..place.rows {
        let filling = others.pick(&[0.0, 3.0, f32::INFINITY, f32::NAN]);
        if other == place.at {
            q.extend_from_slice(&row);
        } else {
            q.extend(std::iter::repeat_n(filling, row.len()));
        }
    }
    let chunk_rows = others.between(1, 3) * Heads::least_rows(any.heads_per_kv());
    let shape = Heads { rows: place.rows, start: position - place.at, chunk_rows, ..any };
    let instance = attend(kernel, shape, Mask::Causal, WORKGROUPS, &q, &cache, Vec::new);
    RowInstance {
        key: if staged { "attention in tiles, heads of 128".into() } else { "attention in tiles".into() },
        instance,
        row: Box::new(move |loaded| attended_row(loaded, &shape, place.at)),
    }
}

fn single_row(kernel: Kernel, queries: RowQueries, exchange: LaneExchange) -> Case {
    let case = Case::new(
        kernel,
        16,
        move |random| random_single_row(random, kernel, queries),
        Rows::None("it takes one row"),
        move |random| {
            let shape = Heads { rows: 1, ..Heads::of_the_1_7b(2048) };
            let qkv = random.units((shape.heads + 2 * shape.kv_heads) * shape.width());
            let cache = [0, 1].map(|_| halves(random, shape.context * shape.slot()));
            let bytes = 2 * 2 * (shape.start + 1) * shape.slot();
            attend_single_row(random, kernel, queries, shape, qkv, cache).moves(bytes)
        },
    );
    if exchange == LaneExchange::Subgroup { case.needs(Need::SubgroupsOf32) } else { case }
}

fn random_single_row(random: &mut Random, kernel: Kernel, queries: RowQueries) -> Instance {
    let heads_per_kv = random.between(1, ROW_HEADS);
    let any = Heads::random(random);
    // So many positions too that each split has tiles several times.
    let more = random.pick(&[0, 0, 0, 3 * ROUND_ROBIN_SPLITS * ROUND_ROBIN_TILES * TILE]);
    let shape = Heads {
        rows: 1,
        start: any.start + more,
        context: any.context + more,
        heads: any.kv_heads * heads_per_kv,
        head_dim: STAGED_HEAD,
        chunk_rows: Heads::least_rows(heads_per_kv),
        ..any
    };
    let mut qkv = random.units((shape.heads + 2 * shape.kv_heads) * shape.width());
    // A value that is no number: the cache keeps it finite.
    if let Some(last) = qkv.last_mut() {
        *last = f32::NAN;
    }
    let mut cache = [0, 1].map(|_| halves(random, shape.context * shape.slot()));
    // Scores so far apart that the highest keeps rising, in every other case.
    let apart = random.pick(&[1.0, 64.0]);
    cache[0].iter_mut().for_each(|key| *key *= apart);
    attend_single_row(random, kernel, queries, shape, qkv, cache)
}

/// What norm, rotation and attention compute one after the other, and the key and value in the cache.
fn attend_single_row(
    random: &mut Random,
    kernel: Kernel,
    queries: RowQueries,
    shape: Heads,
    qkv: Vec<f32>,
    cache: [Vec<f32>; 2],
) -> Instance {
    let (width, output) = (shape.width(), ActivationLayout::TilesF16);
    let norms = random.units(2 * width);
    let rope = random.units(shape.context * width);
    let splits = KvSplits::RoundRobin;
    let (params, partials) = (shape.attention(splits, Mask::Causal, 0), shape.partials(splits));
    let merge = shape.merge(splits, Mask::Causal, 0);
    let [stored_keys, stored_values] = shape.cache_in_tiles(&cache).map(|values| as_halves(&values));
    Instance::new(kernel, params.row_grid(shape.context, queries), format!("{shape:?}"))
        .with("state", &[shape.state()])
        .with("params", &[params])
        .with("qkv", &qkv)
        .with("norms", &norms)
        .with("rope", &rope)
        .with("cache_keys", &stored_keys)
        .with("cache_values", &stored_values)
        .with("partials", &poison(partials * width))
        .with("stats", &poison(partials * 2))
        .with("merge", &[merge])
        .with("out", &poison_halves(TILE * shape.out_stride()))
        .then(Kernel::AttentionMerge { splits, output }, merge.grid(1), &[("params", "merge")])
        .expect(move || {
            let mut q = vec![0.0; shape.heads * width];
            let [keys, mut values] = cache;
            let mut keys = shape.positions_innermost(&keys);
            let (state, params) = (shape.state(), shape.norm_rope());
            let rope = bytemuck::cast_slice(&rope);
            twin::qk_norm_rope(&state, &params, &qkv, &norms, rope, &mut q, &mut keys, &mut values);
            let own = shape.start * shape.slot()..(shape.start + 1) * shape.slot();
            values[own].iter_mut().filter(|value| value.is_nan()).for_each(|value| *value = 0.0);
            let merged = shape.merged_by_twins(Mask::Causal, &q, &keys, &values);
            let entries = || (0..shape.kv_heads).flat_map(|head| (0..width).map(move |i| (head, i)));
            let own_key = |(head, i)| (shape.places(head, shape.start, i).0, keys[shape.innermost(head, shape.start, i)]);
            let own_value = |(head, i)| {
                (shape.places(head, shape.start, i).1, values[shape.start * shape.slot() + head * width + i])
            };
            vec![
                ("partials", Expected::Scratch),
                ("stats", Expected::Scratch),
                ("cache_keys", only_near(stored_keys, entries().map(own_key).collect(), 2e-3)),
                ("cache_values", only_near(stored_values, entries().map(own_value).collect(), 1e-3)),
                ("out", expected_output(output, merged, shape.out_stride(), [0.0, 2e-3], 1.0)),
            ]
        })
}

/// What was there, but near these values at these places.
fn only_near(kept: Vec<f16>, own: Vec<(usize, f32)>, tolerance: f32) -> Expected {
    Expected::such(move |found: &[f16]| {
        let mut kept = kept.clone();
        for &(at, expected) in &own {
            let off = (found[at].to_f32() - expected).abs() / expected.abs().max(1.0);
            if off > tolerance || off.is_nan() {
                return Err(format!("value {at} is {}, should be {expected}", found[at]));
            }
            kept[at] = found[at];
        }
        let bits = |halves: &[f16]| halves.iter().map(|half| half.to_bits()).collect::<Vec<u16>>();
        if bits(found) == bits(&kept) { Ok(()) } else { Err("another position's was written".to_string()) }
    })
}

/// The result of attention of a pass, `[rows][heads][head_dim]`.
pub fn merged(loaded: &Loaded<'_>, shape: &Heads) -> Vec<f32> {
    let tiles: Vec<f16> = loaded.read("out");
    let values = from_tiles(&tiles, shape.rows, shape.out_stride());
    let of_row = |row: &[f32]| row[..shape.heads * shape.head_dim].to_vec();
    values.chunks(shape.out_stride()).flat_map(of_row).collect()
}
