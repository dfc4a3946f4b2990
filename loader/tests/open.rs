//! What opens, and what it says.
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::path::Path;

use common::MODEL;
use orthrus_loader::{Checkpoint, Dtype, Tensor, Views};
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
    tensor.read_f32(0, &mut values);
    values
}

#[test]
fn golden_checkpoints_open() {
    // hidden, layers, heads, kv heads, head size, ffn, vocabulary, block, tied, dtype, base: the table of the README.
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
        assert_eq!((checkpoint.views(), checkpoint.eos_token_ids()), (Views::Dual, vec![vocab as u32 - 7]));
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

/// `bf16-sharded` is `tied-gqa` rounded: the two hold nearly the same values, read by different paths.
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
            assert_eq!(checkpoint.views(), if dual { Views::Dual } else { Views::ArOnly });
        }
        for (name, tensor) in from_disk.tensors() {
            assert_eq!(tensor.bytes, from_memory.tensor(name).unwrap().bytes);
            assert_eq!(tensor.bytes.len(), tensor.shape.iter().product::<usize>() * tensor.dtype.size());
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

/// Elements are decoded exactly, from any address.
#[test]
fn elements_are_read_unaligned_and_in_parts() {
    let expected: Vec<f32> =
        (0..700).map(|i| (i as f32 - 350.0) / 64.0).chain([f32::INFINITY, -0.0]).collect();
    let f32s: Vec<u8> = expected.iter().flat_map(|x| x.to_le_bytes()).collect();
    let f16s: Vec<u8> = expected.iter().flat_map(|x| half::f16::from_f32(*x).to_le_bytes()).collect();
    let bf16s: Vec<u8> = expected.iter().flat_map(|x| half::bf16::from_f32(*x).to_le_bytes()).collect();
    for (dtype, bytes) in [(Dtype::F32, f32s), (Dtype::F16, f16s), (Dtype::Bf16, bf16s)] {
        for shift in 0..4 {
            let shifted = [vec![0; shift], bytes.clone()].concat();
            let tensor = Tensor { dtype, shape: &[702], bytes: &shifted[shift..] };
            for (first, count) in [(0, 702), (1, 511), (256, 257), (701, 1), (702, 0)] {
                let mut out = vec![f32::NAN; count];
                tensor.read_f32(first, &mut out);
                let exact = |x: f32| if dtype == Dtype::Bf16 { half::bf16::from_f32(x).to_f32() } else { x };
                for (found, expected) in out.iter().zip(&expected[first..]) {
                    assert_eq!(found.to_bits(), exact(*expected).to_bits(), "{dtype} {shift} {first}");
                }
            }
        }
    }
}

/// The engine shares a checkpoint between threads.
#[test]
fn a_checkpoint_can_be_shared() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Checkpoint>();
    shared::<orthrus_loader::Tokenizer>();
    shared::<orthrus_loader::ChatTemplate>();
    shared::<orthrus_loader::TextStream>();
}
