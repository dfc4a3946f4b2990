//! The whole decoder on the CPU, made of the kernels' twins: what the engine must compute for any shape. It has
//! no cache, no blocks and no state on a GPU: every pass starts from the text.

use orthrus::loader::{Checkpoint, Config};
use orthrus::shaders::params::{Attention, AttentionMerge, Matmul, QkNormRope, RmsNorm, Swiglu, padded};
use orthrus::shaders::twin;
use orthrus::shaders::{Epilogue, KvSplits, Mask, Rows, SPLIT, State, TILE, packs};

/// A checkpoint's weights in f32.
pub struct Reference<'a> {
    checkpoint: &'a Checkpoint,
    config: &'a Config,
}

/// Keys and values of each layer.
struct Cache(Vec<(Vec<f32>, Vec<f32>)>);

impl<'a> Reference<'a> {
    /// Of this checkpoint.
    pub fn new(checkpoint: &'a Checkpoint) -> Reference<'a> {
        Reference { checkpoint, config: checkpoint.config() }
    }

    /// The AR view's logits of every token of `text`: `[text][vocabulary]`.
    pub fn ar_logits(&self, text: &[u32]) -> Vec<f32> {
        self.ar(text).0
    }

    /// The diffusion view's logits of a block of `rows` rows whose anchor follows `text`: `[rows][vocabulary]`.
    pub fn draft_logits(&self, text: &[u32], anchor: u32, rows: usize) -> Vec<f32> {
        let Cache(cache) = self.ar(text).1;
        let mut ids = vec![self.config.mask_token_id.unwrap_or(0); rows];
        ids[0] = anchor;
        let mut x = self.embed(&ids);
        for (layer, (keys, values)) in cache.iter().enumerate() {
            let mut block = (Vec::new(), Vec::new());
            self.layer(layer, "_diff", text.len(), &mut x, &mut block, Some((keys, values)));
        }
        self.logits(&x)
    }

    fn ar(&self, text: &[u32]) -> (Vec<f32>, Cache) {
        let mut x = self.embed(text);
        let mut cache = Cache(Vec::new());
        for layer in 0..self.config.num_hidden_layers {
            let mut own = (Vec::new(), Vec::new());
            self.layer(layer, "", 0, &mut x, &mut own, None);
            cache.0.push(own);
        }
        (self.logits(&x), cache)
    }

    /// Rows of `x` at positions `start..` through a layer. `own` becomes the rows' keys and values.
    fn layer(
        &self,
        layer: usize,
        view: &str,
        start: usize,
        x: &mut [f32],
        own: &mut (Vec<f32>, Vec<f32>),
        cache: Option<(&[f32], &[f32])>,
    ) {
        let c = self.config;
        let (heads, kv_heads, head_dim) = (c.num_attention_heads, c.num_key_value_heads, c.head_dim);
        let rows = x.len() / padded(c.hidden_size);
        let head_vecs = head_dim.div_ceil(4);
        let name = |part: &str| format!("model.layers.{layer}.{part}.weight");
        let attention_name = |part: &str| name(&format!("self_attn.{part}{view}"));
        let state = State { start: start as u32, rows: rows as u32, ..bytemuck::Zeroable::zeroed() };

        let normed = self.rms_norm(x, &name("input_layernorm"));
        let mut qkv = vec![0.0; rows * (heads + 2 * kv_heads) * head_dim];
        let mut first = 0;
        for part in ["q_proj", "k_proj", "v_proj"] {
            first += self.matmul(&normed, &attention_name(part), Epilogue::Store, first, &mut qkv);
        }

        let diffusion = cache.is_some();
        let context = start + rows;
        let params = QkNormRope {
            heads: heads as u32,
            kv_heads: kv_heads as u32,
            head_dim: head_dim as u32,
            head_vecs: head_vecs as u32,
            qkv_stride: ((heads + 2 * kv_heads) * head_dim) as u32,
            context: context as u32,
            queries: 0,
            eps: c.rms_norm_eps,
        };
        let mut norms = self.tensor(&attention_name("q_norm"));
        norms.extend(self.tensor(&attention_name("k_norm")));
        let mut q = vec![0.0; rows * heads * head_vecs * 4];
        own.0 = vec![0.0; context * kv_heads * head_vecs * 4];
        own.1 = own.0.clone();
        if let Some((keys, values)) = cache {
            for line in 0..kv_heads * head_vecs {
                own.0[line * context * 4..][..start * 4]
                    .copy_from_slice(&keys[line * start * 4..][..start * 4]);
            }
            own.1[..values.len()].copy_from_slice(values);
        }
        let rope = self.rope(start + rows);
        twin::qk_norm_rope(&state, &params, &qkv, &norms, &rope, &mut q, &mut own.0, &mut own.1);

        let visible = if diffusion { Mask::Block } else { Mask::Causal };
        let splits = (start + rows).div_ceil(SPLIT);
        let params = Attention {
            heads: heads as u32,
            kv_heads: kv_heads as u32,
            head_vecs: head_vecs as u32,
            context: context as u32,
            queries: 0,
            splits: splits as u32,
            scale: 1.0 / (head_dim as f32).sqrt(),
            mask: visible as u32,
            first_row: 0,
            chunk_queries: (rows * heads / kv_heads) as u32,
            eps: 1e-6,
            pad: 0,
        };
        let mut sums = vec![0.0; rows * heads * splits * head_vecs * 4];
        let mut stats = vec![[0.0; 2]; rows * heads * splits];
        twin::attention(&state, &params, &q, &own.0, &own.1, &mut sums, &mut stats);
        let width = padded(heads * head_dim);
        let mut attended = vec![0.0; rows * width];
        let params = AttentionMerge {
            heads: heads as u32,
            kv_heads: kv_heads as u32,
            head_dim: head_dim as u32,
            head_vecs: head_vecs as u32,
            splits: splits as u32,
            out_stride: width as u32,
            mask: visible as u32,
            first_row: 0,
            chunk_queries: (rows * heads / kv_heads) as u32,
            pad: [0; 3],
        };
        twin::attention_merge(&state, &params, KvSplits::Fixed, &sums, &stats, &mut attended);
        self.matmul(&attended, &attention_name("o_proj"), Epilogue::AddResidual, 0, x);

        let normed = self.rms_norm(x, &name("post_attention_layernorm"));
        let width = padded(c.intermediate_size);
        let mut gate = vec![0.0; rows * width];
        let mut up = gate.clone();
        self.matmul(&normed, &name("mlp.gate_proj"), Epilogue::Store, 0, &mut gate);
        self.matmul(&normed, &name("mlp.up_proj"), Epilogue::Store, 0, &mut up);
        let gate_up: Vec<f32> =
            gate.chunks(TILE).zip(up.chunks(TILE)).flat_map(|(gate, up)| [gate, up].concat()).collect();
        let mut gated = vec![0.0; rows * width];
        let params = Swiglu { width: c.intermediate_size as u32, out_stride: width as u32, pad: [0; 2] };
        twin::swiglu(&state, &params, &gate_up, &mut gated);
        self.matmul(&gated, &name("mlp.down_proj"), Epilogue::AddResidual, 0, x);
    }

    fn logits(&self, x: &[f32]) -> Vec<f32> {
        let normed = self.rms_norm(x, "model.norm.weight");
        let rows = x.len() / padded(self.config.hidden_size);
        let mut logits = vec![0.0; rows * self.config.vocab_size];
        let head =
            if self.config.tie_word_embeddings { "model.embed_tokens.weight" } else { "lm_head.weight" };
        self.matmul(&normed, head, Epilogue::Store, 0, &mut logits);
        logits
    }

    fn embed(&self, ids: &[u32]) -> Vec<f32> {
        let hidden = self.config.hidden_size;
        let table = self.tensor("model.embed_tokens.weight");
        let mut x = Vec::new();
        for &id in ids {
            x.extend_from_slice(&table[id as usize * hidden..][..hidden]);
            x.resize(x.len().next_multiple_of(padded(hidden)), 0.0);
        }
        x
    }

    fn rms_norm(&self, x: &[f32], weight: &str) -> Vec<f32> {
        let (width, stride) = (self.config.hidden_size, padded(self.config.hidden_size));
        let (width, stride) = (width as u32, stride as u32);
        let params = RmsNorm { width, stride, out_stride: stride, eps: self.config.rms_norm_eps };
        let mut y = vec![0.0; x.len()];
        twin::rms_norm(&rows(x.len() / stride as usize), &params, Rows::All, x, &self.tensor(weight), &mut y);
        y
    }

    /// Multiplies by the named matrix into the columns of `y` from `first` on; gives how many those are.
    fn matmul(&self, x: &[f32], name: &str, epilogue: Epilogue, first: usize, y: &mut [f32]) -> usize {
        let shape = self.shape(name);
        let (outputs, inputs) = (shape[0], shape[1]);
        let width = padded(inputs);
        let count = x.len() / width;
        let mut weights = Vec::new();
        for row in self.tensor(name).chunks(inputs) {
            weights.extend_from_slice(row);
            weights.resize(weights.len().next_multiple_of(width), 0.0);
        }
        let params = Matmul {
            outputs: outputs as u32,
            packs: packs(inputs) as u32,
            out_stride: (y.len() / count) as u32,
            out_first: first as u32,
        };
        twin::matmul(&rows(count), &params, Rows::All, epilogue, &weights, x, y);
        outputs
    }

    /// In f64 but for the angle, as transformers has it.
    fn rope(&self, positions: usize) -> Vec<[f32; 2]> {
        let dim = self.config.head_dim;
        let mut table = Vec::new();
        for position in 0..positions {
            for i in 0..dim / 2 {
                let frequency = (1.0 / self.config.rope_theta.powf(2.0 * i as f64 / dim as f64)) as f32;
                let angle = f64::from(position as f32 * frequency);
                table.push([angle.cos() as f32, angle.sin() as f32]);
            }
        }
        table
    }

    fn shape(&self, name: &str) -> Vec<usize> {
        self.checkpoint.tensor(name).unwrap_or_else(|error| panic!("{error}")).shape.to_vec()
    }

    fn tensor(&self, name: &str) -> Vec<f32> {
        let tensor = self.checkpoint.tensor(name).unwrap_or_else(|error| panic!("{error}"));
        let mut values = vec![0.0; tensor.len()];
        tensor.read_f32(0, &mut values).unwrap_or_else(|error| panic!("{error}"));
        values
    }
}

fn rows(count: usize) -> State {
    State { rows: count as u32, logit_rows: count as u32, ..bytemuck::Zeroable::zeroed() }
}
