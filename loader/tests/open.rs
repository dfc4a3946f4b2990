//! Well-formed checkpoints open, with the right configuration and tensors.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use common::MODEL;
use orthrus_loader::{Checkpoint, CheckpointViews, Dtype, LoadError, ReadAt, Tensor};
use serde_json::{Value, json};

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/golden/");

fn with_config(field: &str, value: Value) -> common::Files {
    let mut config = common::config();
    config[field] = value;
    let mut files = common::dual();
    files.insert("config.json".into(), config.to_string().into_bytes());
    files
}

fn values(tensor: Tensor<'_>) -> Vec<f32> {
    let mut values = vec![f32::NAN; tensor.len()];
    tensor.read_f32(0, &mut values).unwrap();
    values
}

#[test]
fn golden_checkpoints_open() {
    // These numbers are those of the table in the README of the golden checkpoints.
    for (name, [hidden, layers, heads, kv, dim, ffn, vocab, block], tied, dtype, base) in [
        ("tied-gqa", [64, 2, 4, 2, 16, 128, 320, 8], true, Dtype::F32, 1e6),
        ("untied-wide-head", [48, 3, 3, 1, 32, 112, 300, 16], false, Dtype::F32, 1e4),
        ("bf16-sharded", [64, 2, 4, 2, 16, 128, 320, 8], true, Dtype::Bf16, 1e6),
    ] {
        let checkpoint = Checkpoint::open(Path::new(GOLDEN).join(name)).unwrap();
        let config = checkpoint.config();
        assert_eq!(
            [config.hidden_size, config.num_hidden_layers, config.num_attention_heads],
            [hidden, layers, heads]
        );
        assert_eq!([config.num_key_value_heads, config.head_dim, config.intermediate_size], [kv, dim, ffn]);
        assert_eq!([config.vocab_size, config.block_size], [vocab, block]);
        assert_eq!((config.tie_word_embeddings, config.rope_theta), (tied, base));
        assert_eq!((config.mask_token_id, config.rms_norm_eps), (Some(vocab as u32 - 1), 1e-6));
        assert_eq!(
            (checkpoint.views(), checkpoint.eos_token_ids()),
            (CheckpointViews::Dual, vec![vocab as u32 - 7])
        );
        assert_eq!(checkpoint.tensors().count(), 2 + usize::from(!tied) + layers * 17);
        for (name, tensor) in checkpoint.tensors() {
            assert_eq!(tensor.dtype, dtype, "{name}");
            assert!(values(tensor).iter().all(|x| x.is_finite()), "{name}");
        }
        for (part, shape) in [
            ("self_attn.q_proj_diff", vec![heads * dim, hidden]),
            ("self_attn.v_proj", vec![kv * dim, hidden]),
            ("self_attn.o_proj_diff", vec![hidden, heads * dim]),
            ("self_attn.k_norm_diff", vec![dim]),
            ("mlp.down_proj", vec![hidden, ffn]),
        ] {
            let tensor = checkpoint.tensor(&format!("model.layers.{}.{part}.weight", layers - 1)).unwrap();
            assert_eq!(tensor.shape, shape, "{part}");
        }
        assert_eq!(checkpoint.tensor("lm_head.weight").is_ok(), !tied);
    }
}

/// `bf16-sharded` is `tied-gqa` rounded to bf16.
#[test]
fn golden_bf16_is_the_rounded_f32() {
    let [exact, rounded] =
        ["tied-gqa", "bf16-sharded"].map(|name| Checkpoint::open(Path::new(GOLDEN).join(name)).unwrap());
    for (name, tensor) in exact.tensors() {
        for (x, y) in values(tensor).into_iter().zip(values(rounded.tensor(name).unwrap())) {
            assert!((x - y).abs() <= x.abs() / 256.0, "{name}: {x} {y}");
        }
    }
}

#[test]
fn every_tensor_is_there_with_its_bytes() {
    for (files, dual) in [(common::dual(), true), (common::sharded(), true), (common::ar_only(), false)] {
        let on_disk = common::on_disk(&files);
        let from_disk = Checkpoint::open(on_disk.path()).unwrap();
        let from_memory = common::open(files).unwrap();
        let mut expected = common::tensors(dual);
        for checkpoint in [&from_disk, &from_memory] {
            let mut found: Vec<_> =
                checkpoint.tensors().map(|(name, t)| (name.to_owned(), t.shape.to_vec())).collect();
            found.sort();
            expected.sort();
            assert_eq!(found, expected);
            assert_eq!(
                checkpoint.views(),
                if dual { CheckpointViews::Dual } else { CheckpointViews::ArOnly }
            );
        }
        for (name, tensor) in from_disk.tensors() {
            let elements = tensor.shape.iter().product::<usize>();
            assert_eq!(
                (tensor.len(), tensor.byte_len()),
                (elements, (elements * tensor.dtype.size()) as u64)
            );
            let bits = |tensor| values(tensor).into_iter().map(f32::to_bits).collect::<Vec<_>>();
            assert_eq!(bits(tensor), bits(from_memory.tensor(name).unwrap()), "{name}");
        }
    }
}

#[test]
fn the_end_tokens_of_both_files_are_joined() {
    let checkpoint = common::open(common::dual()).unwrap();
    assert_eq!(checkpoint.generation().eos_token_ids, [302, 303]);
    assert_eq!(checkpoint.config().eos_token_ids, [301, 302]);
    assert_eq!(checkpoint.eos_token_ids(), [302, 303, 301]);
    let generation = checkpoint.generation();
    assert_eq!(
        (generation.temperature, generation.top_k, generation.top_p),
        (Some(0.6), Some(20), Some(0.95))
    );
    assert_eq!(generation.do_sample, Some(true));
    let mut files = with_config("eos_token_id", json!(null));
    files.remove("generation_config.json");
    assert!(common::open(files).unwrap().eos_token_ids().is_empty());
}

#[test]
fn fields_have_the_defaults_of_transformers() {
    let base =
        |field: &str, value: Value| common::open(with_config(field, value)).unwrap().config().rope_theta;
    assert_eq!(base("rope_theta", json!(null)), 10_000.0);
    assert_eq!(base("rope_parameters", json!({"rope_type": "default", "rope_theta": 5e5})), 5e5);
    assert_eq!(base("rope_parameters", json!({"rope_type": "default"})), 1e6);
    let config =
        |field: &str, value: Value| common::open(with_config(field, value)).unwrap().config().clone();
    assert_eq!(config("eos_token_id", json!(7)).eos_token_ids, [7]);
    assert_eq!(config("eos_token_id", json!([7, 8, 7])).eos_token_ids, [7, 8]);
    assert_eq!(config("bos_token_id", json!(null)).bos_token_id, None);
    assert_eq!(config("block_size", json!(1)).block_size, 1);
    assert_eq!(config("block_size", json!(64)).block_size, 64);
    for field in ["layer_types", "rope_scaling", "use_sliding_window", "attention_bias", "hidden_act"] {
        config(field, json!(null));
    }
}

#[test]
fn an_absent_head_size_is_the_hidden_size_over_the_heads() {
    let error = common::open(with_config("head_dim", json!(null))).unwrap_err();
    assert!(error.to_string().contains("an even number from 2 to 256, found 3"), "{error}");
}

#[test]
fn a_plain_checkpoint_needs_no_block() {
    let mut files = common::ar_only();
    let mut config = common::config();
    for field in ["block_size", "mask_token_id"] {
        config.as_object_mut().unwrap().remove(field);
    }
    files.insert("config.json".into(), config.to_string().into_bytes());
    let checkpoint = common::open(files).unwrap();
    assert_eq!((checkpoint.config().block_size, checkpoint.config().mask_token_id), (1, None));
}

#[test]
fn a_second_head_and_unknown_tensors_are_left_out() {
    let mut list = common::tensors(true);
    list.extend([("lm_head.weight".into(), vec![320, 6]), ("model.rotary_emb.inv_freq".into(), vec![2])]);
    let mut files = common::dual();
    files.insert(MODEL.into(), common::safetensors(&list, &["F32"]));
    let checkpoint = common::open(files).unwrap();
    assert_eq!(checkpoint.tensors().count(), list.len() - 2);
    assert!(checkpoint.tensor("lm_head.weight").is_err());
}

#[test]
fn one_file_comes_before_shards() {
    let mut files = common::sharded();
    files.insert(MODEL.into(), common::safetensors(&common::tensors(true), &["F32"]));
    let checkpoint = common::open(files).unwrap();
    assert_eq!(checkpoint.tensor("model.norm.weight").unwrap().dtype, Dtype::F32);
}

/// A reader that counts bytes and can fail.
struct Reader {
    bytes: Vec<u8>,
    /// Bytes read so far.
    read: Arc<AtomicU64>,
    /// The first offset that cannot be read.
    readable: u64,
}

impl ReadAt for Reader {
    fn size(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> std::io::Result<()> {
        self.read.fetch_add(out.len() as u64, Ordering::Relaxed);
        if offset + out.len() as u64 > self.readable {
            return Err(std::io::Error::other("the stick was pulled out"));
        }
        out.copy_from_slice(&self.bytes[offset as usize..][..out.len()]);
        Ok(())
    }
}

fn behind_readers(files: common::Files, readable: u64) -> (Result<Checkpoint, LoadError>, Arc<AtomicU64>) {
    let read = Arc::new(AtomicU64::new(0));
    let reader = |(name, bytes): (String, Vec<u8>)| {
        // Only the weights files fail.
        let readable = if name.ends_with(".safetensors") { readable } else { u64::MAX };
        let reader: Box<dyn ReadAt> = Box::new(Reader { bytes, read: read.clone(), readable });
        (name, reader)
    };
    (Checkpoint::from_files("model", files.into_iter().map(reader).collect()), read)
}

#[test]
fn readers_give_the_same_tensors() {
    for files in [common::dual(), common::sharded(), common::ar_only()] {
        let size: usize = files.values().map(Vec::len).sum();
        let (from_readers, read) = behind_readers(files.clone(), u64::MAX);
        let from_readers = from_readers.unwrap();
        assert!(
            read.load(Ordering::Relaxed) < size as u64 - 4000,
            "weights were read before they were needed"
        );
        for (name, tensor) in common::open(files).unwrap().tensors() {
            let other = from_readers.tensor(name).unwrap();
            let bits = |tensor| values(tensor).into_iter().map(f32::to_bits).collect::<Vec<_>>();
            assert_eq!((other.dtype, other.shape), (tensor.dtype, tensor.shape), "{name}");
            assert_eq!(bits(other), bits(tensor), "{name}");
        }
    }
}

#[test]
fn a_reader_that_fails_is_named() {
    let header = 8 + u64::from_le_bytes(common::dual()[MODEL][..8].try_into().unwrap());
    let message = |result: Result<(), LoadError>| result.unwrap_err().to_string();
    let expected = "model/model.safetensors: cannot be read: the stick was pulled out";
    assert_eq!(message(behind_readers(common::dual(), 0).0.map(drop)), expected);
    assert_eq!(message(behind_readers(common::dual(), 8).0.map(drop)), expected);
    let checkpoint = behind_readers(common::dual(), header).0.unwrap();
    let tensor = checkpoint.tensor("model.embed_tokens.weight").unwrap();
    assert_eq!(message(tensor.read_f32(0, &mut [0.0; 6])), expected);
    // A reader's file is checked like a file in memory.
    let mut files = common::dual();
    files.get_mut(MODEL).unwrap().truncate(5);
    let short = message(behind_readers(files, u64::MAX).0.map(drop));
    assert!(short.contains("expected at least the 8 bytes"), "{short}");
}

/// The engine shares a checkpoint between threads.
#[test]
fn a_checkpoint_can_be_shared() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Checkpoint>();
    #[cfg(feature = "text")]
    {
        shared::<orthrus_loader::Tokenizer>();
        shared::<orthrus_loader::ChatTemplate>();
        shared::<orthrus_loader::TextStream>();
    }
}
