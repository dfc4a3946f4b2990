//! Random damage to a checkpoint, repeatable from a seed.
#![allow(unreachable_pub, reason = "a module of a test")]

use serde_json::{Value, json};

use crate::common::{self, Files, INDEX, Random, SHARDS};

/// A checkpoint after one or more mutations.
pub struct Case {
    pub seed: u64,
    pub files: Files,
    /// The mutations, for the message of a failure.
    pub done: Vec<String>,
    pub random: Random,
}

/// A change to the files of a case.
pub type Mutation = fn(&mut Case);

impl Case {
    pub fn new(seed: u64, bases: &[fn() -> Files], mutations: &[Mutation]) -> Case {
        let mut random = Random(seed);
        let files = random.pick(bases)();
        let mut case = Case { seed, files, done: Vec::new(), random };
        for _ in 0..1 + case.random.below(2) {
            let mutate = *case.random.pick(mutations);
            mutate(&mut case);
        }
        case
    }

    pub fn note(&mut self, what: impl Into<String>) {
        self.done.push(what.into());
    }

    /// The name of a random file with this ending. Empty: there is none.
    fn file(&mut self, end: &str) -> String {
        let names: Vec<String> = self.files.keys().filter(|name| name.ends_with(end)).cloned().collect();
        if names.is_empty() { String::new() } else { self.random.pick(&names).clone() }
    }

    /// Changes a file's bytes.
    pub fn edit(&mut self, name: &str, edit: impl FnOnce(&mut Vec<u8>, &mut Random)) {
        if let Some(bytes) = self.files.get_mut(name) {
            edit(bytes, &mut self.random);
        }
    }

    /// Puts an odd value somewhere into a JSON file.
    pub fn swap_value(&mut self, name: &str) {
        let Some(mut json) = self.files.get(name).and_then(|bytes| serde_json::from_slice(bytes).ok()) else {
            return;
        };
        let path = swap(&mut json, &mut self.random);
        self.note(format!("{name}: {path}"));
        self.files.insert(name.into(), json.to_string().into_bytes());
    }
}

/// Puts an odd value into a random place of a JSON value, or removes or renames a field.
///
/// Returns a description of the change.
fn swap(json: &mut Value, random: &mut Random) -> String {
    match json {
        Value::Object(map) if !map.is_empty() && random.below(12) != 0 => {
            let key = map.keys().nth(random.below(map.len())).unwrap().clone();
            match random.below(10) {
                0 => {
                    map.remove(&key);
                    format!("{key} removed")
                }
                1 => {
                    let value = map.remove(&key).unwrap();
                    let other = map.keys().nth(random.below(map.len())).cloned().unwrap_or_default();
                    map.insert(other.clone(), value);
                    format!("{key} now {other}")
                }
                _ => format!("{key}.{}", swap(&mut map[&key], random)),
            }
        }
        Value::Array(items) if !items.is_empty() && random.below(4) != 0 => {
            let i = random.below(items.len());
            format!("{i}.{}", swap(&mut items[i], random))
        }
        value => {
            *value = odd_value(value, random);
            format!("= {value}")
        }
    }
}

fn odd_value(old: &Value, random: &mut Random) -> Value {
    match random.below(4) {
        0 if old.is_i64() => json!(old.as_i64().unwrap().wrapping_add([-2, -1, 1, 2][random.below(4)])),
        1 => json!(1_u64 << random.below(64)),
        2 => json!((1_u64 << random.below(64)) - 1),
        _ => serde_json::from_str(random.pick::<&str>(&ODD)).unwrap(),
    }
}

/// JSON values that are wrong almost anywhere.
#[rustfmt::skip]
const ODD: [&str; 32] = [
    "null", "true", "false", "0", "1", "2", "3", "-1", "65", "0.5", "1e308", "-1e-308", "18446744073709551615",
    "-9223372036854775808", "[]", "[0]", "[18446744073709551615, 18446744073709551615]", "[4294967296, 4294967296]",
    "[0, 18446744073709551615]", "[0, 0, 0]", "{}", r#"{"a": 1}"#, r#""""#, r#""qwen3""#, r#""F32""#, r#""F64""#, r#""BF16""#,
    r#""F4""#, r#""../x""#, r#""model.safetensors""#, r#""\u0000\u001bé""#, r#""{% for %}""#,
];

/// Flips, inserts, removes or repeats a few bytes.
pub fn scramble(bytes: &mut Vec<u8>, within: usize, random: &mut Random) {
    for _ in 0..1 + random.below(4) {
        let at = random.below(within.min(bytes.len()));
        match random.below(4) {
            _ if bytes.is_empty() => bytes.push(random.next() as u8),
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = *random.pick(b"\0\xff\"{}[],:-0192e."),
            2 => bytes.insert(at, *random.pick(b"\0\xff\"{}[],:-0192e.")),
            _ => drop(bytes.remove(at)),
        }
    }
}

fn config_text(case: &mut Case) {
    case.note("bytes of a configuration");
    let name = case.file("config.json");
    case.edit(&name, |bytes, random| scramble(bytes, usize::MAX, random));
}

fn config_value(case: &mut Case) {
    let name = case.file("config.json");
    case.swap_value(&name);
}

fn index_text(case: &mut Case) {
    case.note("bytes of the index");
    case.edit(INDEX, |bytes, random| scramble(bytes, usize::MAX, random));
}

fn index_value(case: &mut Case) {
    case.swap_value(INDEX);
}

/// Moves a tensor of the index to another shard or a malformed one.
fn index_shard(case: &mut Case) {
    let Some(Ok(mut json)) = case.files.get(INDEX).map(|bytes| serde_json::from_slice::<Value>(bytes)) else {
        return;
    };
    let Some(map) = json.get_mut("weight_map").and_then(Value::as_object_mut) else { return };
    let Some(key) = map.keys().nth(case.random.below(map.len())).cloned() else { return };
    let shard = *case.random.pick(&[
        SHARDS[0],
        SHARDS[1],
        "absent",
        "",
        "..",
        "/",
        "a/b",
        "config.json",
        INDEX,
        "\\\\x",
        "\0",
    ]);
    map.insert(key.clone(), json!(shard));
    case.note(format!("{key} in {shard:?}"));
    case.files.insert(INDEX.into(), json.to_string().into_bytes());
}

fn header_bytes(case: &mut Case) {
    case.note("bytes of a header");
    let name = case.file(".safetensors");
    case.edit(&name, |bytes, random| {
        let length = bytes.first_chunk().map_or(0, |length| u64::from_le_bytes(*length));
        scramble(bytes, (length as usize).saturating_add(8), random);
    });
}

fn header_length(case: &mut Case) {
    let name = case.file(".safetensors");
    case.edit(&name, |bytes, random| {
        let size = bytes.len() as u64;
        let Some(length) = bytes.first_chunk_mut::<8>() else { return };
        let old = u64::from_le_bytes(*length);
        let odd = [
            0,
            1,
            2,
            old.wrapping_sub(1),
            old.wrapping_add(1),
            old.wrapping_sub(8),
            old.wrapping_add(8),
            size,
            size.wrapping_sub(8),
            size.wrapping_sub(7),
            size + 1,
            100_000_000,
            100_000_001,
            u64::MAX,
            u64::MAX - 7,
            u64::MAX - 8,
            1 << 63,
            1 << 32,
            u64::from(u32::MAX),
            i64::MAX as u64,
        ];
        *length = random.pick(&odd).to_le_bytes();
    });
    case.note("length of a header");
}

/// Puts an odd value into the header's JSON. The length of the header stays right.
fn header_value(case: &mut Case) {
    let name = case.file(".safetensors");
    let Some((mut header, data)) = case.files.get(&name).and_then(|bytes| parts(bytes)) else { return };
    let path = swap(&mut header, &mut case.random);
    case.note(format!("{name}: {path}"));
    let header = header.as_object().cloned().unwrap_or_default();
    case.files.insert(name, common::pack(&header, &data));
}

/// Exchanges the entries of two tensors, or one field of them, or copies one over the other.
fn header_exchange(case: &mut Case) {
    let name = case.file(".safetensors");
    let Some((mut header, data)) = case.files.get(&name).and_then(|bytes| parts(bytes)) else { return };
    let map = header.as_object_mut().unwrap();
    let keys: Vec<String> = map.keys().filter(|key| *key != "__metadata__").cloned().collect();
    if keys.is_empty() {
        return;
    }
    let (a, b) = (case.random.pick(&keys).clone(), case.random.pick(&keys).clone());
    let (mut x, mut y) = (map[&a].clone(), map[&b].clone());
    let field = *case.random.pick(&["", "dtype", "shape", "data_offsets"]);
    match (x.get_mut(field), y.get_mut(field)) {
        (Some(x), Some(y)) => std::mem::swap(x, y),
        _ => std::mem::swap(&mut x, &mut y),
    }
    map.insert(a.clone(), x);
    if case.random.below(3) != 0 {
        map.insert(b.clone(), y);
    }
    case.note(format!("{name}: {field} of {a} and {b}"));
    let packed = common::pack(map, &data);
    case.files.insert(name, packed);
}

/// Moves a tensor's range: it overlaps another, leaves a gap, is misaligned, or ends outside the file.
fn header_shift(case: &mut Case) {
    let name = case.file(".safetensors");
    let Some((mut header, data)) = case.files.get(&name).and_then(|bytes| parts(bytes)) else { return };
    let map = header.as_object_mut().unwrap();
    let Some(key) = map.keys().nth(case.random.below(map.len())).cloned() else { return };
    let by = *case.random.pick(&[-1_i64, 1, -2, 2, -4, 4, -48, 48, -7680, 7680, i64::MAX]);
    for i in 0..2 {
        if let Some(offset) = map[&key].get_mut("data_offsets").and_then(|offsets| offsets.get_mut(i)) {
            *offset = json!(offset.as_i64().unwrap_or(0).wrapping_add(by));
        }
    }
    case.note(format!("{name}: {key} moved by {by}"));
    let packed = common::pack(map, &data);
    case.files.insert(name, packed);
}

/// The header and data of a weights file. `None`: the file is too damaged.
fn parts(file: &[u8]) -> Option<(Value, Vec<u8>)> {
    let length = usize::try_from(u64::from_le_bytes(*file.first_chunk()?)).ok()?;
    let rest = &file[8..];
    let header: Value = serde_json::from_slice(rest.get(..length)?).ok()?;
    header.is_object().then(|| (header, rest[length..].to_vec()))
}

fn truncate(case: &mut Case) {
    let name = case.file("");
    case.edit(&name, |bytes, random| bytes.truncate(random.below(bytes.len())));
    case.note(format!("{name} truncated"));
}

fn extend(case: &mut Case) {
    let name = case.file("");
    case.edit(&name, |bytes, random| bytes.extend((0..1 + random.below(64)).map(|i| i as u8)));
    case.note(format!("{name} extended"));
}

/// Changes tensor data only. The checkpoint must still open.
pub fn tensor_data(case: &mut Case) {
    case.note("tensor data");
    let name = case.file(".safetensors");
    case.edit(&name, |bytes, random| {
        let length = bytes.first_chunk().map_or(0, |length| u64::from_le_bytes(*length)) as usize;
        if let Some(data) =
            length.checked_add(8).and_then(|start| bytes.get_mut(start..)).filter(|data| !data.is_empty())
        {
            for _ in 0..1 + random.below(64) {
                let at = random.below(data.len());
                data[at] = random.next() as u8;
            }
        }
    });
}

fn random_bytes(case: &mut Case) {
    let name = case.file("");
    case.edit(&name, |bytes, random| {
        let length = random.below(200);
        *bytes = (0..length).map(|_| random.next() as u8).collect();
        if random.below(2) == 0 && length >= 8 {
            bytes[..8].copy_from_slice(&(random.below(length) as u64).to_le_bytes());
        }
    });
    case.note(format!("{name} random"));
}

fn file_missing(case: &mut Case) {
    let name = case.file("");
    case.files.remove(&name);
    case.note(format!("{name} missing"));
}

/// Copies a file over another.
fn file_confused(case: &mut Case) {
    let (from, to) = (case.file(""), case.file(""));
    if let Some(bytes) = case.files.get(&from).cloned() {
        case.files.insert(to.clone(), bytes);
    }
    case.note(format!("{from} as {to}"));
}

pub const BASES: [fn() -> Files; 3] = [common::dual, common::ar_only, common::sharded];
pub const MUTATIONS: [Mutation; 17] = [
    config_text,
    config_value,
    config_value,
    index_text,
    index_value,
    index_shard,
    header_bytes,
    header_length,
    header_value,
    header_value,
    header_exchange,
    header_shift,
    truncate,
    extend,
    random_bytes,
    file_missing,
    file_confused,
];
