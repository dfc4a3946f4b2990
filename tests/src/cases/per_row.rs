//! Kernels that take each row by itself: embedding, norms, rotation, SwiGLU.

use bytemuck::Zeroable;
use orthrus::shaders::params::{Embed, QkNormRope, RmsNorm, Swiglu, padded};
use orthrus::shaders::{
    ActivationLayout, Kernel, KvFormat, Rows as RowsChoice, State, WeightFormat, packs, twin,
};

use super::heads::Heads;
use super::operands::{
    among_others, expected_output, output_row, pass, poison, poison_halves, poisoned_output, random_pass,
    random_rows, stored, unit_rows, weight_rows,
};
use super::{Case, Expected, Instance, PLACES, Place, RowInstance, Rows};
use crate::random::Random;

/// A case for each of these kernels.
pub fn cases() -> Vec<Case> {
    Kernel::all().into_iter().filter_map(case).collect()
}

fn case(kernel: Kernel) -> Option<Case> {
    Some(match kernel {
        Kernel::Embed(format) => Case::new(
            kernel,
            50,
            move |random| random_embedding(random, format),
            Rows::invariant(PLACES, move |random, place| embedding_row(random, format, place)),
            move |random| {
                let params = Embed { packs: packs(2048) as u32, ids: 8192, ..Embed::zeroed() };
                let tokens: Vec<u32> = (0..32).map(|_| random.between(0, 8191) as u32).collect();
                let weights = weight_rows(random, format, 8192, 2048);
                embed(format, pass(0, 32), params, weights, tokens).moves(32 * 2048 * (format.bytes() + 4))
            },
        ),
        Kernel::RmsNorm { rows, output, .. } => Case::new(
            kernel,
            if rows == RowsChoice::All { 40 } else { 20 },
            move |random| random_norm(random, kernel, rows, output),
            Rows::invariant(PLACES, move |random, place| norm_row(random, kernel, rows, output, place)),
            move |random| {
                let (x, norm) = (random.units(32 * 2048), random.units(2048));
                rms_norm(kernel, rows, output, pass(0, 32), norm_params(2048), x, norm)
            },
        ),
        Kernel::QkNormRope { kv: KvFormat::RowsF32, .. } => Case::new(
            kernel,
            40,
            move |random| random_rope(random, kernel),
            Rows::invariant(PLACES, move |random, place| rope_row(random, kernel, place)),
            move |random| {
                let params = QkNormRope { queries: 0, ..Heads::of_the_1_7b(512).norm_rope() };
                let (qkv, norms) = (random.units(32 * 4096), random.units(256));
                let rope = random.units(544 * 128);
                qk_norm_rope(kernel, pass(512, 32), params, qkv, norms, rope).moves(32 * 4096 * 8)
            },
        ),
        Kernel::QkNormRope { kv: KvFormat::TilesF16, .. } => Case::new(
            kernel,
            25,
            move |random| {
                let shape = Heads::random(random);
                let mut qkv = random_qkv(random, &shape);
                // A value that is no number, and one beyond f16: the cache keeps them finite.
                let width = shape.norm_rope().qkv_stride as usize;
                qkv[width - 1] = f32::NAN;
                qkv[width - 2] = -1e6;
                rope_in_tiles(random, kernel, shape, qkv)
            },
            Rows::invariant(PLACES, move |random, place| rope_in_tiles_row(random, kernel, place)),
            move |random| {
                let shape = Heads::of_the_1_7b(512);
                let qkv = random_qkv(random, &shape);
                rope_in_tiles(random, kernel, shape, qkv).moves(32 * 4096 * 6)
            },
        ),
        Kernel::Swiglu => Case::new(
            kernel,
            50,
            |random| {
                let rows = random_rows(random);
                let state = random_pass(random, rows);
                let width = random.between(1, 400);
                // Far into both tails, where exp overflows or vanishes.
                let far = |random: &mut Random| random.unit() * random.pick(&[1.0, 20.0, 200.0]);
                let gate_up = (0..rows * 2 * padded(width)).map(|_| far(random)).collect();
                swiglu(state, width, gate_up)
            },
            Rows::invariant(PLACES, |random, place| {
                let width = random.between(1, 600);
                let row = random.units(2 * padded(width));
                let gate_up = among_others(random, &row, place);
                RowInstance {
                    key: "swiglu".to_string(),
                    instance: swiglu(pass(0, place.rows), width, gate_up),
                    row: Box::new(move |loaded| {
                        loaded.read::<f32>("out")[place.at * padded(width)..][..width].to_vec()
                    }),
                }
            }),
            |random| swiglu(pass(0, 32), 6144, random.units(32 * 2 * 6144)),
        ),
        _ => return None,
    })
}

fn embed(
    format: WeightFormat,
    state: State,
    params: Embed,
    weights: Vec<f32>,
    tokens: Vec<u32>,
) -> Instance {
    let rows = state.rows as usize;
    let width = orthrus::shaders::PACK * params.packs as usize;
    let out = poison(rows * width);
    Instance::new(Kernel::Embed(format), params.grid(rows), format!("{state:?}, {params:?}"))
        .with("state", &[state])
        .with("params", &[params])
        .with("weights", &stored(format, &weights, width))
        .with("tokens", &tokens)
        .with("x", &out)
        .expect(move || {
            let mut expected = out;
            twin::embed(&state, &params, &weights, &tokens, &mut expected);
            // A copy: nothing to round.
            vec![("x", Expected::exactly(&expected))]
        })
}

fn random_embedding(random: &mut Random, format: WeightFormat) -> Instance {
    let rows = random_rows(random);
    let state = random_pass(random, rows);
    let width = random.between(1, 300);
    let ids = random.between(1, 50);
    let params = Embed {
        packs: packs(width) as u32,
        first_id: random.between(0, 3) as u32,
        ids: ids as u32,
        masked: random.between(0, 1) as u32,
        mask_id: random.between(0, ids + 3) as u32,
        pad: [0; 3],
    };
    let weights = weight_rows(random, format, ids, width);
    let tokens = (0..state.start as usize + rows).map(|_| random.between(0, ids + 6) as u32).collect();
    embed(format, state, params, weights, tokens)
}

fn embedding_row(random: &mut Random, format: WeightFormat, place: Place) -> RowInstance {
    let width = 16 * random.between(1, 30);
    let params = Embed { packs: packs(width) as u32, ids: 20, ..Embed::zeroed() };
    let weights = weight_rows(random, format, 20, width);
    let mut tokens: Vec<u32> = (0..place.rows).map(|i| i as u32 % 20).collect();
    tokens[place.at] = 11;
    RowInstance {
        key: format!("embed {format:?}"),
        instance: embed(format, pass(0, place.rows), params, weights, tokens),
        row: Box::new(move |loaded| loaded.read::<f32>("x")[place.at * width..][..width].to_vec()),
    }
}

fn norm_params(width: usize) -> RmsNorm {
    let stride = padded(width) as u32;
    RmsNorm { width: width as u32, stride, out_stride: stride, eps: 1e-6 }
}

fn rms_norm(
    kernel: Kernel,
    rows_choice: RowsChoice,
    output: ActivationLayout,
    state: State,
    params: RmsNorm,
    x: Vec<f32>,
    norm: Vec<f32>,
) -> Instance {
    let (rows, stride) = (state.rows as usize, params.stride as usize);
    Instance::new(kernel, params.grid(rows), format!("{state:?}, {params:?}"))
        .with("state", &[state])
        .with("params", &[params])
        .with("x", &x)
        .with("norm", &norm)
        .with("out", &poisoned_output(output, rows, stride))
        .expect(move || {
            let mut expected = poison(rows * stride);
            twin::rms_norm(&state, &params, rows_choice, &x, &norm, &mut expected);
            vec![("out", expected_output(output, expected, stride, [2e-6, 1e-3], 1.0))]
        })
}

fn random_norm(random: &mut Random, kernel: Kernel, rows_choice: RowsChoice, output: ActivationLayout) -> Instance {
    let rows = random_rows(random);
    let state = random_pass(random, rows);
    // Some rows are longer than what lanes keep of one.
    let long = random.between(1, 5000);
    let width = random.pick(&[long, random.clone().between(1, 700), random.clone().between(1, 700)]);
    let (x, norm) = (unit_rows(random, rows, width), unit_rows(random, 1, width));
    rms_norm(kernel, rows_choice, output, state, norm_params(width), x, norm)
}

fn norm_row(
    random: &mut Random,
    kernel: Kernel,
    rows_choice: RowsChoice,
    output: ActivationLayout,
    place: Place,
) -> RowInstance {
    let width = 16 * random.between(1, 90);
    let (row, norm) = (random.units(width), random.units(width));
    let x = among_others(random, &row, place);
    let instance = rms_norm(kernel, rows_choice, output, pass(0, place.rows), norm_params(width), x, norm);
    let Kernel::RmsNorm { reduce, .. } = kernel else { unreachable!("{kernel:?}") };
    RowInstance {
        key: format!("rms_norm {output:?} {reduce:?}"),
        instance,
        row: Box::new(move |loaded| output_row(loaded, "out", output, place.at, width, width)),
    }
}

fn qk_norm_rope(
    kernel: Kernel,
    state: State,
    params: QkNormRope,
    qkv: Vec<f32>,
    norms: Vec<f32>,
    rope: Vec<f32>,
) -> Instance {
    let rows = state.rows as usize;
    let width = 4 * params.head_vecs as usize;
    let q = poison(rows * params.heads as usize * width);
    let keys = poison((params.context * params.kv_heads) as usize * width);
    let values = keys.clone();
    Instance::new(kernel, params.grid(rows), format!("{state:?}, {params:?}"))
        .with("state", &[state])
        .with("params", &[params])
        .with("qkv", &qkv)
        .with("norms", &norms)
        .with("rope", &rope)
        .with("q", &q)
        .with("cache_keys", &keys)
        .with("cache_values", &values)
        .expect(move || {
            let (mut q, mut keys, mut values) = (q, keys, values);
            let rope = bytemuck::cast_slice(&rope);
            twin::qk_norm_rope(&state, &params, &qkv, &norms, rope, &mut q, &mut keys, &mut values);
            vec![
                ("q", Expected::Near(q, 3e-6)),
                ("cache_keys", Expected::Near(keys, 3e-6)),
                ("cache_values", Expected::exactly(&values)),
            ]
        })
}

fn random_rope(random: &mut Random, kernel: Kernel) -> Instance {
    let rows = random_rows(random);
    let state = random_pass(random, rows);
    let kv_heads = random.between(1, 4);
    let heads = kv_heads * random.between(1, 4);
    let head_dim = 2 * random.between(1, 128);
    let positions = state.start as usize + rows;
    let qkv_stride = (heads + 2 * kv_heads) * head_dim;
    let params = QkNormRope {
        heads: heads as u32,
        kv_heads: kv_heads as u32,
        head_dim: head_dim as u32,
        head_vecs: head_dim.div_ceil(4) as u32,
        qkv_stride: qkv_stride as u32,
        context: (positions + random.between(0, 9)) as u32,
        queries: 0,
        eps: 1e-6,
    };
    let (qkv, norms) = (random.units(rows * qkv_stride), random.units(2 * head_dim));
    let rope = random.units(positions * head_dim);
    qk_norm_rope(kernel, state, params, qkv, norms, rope)
}

/// The row's position stays, so the block starts `place.at` positions before it.
fn rope_row(random: &mut Random, kernel: Kernel, place: Place) -> RowInstance {
    let position = 40 + random.between(0, 20);
    let kv_heads = random.between(1, 3);
    let heads = kv_heads * random.between(1, 4);
    let head_vecs = random.between(1, 40);
    let head_dim = head_vecs * 4;
    let context = position + 32;
    let stride = (heads + 2 * kv_heads) * head_dim;
    let (row, norms) = (random.units(stride), random.units(2 * head_dim));
    let rope = random.units(context * head_dim);
    let qkv = among_others(random, &row, place);
    let params = QkNormRope {
        heads: heads as u32,
        kv_heads: kv_heads as u32,
        head_dim: head_dim as u32,
        head_vecs: head_vecs as u32,
        qkv_stride: stride as u32,
        context: context as u32,
        queries: 0,
        eps: 1e-6,
    };
    RowInstance {
        key: format!("{kernel:?}"),
        instance: qk_norm_rope(kernel, pass(position - place.at, place.rows), params, qkv, norms, rope),
        row: Box::new(move |loaded| {
            let width = heads * head_dim;
            let mut found = loaded.read::<f32>("q")[place.at * width..][..width].to_vec();
            let keys = loaded.read::<f32>("cache_keys");
            for line in 0..kv_heads * head_vecs {
                found.extend_from_slice(&keys[(line * context + position) * 4..][..4]);
            }
            let slot = kv_heads * head_dim;
            found.extend_from_slice(&loaded.read::<f32>("cache_values")[position * slot..][..slot]);
            found
        }),
    }
}

fn random_qkv(random: &mut Random, shape: &Heads) -> Vec<f32> {
    random.units(shape.rows * shape.norm_rope().qkv_stride as usize)
}

fn rope_in_tiles(random: &mut Random, kernel: Kernel, shape: Heads, qkv: Vec<f32>) -> Instance {
    let (width, params, state) = (shape.width(), shape.norm_rope(), shape.state());
    let slots = shape.context * shape.slot();
    let norms = random.units(2 * shape.head_dim);
    let rope = random.units(shape.context * shape.head_dim);
    Instance::new(kernel, params.grid(shape.rows), format!("{shape:?}"))
        .with("state", &[state])
        .with("params", &[params])
        .with("qkv", &qkv)
        .with("norms", &norms)
        .with("rope", &rope)
        .with("q", &poison_halves(shape.kv_heads * shape.queries() * width))
        .with("cache_keys", &poison_halves(slots))
        .with("cache_values", &poison_halves(slots))
        .expect(move || {
            let mut q = poison(shape.rows * shape.heads * width);
            let (mut keys, mut values) = (poison(slots), poison(slots));
            let rope = bytemuck::cast_slice(&rope);
            twin::qk_norm_rope(&state, &params, &qkv, &norms, rope, &mut q, &mut keys, &mut values);
            let (mut keys_in_tiles, mut values_in_tiles) = (poison(slots), poison(slots));
            let written = |position| (shape.start..shape.start + shape.rows).contains(&position);
            for position in (0..shape.context).filter(|&position| written(position)) {
                for (kv_head, i) in (0..shape.kv_heads).flat_map(|head| (0..shape.head_dim).map(move |i| (head, i))) {
                    let (key, value) = shape.places(kv_head, position, i);
                    keys_in_tiles[key] = keys[shape.innermost(kv_head, position, i)];
                    let kept = values[position * shape.slot() + kv_head * width + i];
                    values_in_tiles[value] = if kept.is_nan() { 0.0 } else { kept.clamp(-65504.0, 65504.0) };
                }
            }
            let unwritten = f32::from_bits(super::expected::POISON);
            vec![
                ("q", Expected::NearHalves(shape.queries_in_tiles(&q, unwritten), 2e-3, 1.0)),
                ("cache_keys", Expected::NearHalves(keys_in_tiles, 2e-3, 1.0)),
                ("cache_values", Expected::NearHalves(values_in_tiles, 1e-3, 1.0)),
            ]
        })
}

fn rope_in_tiles_row(random: &mut Random, kernel: Kernel, place: Place) -> RowInstance {
    let any = Heads::random(random);
    let position = 40 + any.start;
    let shape = Heads { rows: 1, ..any };
    let row = random_qkv(random, &shape);
    // The tables come before what differs from place to place.
    let mut tables = Random::new(random.bits());
    let qkv = among_others(random, &row, place);
    let shape = Heads { rows: place.rows, start: position - place.at, ..shape };
    RowInstance {
        key: format!("{kernel:?}"),
        instance: rope_in_tiles(&mut tables, kernel, shape, qkv),
        row: Box::new(move |loaded| {
            let (width, group) = (shape.width(), shape.heads_per_kv());
            let [q, keys, values] =
                ["q", "cache_keys", "cache_values"].map(|name| loaded.read::<half::f16>(name));
            let mut found = Vec::new();
            for head in 0..shape.heads {
                let query = head / group * shape.queries() + place.at * group + head % group;
                let place_of = |i| orthrus::shaders::in_tiles(query, i, width / orthrus::shaders::TILE);
                found.extend((0..shape.head_dim).map(|i| q[place_of(i)].to_f32()));
            }
            for (kv_head, i) in (0..shape.kv_heads).flat_map(|head| (0..shape.head_dim).map(move |i| (head, i))) {
                let (key, value) = shape.places(kv_head, position, i);
                found.extend([keys[key].to_f32(), values[value].to_f32()]);
            }
            found
        }),
    }
}

fn swiglu(state: State, width: usize, gate_up: Vec<f32>) -> Instance {
    let rows = state.rows as usize;
    let params = Swiglu { width: width as u32, out_stride: padded(width) as u32, pad: [0; 2] };
    let out = poison(rows * padded(width));
    Instance::new(Kernel::Swiglu, params.grid(rows), format!("{state:?}, {params:?}"))
        .with("state", &[state])
        .with("params", &[params])
        .with("gate_up", &gate_up)
        .with("out", &out)
        .expect(move || {
            let mut expected = out;
            twin::swiglu(&state, &params, &gate_up, &mut expected);
            // WGSL grants exp(x) 3 + 2 |x| units in the last place.
            vec![("out", Expected::Near(expected, 3e-5))]
        })
}
