//! Small checkpoints for tests, made without the loader's code so that they check it.
#![allow(dead_code, unreachable_pub, reason = "each test uses its part")]

use std::collections::BTreeMap;

use orthrus_loader::{Checkpoint, LoadError};
use serde_json::{Map, Value, json};

/// A checkpoint's files by name.
pub type Files = BTreeMap<String, Vec<u8>>;

pub const MODEL: &str = "model.safetensors";
pub const INDEX: &str = "model.safetensors.index.json";
pub const SHARDS: [&str; 2] = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"];

/// A configuration of two layers, with grouped queries and heads wider together than the hidden size.
pub fn config() -> Value {
    json!({
        "model_type": "qwen3", "hidden_size": 6, "num_hidden_layers": 2, "num_attention_heads": 2,
        "num_key_value_heads": 1, "head_dim": 4, "intermediate_size": 10, "vocab_size": 320,
        "max_position_embeddings": 512, "rms_norm_eps": 1e-6, "rope_theta": 1e6, "tie_word_embeddings": true,
        "attention_bias": false, "hidden_act": "silu", "use_sliding_window": false, "rope_scaling": null,
        "layer_types": ["full_attention", "full_attention"], "block_size": 4, "mask_token_id": 319,
        "bos_token_id": 300, "eos_token_id": [301, 302], "r": 16, "lora_alpha": 32
    })
}

/// The names and shapes of the tensors of [`config`].
pub fn tensors(dual: bool) -> Vec<(String, Vec<usize>)> {
    let mut list =
        vec![("model.embed_tokens.weight".into(), vec![320, 6]), ("model.norm.weight".into(), vec![6])];
    for n in 0..2 {
        let mut add = |name: &str, shape: &[usize]| {
            list.push((format!("model.layers.{n}.{name}.weight"), shape.to_vec()))
        };
        add("input_layernorm", &[6]);
        add("post_attention_layernorm", &[6]);
        for (name, shape) in [("gate_proj", [10, 6]), ("up_proj", [10, 6]), ("down_proj", [6, 10])] {
            add(&format!("mlp.{name}"), &shape);
        }
        for view in if dual { &["", "_diff"][..] } else { &[""] } {
            for (name, shape) in
                [("q_proj", [8, 6]), ("k_proj", [4, 6]), ("v_proj", [4, 6]), ("o_proj", [6, 8])]
            {
                add(&format!("self_attn.{name}{view}"), &shape);
            }
            add(&format!("self_attn.q_norm{view}"), &[4]);
            add(&format!("self_attn.k_norm{view}"), &[4]);
        }
    }
    list
}

/// A safetensors header and data for some tensors. The tensors take the dtypes by turns.
pub fn layout(tensors: &[(String, Vec<usize>)], dtypes: &[&str]) -> (Map<String, Value>, Vec<u8>) {
    let mut header = Map::from_iter([("__metadata__".into(), json!({"format": "pt"}))]);
    let mut data = Vec::new();
    // The widest elements come first, as from the official writer, so that each tensor is aligned.
    let width = |i: usize| if dtypes[i % dtypes.len()] == "F32" { 4 } else { 2 };
    let mut order: Vec<usize> = (0..tensors.len()).collect();
    order.sort_by_key(|i| std::cmp::Reverse(width(*i)));
    for i in order {
        let (name, shape) = &tensors[i];
        let begin = data.len();
        let size = shape.iter().product::<usize>() * width(i);
        data.extend((0..size).map(|byte| (byte * 31 + i) as u8));
        let entry =
            json!({"dtype": dtypes[i % dtypes.len()], "shape": shape, "data_offsets": [begin, data.len()]});
        header.insert(name.clone(), entry);
    }
    (header, data)
}

/// Makes a safetensors file of a header and data. Pads the header to eight bytes.
pub fn pack(header: &Map<String, Value>, data: &[u8]) -> Vec<u8> {
    let mut text = serde_json::to_vec(header).unwrap();
    text.resize(text.len().next_multiple_of(8), b' ');
    [&(text.len() as u64).to_le_bytes()[..], &text, data].concat()
}

/// The header and data of a valid safetensors file.
pub fn unpack(file: &[u8]) -> (Map<String, Value>, Vec<u8>) {
    let length = u64::from_le_bytes(file[..8].try_into().unwrap()) as usize;
    (serde_json::from_slice(&file[8..8 + length]).unwrap(), file[8 + length..].to_vec())
}

pub fn safetensors(tensors: &[(String, Vec<usize>)], dtypes: &[&str]) -> Vec<u8> {
    let (header, data) = layout(tensors, dtypes);
    pack(&header, &data)
}

fn texts() -> Files {
    let generation = json!({"eos_token_id": [302, 303], "do_sample": true, "temperature": 0.6, "top_k": 20, "top_p": 0.95});
    let tokenizer_config =
        json!({"bos_token": {"content": "<s>"}, "eos_token": "<|im_end|>", "chat_template": TEMPLATE});
    Files::from([
        ("config.json".into(), config().to_string().into_bytes()),
        ("generation_config.json".into(), generation.to_string().into_bytes()),
        ("tokenizer.json".into(), tokenizer().to_string().into_bytes()),
        ("tokenizer_config.json".into(), tokenizer_config.to_string().into_bytes()),
    ])
}

/// A short chat template.
pub const TEMPLATE: &str = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}\
    {% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}";

/// A dual-view checkpoint in one file, with all three dtypes.
pub fn dual() -> Files {
    let mut files = texts();
    files.insert(MODEL.into(), safetensors(&tensors(true), &["F32", "BF16", "F16"]));
    files
}

/// A plain Qwen3 checkpoint in one file.
pub fn ar_only() -> Files {
    let mut files = texts();
    files.insert(MODEL.into(), safetensors(&tensors(false), &["F32"]));
    files
}

/// A dual-view checkpoint in two shards.
pub fn sharded() -> Files {
    let mut files = texts();
    let all = tensors(true);
    let mut map = Map::new();
    for (shard, part) in SHARDS.iter().zip([&all[..15], &all[15..]]) {
        files.insert((*shard).into(), safetensors(part, &["BF16"]));
        map.extend(part.iter().map(|(name, _)| (name.clone(), json!(shard))));
    }
    let index = json!({"metadata": {"total_size": 0}, "weight_map": map});
    files.insert(INDEX.into(), index.to_string().into_bytes());
    files
}

pub fn open(files: Files) -> Result<Checkpoint, LoadError> {
    Checkpoint::from_files("model", files.into_iter().collect())
}

/// Writes the files into a new directory.
pub fn on_disk(files: &Files) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        std::fs::write(dir.path().join(name), bytes).unwrap();
    }
    dir
}

/// GPT-2's character for a byte.
pub fn byte_char(byte: u8) -> char {
    let printable = |b: u8| (33..=126).contains(&b) || (161..=172).contains(&b) || b >= 174;
    match printable(byte) {
        true => char::from(byte),
        false => char::from_u32(256 + (0..byte).filter(|b| !printable(*b)).count() as u32).unwrap(),
    }
}

/// A byte-level BPE tokenizer.
///
/// Ids 0 to 255 are the bytes. Merges follow, some of which end within a character, then added tokens.
pub fn tokenizer() -> Value {
    let written = |bytes: &[u8]| bytes.iter().map(|b| byte_char(*b)).collect::<String>();
    let mut vocab = Map::new();
    for byte in 0..=255 {
        vocab.insert(written(&[byte]), json!(byte));
    }
    let mut merges = Vec::new();
    let merged: [(&[u8], &[u8]); 6] = [
        (b"\xf0", b"\x9f"), // The first half of most emoji.
        (b"h", b"e"),
        (b"l", b"l"),
        (b"ll", b"o"),
        (b"\xc3", b"\xa9"), // The whole of é.
        (b"\xa9", b"x"),    // The end of é and an x.
    ];
    for (i, (left, right)) in merged.iter().enumerate() {
        vocab.insert(written(&[*left, *right].concat()), json!(256 + i));
        merges.push(json!([written(left), written(right)]));
    }
    let added = |id: u32, content: &str, special: bool| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
               "normalized": false, "special": special})
    };
    let byte_level =
        json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": true});
    json!({
        "version": "1.0",
        "truncation": {"direction": "Right", "max_length": 3, "strategy": "LongestFirst", "stride": 0},
        "padding": {"strategy": {"Fixed": 64}, "direction": "Right", "pad_to_multiple_of": null, "pad_id": 0,
                    "pad_type_id": 0, "pad_token": "!"},
        "added_tokens": [added(262, "<|im_start|>", true), added(263, "<|im_end|>", true), added(264, "<think>", false)],
        "normalizer": {"type": "NFC"}, "pre_tokenizer": byte_level, "post_processor": byte_level, "decoder": byte_level,
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                  "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
                  "vocab": vocab, "merges": merges}
    })
}

/// The random number generator splitmix64, which gives the same numbers on every platform.
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `n`, or 0 if `n` is 0.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
