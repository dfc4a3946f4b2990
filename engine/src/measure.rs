//! What benchmarks need that decoding does not: any context without its prompt, passes by themselves, the bytes they
//! read, and what the GPU can copy. Who calls keeps the time.

use std::ops::Range;

use orthrus_shaders::params::Copied;
use orthrus_shaders::{Kernel, State, WeightFormat};

use crate::buffer::{Bound, Buffer};
use crate::gpu::Gpu;
use crate::model::{Attention, Model};
use crate::options::{ArKernel, View};
use crate::pass::{Extent, Pass};
use crate::session::Session;
use crate::synthetic::Maker;
use crate::weights::Matrix;
use crate::{Error, Result};

/// A pass to measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MeasuredPass {
    /// Rows through the AR view with the logits of all, its picks, and `accept`: a block's verification, or with one
    /// row a step of AR decoding.
    Verify(ArKernel),
    /// Anchor and masks through the diffusion view, with the logits of all, and the drafts.
    Draft,
    /// The last pass of a prompt: rows through the AR view with the logits of the last, its pick, and `accept`.
    Prompt,
}

/// What a measured pass starts from, and how far it goes.
struct Start {
    initial: Buffer,
    layers: Extent,
    choice: Extent,
}

impl MeasuredPass {
    fn ar_kernel(self) -> Option<ArKernel> {
        match self {
            MeasuredPass::Verify(kernel) => Some(kernel),
            MeasuredPass::Draft => None,
            MeasuredPass::Prompt => Some(ArKernel::Exact),
        }
    }

    fn view(self) -> View {
        match self {
            MeasuredPass::Verify(_) | MeasuredPass::Prompt => View::Ar,
            MeasuredPass::Draft => View::Dual,
        }
    }
}

/// A kernel in a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KernelOfPass {
    /// Its name: the kernel that passes of such an extent take.
    pub name: &'static str,
    /// Dispatches of it in the pass, at this place of each layer.
    pub dispatches: usize,
    /// Where it is.
    pub of: PartOfPass,
    /// Bytes of the weights that these dispatches read: 0 for those without weights, and for `embed`, which reads a
    /// few rows only.
    pub weight_bytes: u64,
    first: usize,
}

/// A part of a pass. The choice of ids includes final norm and output projection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PartOfPass {
    /// Embedding and layers.
    Layers,
    /// The greedy choice of ids.
    Greedy,
    /// The sampled choice.
    Sampled,
}

impl PartOfPass {
    /// The name people see.
    pub fn name(self) -> &'static str {
        match self {
            PartOfPass::Layers => "layers",
            PartOfPass::Greedy => "greedy",
            PartOfPass::Sampled => "sampled",
        }
    }
}

impl Session {
    /// Makes `ids` the text and takes them for cached, without processing them: the cache keeps what lies there, at
    /// first zeros. For benchmarks, whose times do not depend on values. What is generated then follows no text.
    ///
    /// # Errors
    /// `ids` is empty, has an id beyond the vocabulary, or leaves no room in the cache; the GPU failed.
    pub async fn assume_cached_async(&mut self, ids: &[u32]) -> Result<()> {
        self.check_ids(ids)?;
        if ids.len() >= self.capacity() {
            let capacity = self.capacity();
            return Err(Error::ContextFull { prompt: ids.len(), budget: 1, capacity });
        }
        self.ring.drain().await?;
        self.replace_text(0, ids);
        self.cached = ids.len();
        Ok(())
    }

    /// Runs a pass of `rows` rows after the cached text `times` times, each from the same decode state and submitted by
    /// itself, as decoding does, and waits for the last. The text and its cache stay as they are.
    ///
    /// # Errors
    /// The checkpoint has no diffusion view; the rows outgrow its block, a prompt's pass or the cache; the GPU failed.
    pub async fn run_passes_async(&mut self, pass: MeasuredPass, rows: usize, times: usize) -> Result<()> {
        let Start { initial, layers, choice } = self.start_of(pass, rows).await?;
        let passes = &self.passes;
        for _ in 0..times {
            self.gpu().submit(|encoder| {
                // `accept` advances the state.
                let bytes = size_of::<State>() as u64;
                encoder.copy_buffer_to_buffer(&initial, 0, &self.buffers.state, 0, bytes);
                let mut commands = encoder.begin_compute_pass(&Default::default());
                match pass.ar_kernel() {
                    None => passes.record_drafts(&mut commands, layers, State::GREEDY),
                    Some(kernel) => {
                        passes.ar(kernel).layers.record(&mut commands, layers);
                        passes.record_picks(&mut commands, choice, State::GREEDY, kernel);
                    }
                }
            });
        }
        self.gpu().idle().await
    }

    /// The kernels of a pass of `rows` rows after the cached text, in order: what every layer runs once, what comes
    /// before, and both ways to choose ids after them.
    ///
    /// # Errors
    /// As [`Session::run_passes_async`].
    pub fn kernels_of(&self, pass: MeasuredPass, rows: usize) -> Result<Vec<KernelOfPass>> {
        let (extent, choice) = self.extents_of(pass, rows)?;
        let Some([layers, greedy, sampled]) = self.passes.parts(pass.ar_kernel()) else {
            return Err(Error::NoDiffusionView);
        };
        let (before, each) = self.steps_of(layers);
        let count = self.model.shared.layers.len();
        // What such a pass does not record is left out.
        let kernels = |pass: &Pass, of, extent, dispatches, places: Range<usize>| -> Vec<KernelOfPass> {
            let named = places.filter_map(|first| Some((first, pass.steps[first].name(extent)?)));
            let kernel = |(first, name): (usize, _)| KernelOfPass {
                name,
                of,
                dispatches,
                weight_bytes: match of {
                    PartOfPass::Layers if first < before => 0,
                    _ => dispatches as u64 * pass.steps[first].weight_bytes,
                },
                first,
            };
            named.map(kernel).collect()
        };
        let of_choice = |pass: &Pass, of| kernels(pass, of, choice, 1, 0..pass.steps.len());
        Ok([
            kernels(layers, PartOfPass::Layers, extent, 1, 0..before),
            kernels(layers, PartOfPass::Layers, extent, count, before..before + each),
            of_choice(greedy, PartOfPass::Greedy),
            of_choice(sampled, PartOfPass::Sampled),
        ]
        .concat())
    }

    /// Runs all of a pass's dispatches of one kernel, one after the other, `times` times in one submission, and waits.
    /// Layer by layer, so that weights are read from memory as they are in a pass.
    ///
    /// # Errors
    /// As [`Session::run_passes_async`].
    pub async fn run_kernel_async(
        &mut self,
        pass: MeasuredPass,
        rows: usize,
        kernel: &KernelOfPass,
        times: usize,
    ) -> Result<()> {
        let Start { initial, layers, choice } = self.start_of(pass, rows).await?;
        let extent = if kernel.of == PartOfPass::Layers { layers } else { choice };
        let Some(parts) = self.passes.parts(pass.ar_kernel()) else { return Err(Error::NoDiffusionView) };
        let steps = &parts[kernel.of as usize].steps;
        let (before, each) = self.steps_of(parts[0]);
        let of_each_layer = kernel.of == PartOfPass::Layers && kernel.first >= before;
        let (stride, count) = if of_each_layer { (each, self.model.shared.layers.len()) } else { (1, 1) };
        let chosen = || steps.iter().skip(kernel.first).step_by(stride).take(count);
        self.gpu().submit(|encoder| {
            let bytes = size_of::<State>() as u64;
            encoder.copy_buffer_to_buffer(&initial, 0, &self.buffers.state, 0, bytes);
            let mut commands = encoder.begin_compute_pass(&Default::default());
            for _ in 0..times {
                chosen().for_each(|step| step.record(&mut commands, extent));
            }
        });
        self.gpu().idle().await
    }

    /// Steps of a pass before its layers, and of each of them.
    fn steps_of(&self, layers: &Pass) -> (usize, usize) {
        let before = self.model.shared.embedding.pieces.len();
        (before, (layers.steps.len() - before) / self.model.shared.layers.len())
    }

    /// The extents of a measured pass: of its layers, and of its choice of ids.
    fn extents_of(&self, pass: MeasuredPass, rows: usize) -> Result<(Extent, Extent)> {
        let sizes = self.buffers.sizes;
        let most = match pass {
            MeasuredPass::Verify(ArKernel::Fast) => 1,
            MeasuredPass::Verify(ArKernel::Exact) | MeasuredPass::Draft => sizes.block,
            MeasuredPass::Prompt => sizes.rows,
        };
        if !(1..=most).contains(&rows) {
            return Err(match pass {
                MeasuredPass::Prompt => Error::PromptRows { asked: rows, most },
                _ => Error::BlockSize { asked: rows, most },
            });
        }
        if pass == MeasuredPass::Draft && self.passes.draft.is_none() {
            return Err(Error::NoDiffusionView);
        }
        let (start, capacity) = (self.cached, self.capacity());
        let positions = start + rows;
        // `accept` writes the bonus behind the rows.
        if positions >= capacity {
            return Err(Error::ContextFull { prompt: start, budget: rows + 1, capacity });
        }
        let logit_rows = if pass == MeasuredPass::Prompt { 1 } else { rows };
        Ok((Extent { rows, positions }, Extent { rows: logit_rows, positions }))
    }

    /// What a measured pass starts from.
    async fn start_of(&mut self, pass: MeasuredPass, rows: usize) -> Result<Start> {
        let (layers, choice) = self.extents_of(pass, rows)?;
        self.ring.drain().await?;
        let start = self.cached;
        let state = State {
            start: start as u32,
            rows: rows as u32,
            logit_first: (rows - choice.rows) as u32,
            logit_rows: choice.rows as u32,
            limit: (layers.positions + 1) as u32,
            block: choice.rows as u32,
            // The official implementation's sampling, at temperature 1, for kernels that look at it.
            rule: State::COUPLED,
            inverse_temperature: 1.0,
            top_k: 20,
            top_p: 0.8,
            ..bytemuck::Zeroable::zeroed()
        };
        let initial = self.gpu().storage_with("initial state", &[state])?;
        let after = vec![0u32; rows];
        self.gpu().write(&self.buffers.tokens, 4 * start as u64, &after);
        Ok(Start { initial, layers, choice })
    }

    /// Bytes that a pass at the end of the cached text cannot do without: each weight once, keys and values once.
    pub fn bytes_of_pass(&self, pass: MeasuredPass) -> u64 {
        let sizes = self.buffers.sizes;
        let cache = sizes.cache_bytes() / sizes.capacity as u64 * self.cached as u64;
        self.model.bytes_of_pass(pass.view()) + cache
    }
}

impl Model {
    /// Bytes of the weights that a pass through a view reads: all but the embeddings, which are the head's too where
    /// they are tied.
    fn bytes_of_pass(&self, view: View) -> u64 {
        let matrix = |matrix: &Matrix| matrix.pieces.iter().map(|piece| piece.buffer.size()).sum::<u64>();
        let attention = |view: &Attention| matrix(&view.qkv) + matrix(&view.output) + view.qk_norms.size();
        let weights = &self.shared;
        let layers = weights.layers.iter().map(|layer| {
            let own = match view {
                View::Ar => Some(&layer.ar),
                View::Dual => layer.diffusion.as_ref(),
            };
            own.map_or(0, attention)
                + matrix(&layer.gate_up)
                + matrix(&layer.down)
                + layer.input_norm.size()
                + layer.post_attention_norm.size()
        });
        layers.sum::<u64>() + weights.final_norm.size() + matrix(weights.head())
    }
}

/// Two buffers, one to be copied to the other by a compute shader.
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
    /// Most bytes copied: a gibibyte less what takes one workgroup too many for a grid, in whole rows.
    const MOST: u64 = (1 << 30) - (1 << 20);

    /// Columns of the random matrix that is copied.
    const WIDTH: usize = 1024;

    /// Makes ready to copy about `bytes` bytes of random numbers, or as much as a buffer can have.
    ///
    /// # Errors
    /// The GPU is out of memory, or failed.
    pub async fn new_async(gpu: &Gpu, bytes: u64) -> Result<Copying> {
        let bytes = bytes.min(Copying::MOST).min(gpu.max_binding());
        let rows = (bytes as usize / (4 * Copying::WIDTH) / 16 * 16).max(16);
        let from = Maker::new(gpu, 0, WeightFormat::F32)?.matrix(rows, Copying::WIDTH).await?;
        // One piece: it fits a binding, and has too few rows for a grid to outgrow its limit.
        let from = &from.pieces[0].buffer;
        let to = gpu.allocating(|| gpu.storage("copy", from.size())).await?;
        let params = Copied { count: (from.size() / 16) as u32, pad: [0; 3] };
        let uniform = gpu.uniform("params", &params);
        gpu.idle().await?;
        Ok(Copying {
            pipeline: gpu.pipeline(Kernel::Copy).pipeline,
            group: gpu.bind(Kernel::Copy, &[&uniform, from, &to]),
            gpu: gpu.clone(),
            params,
        })
    }

    /// Bytes that one copy moves: read and written.
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

/// For programs that are not async.
#[cfg(not(target_arch = "wasm32"))]
impl Session {
    /// As [`Session::assume_cached_async`].
    ///
    /// # Errors
    /// As [`Session::assume_cached_async`].
    pub fn assume_cached(&mut self, ids: &[u32]) -> Result<()> {
        pollster::block_on(self.assume_cached_async(ids))
    }

    /// As [`Session::run_kernel_async`].
    ///
    /// # Errors
    /// As [`Session::run_kernel_async`].
    pub fn run_kernel(
        &mut self,
        pass: MeasuredPass,
        rows: usize,
        kernel: &KernelOfPass,
        times: usize,
    ) -> Result<()> {
        pollster::block_on(self.run_kernel_async(pass, rows, kernel, times))
    }

    /// As [`Session::run_passes_async`].
    ///
    /// # Errors
    /// As [`Session::run_passes_async`].
    pub fn run_passes(&mut self, pass: MeasuredPass, rows: usize, times: usize) -> Result<()> {
        pollster::block_on(self.run_passes_async(pass, rows, times))
    }
}

/// For programs that are not async.
#[cfg(not(target_arch = "wasm32"))]
impl Copying {
    /// As [`Copying::new_async`].
    ///
    /// # Errors
    /// As [`Copying::new_async`].
    pub fn new(gpu: &Gpu, bytes: u64) -> Result<Copying> {
        pollster::block_on(Copying::new_async(gpu, bytes))
    }

    /// As [`Copying::run_async`].
    ///
    /// # Errors
    /// As [`Copying::run_async`].
    pub fn run(&self, times: usize) -> Result<()> {
        pollster::block_on(self.run_async(times))
    }
}
