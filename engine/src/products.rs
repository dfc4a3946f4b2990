//! The matrix products of a forward pass, in the three ways that they are computed: by the plain kernels, by cooperative
//! matrices, and for one row by the fast kernel.

use orthrus_shaders::params::{Matmul, MatmulCoop, MatmulRow, Swiglu, padded};
use orthrus_shaders::{
    Cache, Columns, GATED_SCALE, Input, Kernel, Output, PROMPT_TILE, Product, RowTiles, Rows, Store, Tile,
    WeightTiles, chunks,
};

use crate::buffer::Buffer;
use crate::forward::Preparation;
use crate::options::ArKernel;
use crate::pass::{Extent, GridOf};
use crate::weights::Matrix;

/// The kernels that compute the products of a pass.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Products {
    Plain,
    Coop,
    Fast,
}

impl Preparation<'_> {
    fn products(&self) -> Products {
        match (self.kernel, self.weights.cache) {
            (ArKernel::Fast, _) => Products::Fast,
            (ArKernel::Exact, Cache::Rows) => Products::Plain,
            (ArKernel::Exact, Cache::Tiles) => Products::Coop,
        }
    }

    /// By how much gated values are scaled.
    pub(crate) fn gated_scale(&self) -> f32 {
        match self.weights.cache {
            Cache::Rows => 1.0,
            Cache::Tiles => GATED_SCALE,
        }
    }

    /// `out = matrix · norm(x)`.
    pub(crate) fn normed_product(&mut self, rows: Rows, norm: &Buffer, matrix: &Matrix, out: &Buffer) {
        if self.products() == Products::Fast {
            let x = &self.buffers.x;
            return self.row(self.normed_input(), Product::Value, matrix, &[x, out, norm], 1.0);
        }
        self.rms_norm(rows, norm);
        let x = &self.buffers.normed;
        match self.products() {
            Products::Plain => self.plain(rows, Store::Value, matrix, x, out),
            _ => self.coop(rows, Product::Value, matrix, x, out, matrix.outputs, 1.0),
        }
    }

    /// `residual += scale · matrix · x`.
    pub(crate) fn add_product(&mut self, x: &Buffer, matrix: &Matrix, scale: f32) {
        let out = &self.buffers.x;
        match self.products() {
            Products::Plain => self.plain(Rows::All, Store::Sum, matrix, x, out),
            Products::Coop => {
                self.coop(Rows::All, Product::Sum, matrix, x, out, padded(matrix.outputs), scale)
            }
            Products::Fast => {
                let input = match self.weights.cache {
                    Cache::Rows => Input::Rows,
                    Cache::Tiles => Input::Tiles,
                };
                self.row(input, Product::Sum, matrix, &[x, out], scale)
            }
        }
    }

    /// `gated = silu(gate · norm(x)) ∘ (up · norm(x))`.
    pub(crate) fn gated_product(&mut self, norm: &Buffer, gate_up: &Matrix) {
        let b = self.buffers;
        let width = self.weights.config.intermediate_size;
        match self.products() {
            Products::Plain => {
                self.rms_norm(Rows::All, norm);
                self.plain(Rows::All, Store::Value, gate_up, &b.normed, &b.gate_up);
                let params = Swiglu { width: width as u32, out_stride: padded(width) as u32, pad: [0; 2] };
                let buffers = [&b.state, &self.uniform(&params), &b.gate_up, &b.gated];
                self.step(Kernel::Swiglu, &buffers, move |extent| params.grid(extent.rows));
            }
            Products::Coop => {
                self.rms_norm(Rows::All, norm);
                self.coop(Rows::All, Product::Gated, gate_up, &b.normed, &b.gated, padded(width), 1.0);
            }
            Products::Fast => {
                self.row(self.normed_input(), Product::Gated, gate_up, &[&b.x, &b.gated, norm], 1.0);
            }
        }
    }

    /// The best logits of each row, of which there are so many: where the largest is wanted and nothing else, logits
    /// are not written. `None`: this way of multiplying has no such kernel.
    pub(crate) fn best_logits(&mut self) -> Option<usize> {
        let b = self.buffers;
        let head = self.weights.head();
        match self.products() {
            Products::Plain => None,
            Products::Coop => {
                self.rms_norm(Rows::Logits, &self.weights.final_norm);
                let groups = head.outputs.div_ceil(Columns::of(head.outputs, Product::Best).outputs());
                self.coop(Rows::Logits, Product::Best, head, &b.normed, &b.best, groups, 1.0);
                Some(groups)
            }
            Products::Fast => {
                let operands = [&b.x, &b.best, &self.weights.final_norm];
                self.row(self.normed_input(), Product::Best, head, &operands, 1.0);
                Some(head.outputs.div_ceil(MatmulRow::outputs_per_group(Product::Best)))
            }
        }
    }

    /// Where the fast kernel finds the residual stream's row.
    fn normed_input(&self) -> Input {
        MatmulRow::normed_input(self.weights.gpu.tier(), self.weights.config.hidden_size)
    }

    fn plain(&mut self, rows: Rows, store: Store, matrix: &Matrix, x: &Buffer, y: &Buffer) {
        // The residual stream is padded to whole tiles, what is only written and read by name is not.
        let y_stride = match store {
            Store::Value => matrix.outputs,
            Store::Sum => padded(matrix.outputs),
        };
        for piece in &matrix.pieces {
            let params = Matmul {
                outputs: piece.outputs as u32,
                chunks: chunks(matrix.inputs) as u32,
                y_stride: y_stride as u32,
                y_first: piece.first as u32,
            };
            let slices = self.weights.gpu.slices();
            let kernel = |tile| Kernel::Matmul { weights: self.weights.format, rows, tile, slices, store };
            let buffers = [&self.buffers.state, &self.uniform(&params), &piece.buffer, x, y];
            let kernels =
                [(Extent::of_rows(1), Tile::One), (Extent::ANY, Tile::Eight)].map(|(most, tile)| {
                    let grid = move |extent: Extent| params.grid(extent.rows, tile, slices);
                    (most, kernel(tile), Box::new(grid) as GridOf)
                });
            self.step_by_extent(kernels.into(), &buffers);
        }
    }

    #[allow(clippy::too_many_arguments, reason = "what a product is made of")]
    fn coop(
        &mut self,
        rows: Rows,
        product: Product,
        matrix: &Matrix,
        x: &Buffer,
        out: &Buffer,
        out_stride: usize,
        scale: f32,
    ) {
        let columns = Columns::of(matrix.outputs, product);
        let staged = self.weights.gpu.has_subgroups_of(32);
        let weight_tiles = if staged { WeightTiles::Staged } else { WeightTiles::Direct };
        for piece in &matrix.pieces {
            let params = MatmulCoop {
                outputs: piece.outputs as u32,
                k_tiles: (chunks(matrix.inputs) / 2) as u32,
                out_stride: out_stride as u32,
                out_first: first_output(piece.first, product),
                scale,
                pad: [0; 3],
            };
            let mut kernels: Vec<(Extent, Kernel, GridOf)> = Vec::new();
            for row_tiles in RowTiles::ALL {
                let kernel = Kernel::MatmulCoop { rows, row_tiles, columns, weight_tiles, product };
                let grid = move |extent: Extent| params.grid(extent.rows, row_tiles, columns);
                let most = most_rows(row_tiles, matrix.outputs);
                kernels.push((Extent::of_rows(most), kernel, Box::new(grid)));
            }
            // Logits are a block's at most.
            if rows == Rows::All {
                let kernel = Kernel::MatmulPrompt { slices: columns.slices(), product };
                kernels.push((Extent::ANY, kernel, Box::new(move |extent| params.prompt_grid(extent.rows))));
            }
            let b = self.buffers;
            let buffers = [&b.state, &self.uniform(&params), &piece.buffer, x, out, &b.totals];
            self.step_by_extent(kernels, &buffers);
        }
    }

    /// `operands`: input, output, and the norm's weights if the input is to be normed.
    fn row(&mut self, input: Input, product: Product, matrix: &Matrix, operands: &[&Buffer], scale: f32) {
        let output = match product {
            Product::Gated => self.weights.cache.output(),
            _ => Output::Rows,
        };
        for piece in &matrix.pieces {
            let params = MatmulRow {
                outputs: piece.outputs as u32,
                chunks: chunks(matrix.inputs) as u32,
                inputs: matrix.inputs as u32,
                out_stride: padded(matrix.outputs / 2) as u32,
                out_first: first_output(piece.first, product),
                scale,
                eps: self.weights.config.rms_norm_eps,
                pad: 0,
            };
            let kernel = Kernel::MatmulRow { weights: self.weights.format, input, product, output };
            let params_buffer = self.uniform(&params);
            let mut buffers = vec![&self.buffers.state, &params_buffer, &piece.buffer];
            buffers.extend(operands);
            self.step(kernel, &buffers, move |_| params.grid(product));
        }
    }
}

/// Where a piece's outputs go: of gate and up projection, one in two is an output.
fn first_output(first: usize, product: Product) -> u32 {
    let first = if product == Product::Gated { first / 2 } else { first };
    first as u32
}

/// Rows of a pass up to which a tiling is the fastest, by measurement on an NVIDIA H200: each 32 more read the weights
/// again, which the prompts' kernel does for each 128, but with too few workgroups to be fast until a large GPU's
/// multiprocessors have a tile each.
fn most_rows(row_tiles: RowTiles, outputs: usize) -> usize {
    match row_tiles {
        RowTiles::One => 16,
        RowTiles::Two => (PROMPT_TILES * PROMPT_TILE * PROMPT_TILE / outputs).max(192),
    }
}

/// Tiles of `matmul_prompt` from which on it is worth its while.
const PROMPT_TILES: usize = 96;
