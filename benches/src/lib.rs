//! What the benchmarks share: the GPU, the models, and each kernel at the shapes of a model.

mod models;

pub use models::{models, synthetic_models, timed};

use orthrus::shaders::params::{
    Argmax, Attention, AttentionMerge, Embed, Grid, Matmul, QkNormRope, RmsNorm, Swiglu, padded,
};
use orthrus::shaders::{Kernel, Rows, SPLIT, Slices, State, Store, Tile, Visible, WeightFormat, chunks};
use orthrus::{Gpu, GpuOptions, Operand, Tier};

/// The adapter and tier of `ORTHRUS_ADAPTER` and `ORTHRUS_TIER`, or the default ones.
///
/// # Panics
/// If there is none, or no such tier.
pub fn gpu() -> Gpu {
    let tier = std::env::var("ORTHRUS_TIER").ok().map(|name| {
        let found = Tier::ALL.into_iter().find(|tier| tier.name() == name);
        found.unwrap_or_else(|| panic!("no tier `{name}`"))
    });
    let options = GpuOptions { adapter: std::env::var("ORTHRUS_ADAPTER").ok(), tier, core_limits: false };
    Gpu::open(&options).unwrap_or_else(|error| panic!("{error}"))
}

/// The numbers of a model that its kernels' costs depend on.
#[derive(Clone, Copy, Debug)]
#[allow(missing_docs, reason = "config.json's words")]
pub struct Shape {
    pub name: &'static str,
    pub hidden: usize,
    pub heads: usize,
    pub kv_heads: usize,
    pub head_dim: usize,
    pub intermediate: usize,
    pub vocabulary: usize,
}

/// The bundled model's order of size, and the smallest released one's.
pub const SHAPES: [Shape; 2] = [
    Shape {
        name: "tiny",
        hidden: 256,
        heads: 8,
        kv_heads: 4,
        head_dim: 48,
        intermediate: 768,
        vocabulary: 4096,
    },
    Shape {
        name: "1.7b",
        hidden: 2048,
        heads: 16,
        kv_heads: 8,
        head_dim: 128,
        intermediate: 6144,
        vocabulary: 151_936,
    },
];

/// A kernel with everything it needs to run.
pub struct Ready {
    /// What it is.
    pub name: String,
    /// Bytes it must move: each input read once, each output written once.
    pub bytes: u64,
    kernel: Kernel,
    operands: Vec<Operand>,
    grid: Grid,
}

impl Ready {
    /// Runs it `times` times and waits.
    ///
    /// # Panics
    /// If the GPU fails.
    pub fn run(&self, gpu: &Gpu, times: usize) {
        let operands: Vec<&Operand> = self.operands.iter().collect();
        // SAFETY: `kernels` sizes each operand by its kernel's contract.
        let ran = unsafe { gpu.dispatch(self.kernel, &operands, self.grid, times) };
        pollster::block_on(ran).unwrap_or_else(|error| panic!("{}: {error}", self.name));
    }
}

struct Bench<'a> {
    gpu: &'a Gpu,
    state: State,
    ready: Vec<Ready>,
}

impl Bench<'_> {
    fn zeros(&self, bytes: usize) -> Operand {
        self.gpu.operand(&vec![0u8; bytes]).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Adds a kernel whose storage buffers have these sizes in bytes, in the order of its bindings after the
    /// parameters.
    fn add<P: bytemuck::Pod>(
        &mut self,
        name: String,
        kernel: Kernel,
        params: &P,
        storage: &[usize],
        grid: Grid,
    ) {
        let mut operands = vec![self.gpu.operand(&[self.state]).unwrap_or_else(|error| panic!("{error}"))];
        operands.push(self.gpu.params(params));
        operands.extend(storage.iter().map(|&bytes| self.zeros(bytes)));
        let bytes = storage.iter().sum::<usize>() as u64;
        self.ready.push(Ready { name, bytes, kernel, operands, grid });
    }

    fn matmul(&mut self, name: &str, rows: usize, inputs: usize, outputs: usize) {
        // A larger matrix is split into pieces, as the engine does.
        let outputs = outputs.min(65_536);
        let params = Matmul {
            outputs: outputs as u32,
            chunks: chunks(inputs) as u32,
            y_stride: outputs as u32,
            y_first: 0,
        };
        let weights = WeightFormat::F16;
        let tile = if rows == 1 { Tile::Row } else { Tile::Block };
        let slices = if self.gpu.adapter().is_software() { Slices::One } else { Slices::Many };
        let kernel = Kernel::Matmul { weights, rows: Rows::All, tile, slices, store: Store::Value };
        let tiles = rows.next_multiple_of(tile.rows());
        let storage = [outputs * padded(inputs) * 2, tiles * padded(inputs) * 4, rows * outputs * 4];
        self.add(format!("matmul {name}"), kernel, &params, &storage, params.grid(rows, tile, slices));
    }
}

/// Every kernel of a pass of `rows` rows over `context` cached positions, f16 weights. Values are zeros: nothing
/// here depends on them, and the time of a kernel that is bound by memory does not either.
pub fn kernels(gpu: &Gpu, shape: &Shape, rows: usize, context: usize) -> Vec<Ready> {
    let state = State {
        start: context as u32,
        rows: rows as u32,
        logit_rows: rows as u32,
        ..bytemuck::Zeroable::zeroed()
    };
    let mut bench = Bench { gpu, state, ready: Vec::new() };
    let Shape { hidden, heads, kv_heads, head_dim, intermediate, vocabulary, .. } = *shape;
    let (width, head_vecs) = (padded(hidden), head_dim.div_ceil(4));
    let qkv = (heads + 2 * kv_heads) * head_dim;
    let capacity = context + rows;
    let splits = capacity.div_ceil(SPLIT);
    let cache = capacity * kv_heads * head_vecs * 16;

    let params =
        Embed { chunks: chunks(hidden) as u32, first_id: 0, ids: 1024, masked: 0, mask_id: 0, pad: [0; 3] };
    let storage = [1024 * width * 2, capacity * 4, rows * width * 4];
    bench.add("embed".to_string(), Kernel::Embed(WeightFormat::F16), &params, &storage, params.grid(rows));

    let params = RmsNorm { width: hidden as u32, stride: width as u32, eps: 1e-6, pad: 0 };
    let storage = [rows * width * 4, width * 4, rows * width * 4];
    bench.add("rms_norm".to_string(), Kernel::RmsNorm(Rows::All), &params, &storage, params.grid(rows));

    bench.matmul("qkv", rows, hidden, qkv);

    let params = QkNormRope {
        heads: heads as u32,
        kv_heads: kv_heads as u32,
        head_dim: head_dim as u32,
        head_vecs: head_vecs as u32,
        qkv_stride: qkv as u32,
        capacity: capacity as u32,
        queries: 0,
        eps: 1e-6,
    };
    let q = rows * heads * head_vecs * 16;
    let storage = [rows * qkv * 4, 2 * head_dim * 4, capacity * head_dim * 4, q, cache, cache];
    bench.add("qk_norm_rope".to_string(), Kernel::QkNormRope, &params, &storage, params.grid(rows));

    let params = Attention {
        heads: heads as u32,
        kv_heads: kv_heads as u32,
        head_vecs: head_vecs as u32,
        capacity: capacity as u32,
        block_capacity: rows as u32,
        splits: splits as u32,
        scale: 0.1,
        pad: 0,
    };
    let stats = rows * heads * splits * 8;
    let storage = [q, cache, cache, q * splits, stats];
    let kernel = Kernel::Attention(Visible::Causal);
    bench.add("attention".to_string(), kernel, &params, &storage, params.grid(rows, capacity));

    let attended = padded(heads * head_dim);
    let params = AttentionMerge {
        heads: heads as u32,
        head_dim: head_dim as u32,
        head_vecs: head_vecs as u32,
        splits: splits as u32,
        out_stride: attended as u32,
        pad: [0; 3],
    };
    let storage = [q * splits, stats, rows * attended * 4];
    let kernel = Kernel::AttentionMerge(Visible::Causal);
    bench.add("attention_merge".to_string(), kernel, &params, &storage, params.grid(rows));

    bench.matmul("output", rows, heads * head_dim, hidden);
    bench.matmul("gate_up", rows, hidden, 2 * intermediate);

    let out = padded(intermediate);
    let params = Swiglu { width: intermediate as u32, out_stride: out as u32, pad: [0; 2] };
    let storage = [rows * 2 * intermediate * 4, rows * out * 4];
    bench.add("swiglu".to_string(), Kernel::Swiglu, &params, &storage, params.grid(rows));

    bench.matmul("down", rows, intermediate, hidden);
    bench.matmul("head", rows, hidden, vocabulary);

    let params = Argmax { vocabulary: vocabulary as u32, draft: 0, pad: [0; 2] };
    let storage = [rows * vocabulary * 4, rows * 4];
    bench.add("argmax".to_string(), Kernel::Argmax, &params, &storage, params.grid(rows));
    bench.ready
}
