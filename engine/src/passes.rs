//! The passes of a session, and what is chosen from their logits: each prepared once, recorded every cycle.

use orthrus_shaders::State;

use crate::buffers::{Buffers, KeyValues};
use crate::forward::{Preparation, Uniforms};
use crate::model::Weights;
use crate::options::ArKernel;
use crate::pass::{Extent, Pass};

/// The passes of a session.
pub(crate) struct Passes {
    /// Text through the AR view: a prompt's rows, a block to verify, or one step of AR decoding.
    pub(crate) text: Pass,
    /// Its logits.
    pub(crate) text_logits: Pass,
    /// A masked block through the diffusion view, and its logits.
    pub(crate) draft: Option<Pass>,
    greedy_picks: Pass,
    sampled_picks: Pass,
    greedy_drafts: Pass,
    sampled_drafts: Pass,
    accept: Pass,
}

impl Passes {
    pub(crate) fn new(weights: &Weights, buffers: &Buffers) -> Passes {
        let uniforms = Uniforms::default();
        let prepare = |steps: &dyn Fn(&mut Preparation<'_>)| {
            let mut preparation =
                Preparation { weights, buffers, uniforms: &uniforms, pass: Pass::default() };
            steps(&mut preparation);
            preparation.pass
        };
        let b = buffers;
        let draft = |mask: u32, scratch: &KeyValues| {
            prepare(&|pass| {
                pass.embed(Some(mask));
                for (layer, cache) in weights.layers.iter().zip(&b.cache) {
                    if let Some(diffusion) = &layer.diffusion {
                        pass.layer(layer, diffusion, cache, Some(scratch));
                    }
                }
                pass.logits(&b.draft_logits);
            })
        };
        Passes {
            text: prepare(&|pass| {
                pass.embed(None);
                for (layer, cache) in weights.layers.iter().zip(&b.cache) {
                    pass.layer(layer, &layer.ar, cache, None);
                }
            }),
            text_logits: prepare(&|pass| pass.logits(&b.logits)),
            draft: weights
                .config
                .mask_token_id
                .zip(b.scratch.as_ref())
                .map(|(mask, scratch)| draft(mask, scratch)),
            greedy_picks: prepare(&|pass| pass.argmax(&b.logits, &b.picks, false)),
            sampled_picks: prepare(&|pass| {
                pass.distribution(&b.logits, &b.distributions, false);
                pass.sample(&b.logits, &b.distributions, &b.picks, false);
                pass.reject();
            }),
            greedy_drafts: prepare(&|pass| pass.argmax(&b.draft_logits, &b.tokens, true)),
            sampled_drafts: prepare(&|pass| {
                pass.distribution(&b.draft_logits, &b.draft_distributions, true);
                pass.sample(&b.draft_logits, &b.draft_distributions, &b.tokens, true);
            }),
            accept: prepare(&|pass| pass.accept()),
        }
    }

    /// Records a draft: the block through the diffusion view, and the choice of its drafts.
    pub(crate) fn record_drafts(&self, commands: &mut wgpu::ComputePass<'_>, extent: Extent, rule: u32) {
        if let Some(draft) = &self.draft {
            draft.record(commands, extent);
            let drafts = if rule == State::GREEDY { &self.greedy_drafts } else { &self.sampled_drafts };
            drafts.record(commands, extent);
        }
    }

    /// Records text through the AR view. The kernel chosen counts only for a pass of one row.
    pub(crate) fn record_text(&self, commands: &mut wgpu::ComputePass<'_>, extent: Extent, _: ArKernel) {
        // The fast one-row kernel has its place here. Until there is one, both names mean the exact kernels.
        self.text.record(commands, extent);
    }

    /// Records the end of a text pass: its logits, the AR view's picks, and what is accepted.
    pub(crate) fn record_picks(
        &self,
        commands: &mut wgpu::ComputePass<'_>,
        extent: Extent,
        rule: u32,
        _: ArKernel,
    ) {
        self.text_logits.record(commands, extent);
        let picks = if rule == State::GREEDY { &self.greedy_picks } else { &self.sampled_picks };
        picks.record(commands, extent);
        self.accept.record(commands, extent);
    }
}
