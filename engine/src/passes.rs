//! The passes of a session, and what is chosen from their logits: each prepared once, recorded every cycle.

use std::sync::{Arc, OnceLock};

use orthrus_loader::Views;
use orthrus_shaders::{State, Visible};

use crate::buffers::Buffers;
use crate::forward::{Preparation, Uniforms};
use crate::model::{Model, Weights};
use crate::options::{ArKernel, View};
use crate::pass::{Extent, Pass};
use crate::session::Way;

/// The passes of a session. What greedy decoding in both views needs is prepared with it; the rest, whose kernels take
/// as long to compile, when it is first asked for, which [`Passes::prepare`] does before the decode loop.
pub(crate) struct Passes {
    model: Model,
    buffers: Arc<Buffers>,
    /// Text through the AR view: a prompt's rows, a block to verify, or one step of AR decoding.
    exact: ArPasses,
    /// One step of AR decoding, by kernels that are not bit-equal to the others.
    fast: OnceLock<ArPasses>,
    /// A masked block through the diffusion view.
    pub(crate) draft: Option<DraftPasses>,
    accept: Pass,
}

/// Text through the AR view, and the AR view's picks.
pub(crate) struct ArPasses {
    pub(crate) layers: Pass,
    pub(crate) logits: Pass,
    greedy: Pass,
    sampled: OnceLock<Pass>,
}

/// A block through the diffusion view, and its drafts.
pub(crate) struct DraftPasses {
    pub(crate) layers: Pass,
    pub(crate) logits: Pass,
    greedy: Pass,
    sampled: OnceLock<Pass>,
}

impl Passes {
    pub(crate) fn new(model: &Model, buffers: &Arc<Buffers>) -> Passes {
        let weights = &model.shared;
        let mask = weights.config.mask_token_id.filter(|_| weights.views == Views::Dual);
        Passes {
            exact: ar_passes(weights, buffers, ArKernel::Exact),
            fast: OnceLock::new(),
            draft: mask.map(|mask| draft_passes(weights, buffers, mask)),
            accept: prepared(weights, buffers, ArKernel::Exact, |pass| pass.accept()),
            model: model.clone(),
            buffers: buffers.clone(),
        }
    }

    /// Prepares what decoding that `way` records.
    pub(crate) fn prepare(&self, way: Way) {
        // The prompt's last pass is exact.
        for kernel in [ArKernel::Exact, way.kernel] {
            self.picks(kernel, way.rule);
        }
        if way.view == View::Dual {
            self.drafts(way.rule);
        }
    }

    pub(crate) fn ar(&self, kernel: ArKernel) -> &ArPasses {
        match kernel {
            ArKernel::Exact => &self.exact,
            ArKernel::Fast => {
                self.fast.get_or_init(|| ar_passes(&self.model.shared, &self.buffers, ArKernel::Fast))
            }
        }
    }

    fn picks(&self, kernel: ArKernel, rule: u32) -> &Pass {
        let ar = self.ar(kernel);
        if rule == State::GREEDY {
            return &ar.greedy;
        }
        let b = &self.buffers;
        ar.sampled.get_or_init(|| {
            prepared(&self.model.shared, b, kernel, |pass| {
                pass.sampled(&b.logits, &b.distributions, &b.picks, false);
                pass.reject();
            })
        })
    }

    fn drafts(&self, rule: u32) -> Option<&Pass> {
        let draft = self.draft.as_ref()?;
        if rule == State::GREEDY {
            return Some(&draft.greedy);
        }
        let b = &self.buffers;
        Some(draft.sampled.get_or_init(|| {
            prepared(&self.model.shared, b, ArKernel::Exact, |pass| {
                pass.sampled(&b.draft_logits, &b.draft_distributions, &b.tokens, true);
            })
        }))
    }

    /// A pass in parts, its layers, its greedy choice of ids, and its sampled one: through the diffusion view, or with
    /// the kernels given through the AR view.
    pub(crate) fn parts(&self, ar: Option<ArKernel>) -> Option<[&Pass; 3]> {
        let rules = [State::GREEDY, State::COUPLED];
        match ar {
            Some(kernel) => {
                let [greedy, sampled] = rules.map(|rule| self.picks(kernel, rule));
                Some([&self.ar(kernel).layers, greedy, sampled])
            }
            None => {
                let [greedy, sampled] = rules.map(|rule| self.drafts(rule));
                Some([&self.draft.as_ref()?.layers, greedy?, sampled?])
            }
        }
    }

    /// Records a draft: the block through the diffusion view, and the choice of its drafts.
    pub(crate) fn record_drafts(&self, commands: &mut wgpu::ComputePass<'_>, extent: Extent, rule: u32) {
        if let Some((draft, choice)) = self.draft.as_ref().zip(self.drafts(rule)) {
            draft.layers.record(commands, extent);
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
        self.picks(kernel, rule).record(commands, extent);
        self.accept.record(commands, extent);
    }
}

fn prepared(
    weights: &Weights,
    buffers: &Buffers,
    kernel: ArKernel,
    steps: impl FnOnce(&mut Preparation<'_>),
) -> Pass {
    let mut preparation =
        Preparation { weights, buffers, uniforms: Uniforms::default(), kernel, pass: Pass::default() };
    steps(&mut preparation);
    preparation.pass
}

fn ar_passes(weights: &Weights, b: &Buffers, kernel: ArKernel) -> ArPasses {
    ArPasses {
        layers: prepared(weights, b, kernel, |pass| {
            pass.embed(None);
            for (layer, cache) in weights.layers.iter().zip(&b.cache) {
                pass.layer(layer, &layer.ar, Visible::Causal, cache);
            }
        }),
        logits: prepared(weights, b, kernel, |pass| pass.logits(&b.logits)),
        greedy: prepared(weights, b, kernel, |pass| pass.greedy(&b.logits, &b.picks, false)),
        sampled: OnceLock::new(),
    }
}

fn draft_passes(weights: &Weights, b: &Buffers, mask: u32) -> DraftPasses {
    let exact = ArKernel::Exact;
    DraftPasses {
        layers: prepared(weights, b, exact, |pass| {
            pass.embed(Some(mask));
            for (layer, cache) in weights.layers.iter().zip(&b.cache) {
                if let Some(diffusion) = &layer.diffusion {
                    pass.layer(layer, diffusion, Visible::Block, cache);
                }
            }
        }),
        logits: prepared(weights, b, exact, |pass| pass.logits(&b.draft_logits)),
        greedy: prepared(weights, b, exact, |pass| pass.greedy(&b.draft_logits, &b.tokens, true)),
        sampled: OnceLock::new(),
    }
}
