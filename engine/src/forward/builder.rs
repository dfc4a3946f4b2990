//! Preparation of a pass: each `push_*` adds dispatches, with all that they bind.

use std::collections::HashMap;

use orthrus_shaders::Kernel;
use orthrus_shaders::params::Grid;

use super::buffers::Buffers;
use super::plan::{ArKernel, Dispatch, GridOf, KernelVariant, PassBounds, PassPlan, Section};
use crate::gpu::Buffer;
use crate::model::ModelData;
use crate::{Error, Result};

/// A buffer, and the name that the kernels' WGSL gives it.
pub(crate) type Named<'a> = (&'static str, &'a Buffer);

/// Prepares a pass, to which `push` adds the dispatches.
///
/// It makes pipelines, bind groups and uniforms: call it inside [`Gpu::allocating`](crate::Gpu::allocating).
///
/// # Errors
/// [`Error::Bug`]: a kernel was not given a buffer that its WGSL names.
pub(crate) fn plan(
    model: &ModelData,
    buffers: &Buffers,
    kernels: ArKernel,
    push: impl FnOnce(&mut PassBuilder<'_>),
) -> Result<PassPlan> {
    let mut builder = PassBuilder {
        model,
        buffers,
        kernels,
        section: Section::Embedding,
        uniforms: HashMap::new(),
        plan: PassPlan::default(),
        failure: None,
    };
    push(&mut builder);
    match builder.failure {
        Some(error) => Err(error),
        None => Ok(builder.plan),
    }
}

/// A pass in preparation.
pub(crate) struct PassBuilder<'a> {
    pub(crate) model: &'a ModelData,
    pub(crate) buffers: &'a Buffers,
    /// [`ArKernel::Fast`]: the pass has one row, and need not be bit-equal to a row of a block.
    pub(crate) kernels: ArKernel,
    /// The section of the dispatches that are added next.
    pub(crate) section: Section,
    /// Uniform buffers by their contents. Layers with equal parameters share one.
    uniforms: HashMap<Vec<u8>, Buffer>,
    plan: PassPlan,
    /// The first error.
    failure: Option<Error>,
}

impl PassBuilder<'_> {
    /// A uniform buffer with `params`. Equal parameters share one buffer.
    pub(crate) fn uniform<T: bytemuck::Pod>(&mut self, params: &T) -> Buffer {
        let make = || self.model.gpu.uniform("params", params);
        self.uniforms.entry(bytemuck::bytes_of(params).to_vec()).or_insert_with(make).clone()
    }

    /// Adds a dispatch of one kernel. The decode state is bound without being listed in `buffers`.
    pub(crate) fn push(
        &mut self,
        kernel: Kernel,
        buffers: &[Named<'_>],
        grid: impl Fn(PassBounds) -> Grid + Send + Sync + 'static,
    ) {
        self.push_variants(vec![(PassBounds::ANY, kernel, Box::new(grid))], buffers);
    }

    /// Adds one dispatch with alternatives, ordered by upper bound. Encoding takes the first whose bound covers the
    /// pass, else the last.
    ///
    /// Each alternative binds the buffers that its WGSL names.
    pub(crate) fn push_variants(
        &mut self,
        variants: Vec<(PassBounds, Kernel, GridOf)>,
        buffers: &[Named<'_>],
    ) {
        let gpu = &self.model.gpu;
        let all = [&[("state", &self.buffers.state)], buffers].concat();
        let weights = buffers.iter().find(|(name, _)| *name == "weights");
        let bind = |(upper, kernel, grid): (PassBounds, Kernel, GridOf)| {
            let group = gpu.bind(kernel, &all)?;
            let pipeline = gpu.pipeline(kernel).pipeline;
            Ok(KernelVariant { name: kernel.name(), upper, pipeline, group, grid })
        };
        match variants.into_iter().map(bind).collect::<Result<_>>() {
            Ok(variants) => self.plan.dispatches.push(Dispatch {
                section: self.section,
                variants,
                weight_bytes: weights.map_or(0, |(_, buffer)| buffer.size()),
            }),
            Err(error) => _ = self.failure.get_or_insert(error),
        }
    }
}
