//! Preparing a pass: each `push_*` adds dispatches, with everything that they bind.

use std::collections::HashMap;

use orthrus_shaders::Kernel;
use orthrus_shaders::params::Grid;

use super::buffers::Buffers;
use super::plan::{ArKernel, Dispatch, GridOf, KernelVariant, PassBounds, PassPlan, Section};
use crate::gpu::Buffer;
use crate::model::ModelData;
use crate::{Error, Result};

/// A buffer and the name that the kernels' WGSL gives it.
pub(crate) type Named<'a> = (&'static str, &'a Buffer);

/// Prepares a pass. Makes pipelines, bind groups and uniforms: to be called where refusals are caught.
///
/// # Errors
/// [`Error::Bug`]: a kernel was given other buffers than it names.
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

/// A pass while it is prepared.
pub(crate) struct PassBuilder<'a> {
    pub(crate) model: &'a ModelData,
    pub(crate) buffers: &'a Buffers,
    /// [`ArKernel::Fast`]: the pass has one row, and need not be bit-equal to a row of a block.
    pub(crate) kernels: ArKernel,
    /// The part of the pass that is being prepared.
    pub(crate) section: Section,
    /// Uniform buffers by contents: layers share theirs.
    uniforms: HashMap<Vec<u8>, Buffer>,
    plan: PassPlan,
    /// The first thing that went wrong.
    failure: Option<Error>,
}

impl PassBuilder<'_> {
    /// A uniform buffer with these parameters.
    pub(crate) fn uniform<T: bytemuck::Pod>(&mut self, params: &T) -> Buffer {
        let make = || self.model.gpu.uniform("params", params);
        self.uniforms.entry(bytemuck::bytes_of(params).to_vec()).or_insert_with(make).clone()
    }

    /// Adds a dispatch of one kernel. `buffers` need not name the decode state.
    pub(crate) fn push(
        &mut self,
        kernel: Kernel,
        buffers: &[Named<'_>],
        grid: impl Fn(PassBounds) -> Grid + Send + Sync + 'static,
    ) {
        self.push_variants(vec![(PassBounds::ANY, kernel, Box::new(grid))], buffers);
    }

    /// Adds one dispatch with alternatives, ordered by upper bound. Encoding takes the first whose bound covers the
    /// pass, else the last. Each alternative binds those of `buffers` that it names.
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
