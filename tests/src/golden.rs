//! The goldens: small checkpoints with what the official implementation computes for them (`golden/README.md`).

use std::collections::BTreeMap;
use std::path::PathBuf;

use safetensors::SafeTensors;
use serde::Deserialize;

/// The folders' names.
pub const CASES: [&str; 3] = ["tied-gqa", "untied-wide-head", "bf16-sharded"];

/// One golden.
pub struct Golden {
    /// Its folder, a checkpoint.
    pub directory: PathBuf,
    /// `golden.json`.
    pub decoding: Decoding,
    tensors: Vec<u8>,
}

/// What the tests use of `golden.json`.
#[derive(Deserialize)]
pub struct Decoding {
    /// The prompt.
    pub prompt_ids: Vec<u32>,
    /// Greedy runs by name.
    pub runs: BTreeMap<String, GoldenRun>,
    /// Distributions and acceptance of sampling.
    pub sampling: Sampling,
}

/// What the tests use of `sampling`.
#[derive(Deserialize)]
#[allow(missing_docs, reason = "golden/README.md")]
pub struct Sampling {
    pub settings: Vec<SamplingSetting>,
    pub tie_settings: Vec<SamplingSetting>,
    pub draft_tokens: Vec<u32>,
    pub accept_probs: Vec<Vec<f32>>,
}

/// One combination of settings.
#[derive(Deserialize)]
#[allow(missing_docs, reason = "golden/README.md")]
pub struct SamplingSetting {
    pub temperature: f32,
    pub top_k: i64,
    pub top_p: f32,
}

/// A greedy run of the official loop.
#[derive(Deserialize)]
#[allow(missing_docs, reason = "golden/README.md")]
pub struct GoldenRun {
    pub max_new_tokens: usize,
    pub eos_token_id: u32,
    pub new_ids: Vec<u32>,
    pub accept_lens: Vec<usize>,
    pub n_forward: usize,
    pub cycles: Vec<GoldenCycle>,
}

/// A cycle of it.
#[derive(Deserialize)]
#[allow(missing_docs, reason = "golden/README.md")]
pub struct GoldenCycle {
    pub block_len: usize,
    pub draft: Vec<u32>,
}

impl Golden {
    /// Reads the golden of this name.
    ///
    /// # Panics
    /// If it is not there.
    pub fn open(case: &str) -> Golden {
        let directory = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden").join(case);
        let read =
            |name: &str| std::fs::read(directory.join(name)).unwrap_or_else(|e| panic!("{case}/{name}: {e}"));
        let decoding = serde_json::from_slice(&read("golden.json")).unwrap_or_else(|e| panic!("{case}: {e}"));
        let tensors = read("golden.safetensors");
        Golden { directory, decoding, tensors }
    }

    /// A tensor of `golden.safetensors`, f32.
    ///
    /// # Panics
    /// If there is none of that name.
    pub fn tensor(&self, name: &str) -> Vec<f32> {
        let tensors = SafeTensors::deserialize(&self.tensors).unwrap_or_else(|e| panic!("{e}"));
        let tensor = tensors.tensor(name).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(tensor.dtype(), safetensors::Dtype::F32, "{name}");
        bytemuck::pod_collect_to_vec(tensor.data())
    }

    /// An id tensor of `golden.safetensors`.
    ///
    /// # Panics
    /// If there is none of that name.
    pub fn ids(&self, name: &str) -> Vec<u32> {
        let tensors = SafeTensors::deserialize(&self.tensors).unwrap_or_else(|e| panic!("{e}"));
        let tensor = tensors.tensor(name).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(tensor.dtype(), safetensors::Dtype::I64, "{name}");
        bytemuck::pod_collect_to_vec::<u8, i64>(tensor.data()).into_iter().map(|id| id as u32).collect()
    }
}
