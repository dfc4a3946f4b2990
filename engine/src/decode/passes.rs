//! The passes of a session: each prepared once, encoded every cycle.

use std::sync::Arc;

use orthrus_loader::CheckpointViews;
use orthrus_shaders::Acceptance;

use super::options::{DecodeMode, Decoding};
use crate::forward::{ArKernel, Buffers, Choice, PassBounds, PassPlan, plan};
use crate::model::{Model, ModelData};
use crate::{Error, Result};

/// The passes of a session. Greedy decoding's are prepared with it. The rest is prepared when a request first asks for it,
/// since its kernels take as long again to compile.
pub(crate) struct Passes {
    model: Model,
    buffers: Arc<Buffers>,
    /// Text through the AR view by the kernels of blocks: prefill, verification, or a step of AR decoding.
    exact: ViewPasses,
    /// A step of AR decoding by the kernels of one row.
    fast: Option<ViewPasses>,
    /// A masked block through the diffusion view.
    draft: Option<ViewPasses>,
    accept: PassPlan,
}

/// The passes of one view, in parts that are encoded one after the other.
pub(crate) struct ViewPasses {
    /// Embedding and layers.
    pub(crate) layers: PassPlan,
    /// Logits alone, for those who look at them.
    pub(crate) logits: PassPlan,
    /// Logits and the greedy choice of ids.
    pub(crate) greedy: PassPlan,
    /// Logits and the sampled choice of ids. `None`: not prepared yet.
    pub(crate) sampled: Option<PassPlan>,
}

/// What [`Passes::prepare`] found missing, prepared.
#[derive(Default)]
pub(crate) struct Prepared {
    fast: Option<ViewPasses>,
    /// Sampled choices of the exact passes, of the fast ones, and of drafts.
    sampled: [Option<PassPlan>; 3],
}

/// One of the views' passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PassKind {
    /// The AR view.
    Target(ArKernel),
    /// The diffusion view.
    Draft,
}

impl PassKind {
    const ALL: [PassKind; 3] =
        [PassKind::Target(ArKernel::Exact), PassKind::Target(ArKernel::Fast), PassKind::Draft];

    /// Whether decoding in `mode` runs such passes. The last pass of a prefill is exact in any mode.
    fn is_used(self, mode: DecodeMode) -> bool {
        match self {
            PassKind::Target(kernels) => kernels == ArKernel::Exact || kernels == mode.kernels,
            PassKind::Draft => mode.decoding == Decoding::Dual,
        }
    }

    fn kernels(self) -> ArKernel {
        match self {
            PassKind::Target(kernels) => kernels,
            PassKind::Draft => ArKernel::Exact,
        }
    }
}

impl Passes {
    /// The passes of greedy decoding. Makes pipelines and buffers: to be called where refusals are caught.
    pub(crate) fn new(model: &Model, buffers: &Arc<Buffers>) -> Result<Passes> {
        let data = &model.shared;
        let has_draft = data.views == CheckpointViews::Dual && data.config.mask_token_id.is_some();
        let draft = if has_draft { Some(view_passes(data, buffers, PassKind::Draft)?) } else { None };
        Ok(Passes {
            exact: view_passes(data, buffers, PassKind::Target(ArKernel::Exact))?,
            fast: None,
            draft,
            accept: plan(data, buffers, ArKernel::Exact, |pass| pass.accept())?,
            model: model.clone(),
            buffers: buffers.clone(),
        })
    }

    /// Prepares what decoding in `mode` lacks. Makes pipelines and buffers: to be called where refusals are caught, and
    /// to be followed by [`Passes::keep`].
    pub(crate) fn prepare(&self, mode: DecodeMode) -> Result<Prepared> {
        let mut prepared = Prepared::default();
        let data = &self.model.shared;
        if mode.kernels == ArKernel::Fast && self.fast.is_none() {
            prepared.fast = Some(view_passes(data, &self.buffers, PassKind::Target(ArKernel::Fast))?);
        }
        if mode.acceptance == Acceptance::Greedy {
            return Ok(prepared);
        }
        for (slot, kind) in prepared.sampled.iter_mut().zip(PassKind::ALL) {
            let is_there = self.passes(kind).is_ok_and(|passes| passes.sampled.is_some());
            if kind.is_used(mode) && !is_there {
                *slot = Some(sampled(data, &self.buffers, kind)?);
            }
        }
        Ok(prepared)
    }

    /// Keeps what was prepared.
    pub(crate) fn keep(&mut self, prepared: Prepared) {
        if prepared.fast.is_some() {
            self.fast = prepared.fast;
        }
        let [exact, fast, draft] = prepared.sampled;
        let slots = [Some(&mut self.exact), self.fast.as_mut(), self.draft.as_mut()];
        for (slot, plan) in slots.into_iter().zip([exact, fast, draft]) {
            if let (Some(passes), Some(plan)) = (slot, plan) {
                passes.sampled = Some(plan);
            }
        }
    }

    /// Whether there is a diffusion view.
    pub(crate) fn has_draft(&self) -> bool {
        self.draft.is_some()
    }

    /// The passes of a kind.
    ///
    /// # Errors
    /// [`Error::NoDiffusionView`], or [`Error::Bug`] if they were not prepared.
    pub(crate) fn passes(&self, kind: PassKind) -> Result<&ViewPasses> {
        match kind {
            PassKind::Target(ArKernel::Exact) => Ok(&self.exact),
            PassKind::Target(ArKernel::Fast) => {
                self.fast.as_ref().ok_or_else(|| not_prepared("the fast kernels' passes"))
            }
            PassKind::Draft => self.draft.as_ref().ok_or(Error::NoDiffusionView),
        }
    }

    /// What a cycle in `mode` encodes.
    pub(crate) fn cycle(&self, mode: DecodeMode) -> Result<Cycle<'_>> {
        let part = |kind| -> Result<Part<'_>> {
            let passes = self.passes(kind)?;
            Ok(Part { layers: &passes.layers, choice: passes.choice(mode.acceptance)? })
        };
        let draft = if mode.decoding == Decoding::Dual { Some(part(PassKind::Draft)?) } else { None };
        Ok(Cycle { draft, target: part(PassKind::Target(mode.kernels))?, accept: &self.accept })
    }
}

impl ViewPasses {
    /// Logits and the choice of ids.
    pub(crate) fn choice(&self, acceptance: Acceptance) -> Result<&PassPlan> {
        match acceptance {
            Acceptance::Greedy => Ok(&self.greedy),
            Acceptance::Coupled | Acceptance::Rejection => {
                self.sampled.as_ref().ok_or_else(|| not_prepared("sampling"))
            }
        }
    }
}

/// What a cycle encodes: draft, verify, accept.
pub(crate) struct Cycle<'a> {
    draft: Option<Part<'a>>,
    target: Part<'a>,
    accept: &'a PassPlan,
}

struct Part<'a> {
    layers: &'a PassPlan,
    choice: &'a PassPlan,
}

impl Cycle<'_> {
    /// Draft: the block through the diffusion view, and the choice of drafts. AR decoding has none.
    pub(crate) fn encode_draft(&self, commands: &mut wgpu::ComputePass<'_>, bounds: PassBounds) {
        if let Some(Part { layers, choice }) = &self.draft {
            layers.encode(commands, bounds);
            choice.encode(commands, bounds);
        }
    }

    /// Verify: text through the AR view, the choice of target tokens for the rows within `choice`, and the acceptance
    /// check.
    pub(crate) fn encode_verify(
        &self,
        commands: &mut wgpu::ComputePass<'_>,
        layers: PassBounds,
        choice: PassBounds,
    ) {
        self.target.layers.encode(commands, layers);
        self.target.choice.encode(commands, choice);
        self.accept.encode(commands, choice);
    }
}

fn view_passes(model: &ModelData, b: &Buffers, kind: PassKind) -> Result<ViewPasses> {
    let choice = choice(b, kind);
    let mask = model.config.mask_token_id.unwrap_or(0);
    Ok(ViewPasses {
        layers: plan(model, b, kind.kernels(), |pass| match kind {
            PassKind::Target(_) => pass.ar_layers(),
            PassKind::Draft => pass.diffusion_layers(mask),
        })?,
        logits: plan(model, b, kind.kernels(), |pass| pass.logits(choice.logits))?,
        greedy: plan(model, b, kind.kernels(), |pass| pass.greedy(choice))?,
        sampled: None,
    })
}

fn sampled(model: &ModelData, b: &Buffers, kind: PassKind) -> Result<PassPlan> {
    plan(model, b, kind.kernels(), |pass| {
        pass.sampled(choice(b, kind));
        if kind != PassKind::Draft {
            pass.reject();
        }
    })
}

/// The logits and ids of a view.
fn choice(b: &Buffers, kind: PassKind) -> Choice<'_> {
    match kind {
        PassKind::Target(_) => {
            Choice { logits: &b.logits, cuts: &b.cuts, ids: &b.target_tokens, draft: false }
        }
        PassKind::Draft => {
            Choice { logits: &b.draft_logits, cuts: &b.draft_cuts, ids: &b.tokens, draft: true }
        }
    }
}

fn not_prepared(what: &str) -> Error {
    Error::Bug { reason: format!("{what} was not prepared before the decode loop") }
}
