//! The choice of ids from a pass's logits, and the acceptance check that ends a cycle.

use orthrus_shaders::params::{Argmax, Reject, Sampling};
use orthrus_shaders::{Candidates, Kernel};

use super::builder::PassBuilder;
use super::plan::Section;
use crate::gpu::Buffer;

/// The buffers of a view's choice of ids.
#[derive(Clone, Copy)]
pub(crate) struct Choice<'a> {
    /// `[rows][vocabulary]`. A kernel that fuses the head with argmax does not write it.
    pub(crate) logits: &'a Buffer,
    /// `[rows]`: the sampling cut, which tells the ids that temperature, top-k and top-p leave.
    pub(crate) cuts: &'a Buffer,
    /// The chosen ids: target tokens of the AR view, or drafts in the text.
    pub(crate) ids: &'a Buffer,
    /// Whether the ids are drafts. The last row of a block then has none.
    pub(crate) draft: bool,
}

impl PassBuilder<'_> {
    /// Chooses the id of each row's largest logit.
    pub(crate) fn greedy(&mut self, choice: Choice<'_>) {
        self.section = Section::Head;
        let vocabulary = self.model.config.vocab_size;
        let (candidates, source, count) = match self.push_partial_argmax() {
            Some(groups) => (Candidates::Best, ("best", &self.buffers.best), groups),
            None => {
                self.logits(choice.logits);
                (Candidates::Logits, ("logits", choice.logits), vocabulary)
            }
        };
        self.push_argmax(candidates, source, count, choice);
    }

    /// Draws an id for each row from its distribution.
    pub(crate) fn sampled(&mut self, choice: Choice<'_>) {
        let b = self.buffers;
        self.logits(choice.logits);
        let params = Sampling::new(self.model.config.vocab_size, choice.draft);
        let uniform = self.uniform(&params);
        let buffers = [
            ("params", &uniform),
            ("logits", choice.logits),
            ("parts", &b.logit_parts),
            ("cuts", choice.cuts),
            ("best", &b.best),
        ];
        self.push(Kernel::LogitParts, &buffers, move |bounds| params.grid(bounds.max_rows));
        self.push(Kernel::SamplingCut, &buffers, move |bounds| params.row_grid(bounds.max_rows));
        self.push(Kernel::Sample, &buffers, move |bounds| params.grid(bounds.max_rows));
        self.push_argmax(Candidates::Best, ("best", &b.best), params.groups as usize, choice);
    }

    /// Rejection sampling: rewrites the target token of each row that has a draft. It becomes the draft if that is
    /// accepted, else an id from the residual distribution.
    pub(crate) fn reject(&mut self) {
        let b = self.buffers;
        let params = Reject { vocabulary: self.model.config.vocab_size as u32, pad: [0; 3] };
        let uniform = self.uniform(&params);
        let buffers = [
            ("params", &uniform),
            ("logits", &b.logits),
            ("cuts", &b.cuts),
            ("draft_logits", &b.draft_logits),
            ("draft_cuts", &b.draft_cuts),
            ("tokens", &b.tokens),
            ("target_tokens", &b.target_tokens),
        ];
        let reduce = self.model.gpu.tuning().numerics.reduce;
        self.push(Kernel::Reject(reduce), &buffers, move |bounds| params.grid(bounds.max_rows));
    }

    /// The acceptance check: keeps the longest prefix of drafts that equal their target tokens, and adds the bonus.
    pub(crate) fn accept(&mut self) {
        let b = self.buffers;
        self.section = Section::Accept;
        let buffers = [("tokens", &b.tokens), ("target_tokens", &b.target_tokens), ("result", &b.result)];
        self.push(Kernel::Accept, &buffers, |_| [1, 1, 1]);
    }

    /// Replaces the drafts by those of a script.
    pub(crate) fn replay(&mut self, script: &Buffer) {
        self.section = Section::Accept;
        let buffers = [("script", script), ("tokens", &self.buffers.tokens)];
        self.push(Kernel::Replay, &buffers, |_| [1, 1, 1]);
    }

    fn push_argmax(
        &mut self,
        candidates: Candidates,
        source: (&'static str, &Buffer),
        count: usize,
        choice: Choice<'_>,
    ) {
        let params = Argmax { candidates: count as u32, draft: u32::from(choice.draft), pad: [0; 2] };
        let uniform = self.uniform(&params);
        let buffers = [("params", &uniform), source, ("ids", choice.ids)];
        self.push(Kernel::Argmax(candidates), &buffers, move |bounds| params.grid(bounds.max_rows));
    }
}
