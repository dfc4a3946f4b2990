//! An open GPU. This file alone makes buffers, pipelines and bind groups, and counts them.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytemuck::Pod;
use orthrus_shaders::{Access, Kernel, Tier, WeightFormat};
use wgpu::BufferUsages;

use super::adapter::{self, AdapterReport};
use super::buffer::{Bound, Buffer};
#[cfg(not(target_arch = "wasm32"))]
use super::poller::Poller;
#[cfg(not(target_arch = "wasm32"))]
use super::spirv;
use super::tuning::{Layouts, Tuning};
use crate::{Error, Result};

/// Options for opening a GPU.
#[derive(Clone, Debug, Default)]
pub struct GpuOptions {
    /// Number of an adapter, or part of its name. `None`: the most capable adapter.
    pub adapter: Option<String>,
    /// Tier of the kernels. `None`: the most demanding tier that runs on the adapter.
    pub tier: Option<Tier>,
    /// For tests: open the device with the limits that the tier needs, whatever the adapter allows. On tiers
    /// `baseline` and `subgroup` they are core WebGPU's defaults, which the least capable browser has.
    #[cfg(feature = "lab")]
    pub core_limits: bool,
    /// For tests: run tier `coop` on an adapter that does not list 16 by 16 cooperative matrices. Mesa's software
    /// adapter (version 26) lists 8 by 8, and runs 16 by 16 too.
    #[cfg(feature = "lab")]
    pub any_matrix_size: bool,
    /// Name for an adapter whose driver or browser gives none.
    pub unnamed: Option<String>,
}

impl GpuOptions {
    fn core_limits(&self) -> bool {
        #[cfg(feature = "lab")]
        return self.core_limits;
        #[cfg(not(feature = "lab"))]
        return false;
    }

    fn any_matrix_size(&self) -> bool {
        #[cfg(feature = "lab")]
        return self.any_matrix_size;
        #[cfg(not(feature = "lab"))]
        return false;
    }
}

/// Counts of the objects that an open GPU has made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Created {
    /// Buffers, dropped ones included.
    pub buffers: u64,
    /// Bytes of storage buffers, dropped ones included.
    pub storage_bytes: u64,
    /// Pipelines.
    pub pipelines: u64,
    /// Bind groups.
    pub bind_groups: u64,
}

/// An open GPU. Clones share it.
#[derive(Clone)]
pub struct Gpu {
    shared: Arc<Shared>,
}

struct Shared {
    device: wgpu::Device,
    queue: wgpu::Queue,
    tier: Tier,
    adapter: AdapterReport,
    tuning: Tuning,
    max_binding: u64,
    pipelines: Mutex<HashMap<Kernel, Pipeline>>,
    buffers: AtomicU64,
    storage_bytes: AtomicU64,
    bind_groups: AtomicU64,
    #[cfg(feature = "lab")]
    refuse_next: std::sync::atomic::AtomicBool,
    failure: Arc<Mutex<Option<Failure>>>,
    #[cfg(not(target_arch = "wasm32"))]
    poller: Poller,
}

/// A failure after which an open GPU cannot be used.
#[derive(Clone)]
enum Failure {
    Reported(String),
    Lost(String),
}

/// A compiled kernel, and the layout of its bind group.
#[derive(Clone)]
pub(crate) struct Pipeline {
    pub(crate) pipeline: wgpu::ComputePipeline,
    layout: wgpu::BindGroupLayout,
}

impl std::fmt::Debug for Gpu {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gpu").field("adapter", &self.shared.adapter.name).field("tier", &self.tier()).finish()
    }
}

impl Gpu {
    /// Opens a GPU.
    ///
    /// # Errors
    /// No tier runs on any adapter; the adapter asked for is missing or lacks the tier; or its driver refuses.
    pub async fn open_async(options: &GpuOptions) -> Result<Gpu> {
        let (adapter, report) = adapter::choose(options.adapter.as_deref()).await?;
        Gpu::open_adapter(adapter, report, options).await
    }

    /// Opens a device on `adapter`.
    pub(crate) async fn open_adapter(
        adapter: wgpu::Adapter,
        mut report: AdapterReport,
        options: &GpuOptions,
    ) -> Result<Gpu> {
        if let Some(name) = options.unnamed.clone().filter(|_| report.name == adapter::UNNAMED) {
            report.name = name;
        }
        let tier = match options.tier {
            None => report.best_tier().unwrap_or(Tier::Baseline),
            Some(tier) => tier,
        };
        if let Some(missing) = adapter::missing(&adapter, tier, options.any_matrix_size()) {
            return Err(Error::TierUnsupported { tier, adapter: report.name, missing });
        }
        if report.is_software() {
            tracing::warn!(adapter = report.name, "no GPU: a software adapter is correct but slow");
        }
        let needed = adapter::tier_limits(tier);
        let allowed = adapter.limits();
        let required_limits = if options.core_limits() {
            needed
        } else {
            wgpu::Limits {
                max_storage_buffer_binding_size: allowed.max_storage_buffer_binding_size,
                max_buffer_size: allowed.max_buffer_size,
                max_compute_workgroup_storage_size: adapter::workgroup_memory(tier, &allowed),
                ..needed
            }
        };
        let descriptor = wgpu::DeviceDescriptor {
            label: Some("orthrus"),
            required_features: adapter::features(tier) | passthrough(&adapter, tier),
            required_limits,
            memory_hints: wgpu::MemoryHints::Performance,
            experimental_features: experimental_features(tier),
            ..Default::default()
        };
        let (device, queue) = adapter
            .request_device(&descriptor)
            .await
            .map_err(|error| Error::OpenDevice { adapter: report.name.clone(), reason: error.to_string() })?;
        let failure = Arc::new(Mutex::new(None));
        watch_for_failure(&device, &failure);
        tracing::info!(adapter = report.name, backend = report.backend, tier = tier.name(), "opened the GPU");
        Ok(Gpu {
            shared: Arc::new(Shared {
                #[cfg(not(target_arch = "wasm32"))]
                poller: Poller::new(device.clone()).map_err(|error| Error::OpenDevice {
                    adapter: report.name.clone(),
                    reason: format!("no thread to poll it with: {error}"),
                })?,
                tuning: Tuning::for_adapter(
                    &report,
                    tier,
                    device.limits().max_compute_workgroup_storage_size,
                ),
                max_binding: adapter::max_binding(&device.limits()),
                device,
                queue,
                tier,
                adapter: report,
                pipelines: Mutex::default(),
                buffers: AtomicU64::new(0),
                storage_bytes: AtomicU64::new(0),
                bind_groups: AtomicU64::new(0),
                #[cfg(feature = "lab")]
                refuse_next: Default::default(),
                failure,
            }),
        })
    }

    /// [`Gpu::open_async`] for programs that are not async.
    ///
    /// # Errors
    /// The errors of [`Gpu::open_async`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn open(options: &GpuOptions) -> Result<Gpu> {
        pollster::block_on(Gpu::open_async(options))
    }

    /// The adapter in use.
    pub fn adapter(&self) -> &AdapterReport {
        &self.shared.adapter
    }

    /// The tier in use.
    pub fn tier(&self) -> Tier {
        self.shared.tier
    }

    /// Layouts of activations and KV cache, for a model in `format` on this GPU.
    pub fn layouts(&self, format: WeightFormat) -> Layouts {
        Layouts::of(self.tier(), format)
    }

    /// The kernels compiled so far.
    #[cfg(feature = "lab")]
    pub(crate) fn kernels(&self) -> Vec<Kernel> {
        lock(&self.shared.pipelines).keys().copied().collect()
    }

    /// Kernel variants and thresholds for this adapter.
    pub(crate) fn tuning(&self) -> &Tuning {
        &self.shared.tuning
    }

    /// Largest buffer that a kernel can bind, in bytes, within the limits of the device.
    pub fn max_binding(&self) -> u64 {
        self.shared.max_binding
    }

    /// Counts of the objects made so far. The decode loop makes none.
    #[cfg(feature = "lab")]
    pub fn created(&self) -> Created {
        Created {
            buffers: self.shared.buffers.load(Ordering::Relaxed),
            storage_bytes: self.shared.storage_bytes.load(Ordering::Relaxed),
            pipelines: lock(&self.shared.pipelines).len() as u64,
            bind_groups: self.shared.bind_groups.load(Ordering::Relaxed),
        }
    }

    /// Checks that the GPU still works. The first failure stays, and every later check returns it.
    ///
    /// # Errors
    /// The first failure that the driver reported, for example a lost device.
    pub fn check(&self) -> Result<()> {
        match lock(&self.shared.failure).clone() {
            Some(Failure::Reported(reason)) => Err(Error::Device(reason)),
            Some(Failure::Lost(reason)) => Err(Error::DeviceLost(reason)),
            None => Ok(()),
        }
    }

    /// A storage buffer of at least `bytes` bytes, all zero.
    pub(crate) fn storage(&self, what: &str, bytes: u64) -> Result<Buffer> {
        if bytes > self.shared.max_binding {
            return Err(Error::TooLarge {
                what: what.to_string(),
                needed: bytes,
                limit: self.shared.max_binding,
                adapter: self.shared.adapter.name.clone(),
                advice: String::new(),
            });
        }
        let usage = BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST;
        let bytes = storage_bytes(bytes);
        self.shared.storage_bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(self.buffer(what, bytes, usage))
    }

    /// A storage buffer with `contents`.
    pub(crate) fn storage_with<T: Pod>(&self, what: &str, contents: &[T]) -> Result<Buffer> {
        let bytes: &[u8] = bytemuck::cast_slice(contents);
        let buffer = self.storage(what, bytes.len() as u64)?;
        self.shared.queue.write_buffer(&buffer, 0, bytes);
        Ok(buffer)
    }

    /// A uniform buffer with `contents`.
    pub(crate) fn uniform<T: Pod>(&self, what: &str, contents: &T) -> Buffer {
        let bytes = bytemuck::bytes_of(contents);
        let buffer = self.buffer(what, bytes.len() as u64, BufferUsages::UNIFORM | BufferUsages::COPY_DST);
        self.shared.queue.write_buffer(&buffer, 0, bytes);
        buffer
    }

    /// A buffer that the GPU copies to and the host maps and reads.
    pub(crate) fn readback(&self, what: &str, bytes: u64) -> Buffer {
        self.buffer(what, bytes.max(16), BufferUsages::MAP_READ | BufferUsages::COPY_DST)
    }

    fn buffer(&self, label: &str, size: u64, usage: BufferUsages) -> Buffer {
        self.shared.buffers.fetch_add(1, Ordering::Relaxed);
        let label = Some(label);
        Buffer::new(self.shared.device.create_buffer(&wgpu::BufferDescriptor {
            label,
            size,
            usage,
            mapped_at_creation: false,
        }))
    }

    /// The pipeline of `kernel`, compiled on first use. Compiling holds no lock, so other threads can go on.
    pub(crate) fn pipeline(&self, kernel: Kernel) -> Pipeline {
        if let Some(pipeline) = lock(&self.shared.pipelines).get(&kernel) {
            return pipeline.clone();
        }
        let compiled = self.compile(kernel);
        lock(&self.shared.pipelines).entry(kernel).or_insert(compiled).clone()
    }

    fn compile(&self, kernel: Kernel) -> Pipeline {
        let device = &self.shared.device;
        let label = format!("{kernel:?}");
        let entries: Vec<_> = kernel
            .bindings()
            .iter()
            .map(|binding| wgpu::BindGroupLayoutEntry {
                binding: binding.index,
                visibility: wgpu::ShaderStages::COMPUTE,
                ty: wgpu::BindingType::Buffer {
                    ty: match binding.access {
                        Access::Uniform => wgpu::BufferBindingType::Uniform,
                        Access::Read => wgpu::BufferBindingType::Storage { read_only: true },
                        Access::ReadWrite => wgpu::BufferBindingType::Storage { read_only: false },
                    },
                    has_dynamic_offset: false,
                    min_binding_size: None,
                },
                count: None,
            })
            .collect();
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some(&label),
            entries: &entries,
        });
        let module = self.module(kernel, &label);
        let pipeline_layout = device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(&label),
            bind_group_layouts: &[Some(&layout)],
            immediate_size: 0,
        });
        let pipeline = device.create_compute_pipeline(&wgpu::ComputePipelineDescriptor {
            label: Some(&label),
            layout: Some(&pipeline_layout),
            module: &module,
            entry_point: Some("main"),
            compilation_options: wgpu::PipelineCompilationOptions {
                constants: &[],
                zero_initialize_workgroup_memory: false,
            },
            cache: None,
        });
        Pipeline { pipeline, layout }
    }

    fn module(&self, kernel: Kernel, label: &str) -> wgpu::ShaderModule {
        let device = &self.shared.device;
        let wgsl = kernel.wgsl();
        #[cfg(not(target_arch = "wasm32"))]
        if device.features().contains(wgpu::Features::PASSTHROUGH_SHADERS)
            && let Some(words) = spirv::compile(&wgsl)
        {
            let entry_points =
                [wgpu::PassthroughShaderEntryPoint { name: "main".into(), workgroup_size: (0, 0, 0) }];
            let descriptor = wgpu::ShaderModuleDescriptorPassthrough {
                label: Some(label),
                entry_points: entry_points.as_slice().into(),
                spirv: Some(words.into()),
                ..Default::default()
            };
            // SAFETY: the words are naga's output for the kernel, and the added marks only restrict the driver. The
            // promise of the call below holds for them too.
            return unsafe { device.create_shader_module_passthrough(descriptor) };
        }
        let source = wgpu::ShaderSource::Wgsl(wgsl.into());
        let descriptor = wgpu::ShaderModuleDescriptor { label: Some(label), source };
        // SAFETY: every kernel stays within its bindings for the grids and parameters that `orthrus-shaders` gives.
        // Each is tested against a CPU twin on poisoned buffers, and parameters bound its loops.
        unsafe { device.create_shader_module_trusted(descriptor, wgpu::ShaderRuntimeChecks::unchecked()) }
    }

    /// Binds `buffers` by the names that the kernel's WGSL gives them. Buffers that the WGSL does not name are left
    /// out, so variants of a kernel can share one list.
    ///
    /// # Errors
    /// [`Error::Bug`]: the kernel names a buffer that is not given, or its uniform is too short.
    pub(crate) fn bind(&self, kernel: Kernel, buffers: &[(&str, &Buffer)]) -> Result<Bound> {
        let bindings = kernel.bindings();
        let mut named = Vec::new();
        for binding in &bindings {
            let found = buffers.iter().find(|(name, _)| *name == binding.name);
            let Some((_, buffer)) = found else {
                let reason = format!("kernel `{}` was given no buffer for `{}`", kernel.name(), binding.name);
                return Err(Error::Bug { reason });
            };
            let params_bytes = kernel.spec().params_bytes.unwrap_or(0) as u64;
            if binding.access == Access::Uniform && buffer.size() < params_bytes {
                let (name, given) = (kernel.name(), buffer.size());
                let reason = format!(
                    "kernel `{name}` was given {given} bytes of parameters, and takes {params_bytes}"
                );
                return Err(Error::Bug { reason });
            }
            named.push(*buffer);
        }
        let entries: Vec<_> = bindings
            .iter()
            .zip(&named)
            .map(|(binding, buffer)| wgpu::BindGroupEntry {
                binding: binding.index,
                resource: buffer.as_entire_binding(),
            })
            .collect();
        self.shared.bind_groups.fetch_add(1, Ordering::Relaxed);
        let group = self.shared.device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some(kernel.name()),
            layout: &self.pipeline(kernel).layout,
            entries: &entries,
        });
        Ok(Bound::new(group, &named))
    }

    /// Writes `contents` to `buffer` from byte `offset` on.
    pub(crate) fn write<T: Pod>(&self, buffer: &Buffer, offset: u64, contents: &[T]) {
        self.shared.queue.write_buffer(buffer, offset, bytemuck::cast_slice(contents));
    }

    /// Submits the commands that `encode` encodes.
    pub(crate) fn submit(&self, encode: impl FnOnce(&mut wgpu::CommandEncoder)) -> wgpu::SubmissionIndex {
        let mut encoder = self.shared.device.create_command_encoder(&Default::default());
        encode(&mut encoder);
        self.shared.queue.submit([encoder.finish()])
    }

    pub(crate) fn queue(&self) -> &wgpu::Queue {
        &self.shared.queue
    }

    /// Runs `make`, which makes buffers, pipelines or bind groups. If the driver refuses one, this call returns the
    /// error and the GPU is as it was before.
    pub(crate) async fn allocating<T>(&self, make: impl FnOnce() -> Result<T>) -> Result<T> {
        let before: HashSet<Kernel> = lock(&self.shared.pipelines).keys().copied().collect();
        let (made, memory, validation) = {
            let memory = self.shared.device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
            let validation = self.shared.device.push_error_scope(wgpu::ErrorFilter::Validation);
            let made = make();
            #[cfg(feature = "lab")]
            self.refuse_if_asked();
            let validation = validation.pop();
            (made, memory.pop(), validation)
        };
        let refused = match (memory.await, validation.await) {
            (Some(error), _) => {
                Error::OutOfMemory { adapter: self.shared.adapter.name.clone(), reason: error.to_string() }
            }
            (None, Some(error)) => Error::Device(error.to_string()),
            (None, None) => return made,
        };
        // The refused object may be one of the new pipelines.
        lock(&self.shared.pipelines).retain(|kernel, _| before.contains(kernel));
        Err(refused)
    }

    /// Makes the driver refuse a buffer in the next [`Gpu::allocating`].
    #[cfg(feature = "lab")]
    pub(crate) fn refuse_next(&self) {
        self.shared.refuse_next.store(true, Ordering::Relaxed);
    }

    #[cfg(feature = "lab")]
    fn refuse_if_asked(&self) {
        if self.shared.refuse_next.swap(false, Ordering::Relaxed) {
            let beyond = self.shared.device.limits().max_buffer_size + 4;
            drop(self.buffer("a buffer that is refused", beyond, BufferUsages::STORAGE));
        }
    }

    /// Does nothing: browsers run callbacks by themselves.
    #[cfg(target_arch = "wasm32")]
    pub(crate) fn follow(&self, _: wgpu::SubmissionIndex, _: impl FnOnce()) {}

    /// Has the poller wait for `submission`, so that its callbacks run. If they never will, the poller calls
    /// `abandon`.
    #[cfg(not(target_arch = "wasm32"))]
    pub(crate) fn follow(&self, submission: wgpu::SubmissionIndex, abandon: impl FnOnce() + Send + 'static) {
        self.shared.poller.follow(submission, Box::new(abandon));
    }
}

/// The feature that accepts SPIR-V from `spirv.rs`. Only tier `coop` on Vulkan uses it.
fn passthrough(adapter: &wgpu::Adapter, tier: Tier) -> wgpu::Features {
    match (tier, adapter.get_info().backend) {
        (Tier::Coop, wgpu::Backend::Vulkan) => adapter.features() & wgpu::Features::PASSTHROUGH_SHADERS,
        _ => wgpu::Features::empty(),
    }
}

/// Permission for experimental features: wgpu counts cooperative matrices among them.
fn experimental_features(tier: Tier) -> wgpu::ExperimentalFeatures {
    match tier {
        Tier::Baseline | Tier::Subgroup => wgpu::ExperimentalFeatures::disabled(),
        // SAFETY: experimental features may have bugs that break memory safety. The one in use compiles only our
        // own kernels. Each is tested against its CPU twin on the adapters that have the feature.
        Tier::Coop => unsafe { wgpu::ExperimentalFeatures::enabled() },
    }
}

/// Keeps the first failure that the driver reports. Without a handler, wgpu would panic.
fn watch_for_failure(device: &wgpu::Device, failure: &Arc<Mutex<Option<Failure>>>) {
    let slot = failure.clone();
    device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| {
        tracing::error!(%error, "the GPU reported an error");
        lock(&slot).get_or_insert_with(|| Failure::Reported(error.to_string()));
    }));
    let slot = failure.clone();
    device.set_device_lost_callback(move |reason, message| {
        if reason != wgpu::DeviceLostReason::Destroyed {
            lock(&slot).get_or_insert_with(|| Failure::Lost(message));
        }
    });
}

/// Size of a storage buffer for `bytes` bytes of contents: whole vec4, and at least one.
pub(crate) fn storage_bytes(bytes: u64) -> u64 {
    bytes.max(16).next_multiple_of(16)
}

/// Locks a mutex, poisoned or not: a panic elsewhere leaves these plain values whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
