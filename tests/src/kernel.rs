//! One kernel on the GPU, its buffers poisoned: what the kernel tests are made of.

use bytemuck::Pod;
use half::f16;
use orthrus::Gpu;
use orthrus::lab::Operand;
use orthrus::shaders::params::{Grid, MatmulCoop};
use orthrus::shaders::{Kernel, MATRIX_ROWS, PACK, TILE, WeightFormat, in_tiles, packs, tiled};

use crate::gpu::{gpu, tiers};
use crate::random::Random;

/// A NaN that no arithmetic gives: where it still stands, nothing was written.
pub const POISON: u32 = 0x7fc0_dead;

/// `count` poisoned values.
pub fn poison(count: usize) -> Vec<f32> {
    vec![f32::from_bits(POISON); count]
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

/// Rows of `stride` values as cooperative matrices read them: f16, in tiles, the rows padded with NaN to whole tiles.
pub fn in_tiles_of(values: &[f32], stride: usize) -> Vec<f16> {
    let rows = values.len() / stride;
    let mut tiles = vec![f16::NAN; rows.next_multiple_of(TILE) * stride];
    for (i, &value) in values.iter().enumerate() {
        tiles[in_tiles(i / stride, i % stride, stride / TILE)] = f16::from_f32(value);
    }
    tiles
}

/// The rows of `in_tiles_of`.
pub fn from_tiles(tiles: &[f16], rows: usize, stride: usize) -> Vec<f32> {
    (0..rows * stride).map(|i| tiles[in_tiles(i / stride, i % stride, stride / TILE)].to_f32()).collect()
}

/// Workgroups of `matmul_prefill` in tests.
pub const PREFILL_WORKGROUPS: usize = 256;

/// What a kernel binds, in the order of its bindings.
pub struct Operands<'a> {
    gpu: &'a Gpu,
    list: Vec<Operand>,
}

impl<'a> Operands<'a> {
    /// None yet.
    pub fn new(gpu: &'a Gpu) -> Operands<'a> {
        Operands { gpu, list: Vec::new() }
    }

    /// Adds a storage buffer.
    ///
    /// # Panics
    /// If it is too large.
    pub fn storage<T: Pod>(mut self, contents: &[T]) -> Self {
        self.list.push(self.gpu.operand(contents).unwrap_or_else(|error| panic!("{error}")));
        self
    }

    /// Adds a uniform buffer.
    pub fn params<T: Pod>(mut self, params: &T) -> Self {
        self.list.push(self.gpu.params(params));
        self
    }

    /// Adds what `matmul_prefill` binds besides, where the kernel is that one.
    pub fn totals(self, kernel: Kernel, rows: usize, outputs: usize) -> Self {
        match kernel {
            Kernel::MatmulPrefill { .. } => {
                self.storage(&vec![f32::NAN; MatmulCoop::prefill_totals(rows, outputs, PREFILL_WORKGROUPS)])
            }
            _ => self,
        }
    }

    /// Runs the kernel once.
    ///
    /// # Panics
    /// If the GPU fails.
    pub fn run(self, kernel: Kernel, grid: Grid) -> Self {
        let names = kernel.bindings();
        let list: Vec<(&str, &Operand)> =
            names.iter().zip(&self.list).map(|(binding, operand)| (binding.name, operand)).collect();
        // SAFETY: the tests give every kernel what its contract says; where one did not, it is what they would find.
        let ran = unsafe { self.gpu.dispatch(kernel, &list, grid, 1) };
        pollster::block_on(ran).unwrap_or_else(|error| panic!("{error}"));
        self
    }

    /// The first `count` values of operand `index`.
    ///
    /// # Panics
    /// If the GPU fails.
    pub fn read<T: Pod>(&self, index: usize, count: usize) -> Vec<T> {
        pollster::block_on(self.gpu.contents(&self.list[index], count))
            .unwrap_or_else(|error| panic!("{error}"))
    }
}

/// Asserts that `found` is `expected` within `tolerance` (absolute, and relative where values exceed 1), that
/// everything expected was written, and nothing else.
///
/// # Panics
/// If it is not so.
pub fn assert_close(found: &[f32], expected: &[f32], tolerance: f32, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        let untouched = expected.to_bits() == POISON;
        if untouched {
            assert_eq!(found.to_bits(), POISON, "{what}: value {i} is not to be written, and is {found}");
        } else {
            let off = (found - expected).abs() / expected.abs().max(1.0);
            assert!(off <= tolerance, "{what}: value {i} is {found}, should be {expected} (off by {off})");
        }
    }
}

/// Asserts that two rows are the same bit for bit.
///
/// # Panics
/// If they are not.
pub fn assert_same_bits(found: &[f32], expected: &[f32], what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert_eq!(found.to_bits(), expected.to_bits(), "{what}: value {i} is {found}, was {expected}");
    }
}

/// Runs `check` for every tier on 50 seeds each: random shapes for each kernel and choice.
pub fn on_random_shapes(check: impl Fn(&Gpu, &mut Random, &str)) {
    for tier in tiers() {
        let gpu = gpu(tier);
        for seed in 0..50 {
            check(&gpu, &mut Random::new(seed), &format!("tier {}, seed {seed}", tier.name()));
        }
    }
}

/// How far rows of logits or of a cache may be apart, as a share of the largest magnitude in each, where both sides
/// compute in f32 or better with different orders of addition. The goldens' own distance from float64 is about 1e-5.
pub const ROUNDED: f32 = 2e-4;

/// Asserts that rows agree within [`ROUNDED`].
///
/// # Panics
/// If they do not.
pub fn assert_rows_close(found: &[f32], expected: &[f32], width: usize, what: &str) {
    assert_rows_within(ROUNDED, found, expected, width, what);
}

/// Asserts that rows agree within a share of the largest magnitude in each.
///
/// # Panics
/// If they do not.
pub fn assert_rows_within(share: f32, found: &[f32], expected: &[f32], width: usize, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (row, (found, expected)) in found.chunks(width).zip(expected.chunks(width)).enumerate() {
        let scale = expected.iter().fold(0f32, |most, value| most.max(value.abs()));
        for (i, (&found, &expected)) in found.iter().zip(expected).enumerate() {
            let off = (found - expected).abs() / scale;
            assert!(off <= share, "{what}: row {row}, value {i} is {found}, should be {expected}");
        }
    }
}
