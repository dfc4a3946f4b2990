//! A GPU that computes nothing and claims to be any adapter (wgpu's `noop` backend). It shows which kernels a
//! session prepares on hardware that is not at hand.

use super::adapter::{AdapterKind, report};
use super::device::Gpu;
use super::options::GpuOptions;
use crate::{Error, Result};

/// Properties of an adapter that decide which kernels run on it.
#[derive(Clone, Copy, Debug)]
pub struct PretendedAdapter {
    /// Lanes of every subgroup.
    pub subgroup_lanes: u32,
    /// Workgroup memory, in bytes.
    pub workgroup_bytes: u32,
    /// Whether the adapter is software.
    pub software: bool,
}

impl PretendedAdapter {
    /// Opens a GPU with these properties. Buffers exist, and kernels do not run.
    ///
    /// # Errors
    /// The tier does not run on such an adapter.
    pub async fn open(self, options: &GpuOptions) -> Result<Gpu> {
        let descriptor = wgpu::InstanceDescriptor {
            backends: wgpu::Backends::NOOP,
            backend_options: wgpu::BackendOptions {
                noop: wgpu::NoopBackendOptions {
                    enable: true,
                    limits: Some(wgpu::Limits {
                        max_compute_workgroup_storage_size: self.workgroup_bytes,
                        ..wgpu::Limits::unlimited()
                    }),
                    subgroup_min_size: Some(self.subgroup_lanes),
                    subgroup_max_size: Some(self.subgroup_lanes),
                    ..Default::default()
                },
                ..Default::default()
            },
            ..wgpu::InstanceDescriptor::new_without_display_handle()
        };
        let instance = wgpu::Instance::new(descriptor);
        let adapters = instance.enumerate_adapters(wgpu::Backends::NOOP).await;
        let adapter = adapters.into_iter().next().ok_or(Error::NoAdapter { unsuitable: Vec::new() })?;
        let mut report = report(0, &adapter);
        report.kind = if self.software { AdapterKind::Software } else { AdapterKind::Discrete };
        // The backend lists no cooperative matrices, and accepts any size.
        let options = GpuOptions { any_matrix_size: true, ..options.clone() };
        Gpu::open_adapter(adapter, report, &options).await
    }
}
