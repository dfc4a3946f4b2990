//! Buffers, pipelines and bind groups. This file alone makes them, and counts them.

use std::collections::HashSet;
use std::sync::atomic::Ordering;

use bytemuck::Pod;
use orthrus_shaders::{Access, Kernel};
use wgpu::BufferUsages;

use super::buffer::{Bound, Buffer};
use super::device::{Gpu, lock};
use super::pipeline::Pipeline;
#[cfg(not(target_arch = "wasm32"))]
use super::spirv;
use crate::{Error, Result};

impl Gpu {
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
}

/// Size of a storage buffer for `bytes` bytes of contents: whole vec4, and at least one.
pub(crate) fn storage_bytes(bytes: u64) -> u64 {
    bytes.max(16).next_multiple_of(16)
}
