//! An open GPU: its adapter, its state, and submitting work.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use bytemuck::Pod;
use orthrus_shaders::{Kernel, Tier, WeightFormat};

use super::adapter::{self, AdapterReport};
use super::buffer::Buffer;
use super::options::GpuOptions;
use super::pipeline::Pipeline;
#[cfg(not(target_arch = "wasm32"))]
use super::poller::Poller;
use super::tuning::{Layouts, Tuning};
use crate::{Error, Result};

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
    pub(super) shared: Arc<Shared>,
}

pub(super) struct Shared {
    pub(super) device: wgpu::Device,
    pub(super) queue: wgpu::Queue,
    pub(super) tier: Tier,
    pub(super) adapter: AdapterReport,
    pub(super) tuning: Tuning,
    pub(super) max_binding: u64,
    pub(super) pipelines: Mutex<HashMap<Kernel, Pipeline>>,
    pub(super) buffers: AtomicU64,
    pub(super) storage_bytes: AtomicU64,
    pub(super) bind_groups: AtomicU64,
    #[cfg(feature = "lab")]
    pub(super) refuse_next: std::sync::atomic::AtomicBool,
    pub(super) failure: Arc<Mutex<Option<Failure>>>,
    #[cfg(not(target_arch = "wasm32"))]
    pub(super) poller: Poller,
}

/// A failure after which an open GPU cannot be used.
#[derive(Clone)]
pub(super) enum Failure {
    Reported(String),
    Lost(String),
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

/// Locks a mutex, poisoned or not: a panic elsewhere leaves these plain values whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
