//! A forward pass as a list of prepared dispatches: made once, encoded every cycle.

use orthrus_shaders::params::Grid;

use crate::gpu::Bound;

/// What the host knows of a pass when it encodes it. These are upper bounds: the GPU holds the exact numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PassBounds {
    /// Upper bound of the rows.
    pub(crate) max_rows: usize,
    /// No row sees a position at or above this one.
    pub(crate) kv_len: usize,
}

impl PassBounds {
    /// The bounds of any pass.
    pub(crate) const ANY: PassBounds = PassBounds { max_rows: usize::MAX, kv_len: usize::MAX };

    /// The bounds of passes with up to `max_rows` rows, at any positions.
    pub(crate) fn of_rows(max_rows: usize) -> PassBounds {
        PassBounds { max_rows, ..PassBounds::ANY }
    }

    fn is_within(self, upper: PassBounds) -> bool {
        self.max_rows <= upper.max_rows && self.kv_len <= upper.kv_len
    }
}

/// Which kernels compute a step of AR decoding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ArKernel {
    /// The kernels of blocks: the text of AR decoding is bit for bit that of dual-view decoding.
    #[default]
    Exact,
    /// Kernels made for one row: faster, and not bit-equal to a row of a block. Where two logits nearly tie, the text can
    /// differ from the exact one's. A baseline to compare with. Dual-view decoding never uses them.
    Fast,
}

impl ArKernel {
    /// The name users give and see.
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

/// The grid for a pass. A grid with a zero has nothing to do.
pub(crate) type GridOf = Box<dyn Fn(PassBounds) -> Grid + Send + Sync>;

/// A kernel with all that it binds, for passes within a bound.
pub(crate) struct KernelVariant {
    /// The kernel's name.
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
    /// Bytes of the weights that the dispatch binds.
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

    /// The name of the kernel that a pass runs here. `None`: the pass has nothing to do here.
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
    /// Encodes the dispatches. Sets pipelines and bind groups, and nothing else.
    pub(crate) fn encode(&self, commands: &mut wgpu::ComputePass<'_>, bounds: PassBounds) {
        for dispatch in &self.dispatches {
            dispatch.encode(commands, bounds);
        }
    }

    /// Number of dispatches that a pass encodes in the layers.
    pub(crate) fn layer_dispatches(&self, bounds: PassBounds) -> usize {
        let of_layers = self.dispatches.iter().filter(|dispatch| dispatch.section == Section::Layer);
        of_layers.filter(|dispatch| dispatch.name(bounds).is_some()).count()
    }
}
