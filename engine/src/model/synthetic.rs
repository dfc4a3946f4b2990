//! Synthetic models: random weights in the shapes of real models, made on the GPU.
//!
//! Benchmarks and checks use them where no checkpoint is at hand. Their text is meaningless, and their speed is
//! real.

use orthrus_loader::{CheckpointViews, Config, TensorId, TensorShape};
use orthrus_shaders::params::{FillRandom, padded};
use orthrus_shaders::{Kernel, MATRIX_ROWS, State, WeightFormat, packs};

use super::data::{Model, check_supported};
use super::matrix::Matrix;
use super::parts::{Parts, parts};
use crate::Result;
use crate::gpu::{Buffer, Gpu};

/// The shape of a synthetic model. Fields have the names of `config.json`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "config.json's words")]
pub struct Synthetic {
    /// Name that users give, after `synthetic:`.
    pub name: &'static str,
    pub num_hidden_layers: usize,
    pub hidden_size: usize,
    pub num_attention_heads: usize,
    pub num_key_value_heads: usize,
    pub head_dim: usize,
    pub intermediate_size: usize,
    pub vocab_size: usize,
    pub tie_word_embeddings: bool,
    pub mask_token_id: u32,
}

impl Synthetic {
    /// Every shape: Qwen3's, on which the released models build, and a small one that a processor can run.
    pub const ALL: [Synthetic; 5] = [
        Synthetic::qwen3("0.6b", 28, 1024, 16, 3072, true),
        Synthetic::qwen3("1.7b", 28, 2048, 16, 6144, true),
        Synthetic::qwen3("4b", 36, 2560, 32, 9728, true),
        Synthetic::qwen3("8b", 36, 4096, 32, 12_288, false),
        Synthetic::SMALLEST,
    ];

    pub(crate) const SMALLEST: Synthetic = Synthetic {
        name: "test",
        num_hidden_layers: 2,
        hidden_size: 128,
        num_attention_heads: 4,
        num_key_value_heads: 2,
        head_dim: 32,
        intermediate_size: 256,
        vocab_size: 2048,
        tie_word_embeddings: false,
        mask_token_id: 2047,
    };

    const fn qwen3(
        name: &'static str,
        num_hidden_layers: usize,
        hidden_size: usize,
        num_attention_heads: usize,
        intermediate_size: usize,
        tie_word_embeddings: bool,
    ) -> Synthetic {
        Synthetic {
            name,
            num_hidden_layers,
            hidden_size,
            num_attention_heads,
            num_key_value_heads: 8,
            head_dim: 128,
            intermediate_size,
            vocab_size: 151_936,
            tie_word_embeddings,
            mask_token_id: 151_669,
        }
    }

    /// The shape of this name.
    pub fn named(name: &str) -> Option<Synthetic> {
        Synthetic::ALL.into_iter().find(|shape| shape.name == name)
    }

    /// The configuration. Block size (32) and context (40,960) are the released models'. No id ends the text.
    pub fn config(&self) -> Config {
        Config {
            hidden_size: self.hidden_size,
            num_hidden_layers: self.num_hidden_layers,
            num_attention_heads: self.num_attention_heads,
            num_key_value_heads: self.num_key_value_heads,
            head_dim: self.head_dim,
            intermediate_size: self.intermediate_size,
            vocab_size: self.vocab_size,
            max_position_embeddings: 40_960,
            rms_norm_eps: 1e-6,
            rope_theta: 1e6,
            tie_word_embeddings: self.tie_word_embeddings,
            block_size: 32,
            mask_token_id: Some(self.mask_token_id),
            eos_token_ids: Vec::new(),
            bos_token_id: None,
        }
    }
}

impl Model {
    /// Makes a model of this shape with random weights. They depend on `seed` alone, not on format, tier or
    /// adapter.
    ///
    /// Weights are uniform with a variance of about `1 / inputs`, so that activations stay finite. f16 holds them
    /// exactly. Norms are 1.
    ///
    /// Ids come in pairs whose rows of embedding and head are nearly equal (`fill_random.wgsl`). Nearly every
    /// largest logit then has another one about 1e-6 away. So a check of exactness cannot pass by luck.
    ///
    /// The diffusion view accepts almost no drafts, because its weights are random too: see
    /// [`Replay`](crate::Replay).
    ///
    /// # Errors
    /// The GPU is out of memory, or failed.
    pub async fn synthetic_async(
        gpu: &Gpu,
        shape: &Synthetic,
        seed: u64,
        format: WeightFormat,
    ) -> Result<Model> {
        let config = shape.config();
        check_supported(&config)?;
        let mut maker = Maker::new(gpu, seed, format).await?;
        let mut made = Parts::default();
        for part in parts(&config, CheckpointViews::Dual) {
            let id = part.id();
            match part.shape(&config) {
                TensorShape::Matrix { outputs, inputs } => {
                    let in_pairs = matches!(id, TensorId::Embedding | TensorId::Head);
                    _ = made.matrices.insert(id, maker.filled(outputs, inputs, in_pairs).await?);
                }
                TensorShape::Vector(length) => _ = made.vectors.insert(id, maker.ones(length).await?),
            }
        }
        gpu.idle().await?;
        made.into_model(gpu, config, CheckpointViews::Dual, format, Vec::new())
    }

    /// [`Model::synthetic_async`] for programs that are not async.
    ///
    /// # Errors
    /// The errors of [`Model::synthetic_async`].
    #[cfg(not(target_arch = "wasm32"))]
    pub fn synthetic(gpu: &Gpu, shape: &Synthetic, seed: u64, format: WeightFormat) -> Result<Model> {
        pollster::block_on(Model::synthetic_async(gpu, shape, seed, format))
    }
}

/// Makes random matrices, one after another.
pub(crate) struct Maker<'a> {
    gpu: &'a Gpu,
    format: WeightFormat,
    /// A decode state that holds the seed.
    state: Buffer,
    /// Number of matrices made so far, which numbers the random numbers of the next one.
    made: u32,
}

impl<'a> Maker<'a> {
    pub(crate) async fn new(gpu: &'a Gpu, seed: u64, format: WeightFormat) -> Result<Maker<'a>> {
        let state = State { seed: [seed as u32, (seed >> 32) as u32], ..bytemuck::Zeroable::zeroed() };
        let state = gpu.allocating(|| gpu.storage_with("seed", &[state])).await?;
        Ok(Maker { gpu, format, state, made: 0 })
    }

    /// A random matrix `[outputs][inputs]` whose values are independent.
    pub(crate) async fn matrix(&mut self, outputs: usize, inputs: usize) -> Result<Matrix> {
        self.filled(outputs, inputs, false).await
    }

    /// A random matrix `[outputs][inputs]`. With `twins`, rows come in pairs that are nearly equal.
    async fn filled(&mut self, outputs: usize, inputs: usize, twins: bool) -> Result<Matrix> {
        let matrix = Matrix::zeros(self.gpu, "random weights", outputs, inputs, self.format).await?;
        let kernel = Kernel::FillRandom(self.format);
        for slab in &matrix.slabs {
            let params = FillRandom {
                matrix: self.made,
                first_row: slab.first as u32,
                outputs: slab.outputs as u32,
                inputs: inputs as u32,
                packs: packs(inputs) as u32,
                stored: (slab.outputs.next_multiple_of(MATRIX_ROWS) * packs(inputs)) as u32,
                unit: unit(inputs),
                twins: u32::from(twins),
            };
            let prepare = || {
                let uniform = self.gpu.uniform("params", &params);
                let buffers = [("state", &self.state), ("params", &uniform), ("weights", &slab.buffer)];
                Ok((self.gpu.pipeline(kernel).pipeline, self.gpu.bind(kernel, &buffers)?))
            };
            let (pipeline, group) = self.gpu.allocating(prepare).await?;
            let [x, y, z] = params.grid();
            self.gpu.submit(|encoder| {
                let mut commands = encoder.begin_compute_pass(&Default::default());
                commands.set_pipeline(&pipeline);
                commands.set_bind_group(0, &*group, &[]);
                commands.dispatch_workgroups(x, y, z);
            });
        }
        self.made += 1;
        Ok(matrix)
    }

    async fn ones(&self, length: usize) -> Result<Buffer> {
        self.gpu.allocating(|| self.gpu.storage_with("norm", &vec![1f32; padded(length)])).await
    }
}

/// The power of two for which its odd multiples up to 2047 have a variance of about `1 / inputs`.
///
/// Uniform values up to `a` have a variance of `a² / 3`.
fn unit(inputs: usize) -> f32 {
    let exponent = (3.0 / inputs as f64).sqrt().log2().round() as i32;
    2f32.powi(exponent - 11)
}

#[cfg(test)]
mod tests {
    use super::{Synthetic, unit};

    #[test]
    fn weights_keep_the_size_of_activations() {
        for shape in Synthetic::ALL {
            for inputs in [shape.hidden_size, shape.intermediate_size] {
                let largest = f64::from(unit(inputs)) * 2048.0;
                let gain = largest * largest / 3.0 * inputs as f64;
                assert!((0.49..2.01).contains(&gain), "{} inputs: {gain}", inputs);
                // 2⁻²⁴ is the smallest step of f16.
                assert!(unit(inputs) >= 2f32.powi(-24));
            }
        }
    }

    #[test]
    fn shapes_are_found_by_name() {
        assert_eq!(Synthetic::named("8b").map(|shape| shape.hidden_size), Some(4096));
        assert_eq!(Synthetic::named("8B"), None);
    }
}
