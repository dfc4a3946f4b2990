//! A forward pass, or a part of one, as a list of prepared dispatches: made once, recorded every cycle.

use orthrus_shaders::params::Grid;

use crate::buffer::Bound;

/// What the host knows of a pass when it records it: bounds, since the GPU holds the exact numbers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Extent {
    /// Rows at most.
    pub(crate) rows: usize,
    /// No row sees a position at or above this.
    pub(crate) positions: usize,
}

impl Extent {
    /// Any.
    pub(crate) const ANY: Extent = Extent { rows: usize::MAX, positions: usize::MAX };

    /// So many rows at most, at any positions.
    pub(crate) fn of_rows(rows: usize) -> Extent {
        Extent { rows, ..Extent::ANY }
    }

    fn is_within(self, other: Extent) -> bool {
        self.rows <= other.rows && self.positions <= other.positions
    }
}

/// One dispatch, with all that it binds.
pub(crate) struct Step {
    /// Of which a pass takes the first that is for it; the last is for any more too.
    pub(crate) variants: Vec<Variant>,
    /// Bytes of the weights that are bound.
    pub(crate) weight_bytes: u64,
}

/// A kernel for passes of so many rows and positions at most.
pub(crate) struct Variant {
    /// The kernel's name.
    pub(crate) name: &'static str,
    pub(crate) most: Extent,
    pub(crate) pipeline: wgpu::ComputePipeline,
    pub(crate) group: Bound,
    pub(crate) grid: GridOf,
}

/// The grid for a pass; one with a zero has nothing to do there.
pub(crate) type GridOf = Box<dyn Fn(Extent) -> Grid + Send + Sync>;

impl Step {
    pub(crate) fn record(&self, commands: &mut wgpu::ComputePass<'_>, extent: Extent) {
        let Some((variant, [x, y, z])) = self.dispatch(extent) else { return };
        commands.set_pipeline(&variant.pipeline);
        commands.set_bind_group(0, &*variant.group, &[]);
        commands.dispatch_workgroups(x, y, z);
    }

    /// The name of the kernel that the pass records, if there is something for one to do.
    pub(crate) fn name(&self, extent: Extent) -> Option<&'static str> {
        Some(self.dispatch(extent)?.0.name)
    }

    fn dispatch(&self, extent: Extent) -> Option<(&Variant, Grid)> {
        let fits = self.variants.iter().find(|variant| extent.is_within(variant.most));
        let variant = fits.or(self.variants.last())?;
        Some((variant, (variant.grid)(extent))).filter(|(_, grid)| !grid.contains(&0))
    }
}

/// Dispatches in order. Which of them are recorded depends on the pass's extent.
#[derive(Default)]
pub(crate) struct Pass {
    pub(crate) steps: Vec<Step>,
}

impl Pass {
    /// Records the dispatches. Sets pipelines and bind groups, and nothing else.
    pub(crate) fn record(&self, commands: &mut wgpu::ComputePass<'_>, extent: Extent) {
        for step in &self.steps {
            step.record(commands, extent);
        }
    }

    /// Dispatches that it records.
    pub(crate) fn dispatches(&self, extent: Extent) -> usize {
        self.steps.iter().filter_map(|step| step.dispatch(extent)).count()
    }
}
