//! A forward pass as a list of prepared dispatches, made once and encoded every cycle.

use orthrus_shaders::params::Grid;

use crate::gpu::Bound;

/// Upper bounds that the host knows when it encodes a pass. The GPU holds the exact numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PassBounds {
    /// Largest number of rows.
    pub(crate) max_rows: usize,
    /// KV length: no row attends to a position at or above it.
    pub(crate) kv_len: usize,
}

impl PassBounds {
    /// Bounds that cover every pass.
    pub(crate) const ANY: PassBounds = PassBounds { max_rows: usize::MAX, kv_len: usize::MAX };

    /// Bounds of passes with up to `max_rows` rows, at any KV length.
    pub(crate) fn of_rows(max_rows: usize) -> PassBounds {
        PassBounds { max_rows, ..PassBounds::ANY }
    }

    fn is_within(self, upper: PassBounds) -> bool {
        self.max_rows <= upper.max_rows && self.kv_len <= upper.kv_len
    }
}

/// The kernels of a step of AR decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ArKernel {
    /// The kernels of blocks. AR decoding then gives the text of dual-view decoding, bit for bit.
    #[default]
    Exact,
    /// Kernels for one row: faster, but not bit-equal to a row of a block.
    ///
    /// Where two logits nearly tie, the text can differ from [`ArKernel::Exact`]'s. These kernels are a baseline
    /// for speed, and dual-view decoding never uses them.
    Fast,
}

impl ArKernel {
    /// The name that users give and see.
    pub fn name(self) -> &'static str {
        match self {
            ArKernel::Exact => "exact",
            ArKernel::Fast => "fast",
        }
    }
}

/// A part of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Section {
    /// Embeddings of the rows' ids.
    Embedding,
    /// One decoder layer.
    Layer,
    /// Final norm, head and the choice of ids.
    Head,
    /// The acceptance check, or the replay of a script.
    Accept,
}

/// Computes the grid of a pass. A grid with a zero means that the dispatch has nothing to do.
pub(crate) type GridOf = Box<dyn Fn(PassBounds) -> Grid + Send + Sync>;

/// A kernel with its pipeline, bind group and grid, for passes within a bound.
pub(crate) struct KernelVariant {
    /// Name of the kernel.
    pub(crate) name: &'static str,
    pub(crate) upper: PassBounds,
    pub(crate) pipeline: wgpu::ComputePipeline,
    pub(crate) group: Bound,
    pub(crate) grid: GridOf,
}

/// One dispatch of a pass.
pub(crate) struct Dispatch {
    pub(crate) section: Section,
    /// Alternatives, ordered by upper bound. A pass takes the first whose bound covers it, else the last.
    pub(crate) variants: Vec<KernelVariant>,
    /// Size of the weights that the dispatch binds, in bytes.
    pub(crate) weight_bytes: u64,
}

impl Dispatch {
    /// Encodes the dispatch for a pass.
    pub(crate) fn encode(&self, commands: &mut wgpu::ComputePass<'_>, bounds: PassBounds) {
        let Some((variant, [x, y, z])) = self.variant(bounds) else { return };
        commands.set_pipeline(&variant.pipeline);
        commands.set_bind_group(0, &*variant.group, &[]);
        commands.dispatch_workgroups(x, y, z);
    }

    /// Name of the kernel that a pass runs here. `None`: the pass skips the dispatch.
    pub(crate) fn name(&self, bounds: PassBounds) -> Option<&'static str> {
        Some(self.variant(bounds)?.0.name)
    }

    fn variant(&self, bounds: PassBounds) -> Option<(&KernelVariant, Grid)> {
        let fits = self.variants.iter().find(|variant| bounds.is_within(variant.upper));
        let variant = fits.or(self.variants.last())?;
        Some((variant, (variant.grid)(bounds))).filter(|(_, grid)| !grid.contains(&0))
    }
}

/// Prepared dispatches in order. The bounds of a pass decide which of them are encoded.
#[derive(Default)]
pub(crate) struct PassPlan {
    pub(crate) dispatches: Vec<Dispatch>,
}

impl PassPlan {
    /// Encodes the dispatches: it sets pipelines and bind groups, and does nothing else.
    pub(crate) fn encode(&self, commands: &mut wgpu::ComputePass<'_>, bounds: PassBounds) {
        for dispatch in &self.dispatches {
            dispatch.encode(commands, bounds);
        }
    }

    /// Number of dispatches that a pass encodes, in all layers together.
    pub(crate) fn layer_dispatches(&self, bounds: PassBounds) -> usize {
        let of_layers = self.dispatches.iter().filter(|dispatch| dispatch.section == Section::Layer);
        of_layers.filter(|dispatch| dispatch.name(bounds).is_some()).count()
    }
}
