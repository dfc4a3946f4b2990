//! Replay of acceptance lengths: a script gives the drafts instead of the diffusion view.
//!
//! Benchmarks and checks use it for models that accept no drafts of their own. Programs that use it say so in their
//! output.

use orthrus_shaders::{Acceptance, State};

use crate::forward::{ArKernel, Buffers, PassPlan, plan};
use crate::model::Model;
use crate::{Error, Result};

/// A text, and the number of drafts that each cycle is to accept.
///
/// Cycles do all their work. The diffusion view drafts, and then the script replaces its drafts. As many of them as
/// are to be accepted become the text's own tokens, and the next one becomes a wrong token. The AR view verifies
/// and `accept` decides, as always. So the acceptance lengths come out as asked only if `text` is what the AR view
/// generates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// Tokens that the AR view generates from the same prompt: at least as many as the token budget.
    pub text: Vec<u32>,
    /// Acceptance length of each cycle. After the last one the list starts again. A length beyond the drafts of a
    /// block accepts all of them.
    pub lengths: Vec<u32>,
}

impl Replay {
    /// Checks that the replay has a draft for every cycle of a generation, and fits the acceptance rule.
    pub(crate) fn check(&self, budget: usize, vocabulary: usize, acceptance: Acceptance) -> Result<()> {
        let reason = if self.lengths.is_empty() {
            "there are no acceptance lengths".to_string()
        } else if self.text.len() < budget {
            format!("its text has {} tokens, and the token budget is {budget}", self.text.len())
        } else if let Some(id) = self.text.iter().find(|&&id| id as usize >= vocabulary) {
            format!("its text has the id {id}, beyond the vocabulary of {vocabulary}")
        } else if vocabulary < 2 {
            "a vocabulary of 1 has no wrong drafts".to_string()
        } else if acceptance == Acceptance::Rejection {
            "the rule `rejection` needs the diffusion view's own drafts".to_string()
        } else {
            return Ok(());
        };
        Err(Error::Replay { reason })
    }

    /// The draft for each position of `text`. The first position is the first cycle's anchor.
    fn script(&self, block: usize, vocabulary: u32) -> Vec<u32> {
        let mut script = self.text.clone();
        let mut anchor = 0;
        for length in self.lengths.iter().cycle() {
            let accepted = (*length as usize).min(block - 1);
            // The draft at the bonus's position is to be rejected. A block that is accepted whole has no draft
            // there.
            let Some(bonus) = script.get_mut(anchor + accepted + 1) else { break };
            *bonus = (*bonus + 1) % vocabulary;
            anchor += accepted + 1;
        }
        script
    }
}

/// A script on the GPU, and the dispatch that replaces drafts by it.
pub(crate) struct Script {
    pub(crate) plan: PassPlan,
}

impl Script {
    /// Makes the script of a generation, after a prompt of `prompt` tokens. `first` is its first decode state.
    pub(crate) async fn new(
        model: &Model,
        buffers: &Buffers,
        replay: &Replay,
        prompt: usize,
        first: &State,
    ) -> Result<Script> {
        let gpu = model.gpu();
        let vocabulary = model.config().vocab_size as u32;
        let drafts = replay.script(first.block as usize, vocabulary);
        let make = || {
            let script = gpu.storage("script of a replay", 4 * buffers.sizes.context as u64)?;
            let plan = plan(&model.shared, buffers, ArKernel::Exact, |pass| pass.replay(&script))?;
            Ok((script, plan))
        };
        let (script, plan) = gpu.allocating(make).await?;
        gpu.write(&script, 4 * prompt as u64, &drafts[..first.limit as usize - prompt]);
        Ok(Script { plan })
    }
}

#[cfg(test)]
mod tests {
    use super::Replay;

    #[test]
    fn a_wrong_draft_follows_each_accepted_prefix() {
        let replay = Replay { text: (10..20).collect(), lengths: vec![2, 0, 9] };
        // The anchors are 10, 13 and 14. The last cycle accepts all 3 drafts of its block.
        assert_eq!(replay.script(4, 20), [10, 11, 12, 14, 15, 15, 16, 17, 19, 19]);
        let replay = Replay { text: vec![5, 1, 1], lengths: vec![0] };
        assert_eq!(replay.script(1, 2), [5, 0, 0]);
    }
}
