//! A table of malformations, with the error that each must give.
#![allow(unreachable_pub, reason = "a module of a test")]

use orthrus_loader::LoadError;
use serde_json::{Map, Value, json};

use crate::common::{self, Files, INDEX, MODEL, SHARDS};

pub const CONFIG: &str = "config.json";
const GENERATION: &str = "generation_config.json";
const TOKENIZER: &str = "tokenizer.json";
const EMBEDDING: &str = "model.embed_tokens.weight";
const NORM: &str = "model.norm.weight";

/// One malformation: the edit that makes it, its error, and the parts of its message.
#[derive(Clone)]
pub struct Row {
    pub what: &'static str,
    pub base: fn() -> Files,
    pub edit: fn(&mut Files),
    pub is: fn(&LoadError) -> bool,
    pub says: &'static [&'static str],
}

macro_rules! row {
    ($what:literal, $base:ident, $edit:expr, $variant:ident, [$($says:expr),+ $(,)?]) => {
        Row {
            what: $what,
            base: common::$base,
            edit: $edit,
            is: |error| matches!(error, LoadError::$variant { .. }),
            says: &[$($says),+],
        }
    };
}

/// Replaces a field of a JSON file. A null removes the field.
fn set(files: &mut Files, file: &str, field: &str, value: Value) {
    let mut json: Value = serde_json::from_slice(&files[file]).unwrap();
    match value {
        Value::Null => json.as_object_mut().unwrap().remove(field),
        value => json.as_object_mut().unwrap().insert(field.into(), value),
    };
    files.insert(file.into(), json.to_string().into_bytes());
}

/// Changes the header and the data of a weights file.
pub fn reheader(files: &mut Files, file: &str, edit: impl FnOnce(&mut Map<String, Value>, &mut Vec<u8>)) {
    let (mut header, mut data) = common::unpack(&files[file]);
    edit(&mut header, &mut data);
    files.insert(file.into(), common::pack(&header, &data));
}

/// Changes the map of the index.
fn remap(files: &mut Files, edit: impl FnOnce(&mut Map<String, Value>)) {
    let mut index: Value = serde_json::from_slice(&files[INDEX]).unwrap();
    edit(index["weight_map"].as_object_mut().unwrap());
    files.insert(INDEX.into(), index.to_string().into_bytes());
}

/// Removes a tensor from the single weights file and closes the gap.
fn remove_tensor(files: &mut Files, tensor: &str) {
    let mut list = common::tensors(true);
    list.retain(|(name, _)| name != tensor);
    files.insert(MODEL.into(), common::safetensors(&list, &["F32"]));
}

/// Gives a tensor of the single weights file another shape and dtype. The file stays consistent.
fn retype(files: &mut Files, tensor: &str, shape: &[usize], dtype: &str) {
    let mut list = common::tensors(true);
    list.retain(|(name, _)| name != tensor);
    let (mut header, mut data) = common::layout(&list, &["F32"]);
    let size = if dtype == "F64" { 8 } else { 4 };
    data.resize(data.len().next_multiple_of(8), 0);
    // The padding before the tensor is a tensor of its own, because gaps are refused.
    let end = list.iter().map(|(_, shape)| shape.iter().product::<usize>() * 4).sum::<usize>();
    header.insert(
        "padding".into(),
        json!({"dtype": "U8", "shape": [data.len() - end], "data_offsets": [end, data.len()]}),
    );
    let begin = data.len();
    data.resize(begin + shape.iter().product::<usize>() * size, 0);
    header
        .insert(tensor.into(), json!({"dtype": dtype, "shape": shape, "data_offsets": [begin, data.len()]}));
    files.insert(MODEL.into(), common::pack(&header, &data));
}

/// Puts a tensor of one byte before all others.
fn shift_by_a_byte(files: &mut Files) {
    reheader(files, MODEL, |header, data| {
        for (_, entry) in header.iter_mut().filter(|(name, _)| *name != "__metadata__") {
            for end in entry["data_offsets"].as_array_mut().unwrap() {
                *end = json!(end.as_u64().unwrap() + 1);
            }
        }
        header.insert("byte".into(), json!({"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}));
        data.push(0);
    });
}

/// Repeats an entry of the header.
fn name_twice(files: &mut Files) {
    let (header, data) = common::unpack(&files[MODEL]);
    let mut text = serde_json::to_string(&header).unwrap();
    text.pop();
    text.push_str(&format!(",\"{NORM}\":{}}}", header[NORM]));
    files.insert(MODEL.into(), [&(text.len() as u64).to_le_bytes()[..], text.as_bytes(), &data].concat());
}

/// Puts a tensor of the first shard into the second as well.
fn norm_in_two_shards(files: &mut Files) {
    let mut list = common::tensors(true)[15..].to_vec();
    list.push((NORM.into(), vec![6]));
    files.insert(SHARDS[1].into(), common::safetensors(&list, &["F32"]));
}

/// Removes a tensor from its shard and from the index.
fn norm_in_no_shard(files: &mut Files) {
    let list: Vec<_> = common::tensors(true)[..15].iter().filter(|(name, _)| name != NORM).cloned().collect();
    files.insert(SHARDS[0].into(), common::safetensors(&list, &["F32"]));
    remap(files, |map| drop(map.remove(NORM)));
}

fn third_layer(files: &mut Files) {
    set(files, CONFIG, "num_hidden_layers", json!(3));
    set(files, CONFIG, "layer_types", json!(null));
}

fn token_320(files: &mut Files) {
    let mut json = common::tokenizer();
    json["model"]["vocab"]["he"] = json!(320);
    files.insert(TOKENIZER.into(), json.to_string().into_bytes());
}

/// Gives an added token an id that does not follow the others.
fn moved_token(files: &mut Files) {
    let mut json = common::tokenizer();
    json["added_tokens"][2]["id"] = json!(300);
    files.insert(TOKENIZER.into(), json.to_string().into_bytes());
}

/// Adds a normalizer on which the tokenizer library panics.
fn panicking_normalizer(files: &mut Files) {
    let mut json = common::tokenizer();
    json["normalizer"] = json!({"type": "Precompiled", "precompiled_charsmap": "!!"});
    files.insert(TOKENIZER.into(), json.to_string().into_bytes());
}

/// The rows for the enabled features.
pub fn rows() -> Vec<Row> {
    let mut rows = [file_rows(), config_rows(), header_rows(), index_rows(), tensor_rows()].concat();
    if cfg!(feature = "text") {
        rows.extend(text_rows());
    }
    rows
}

#[rustfmt::skip]
fn file_rows() -> Vec<Row> {
    vec![
        row!("no config", dual, |f| drop(f.remove(CONFIG)),
            MissingFile, ["model: ", CONFIG, "configuration", "no such file"]),
        row!("no weights", dual, |f| drop(f.remove(MODEL)),
            MissingFile, ["model: ", MODEL, "weights", "no such file"]),
        row!("config is no JSON", dual, |f| drop(f.insert(CONFIG.into(), b"{\"a\":".to_vec())),
            Json, ["model/config.json", "expected JSON", "EOF", "line 1"]),
        row!("config is a list", dual, |f| drop(f.insert(CONFIG.into(), b"[]".to_vec())),
            Json, [CONFIG, "expected a map"]),
        row!("config is empty", dual, |f| drop(f.insert(CONFIG.into(), vec![])), Json, [CONFIG, "EOF"]),
        row!("config nests without end", dual, |f| drop(f.insert(CONFIG.into(), vec![b'['; 100_000])),
            Json, [CONFIG]),
        row!("generation config is no JSON", dual, |f| drop(f.insert(GENERATION.into(), b"nope".to_vec())),
            Json, [GENERATION]),
        row!("index is no JSON", sharded, |f| drop(f.insert(INDEX.into(), b"{".to_vec())), Json, [INDEX]),
    ]
}

#[rustfmt::skip]
fn config_rows() -> Vec<Row> {
    vec![
        row!("no size", dual, |f| set(f, CONFIG, "hidden_size", json!(null)),
            MissingField, ["model/config.json", "`hidden_size`", "an integer from 1", "no such field"]),
        row!("size of zero", dual, |f| set(f, CONFIG, "intermediate_size", json!(0)),
            OutOfRange, ["`intermediate_size`", "1 to", "found 0"]),
        row!("negative size", dual, |f| set(f, CONFIG, "vocab_size", json!(-5)),
            OutOfRange, ["`vocab_size`", "1 to", "found -5"]),
        row!("absurd size", dual, |f| set(f, CONFIG, "num_hidden_layers", json!(1_000_000_000_000_u64)),
            OutOfRange, ["`num_hidden_layers`", "1 to 1024", "found 1000000000000"]),
        row!("largest size", dual, |f| set(f, CONFIG, "vocab_size", json!(u64::MAX)),
            OutOfRange, ["`vocab_size`", "18446744073709551615"]),
        row!("size is text", dual, |f| set(f, CONFIG, "hidden_size", json!("6")),
            WrongType, ["`hidden_size`", "an integer", "found \"6\""]),
        row!("size is a fraction", dual, |f| set(f, CONFIG, "hidden_size", json!(6.5)),
            WrongType, ["`hidden_size`", "found 6.5"]),
        row!("heads not divisible", dual, |f| set(f, CONFIG, "num_key_value_heads", json!(3)),
            HeadsNotDivisible, [CONFIG, "`num_attention_heads`", "`num_key_value_heads`", "a multiple", "found 2 and 3"]),
        row!("odd head size", dual, |f| set(f, CONFIG, "head_dim", json!(5)),
            OutOfRange, ["`head_dim`", "an even number", "found 5"]),
        row!("large head size", dual, |f| set(f, CONFIG, "head_dim", json!(258)),
            OutOfRange, ["`head_dim`", "256", "found 258"]),
        row!("no model type", dual, |f| set(f, CONFIG, "model_type", json!(null)),
            MissingField, ["`model_type`", "qwen3"]),
        row!("other model", dual, |f| set(f, CONFIG, "model_type", json!("llama")),
            Unsupported, ["`model_type`", "\"qwen3\"", "found \"llama\""]),
        row!("rope scaling", dual, |f| set(f, CONFIG, "rope_scaling", json!({"rope_type": "yarn", "factor": 4})),
            Unsupported, ["`rope_scaling`", "null", "yarn"]),
        row!("rope type", dual, |f| set(f, CONFIG, "rope_parameters", json!({"rope_type": "yarn", "rope_theta": 1e6})),
            Unsupported, ["`rope_parameters.rope_type`", "\"default\"", "found \"yarn\""]),
        row!("rope base", dual, |f| set(f, CONFIG, "rope_theta", json!(-1)),
            OutOfRange, ["`rope_theta`", "at least 1", "found -1"]),
        row!("nested rope base", dual, |f| set(f, CONFIG, "rope_parameters", json!({"rope_theta": "x"})),
            WrongType, ["`rope_parameters.rope_theta`", "a number", "found \"x\""]),
        row!("partial rope", dual, |f| set(f, CONFIG, "rope_parameters", json!({"partial_rotary_factor": 0.5})),
            Unsupported, ["`rope_parameters.partial_rotary_factor`", "1", "0.5"]),
        row!("sliding window", dual, |f| set(f, CONFIG, "use_sliding_window", json!(true)),
            Unsupported, ["`use_sliding_window`", "false", "found true"]),
        row!("sliding layer", dual, |f| set(f, CONFIG, "layer_types", json!(["full_attention", "sliding_attention"])),
            Unsupported, ["`layer_types`", "full_attention", "found \"sliding_attention\""]),
        row!("layer types too few", dual, |f| set(f, CONFIG, "layer_types", json!(["full_attention"])),
            OutOfRange, ["`layer_types`", "2 layers", "1 entries"]),
        row!("attention bias", dual, |f| set(f, CONFIG, "attention_bias", json!(true)),
            Unsupported, ["`attention_bias`", "false", "found true"]),
        row!("other activation", dual, |f| set(f, CONFIG, "hidden_act", json!("gelu")),
            Unsupported, ["`hidden_act`", "\"silu\"", "found \"gelu\""]),
        row!("eps", dual, |f| set(f, CONFIG, "rms_norm_eps", json!(-1e-6)),
            OutOfRange, ["`rms_norm_eps`", "0 to 1", "-"]),
        row!("mask token ≥ vocabulary", dual, |f| set(f, CONFIG, "mask_token_id", json!(320)),
            TokenId, ["`mask_token_id`", "below", "320", "found 320"]),
        row!("end token ≥ vocabulary", dual, |f| set(f, CONFIG, "eos_token_id", json!([1, 5_000_000_000_u64])),
            TokenId, ["`eos_token_id`", "320", "5000000000"]),
        row!("first token ≥ vocabulary", dual, |f| set(f, CONFIG, "bos_token_id", json!(999)),
            TokenId, ["`bos_token_id`", "320", "999"]),
        row!("end token is text", dual, |f| set(f, CONFIG, "eos_token_id", json!(["</s>"])),
            WrongType, ["`eos_token_id`", "a token id", "</s>"]),
        row!("end token of generation ≥ vocabulary", dual, |f| set(f, GENERATION, "eos_token_id", json!(4000)),
            TokenId, ["model/generation_config.json", "`eos_token_id`", "320", "4000"]),
        row!("temperature", dual, |f| set(f, GENERATION, "temperature", json!(-1)),
            OutOfRange, [GENERATION, "`temperature`", "at least 0", "-1"]),
        row!("no mask token", dual, |f| set(f, CONFIG, "mask_token_id", json!(null)),
            MissingField, ["`mask_token_id`", "diffusion view"]),
        row!("no block size", dual, |f| set(f, CONFIG, "block_size", json!(null)),
            MissingField, ["`block_size`", "diffusion view"]),
        row!("block size", dual, |f| set(f, CONFIG, "block_size", json!(65)),
            OutOfRange, ["`block_size`", "1 to 64", "found 65"]),
    ]
}

#[rustfmt::skip]
fn header_rows() -> Vec<Row> {
    vec![
        row!("empty file", dual, |f| drop(f.insert(MODEL.into(), vec![])),
            NoHeader, ["model/model.safetensors", "8 bytes", "found 0"]),
        row!("seven bytes", dual, |f| f.get_mut(MODEL).unwrap().truncate(7),
            NoHeader, [MODEL, "8 bytes", "found 7"]),
        row!("cut in the header", dual, |f| f.get_mut(MODEL).unwrap().truncate(100),
            HeaderTooLong, [MODEL, "at most 92", "truncated"]),
        row!("header longer than the file", dual, |f| f.get_mut(MODEL).unwrap()[..8].copy_from_slice(&u64::MAX.to_le_bytes()),
            HeaderTooLong, [MODEL, "at most", "18446744073709551615"]),
        row!("header is no JSON", dual, |f| f.get_mut(MODEL).unwrap()[8] = b'x',
            HeaderJson, [MODEL, "header", "JSON", "line 1"]),
        row!("entry lacks its shape", dual, |f| reheader(f, MODEL, |h, _| drop(h[NORM].as_object_mut().unwrap().remove("shape"))),
            HeaderEntry, [MODEL, NORM, "dtype, shape and data_offsets", "missing field `shape`"]),
        row!("unknown dtype", dual, |f| reheader(f, MODEL, |h, _| h[NORM]["dtype"] = json!("F31")),
            HeaderEntry, [MODEL, NORM, "F31"]),
        row!("negative offset", dual, |f| reheader(f, MODEL, |h, _| h[NORM]["data_offsets"] = json!([-4, 20])),
            HeaderEntry, [MODEL, NORM, "-4"]),
        row!("product of the shape overflows", dual, |f| reheader(f, MODEL, |h, _| h[NORM]["shape"] = json!([1_u64 << 33, 1_u64 << 33])),
            ShapeOverflow, [MODEL, NORM, "fits", "8589934592"]),
        row!("bytes of the shape overflow", dual, |f| reheader(f, MODEL, |h, _| h[NORM]["shape"] = json!([1_u64 << 62])),
            ShapeOverflow, [MODEL, NORM]),
        row!("range reversed", dual, |f| reheader(f, MODEL, |h, _| h[NORM]["data_offsets"] = json!([24, 8])),
            RangeReversed, [MODEL, NORM, "24..8"]),
        row!("range shorter than the shape", dual, |f| reheader(f, MODEL, |h, _| h[EMBEDDING]["shape"] = json!([320, 7])),
            RangeLength, [MODEL, EMBEDDING, "8960 bytes", "[320, 7]", "found a range of 7680"]),
        row!("data cut off", dual, |f| { let n = f[MODEL].len(); f.get_mut(MODEL).unwrap().truncate(n - 1) },
            RangeOutsideFile, [MODEL, "truncated", "up to byte", "ends at byte"]),
        row!("misaligned", ar_only, shift_by_a_byte,
            RangeMisaligned, [MODEL, EMBEDDING, "multiple of 4", "at byte 1"]),
        row!("overlap", ar_only, |f| reheader(f, MODEL, |h, _| h[NORM]["data_offsets"] = json!([7676, 7700])),
            RangesOverlap, [MODEL, NORM, EMBEDDING, "at byte 7680", "found it at 7676"]),
        row!("gap", ar_only, |f| reheader(f, MODEL, |h, _| drop(h.remove(NORM))),
            RangeGap, [MODEL, "at byte 7680", "found it at 7704"]),
        row!("bytes after the last tensor", dual, |f| f.get_mut(MODEL).unwrap().push(0),
            TrailingData, [MODEL, "bytes of tensor data"]),
        row!("a name twice in a header", dual, name_twice,
            DuplicateTensor, [MODEL, NORM, "once", "the same header"]),
    ]
}

#[rustfmt::skip]
fn index_rows() -> Vec<Row> {
    vec![
        row!("no weight map", sharded, |f| set(f, INDEX, "weight_map", json!(null)),
            MissingField, [INDEX, "`weight_map`"]),
        row!("weight map is a list", sharded, |f| set(f, INDEX, "weight_map", json!([])),
            WrongType, [INDEX, "`weight_map`", "an object", "[]"]),
        row!("shard is a number", sharded, |f| remap(f, |m| m[NORM] = json!(1)),
            WrongType, [INDEX, NORM, "the name of a shard", "found 1"]),
        row!("shard outside the directory", sharded, |f| remap(f, |m| m[NORM] = json!("../x.safetensors")),
            ShardPath, [INDEX, NORM, "plain name", "../x.safetensors"]),
        row!("absolute shard", sharded, |f| remap(f, |m| m[NORM] = json!("/etc/passwd")),
            ShardPath, [INDEX, NORM, "/etc/passwd"]),
        row!("shard with a drive", sharded, |f| remap(f, |m| m[NORM] = json!("C:\\x")),
            ShardPath, [INDEX, NORM, "C:"]),
        row!("shard is the directory", sharded, |f| remap(f, |m| m[NORM] = json!("..")),
            ShardPath, [INDEX, NORM, ".."]),
        row!("missing shard", sharded, |f| drop(f.remove(SHARDS[1])),
            MissingShard, [INDEX, SHARDS[1], "no such file"]),
        row!("tensor in no shard", sharded, |f| remap(f, |m| drop(m.insert("extra".into(), json!(SHARDS[0])))),
            NotInShard, [INDEX, "extra", SHARDS[0], "no shard"]),
        row!("tensor in another shard", sharded, |f| remap(f, |m| m[NORM] = json!(SHARDS[1])),
            NotInShard, [INDEX, NORM, SHARDS[1], SHARDS[0]]),
        row!("tensor not in the index", sharded, |f| remap(f, |m| drop(m.remove(NORM))),
            NotInIndex, [INDEX, NORM, SHARDS[0]]),
        row!("tensor in two shards", sharded, norm_in_two_shards,
            DuplicateTensor, [SHARDS[0], SHARDS[1], NORM, "once"]),
    ]
}

#[rustfmt::skip]
fn tensor_rows() -> Vec<Row> {
    const DIFF: &str = "model.layers.1.self_attn.k_norm_diff.weight";
    const UP: &str = "model.layers.1.mlp.up_proj.weight";
    vec![
        row!("tensor missing", dual, |f| remove_tensor(f, UP),
            MissingTensor, [MODEL, UP, "[10, 6]", "no such tensor"]),
        row!("tensor missing in shards", sharded, norm_in_no_shard,
            MissingTensor, [INDEX, NORM, "[6]"]),
        row!("one tensor of the diffusion view missing", dual, |f| remove_tensor(f, DIFF),
            MissingDiffusionTensor, [MODEL, DIFF, "[4]", "diffusion view"]),
        row!("head missing", dual, |f| set(f, CONFIG, "tie_word_embeddings", json!(false)),
            MissingTensor, [MODEL, "lm_head.weight", "[320, 6]"]),
        row!("more layers than tensors", dual, third_layer,
            MissingTensor, [MODEL, "model.layers.2.input_layernorm.weight"]),
        row!("wrong dtype", dual, |f| retype(f, NORM, &[6], "F64"),
            WrongDtype, [MODEL, NORM, "F32, F16 or BF16", "found F64"]),
        row!("wrong shape", dual, |f| retype(f, NORM, &[7], "F32"),
            WrongShape, [MODEL, NORM, "[6]", "found [7]"]),
        row!("transposed", dual, |f| retype(f, EMBEDDING, &[6, 320], "F32"),
            WrongShape, [MODEL, EMBEDDING, "[320, 6]", "found [6, 320]"]),
        row!("a dimension too many", dual, |f| retype(f, NORM, &[6, 1], "F32"),
            WrongShape, [MODEL, NORM, "[6]", "found [6, 1]"]),
    ]
}

#[rustfmt::skip]
fn text_rows() -> Vec<Row> {
    const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
    const TEMPLATE: &str = "chat_template.jinja";
    vec![
        row!("tokenizer config is no JSON", dual, |f| drop(f.insert(TOKENIZER_CONFIG.into(), b"{".to_vec())),
            Json, [TOKENIZER_CONFIG]),
        row!("tokenizer is no tokenizer", dual, |f| drop(f.insert(TOKENIZER.into(), b"{}".to_vec())),
            Tokenizer, ["model/tokenizer.json", "a tokenizer"]),
        row!("tokenizer knows more than the model", dual, token_320,
            TokenizerId, [TOKENIZER, "token he", "320", "found 320"]),
        row!("added token has another id", dual, moved_token,
            TokenizerIdMoved, [TOKENIZER, "<think>", "the id 264", "found 300"]),
        row!("normalizer is malformed", dual, panicking_normalizer, Tokenizer, [TOKENIZER, "a tokenizer", "panicked"]),
        row!("tokenizer is no JSON", dual, |f| drop(f.insert(TOKENIZER.into(), b"{\"added_tokens\":[".to_vec())),
            Json, [TOKENIZER, "JSON", "EOF"]),
        row!("template does not parse", dual, |f| drop(f.insert(TEMPLATE.into(), b"a\n{% if %}".to_vec())),
            Template, ["model/chat_template.jinja", "Jinja", ":2"]),
        row!("template in the config does not parse", dual, |f| set(f, TOKENIZER_CONFIG, "chat_template", json!("{{ a")),
            Template, [TOKENIZER_CONFIG]),
        row!("template is not UTF-8", dual, |f| drop(f.insert(TEMPLATE.into(), b"abc\xff".to_vec())),
            NotUtf8, [TEMPLATE, "UTF-8", "offset 3"]),
        row!("template is a number", dual, |f| set(f, TOKENIZER_CONFIG, "chat_template", json!(3)),
            WrongType, [TOKENIZER_CONFIG, "`chat_template`", "a string", "found 3"]),
        row!("no default template", dual, |f| set(f, TOKENIZER_CONFIG, "chat_template", json!([{"name": "rag", "template": ""}])),
            MissingField, [TOKENIZER_CONFIG, "`chat_template`", "default"]),
        row!("special token is a number", dual, |f| set(f, TOKENIZER_CONFIG, "bos_token", json!(1)),
            WrongType, [TOKENIZER_CONFIG, "`bos_token`", "found 1"]),
    ]
}
