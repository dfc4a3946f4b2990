//! The passes of a session, prepared once and encoded every cycle.

use std::sync::Arc;

use orthrus_loader::CheckpointViews;
use orthrus_shaders::Acceptance;

use super::options::{DecodeMode, Decoding};
use crate::forward::{ArKernel, Buffers, Choice, PassBounds, PassPlan, plan};
use crate::model::{Model, ModelData};
use crate::{Error, Result};

/// The prepared passes of a session.
///
/// Greedy passes are prepared with the session. Other passes are prepared when a request first needs them, because
/// their kernels take as long again to compile.
pub(crate) struct Passes {
    model: Model,
    buffers: Arc<Buffers>,
    /// The AR view by the kernels of blocks: prefill, verify, and exact AR decoding.
    exact: ViewPasses,
    /// The AR view by the kernels of one row. `None`: not prepared yet.
    fast: Option<ViewPasses>,
    /// The diffusion view over a masked block. `None`: no diffusion view.
    draft: Option<ViewPasses>,
    accept: PassPlan,
}

/// The passes of one view, in parts that are encoded one after another.
pub(crate) struct ViewPasses {
    /// Embedding and layers.
    pub(crate) layers: PassPlan,
    /// Logits alone, which `lab` reads.
    pub(crate) logits: PassPlan,
    /// Logits and the greedy choice of ids.
    pub(crate) greedy: PassPlan,
    /// Logits and the sampled choice of ids. `None`: not prepared yet.
    pub(crate) sampled: Option<PassPlan>,
}

/// The passes that [`Passes::prepare`] makes and [`Passes::keep`] takes.
#[derive(Default)]
pub(crate) struct Prepared {
    fast: Option<ViewPasses>,
    /// Sampled choices of ids, in the order of [`PassKind::ALL`].
    sampled: [Option<PassPlan>; 3],
}

/// The view of a pass, and its kernels.
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

    /// Whether decoding in `mode` runs such a pass. The last pass of a prefill is exact in every mode.
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
    /// Prepares the passes of greedy decoding. It makes pipelines and buffers: call it inside
    /// [`Gpu::allocating`](crate::Gpu::allocating).
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

    /// Prepares the passes that decoding in `mode` lacks, for [`Passes::keep`]. It makes pipelines and buffers:
    /// call it inside [`Gpu::allocating`](crate::Gpu::allocating).
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

    /// Keeps prepared passes.
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

    /// The passes of a cycle in `mode`.
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
    /// Logits and the choice of ids, for an acceptance rule.
    pub(crate) fn choice(&self, acceptance: Acceptance) -> Result<&PassPlan> {
        match acceptance {
            Acceptance::Greedy => Ok(&self.greedy),
            Acceptance::Coupled | Acceptance::Rejection => {
                self.sampled.as_ref().ok_or_else(|| not_prepared("sampling"))
            }
        }
    }
}

/// The passes of a cycle: draft, verify, accept.
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
    /// Encodes the draft pass: the block through the diffusion view, and the choice of drafts. AR decoding has no
    /// draft pass.
    pub(crate) fn encode_draft(&self, commands: &mut wgpu::ComputePass<'_>, bounds: PassBounds) {
        if let Some(Part { layers, choice }) = &self.draft {
            layers.encode(commands, bounds);
            choice.encode(commands, bounds);
        }
    }

    /// Encodes verify and accept: text through the AR view, target tokens, and the acceptance check. `choice`
    /// bounds the rows that get a target token.
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

/// The buffers of a view's choice of ids.
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
