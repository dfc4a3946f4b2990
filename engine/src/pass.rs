//! A forward pass as a list of prepared dispatches: made once, recorded every cycle.

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

/// One dispatch, with all that it binds.
pub(crate) struct Step {
    /// The kernel's name.
    pub(crate) name: &'static str,
    /// Pipelines by the rows that each is for at most, the fewest first; the last is for any more too.
    pub(crate) pipelines: Vec<(usize, wgpu::ComputePipeline)>,
    pub(crate) group: Bound,
    pub(crate) grid: Box<dyn Fn(Extent) -> Grid + Send + Sync>,
    /// Bytes of the weights that are bound.
    pub(crate) weight_bytes: u64,
}

impl Step {
    pub(crate) fn record(&self, commands: &mut wgpu::ComputePass<'_>, extent: Extent) {
        let Some([x, y, z]) = self.grid(extent) else { return };
        let Some(pipeline) = self.pipeline(extent.rows) else { return };
        commands.set_pipeline(pipeline);
        commands.set_bind_group(0, &*self.group, &[]);
        commands.dispatch_workgroups(x, y, z);
    }

    /// Its grid, or `None` where it has nothing to do in the pass, and is not recorded.
    pub(crate) fn grid(&self, extent: Extent) -> Option<Grid> {
        Some((self.grid)(extent)).filter(|grid| !grid.contains(&0))
    }

    fn pipeline(&self, rows: usize) -> Option<&wgpu::ComputePipeline> {
        let fits = self.pipelines.iter().find(|(most, _)| rows <= *most);
        fits.or(self.pipelines.last()).map(|(_, pipeline)| pipeline)
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
        self.steps.iter().filter(|step| step.grid(extent).is_some()).count()
    }
}
