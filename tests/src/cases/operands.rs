//! Random operands in the layouts of the kernels.

use bytemuck::Zeroable;
use half::f16;
use orthrus::shaders::params::padded;
use orthrus::shaders::{
    ActivationLayout, MATRIX_ROWS, MAX_BLOCK, PACK, State, TILE, WeightFormat, in_tiles, packs, tiled,
};

use super::expected::{POISON, POISON_HALF};
use super::{Expected, Place};
use crate::random::Random;

/// `count` poisoned values.
pub fn poison(count: usize) -> Vec<f32> {
    vec![f32::from_bits(POISON); count]
}

/// `count` poisoned f16 values.
pub fn poison_halves(count: usize) -> Vec<f16> {
    vec![f16::from_bits(POISON_HALF); count]
}

/// One row, a full block, or anything between.
pub fn random_rows(random: &mut Random) -> usize {
    let between = random.between(1, MAX_BLOCK);
    random.pick(&[1, 8, 32, MAX_BLOCK, between, between])
}

/// A pass of `rows` rows, some of which have logits.
pub fn random_pass(random: &mut Random, rows: usize) -> State {
    let logit_first = random.between(0, rows - 1);
    State {
        start: random.between(0, 100) as u32,
        rows: rows as u32,
        logit_first: logit_first as u32,
        logit_rows: random.between(1, rows - logit_first) as u32,
        ..State::zeroed()
    }
}

/// A pass of `rows` rows from position `start` on, all of which have logits.
pub fn pass(start: usize, rows: usize) -> State {
    State { start: start as u32, rows: rows as u32, logit_rows: rows as u32, ..State::zeroed() }
}

/// `count` numbers of f16.
pub fn halves(random: &mut Random, count: usize) -> Vec<f32> {
    random.halves(count).iter().map(|half| half.to_f32()).collect()
}

/// Rows of `width` values from `values`, padded with zeros to whole tiles.
fn padded_rows(rows: usize, width: usize, mut values: impl FnMut(usize) -> Vec<f32>) -> Vec<f32> {
    let mut all = Vec::with_capacity(rows * padded(width));
    for _ in 0..rows {
        all.extend(values(width));
        all.resize(all.len().next_multiple_of(padded(width)), 0.0);
    }
    all
}

/// Rows of `width` values from -1 to 1, padded with zeros to whole tiles.
pub fn unit_rows(random: &mut Random, rows: usize, width: usize) -> Vec<f32> {
    padded_rows(rows, width, |width| random.units(width))
}

/// Rows of `width` numbers of f16, padded with zeros to whole tiles.
pub fn half_rows(random: &mut Random, rows: usize, width: usize) -> Vec<f32> {
    padded_rows(rows, width, |width| halves(random, width))
}

/// Weights that `format` holds exactly: rows padded with zeros to whole tiles.
pub fn weight_rows(random: &mut Random, format: WeightFormat, rows: usize, width: usize) -> Vec<f32> {
    match format {
        WeightFormat::F32 => unit_rows(random, rows, width),
        WeightFormat::F16 => half_rows(random, rows, width),
    }
}

/// A weight matrix `[rows][width]` as the kernels read it: in `format`, in tiles. `width` is whole tiles.
pub fn stored(format: WeightFormat, values: &[f32], width: usize) -> Vec<u8> {
    let rows = values.len() / width;
    let mut bytes = vec![0; rows.next_multiple_of(MATRIX_ROWS) * width * format.bytes()];
    for (index, pack) in values.chunks_exact(PACK).enumerate() {
        let (row, pack_of_row) = (index / packs(width), index % packs(width));
        let at = tiled(row, pack_of_row, packs(width)) * PACK * format.bytes();
        let target = &mut bytes[at..at + PACK * format.bytes()];
        match format {
            WeightFormat::F32 => target.copy_from_slice(bytemuck::cast_slice(pack)),
            WeightFormat::F16 => {
                let halves: Vec<f16> = pack.iter().map(|&value| f16::from_f32(value)).collect();
                target.copy_from_slice(bytemuck::cast_slice(&halves));
            }
        }
    }
    bytes
}

/// Rows of `stride` values in tiles, as cooperative matrices read them, with NaN in rows up to a multiple of `room`.
pub fn in_tiles_of(values: &[f32], stride: usize, room: usize) -> Vec<f16> {
    let rows = values.len() / stride;
    let mut tiles = vec![f16::NAN; rows.next_multiple_of(room) * stride];
    for (i, &value) in values.iter().enumerate() {
        tiles[in_tiles(i / stride, i % stride, stride / TILE)] = f16::from_f32(value);
    }
    tiles
}

/// The first `rows` rows of [`in_tiles_of`].
pub fn from_tiles(tiles: &[f16], rows: usize, stride: usize) -> Vec<f32> {
    (0..rows * stride).map(|i| tiles[in_tiles(i / stride, i % stride, stride / TILE)].to_f32()).collect()
}

/// `count` poisoned values of an output, in bytes: of activations in `layout`, `[rows][stride]`.
pub fn poisoned_output(layout: ActivationLayout, rows: usize, stride: usize) -> Vec<u8> {
    match layout {
        ActivationLayout::RowsF32 => bytemuck::cast_slice(&poison(rows * stride)).to_vec(),
        ActivationLayout::TilesF16 => {
            bytemuck::cast_slice(&poison_halves(rows.next_multiple_of(TILE) * stride)).to_vec()
        }
    }
}

/// Activations `[rows][stride]`, poison where nothing is written, as an output in `layout` must have them. `tolerance` is
/// that of f32 and of f16; f16 values are in units of `unit`.
pub fn expected_output(
    layout: ActivationLayout,
    values: Vec<f32>,
    stride: usize,
    tolerance: [f32; 2],
    unit: f32,
) -> Expected {
    match layout {
        ActivationLayout::RowsF32 => Expected::Near(values, tolerance[0]),
        ActivationLayout::TilesF16 => {
            let rows = values.len() / stride;
            let mut tiles = poison(rows.next_multiple_of(TILE) * stride);
            for (i, &value) in values.iter().enumerate() {
                tiles[in_tiles(i / stride, i % stride, stride / TILE)] = value;
            }
            Expected::NearHalves(tiles, tolerance[1], unit)
        }
    }
}

/// Reads `width` values of row `row` of an output in `layout`, `[rows][stride]`.
pub fn output_row(
    loaded: &super::Loaded<'_>,
    name: &str,
    layout: ActivationLayout,
    row: usize,
    stride: usize,
    width: usize,
) -> Vec<f32> {
    match layout {
        ActivationLayout::RowsF32 => loaded.read::<f32>(name)[row * stride..][..width].to_vec(),
        ActivationLayout::TilesF16 => {
            let tiles: Vec<f16> = loaded.read(name);
            (0..width).map(|i| tiles[in_tiles(row, i, stride / TILE)].to_f32()).collect()
        }
    }
}

/// `row` at its place among others, which hold numbers, zeros, infinities or NaN.
pub fn among_others(random: &mut Random, row: &[f32], place: Place) -> Vec<f32> {
    let mut all = Vec::with_capacity(place.rows * row.len());
    for other in 0..place.rows {
        if other == place.at {
            all.extend_from_slice(row);
        } else {
            let filling = random.pick(&[None, Some(0.0), Some(f32::INFINITY), Some(f32::NAN)]);
            all.extend((0..row.len()).map(|_| filling.unwrap_or_else(|| 100.0 * random.unit())));
        }
    }
    all
}
