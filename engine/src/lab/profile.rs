//! Passes for benchmarks to time: after any context without its prompt, whole or kernel by kernel. A copy shows
//! what the GPU's memory can do.
//!
//! Callers keep the time.

use orthrus_loader::AttentionView;
use orthrus_shaders::params::Copied;
use orthrus_shaders::{Acceptance, Kernel, State, WeightFormat};

use crate::decode::{DecodeMode, Decoding, PassKind, Session, ViewPasses, check_ids};
use crate::forward::{ArKernel, Dispatch, PassBounds, PassPlan, Section};
use crate::gpu::{Bound, Buffer, Gpu};
use crate::model::Maker;
use crate::model::sizes::pass_weight_bytes;
use crate::{Error, Result};

/// A pass to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeasuredPass {
    /// Verify: rows through the AR view with all logits, target tokens and `accept`. One row is a step of AR
    /// decoding.
    Verify(ArKernel),
    /// Draft: anchor and masks through the diffusion view, with all logits and drafts.
    Draft,
    /// The last pass of a prefill: rows through the AR view with the last one's logits, its target token, and
    /// `accept`.
    Prefill,
}

/// Initial state and bounds of a measured pass.
struct Start {
    initial: Buffer,
    layers: PassBounds,
    choice: PassBounds,
}

impl MeasuredPass {
    fn kind(self) -> PassKind {
        match self {
            MeasuredPass::Verify(kernels) => PassKind::Target(kernels),
            MeasuredPass::Draft => PassKind::Draft,
            MeasuredPass::Prefill => PassKind::Target(ArKernel::Exact),
        }
    }

    fn view(self) -> AttentionView {
        match self {
            MeasuredPass::Verify(_) | MeasuredPass::Prefill => AttentionView::Ar,
            MeasuredPass::Draft => AttentionView::Diffusion,
        }
    }

    /// The decode mode whose cycle has this pass.
    fn mode(self, acceptance: Acceptance) -> DecodeMode {
        match self {
            MeasuredPass::Verify(kernels) => DecodeMode { decoding: Decoding::Ar, kernels, acceptance },
            MeasuredPass::Draft => {
                DecodeMode { decoding: Decoding::Dual, kernels: ArKernel::Exact, acceptance }
            }
            MeasuredPass::Prefill => {
                DecodeMode { decoding: Decoding::Ar, kernels: ArKernel::Exact, acceptance }
            }
        }
    }
}

/// A kernel at one place of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelOfPass {
    /// Name of the kernel that a pass within these bounds takes.
    pub name: &'static str,
    /// Number of its dispatches: one for each layer, at this place of the layer, or one outside the layers.
    pub dispatches: usize,
    /// Part of the pass that the kernel belongs to.
    pub of: PartOfPass,
    /// Size of the weights that these dispatches read, in bytes. 0: the kernel has no weights, or is `embed`, which
    /// reads only a few rows.
    pub weight_bytes: u64,
    first: usize,
}

/// A part of a pass. The choice of ids includes final norm and head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartOfPass {
    /// Embedding and layers.
    Layers,
    /// The greedy choice of ids.
    Greedy,
    /// The sampled choice of ids.
    Sampled,
}

impl PartOfPass {
    fn plan(self, passes: &ViewPasses) -> Result<&PassPlan> {
        match self {
            PartOfPass::Layers => Ok(&passes.layers),
            PartOfPass::Greedy => passes.choice(Acceptance::Greedy),
            PartOfPass::Sampled => passes.choice(Acceptance::Coupled),
        }
    }

    /// The name that users see.
    pub fn name(self) -> &'static str {
        match self {
            PartOfPass::Layers => "layers",
            PartOfPass::Greedy => "greedy",
            PartOfPass::Sampled => "sampled",
        }
    }
}

impl Session {
    /// Sets the text to `ids` and marks it cached without running it. Later logits are meaningless. For timing
    /// only.
    ///
    /// # Errors
    /// `ids` is empty, has an id beyond the vocabulary, or fills the context; the GPU failed.
    pub async fn assume_cached_async(&mut self, ids: &[u32]) -> Result<()> {
        check_ids(ids, self.model.config())?;
        let context = self.context();
        if ids.len() >= context {
            return Err(Error::ContextFull { prompt: ids.len(), budget: 1, context });
        }
        self.in_flight.drain().await?;
        self.replace_text(0, ids);
        self.advance_cached(ids.len(), ArKernel::Exact);
        Ok(())
    }

    /// Runs a pass of `rows` rows after the cached text, `times` times, and waits for the last.
    ///
    /// Each run starts from the same decode state and is submitted by itself, as in decoding. Text and KV cache
    /// stay as they are.
    ///
    /// # Errors
    /// The checkpoint has no diffusion view; `rows` exceeds its block size, a prefill pass or the context; the GPU
    /// failed.
    pub async fn run_passes_async(&mut self, pass: MeasuredPass, rows: usize, times: usize) -> Result<()> {
        let Start { initial, layers, choice } = self.start_of(pass, rows, Acceptance::Greedy).await?;
        let cycle = self.passes.cycle(pass.mode(Acceptance::Greedy))?;
        for _ in 0..times {
            self.gpu().submit(|encoder| {
                // `accept` advances the state, so each run needs a fresh copy.
                let bytes = size_of::<State>() as u64;
                encoder.copy_buffer_to_buffer(&initial, 0, &self.buffers.state, 0, bytes);
                let mut commands = encoder.begin_compute_pass(&Default::default());
                match pass {
                    MeasuredPass::Draft => cycle.encode_draft(&mut commands, layers),
                    _ => cycle.encode_verify(&mut commands, layers, choice),
                }
            });
        }
        self.gpu().idle().await
    }

    /// The kernels of a pass of `rows` rows after the cached text, in order.
    ///
    /// Kernels before the layers come first, then those of one layer, then those of each choice of ids: greedy and
    /// sampled.
    ///
    /// # Errors
    /// The errors of [`Session::run_passes_async`].
    pub async fn kernels_of_async(&mut self, pass: MeasuredPass, rows: usize) -> Result<Vec<KernelOfPass>> {
        let (layers, choice) = self.bounds_of(pass, rows)?;
        self.prepare(pass, Acceptance::Coupled).await?;
        let passes = self.passes.passes(pass.kind())?;
        let count = self.model.shared.layers.len();
        let mut kernels = Vec::new();
        for of in [PartOfPass::Layers, PartOfPass::Greedy, PartOfPass::Sampled] {
            let bounds = if of == PartOfPass::Layers { layers } else { choice };
            for (first, dispatch) in first_of_each_layer(of.plan(passes)?, count) {
                // A dispatch that this pass skips is left out.
                let Some(name) = dispatch.name(bounds) else { continue };
                let dispatches = if dispatch.section == Section::Layer { count } else { 1 };
                let weight_bytes = match dispatch.section {
                    Section::Embedding => 0,
                    _ => dispatches as u64 * dispatch.weight_bytes,
                };
                kernels.push(KernelOfPass { name, of, dispatches, weight_bytes, first });
            }
        }
        Ok(kernels)
    }

    /// Runs all dispatches of `kernel` in a pass, `times` times in one submission, and waits.
    ///
    /// The dispatches go layer by layer, so that weights come from memory as they do in a pass.
    ///
    /// # Errors
    /// The errors of [`Session::run_passes_async`].
    pub async fn run_kernel_async(
        &mut self,
        pass: MeasuredPass,
        rows: usize,
        kernel: &KernelOfPass,
        times: usize,
    ) -> Result<()> {
        let Start { initial, layers, choice } = self.start_of(pass, rows, Acceptance::Coupled).await?;
        let bounds = if kernel.of == PartOfPass::Layers { layers } else { choice };
        let plan = kernel.of.plan(self.passes.passes(pass.kind())?)?;
        let stride = dispatches_of_a_layer(plan, self.model.shared.layers.len()).max(1);
        let chosen = || plan.dispatches.iter().skip(kernel.first).step_by(stride).take(kernel.dispatches);
        self.gpu().submit(|encoder| {
            let bytes = size_of::<State>() as u64;
            encoder.copy_buffer_to_buffer(&initial, 0, &self.buffers.state, 0, bytes);
            let mut commands = encoder.begin_compute_pass(&Default::default());
            for _ in 0..times {
                chosen().for_each(|dispatch| dispatch.encode(&mut commands, bounds));
            }
        });
        self.gpu().idle().await
    }

    /// Bounds of a measured pass: of its layers, and of its choice of ids.
    fn bounds_of(&self, pass: MeasuredPass, rows: usize) -> Result<(PassBounds, PassBounds)> {
        let sizes = self.buffers.sizes;
        let most = match pass {
            MeasuredPass::Verify(ArKernel::Fast) => 1,
            MeasuredPass::Verify(ArKernel::Exact) | MeasuredPass::Draft => sizes.block,
            MeasuredPass::Prefill => sizes.rows,
        };
        if !(1..=most).contains(&rows) {
            return Err(match pass {
                MeasuredPass::Prefill => Error::PrefillRows { asked: rows, most },
                _ => Error::BlockSize { asked: rows, most },
            });
        }
        if pass == MeasuredPass::Draft && !self.passes.has_draft() {
            return Err(Error::NoDiffusionView);
        }
        let (start, context) = (self.cached, self.context());
        let kv_len = start + rows;
        // `accept` writes the bonus after the rows.
        if kv_len >= context {
            return Err(Error::ContextFull { prompt: start, budget: rows + 1, context });
        }
        let logit_rows = if pass == MeasuredPass::Prefill { 1 } else { rows };
        Ok((PassBounds { max_rows: rows, kv_len }, PassBounds { max_rows: logit_rows, kv_len }))
    }

    /// Prepares the passes that a measured pass needs for `acceptance`.
    async fn prepare(&mut self, pass: MeasuredPass, acceptance: Acceptance) -> Result<()> {
        let prepared = self.gpu().allocating(|| self.passes.prepare(pass.mode(acceptance))).await?;
        self.passes.keep(prepared);
        Ok(())
    }

    /// Makes the initial state of a measured pass, and writes ids for its rows.
    async fn start_of(&mut self, pass: MeasuredPass, rows: usize, acceptance: Acceptance) -> Result<Start> {
        let (layers, choice) = self.bounds_of(pass, rows)?;
        self.prepare(pass, acceptance).await?;
        self.in_flight.drain().await?;
        let start = self.cached;
        let state = State {
            start: start as u32,
            rows: rows as u32,
            logit_first: (rows - choice.max_rows) as u32,
            logit_rows: choice.max_rows as u32,
            limit: (layers.kv_len + 1) as u32,
            block: choice.max_rows as u32,
            // Sampling kernels read the official implementation's options, at temperature 1.
            acceptance: Acceptance::Coupled as u32,
            inverse_temperature: 1.0,
            top_k: 20,
            top_p: 0.8,
            ..bytemuck::Zeroable::zeroed()
        };
        let initial = self.gpu().allocating(|| self.gpu().storage_with("initial state", &[state])).await?;
        let after = vec![0u32; rows];
        self.gpu().write(&self.buffers.tokens, 4 * start as u64, &after);
        Ok(Start { initial, layers, choice })
    }

    /// Largest number of dispatches of one layer, in a pass of a cycle. A prefill pass may have more: see
    /// [`SessionSizes::chunks`](crate::sizes::SessionSizes::chunks).
    ///
    /// # Errors
    /// [`Error::Bug`]: the exact passes are not prepared.
    pub fn dispatches_per_layer(&self) -> Result<usize> {
        let block = PassBounds { max_rows: self.buffers.sizes.block, kv_len: self.context() };
        let of = |kind| -> Result<usize> { Ok(self.passes.passes(kind)?.layers.layer_dispatches(block)) };
        let text = of(PassKind::Target(ArKernel::Exact))?;
        let draft = if self.passes.has_draft() { of(PassKind::Draft)? } else { 0 };
        Ok(text.max(draft).div_ceil(self.model.shared.layers.len()))
    }

    /// Bytes that a pass after the cached text must read: each weight once, and all cached keys and values once.
    pub fn bytes_of_pass(&self, pass: MeasuredPass) -> u64 {
        let sizes = self.buffers.sizes;
        let weights = pass_weight_bytes(self.model.config(), pass.view(), self.model.format());
        weights + sizes.cache_bytes_of_position() * self.cached as u64
    }
}

/// The dispatches of the first layer, which stand for every layer's, and the dispatches outside the layers. Each
/// comes with its index.
fn first_of_each_layer(plan: &PassPlan, layers: usize) -> impl Iterator<Item = (usize, &Dispatch)> {
    let each = dispatches_of_a_layer(plan, layers);
    let before = plan.dispatches.iter().take_while(|dispatch| dispatch.section != Section::Layer).count();
    let stands_for_all =
        move |(i, dispatch): &(usize, &Dispatch)| dispatch.section != Section::Layer || *i < before + each;
    plan.dispatches.iter().enumerate().filter(stands_for_all)
}

/// Number of dispatches that a plan has for each layer.
fn dispatches_of_a_layer(plan: &PassPlan, layers: usize) -> usize {
    plan.dispatches.iter().filter(|dispatch| dispatch.section == Section::Layer).count() / layers
}

/// Two buffers, and a compute shader that copies one to the other: a measure of memory bandwidth.
pub struct Copying {
    gpu: Gpu,
    pipeline: wgpu::ComputePipeline,
    group: Bound,
    params: Copied,
}

impl std::fmt::Debug for Copying {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Copying").field("bytes", &self.bytes()).finish()
    }
}

impl Copying {
    /// Largest number of bytes copied. A gibibyte would need one workgroup more than a grid can have.
    const MOST: u64 = (1 << 30) - (1 << 20);

    /// Columns of the random matrix that is copied.
    const WIDTH: usize = 1024;

    /// Prepares a copy of about `bytes` bytes of random numbers, or of as many as a buffer can have.
    ///
    /// # Errors
    /// The GPU is out of memory, or failed.
    pub async fn new_async(gpu: &Gpu, bytes: u64) -> Result<Copying> {
        let bytes = bytes.min(Copying::MOST).min(gpu.max_binding());
        let rows = (bytes as usize / (4 * Copying::WIDTH) / 16 * 16).max(16);
        let from = Maker::new(gpu, 0, WeightFormat::F32).await?.matrix(rows, Copying::WIDTH).await?;
        // The matrix is one slab: it fits a binding, and its rows fit a grid.
        let from = &from.slabs[0].buffer;
        let params = Copied { count: (from.size() / 16) as u32, pad: [0; 3] };
        let make = || {
            let to = gpu.storage("copy", from.size())?;
            let uniform = gpu.uniform("params", &params);
            let group = gpu.bind(Kernel::Copy, &[("params", &uniform), ("x", from), ("out", &to)])?;
            Ok((gpu.pipeline(Kernel::Copy).pipeline, group))
        };
        let (pipeline, group) = gpu.allocating(make).await?;
        gpu.idle().await?;
        Ok(Copying { pipeline, group, gpu: gpu.clone(), params })
    }

    /// Bytes that one copy moves, those read and those written.
    pub fn bytes(&self) -> u64 {
        2 * 16 * u64::from(self.params.count)
    }

    /// Copies `times` times in one submission, and waits.
    ///
    /// # Errors
    /// The GPU failed.
    pub async fn run_async(&self, times: usize) -> Result<()> {
        let [x, y, z] = self.params.grid();
        self.gpu.submit(|encoder| {
            let mut commands = encoder.begin_compute_pass(&Default::default());
            commands.set_pipeline(&self.pipeline);
            commands.set_bind_group(0, &*self.group, &[]);
            for _ in 0..times {
                commands.dispatch_workgroups(x, y, z);
            }
        });
        self.gpu.idle().await
    }
}

/// Blocking versions, for programs that are not async.
#[cfg(not(target_arch = "wasm32"))]
impl Session {
    /// [`Session::assume_cached_async`] for programs that are not async.
    ///
    /// # Errors
    /// The errors of [`Session::assume_cached_async`].
    pub fn assume_cached(&mut self, ids: &[u32]) -> Result<()> {
        pollster::block_on(self.assume_cached_async(ids))
    }

    /// [`Session::kernels_of_async`] for programs that are not async.
    ///
    /// # Errors
    /// The errors of [`Session::kernels_of_async`].
    pub fn kernels_of(&mut self, pass: MeasuredPass, rows: usize) -> Result<Vec<KernelOfPass>> {
        pollster::block_on(self.kernels_of_async(pass, rows))
    }

    /// [`Session::run_kernel_async`] for programs that are not async.
    ///
    /// # Errors
    /// The errors of [`Session::run_kernel_async`].
    pub fn run_kernel(
        &mut self,
        pass: MeasuredPass,
        rows: usize,
        kernel: &KernelOfPass,
        times: usize,
    ) -> Result<()> {
        pollster::block_on(self.run_kernel_async(pass, rows, kernel, times))
    }

    /// [`Session::run_passes_async`] for programs that are not async.
    ///
    /// # Errors
    /// The errors of [`Session::run_passes_async`].
    pub fn run_passes(&mut self, pass: MeasuredPass, rows: usize, times: usize) -> Result<()> {
        pollster::block_on(self.run_passes_async(pass, rows, times))
    }
}

/// Blocking versions, for programs that are not async.
#[cfg(not(target_arch = "wasm32"))]
impl Copying {
    /// [`Copying::new_async`] for programs that are not async.
    ///
    /// # Errors
    /// The errors of [`Copying::new_async`].
    pub fn new(gpu: &Gpu, bytes: u64) -> Result<Copying> {
        pollster::block_on(Copying::new_async(gpu, bytes))
    }

    /// [`Copying::run_async`] for programs that are not async.
    ///
    /// # Errors
    /// The errors of [`Copying::run_async`].
    pub fn run(&self, times: usize) -> Result<()> {
        pollster::block_on(self.run_async(times))
    }
}
