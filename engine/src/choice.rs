//! What is made of a pass's logits: the choice of ids, and the end of a cycle.

use orthrus_shaders::params::{Argmax, Choice, Reject};
use orthrus_shaders::{Candidates, Kernel};

use crate::buffer::Buffer;
use crate::forward::Preparation;

impl Preparation<'_> {
    /// The id of the largest logit of each row: picks of the AR view, or drafts. `logits` is where they are written if
    /// they have to be.
    pub(crate) fn greedy(&mut self, logits: &Buffer, ids: &Buffer, draft: bool) {
        let vocabulary = self.weights.config.vocab_size;
        let (candidates, source, count) = match self.best_logits() {
            Some(groups) => (Candidates::Best, &self.buffers.best, groups),
            None => {
                self.logits(logits);
                (Candidates::Logits, logits, vocabulary)
            }
        };
        self.argmax(candidates, source, count, ids, draft);
    }

    fn argmax(&mut self, candidates: Candidates, source: &Buffer, count: usize, ids: &Buffer, draft: bool) {
        let params = Argmax { candidates: count as u32, draft: u32::from(draft), pad: [0; 2] };
        let buffers = [&self.buffers.state, &self.uniform(&params), source, ids];
        self.step(Kernel::Argmax(candidates), &buffers, move |extent| params.grid(extent.rows));
    }

    /// An id of each row, drawn from its distribution.
    pub(crate) fn sampled(&mut self, logits: &Buffer, distributions: &Buffer, ids: &Buffer, draft: bool) {
        self.logits(logits);
        let params = Choice::new(self.weights.config.vocab_size, draft);
        let params_buffer = self.uniform(&params);
        let b = self.buffers;
        let buffers = [&b.state, &params_buffer, logits, &b.parts];
        self.step(Kernel::Survey, &buffers, move |extent| params.grid(extent.rows));
        let buffers = [&b.state, &params_buffer, logits, &b.parts, distributions];
        self.step(Kernel::Distribution, &buffers, move |extent| params.row_grid(extent.rows));
        let buffers = [&b.state, &params_buffer, logits, distributions, &b.best];
        self.step(Kernel::Sample, &buffers, move |extent| params.grid(extent.rows));
        self.argmax(Candidates::Best, &b.best, params.groups as usize, ids, draft);
    }

    /// Replaces the picks of rows that have a draft by what rejection sampling says. Without drafts there are none.
    pub(crate) fn reject(&mut self) {
        let b = self.buffers;
        let params = Reject { vocabulary: self.weights.config.vocab_size as u32, pad: [0; 3] };
        let params_buffer = self.uniform(&params);
        let buffers = [
            &b.state,
            &params_buffer,
            &b.logits,
            &b.distributions,
            &b.draft_logits,
            &b.draft_distributions,
            &b.tokens,
            &b.picks,
        ];
        self.step(Kernel::Reject, &buffers, move |extent| params.grid(extent.rows));
    }

    pub(crate) fn accept(&mut self) {
        let b = self.buffers;
        let buffers = [&b.state, &b.tokens, &b.picks, &b.record];
        self.step(Kernel::Accept, &buffers, |_| [1, 1, 1]);
    }
}
