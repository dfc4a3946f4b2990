//! The passes of a session, and what is chosen from their logits: each prepared once, recorded every cycle.

use orthrus_loader::Views;
use orthrus_shaders::{State, Visible};

use crate::buffers::Buffers;
use crate::forward::{Preparation, Uniforms};
use crate::model::Weights;
use crate::options::ArKernel;
use crate::pass::{Extent, Pass};

/// The passes of a session.
pub(crate) struct Passes {
    /// Text through the AR view: a prompt's rows, a block to verify, or one step of AR decoding.
    exact: ArPasses,
    /// One step of AR decoding, by kernels that are not bit-equal to the others.
    fast: ArPasses,
    /// A masked block through the diffusion view.
    pub(crate) draft: Option<DraftPasses>,
    accept: Pass,
}

/// Text through the AR view, and the AR view's picks.
pub(crate) struct ArPasses {
    pub(crate) layers: Pass,
    pub(crate) logits: Pass,
    greedy_picks: Pass,
    sampled_picks: Pass,
}

/// A block through the diffusion view, and its drafts.
pub(crate) struct DraftPasses {
    pub(crate) layers: Pass,
    pub(crate) logits: Pass,
    greedy: Pass,
    sampled: Pass,
}

impl Passes {
    pub(crate) fn new(weights: &Weights, b: &Buffers) -> Passes {
        let uniforms = Uniforms::default();
        let prepare = |kernel, steps: &dyn Fn(&mut Preparation<'_>)| {
            let pass = Pass::default();
            let mut preparation = Preparation { weights, buffers: b, uniforms: &uniforms, kernel, pass };
            steps(&mut preparation);
            preparation.pass
        };
        let ar = |kernel| ArPasses {
            layers: prepare(kernel, &|pass| {
                pass.embed(None);
                for (layer, cache) in weights.layers.iter().zip(&b.cache) {
                    pass.layer(layer, &layer.ar, Visible::Causal, cache);
                }
            }),
            logits: prepare(kernel, &|pass| pass.logits(&b.logits)),
            greedy_picks: prepare(kernel, &|pass| pass.greedy(&b.logits, &b.picks, false)),
            sampled_picks: prepare(kernel, &|pass| {
                pass.sampled(&b.logits, &b.distributions, &b.picks, false);
                pass.reject();
            }),
        };
        let exact = |steps: &dyn Fn(&mut Preparation<'_>)| prepare(ArKernel::Exact, steps);
        let draft = |mask| DraftPasses {
            layers: exact(&|pass| {
                pass.embed(Some(mask));
                for (layer, cache) in weights.layers.iter().zip(&b.cache) {
                    if let Some(diffusion) = &layer.diffusion {
                        pass.layer(layer, diffusion, Visible::Block, cache);
                    }
                }
            }),
            logits: exact(&|pass| pass.logits(&b.draft_logits)),
            greedy: exact(&|pass| pass.greedy(&b.draft_logits, &b.tokens, true)),
            sampled: exact(&|pass| pass.sampled(&b.draft_logits, &b.draft_distributions, &b.tokens, true)),
        };
        let mask = weights.config.mask_token_id.filter(|_| weights.views == Views::Dual);
        Passes {
            exact: ar(ArKernel::Exact),
            fast: ar(ArKernel::Fast),
            draft: mask.map(draft),
            accept: exact(&|pass| pass.accept()),
        }
    }

    pub(crate) fn ar(&self, kernel: ArKernel) -> &ArPasses {
        match kernel {
            ArKernel::Exact => &self.exact,
            ArKernel::Fast => &self.fast,
        }
    }

    /// A pass in parts, its layers, its greedy choice of ids, and its sampled one: through the diffusion view, or with
    /// the kernels given through the AR view.
    pub(crate) fn parts(&self, ar: Option<ArKernel>) -> Option<[&Pass; 3]> {
        match ar.map(|kernel| self.ar(kernel)) {
            Some(ar) => Some([&ar.layers, &ar.greedy_picks, &ar.sampled_picks]),
            None => self.draft.as_ref().map(|draft| [&draft.layers, &draft.greedy, &draft.sampled]),
        }
    }

    /// Records a draft: the block through the diffusion view, and the choice of its drafts.
    pub(crate) fn record_drafts(&self, commands: &mut wgpu::ComputePass<'_>, extent: Extent, rule: u32) {
        if let Some(draft) = &self.draft {
            draft.layers.record(commands, extent);
            let choice = if rule == State::GREEDY { &draft.greedy } else { &draft.sampled };
            choice.record(commands, extent);
        }
    }

    /// Records the end of a text pass: the AR view's picks, and what is accepted.
    pub(crate) fn record_picks(
        &self,
        commands: &mut wgpu::ComputePass<'_>,
        extent: Extent,
        rule: u32,
        kernel: ArKernel,
    ) {
        let ar = self.ar(kernel);
        let picks = if rule == State::GREEDY { &ar.greedy_picks } else { &ar.sampled_picks };
        picks.record(commands, extent);
        self.accept.record(commands, extent);
    }
}
