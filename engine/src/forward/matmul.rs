//! The matrix products of a forward pass, on three paths: see [`MatmulPath`].

use orthrus_shaders::params::{Matmul, MatmulCoop, MatmulRow, RmsNorm, Swiglu, padded};
use orthrus_shaders::{ActivationLayout, Epilogue, Kernel, MTiles, RowInput, Rows, RowsPerLane, packs};

use super::builder::{Named, PassBuilder};
use super::plan::{ArKernel, GridOf, PassBounds};
use crate::gpu::{Buffer, Tuning};
use crate::model::Matrix;

/// The kernels that multiply activations by weights in a pass.
#[derive(Clone, Copy, PartialEq, Eq)]
enum MatmulPath {
    /// `matmul`, which runs on every adapter.
    Portable,
    /// `matmul_coop` and `matmul_prefill`, for activations in tiles.
    Cooperative,
    /// `matmul_row`, for passes of one row.
    SingleRow,
}

impl PassBuilder<'_> {
    fn matmul_path(&self) -> MatmulPath {
        match (self.kernels, self.model.layouts.activations) {
            (ArKernel::Fast, _) => MatmulPath::SingleRow,
            (ArKernel::Exact, ActivationLayout::RowsF32) => MatmulPath::Portable,
            (ArKernel::Exact, ActivationLayout::TilesF16) => MatmulPath::Cooperative,
        }
    }

    /// `out = matrix · norm(x)`.
    pub(super) fn push_normed_matmul(&mut self, rows: Rows, norm: &Buffer, matrix: &Matrix, out: &Buffer) {
        let b = self.buffers;
        let epilogue = Epilogue::Store;
        match self.matmul_path() {
            MatmulPath::Portable => {
                self.push_rms_norm(rows, norm);
                self.push_portable(rows, epilogue, matrix, &b.normed, out);
            }
            MatmulPath::Cooperative => {
                self.push_rms_norm(rows, norm);
                let output = Output { buffer: out, stride: matrix.outputs, scale: 1.0 };
                self.push_cooperative(rows, epilogue, matrix, &b.normed, output);
            }
            MatmulPath::SingleRow => {
                let buffers = [("x", &b.x), ("out", out), ("norm", norm)];
                self.push_single_row(self.normed_input(), epilogue, matrix, &buffers, 1.0);
            }
        }
    }

    /// `x += scale · matrix · input`, to the residual stream.
    pub(super) fn push_matmul_add(&mut self, input: &Buffer, matrix: &Matrix, scale: f32) {
        let x = &self.buffers.x;
        let epilogue = Epilogue::AddResidual;
        match self.matmul_path() {
            MatmulPath::Portable => self.push_portable(Rows::All, epilogue, matrix, input, x),
            MatmulPath::Cooperative => {
                let output = Output { buffer: x, stride: padded(matrix.outputs), scale };
                self.push_cooperative(Rows::All, epilogue, matrix, input, output);
            }
            MatmulPath::SingleRow => {
                let plain = RowInput::plain(self.model.layouts.activations);
                self.push_single_row(plain, epilogue, matrix, &[("x", input), ("out", x)], scale);
            }
        }
    }

    /// `gated = silu(gate · norm(x)) · (up · norm(x))`, scaled if it is stored as f16.
    pub(super) fn push_swiglu(&mut self, norm: &Buffer, gate_up: &Matrix) {
        let b = self.buffers;
        let width = self.model.config.intermediate_size;
        match self.matmul_path() {
            MatmulPath::Portable => {
                self.push_rms_norm(Rows::All, norm);
                self.push_portable(Rows::All, Epilogue::Store, gate_up, &b.normed, &b.gate_up);
                let params = Swiglu { width: width as u32, out_stride: padded(width) as u32, pad: [0; 2] };
                let uniform = self.uniform(&params);
                let buffers = [("params", &uniform), ("gate_up", &b.gate_up), ("out", &b.gated)];
                self.push(Kernel::Swiglu, &buffers, move |bounds| params.grid(bounds.max_rows));
            }
            MatmulPath::Cooperative => {
                self.push_rms_norm(Rows::All, norm);
                let output = Output { buffer: &b.gated, stride: padded(width), scale: 1.0 };
                self.push_cooperative(Rows::All, Epilogue::SwiGlu, gate_up, &b.normed, output);
            }
            MatmulPath::SingleRow => {
                let buffers = [("x", &b.x), ("out", &b.gated), ("norm", norm)];
                self.push_single_row(self.normed_input(), Epilogue::SwiGlu, gate_up, &buffers, 1.0);
            }
        }
    }

    /// Fuses the head with the first half of argmax: each workgroup keeps its best logit, and no logits are
    /// written.
    ///
    /// Returns the number of candidates a row. `None`: this path has no such kernel, and nothing was added.
    pub(super) fn push_partial_argmax(&mut self) -> Option<usize> {
        let b = self.buffers;
        let head = self.model.head();
        let epilogue = Epilogue::PartialArgmax;
        match self.matmul_path() {
            MatmulPath::Portable => None,
            MatmulPath::Cooperative => {
                self.push_rms_norm(Rows::Logits, &self.model.final_norm);
                let tiling = self.model.gpu.tuning().numerics.coop_tiling(head.outputs, epilogue);
                let groups = head.outputs.div_ceil(tiling.outputs());
                let output = Output { buffer: &b.best, stride: groups, scale: 1.0 };
                self.push_cooperative(Rows::Logits, epilogue, head, &b.normed, output);
                Some(groups)
            }
            MatmulPath::SingleRow => {
                let buffers = [("x", &b.x), ("out", &b.best), ("norm", &self.model.final_norm)];
                self.push_single_row(self.normed_input(), epilogue, head, &buffers, 1.0);
                Some(head.outputs.div_ceil(MatmulRow::outputs_per_group(epilogue)))
            }
        }
    }

    /// `normed = norm(x)`.
    fn push_rms_norm(&mut self, rows: Rows, norm: &Buffer) {
        let b = self.buffers;
        let config = &self.model.config;
        let params = RmsNorm {
            width: config.hidden_size as u32,
            stride: padded(config.hidden_size) as u32,
            out_stride: padded(config.hidden_size) as u32,
            eps: config.rms_norm_eps,
        };
        let uniform = self.uniform(&params);
        let buffers = [("params", &uniform), ("x", &b.x), ("norm", norm), ("out", &b.normed)];
        let reduce = self.model.gpu.tuning().numerics.reduce;
        let kernel = Kernel::RmsNorm { rows, output: self.model.layouts.activations, reduce };
        self.push(kernel, &buffers, move |bounds| params.grid(bounds.max_rows));
    }

    fn push_portable(&mut self, rows: Rows, epilogue: Epilogue, matrix: &Matrix, x: &Buffer, out: &Buffer) {
        // The residual stream is padded to whole tiles. Other outputs are not padded.
        let out_stride = match epilogue {
            Epilogue::AddResidual => padded(matrix.outputs),
            _ => matrix.outputs,
        };
        let split_k = self.model.gpu.tuning().numerics.matmul_split_k;
        for slab in &matrix.slabs {
            let params = Matmul {
                outputs: slab.outputs as u32,
                packs: packs(matrix.inputs) as u32,
                out_stride: out_stride as u32,
                out_first: slab.first as u32,
            };
            let weights = matrix.format;
            let variant = |upper, rows_per_lane: RowsPerLane| -> (PassBounds, Kernel, GridOf) {
                let kernel = Kernel::Matmul { weights, rows, rows_per_lane, split_k, epilogue };
                let grid = move |bounds: PassBounds| params.grid(bounds.max_rows, rows_per_lane, split_k);
                (upper, kernel, Box::new(grid))
            };
            let variants = vec![
                variant(PassBounds::of_rows(1), RowsPerLane::One),
                variant(PassBounds::ANY, RowsPerLane::Eight),
            ];
            let uniform = self.uniform(&params);
            let buffers = [("params", &uniform), ("weights", &slab.buffer), ("x", x), ("out", out)];
            self.push_variants(variants, &buffers);
        }
    }

    fn push_cooperative(
        &mut self,
        rows: Rows,
        epilogue: Epilogue,
        matrix: &Matrix,
        x: &Buffer,
        output: Output<'_>,
    ) {
        let b = self.buffers;
        let Tuning { numerics, staging, .. } = *self.model.gpu.tuning();
        let tiling = numerics.coop_tiling(matrix.outputs, epilogue);
        for slab in &matrix.slabs {
            let params = MatmulCoop {
                outputs: slab.outputs as u32,
                k_tiles: (packs(matrix.inputs) / 2) as u32,
                out_stride: output.stride as u32,
                out_first: first_output(slab.first, epilogue),
                scale: output.scale,
                pad: [0; 3],
            };
            let mut variants: Vec<(PassBounds, Kernel, GridOf)> = Vec::new();
            for m_tiles in MTiles::ALL {
                let kernel = Kernel::MatmulCoop { rows, m_tiles, tiling, staging, epilogue };
                let grid = move |bounds: PassBounds| params.grid(bounds.max_rows, m_tiles, tiling);
                let upper = self.model.gpu.tuning().coop_rows(m_tiles, matrix.outputs);
                variants.push((PassBounds::of_rows(upper), kernel, Box::new(grid)));
            }
            // Rows with logits are at most a block, too few for `matmul_prefill`.
            if rows == Rows::All {
                let kernel = Kernel::MatmulPrefill { split_k: tiling.split_k(), epilogue };
                let grid = move |bounds: PassBounds| {
                    params.prefill_grid(bounds.max_rows, Tuning::PREFILL_WORKGROUPS)
                };
                variants.push((PassBounds::ANY, kernel, Box::new(grid)));
            }
            let uniform = self.uniform(&params);
            let buffers = [
                ("params", &uniform),
                ("weights", &slab.buffer),
                ("x", x),
                ("out", output.buffer),
                ("totals", &b.totals),
            ];
            self.push_variants(variants, &buffers);
        }
    }

    /// Adds a product of one row. `operands` are `x` and `out`, and `norm` if the kernel norms its input.
    fn push_single_row(
        &mut self,
        input: RowInput,
        epilogue: Epilogue,
        matrix: &Matrix,
        operands: &[Named<'_>],
        scale: f32,
    ) {
        let output = match epilogue {
            Epilogue::SwiGlu => self.model.layouts.activations,
            _ => ActivationLayout::RowsF32,
        };
        let split_k = self.model.gpu.tuning().numerics.row_split_k;
        let kernel = Kernel::MatmulRow { weights: matrix.format, input, split_k, epilogue, output };
        for slab in &matrix.slabs {
            let params = MatmulRow {
                outputs: slab.outputs as u32,
                packs: packs(matrix.inputs) as u32,
                inputs: matrix.inputs as u32,
                out_stride: padded(matrix.outputs / 2) as u32,
                out_first: first_output(slab.first, epilogue),
                scale,
                eps: self.model.config.rms_norm_eps,
                pad: 0,
            };
            let uniform = self.uniform(&params);
            let buffers = [&[("params", &uniform), ("weights", &slab.buffer)], operands].concat();
            self.push(kernel, &buffers, move |_| params.grid(epilogue));
        }
    }

    /// How `matmul_row` reads and norms the row of the residual stream.
    fn normed_input(&self) -> RowInput {
        self.model.gpu.tuning().numerics.normed_input(self.model.config.hidden_size)
    }
}

/// Destination of a cooperative product.
struct Output<'a> {
    buffer: &'a Buffer,
    /// Distance from one row to the next, in values.
    stride: usize,
    /// Factor that the product is multiplied by.
    scale: f32,
}

/// Output column of a slab's first row. SwiGLU makes one output of two rows, a gate's and an up projection's.
fn first_output(first: usize, epilogue: Epilogue) -> u32 {
    let first = if epilogue == Epilogue::SwiGlu { first / 2 } else { first };
    first as u32
}
