//! Helpers of the tests: they run the program and make checkpoints.
#![allow(dead_code, unreachable_pub, reason = "each test uses its part")]

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use safetensors::SafeTensors;
use safetensors::tensor::serialize;
use serde_json::{Map, Value, json};
use tempfile::TempDir;

/// The exit code and the output of a run of the program.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// Asserts that the run failed with this code, printed nothing on stdout and gave the reason on stderr.
    #[track_caller]
    pub fn failed(&self, code: i32, reason: &str) {
        assert_eq!(self.code, code, "{self:?}");
        assert_eq!(self.out, "", "{self:?}");
        assert!(self.err.contains("error: ") && self.err.contains(reason), "expected `{reason}` in {self:?}");
        assert!(!self.err.contains("panicked"), "{self:?}");
    }

    /// The stdout of a run that must have succeeded.
    #[track_caller]
    pub fn text(&self) -> &str {
        assert_eq!(self.code, 0, "{self:?}");
        &self.out
    }

    /// The stdout of a run that must have succeeded: one JSON value and nothing else.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(self.text()).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The program, without the environment variables that would change its behaviour.
pub fn orthrus() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_orthrus"));
    command.env_remove("ORTHRUS_MODEL").env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

/// Runs the command to its end.
///
/// A program that a test has just copied can be busy: a process that another test starts at that moment holds the copy
/// open for writing, until it runs its own program.
pub fn finish(command: &mut Command) -> Ran {
    let busy = |error: &io::Error| error.kind() == io::ErrorKind::ExecutableFileBusy;
    let output = loop {
        match command.output() {
            Err(error) if busy(&error) => std::thread::sleep(Duration::from_millis(10)),
            other => break other.unwrap(),
        }
    };
    Ran {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

pub fn run(arguments: &[&str]) -> Ran {
    finish(orthrus().args(arguments))
}

/// Runs the program with `input` on its stdin.
pub fn run_with(input: &str, arguments: &[&str]) -> Ran {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("stdin");
    fs::write(&file, input).unwrap();
    finish(orthrus().args(arguments).stdin(fs::File::open(file).unwrap()))
}

/// Runs `orthrus generate` on a checkpoint.
pub fn generate(model: &Path, arguments: &[&str]) -> Ran {
    run(&[&["generate", "--model", path(model)], arguments].concat())
}

pub fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// The golden: a checkpoint without a tokenizer, and the output of the official implementation for it.
pub fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/tied-gqa")
}

/// The output of the official implementation.
pub fn golden_json() -> Value {
    serde_json::from_slice(&fs::read(golden().join("golden.json")).unwrap()).unwrap()
}

/// Ids in the form that `--ids` takes.
pub fn list(ids: &Value) -> String {
    ids.as_array().unwrap().iter().map(Value::to_string).collect::<Vec<_>>().join(",")
}

/// A copy of the golden that a test can change.
pub fn copy() -> TempDir {
    let dir = TempDir::new().unwrap();
    for file in ["config.json", "generation_config.json", "model.safetensors"] {
        fs::copy(golden().join(file), dir.path().join(file)).unwrap();
    }
    dir
}

/// A copy of the golden with the end id `eos`. Null: no id ends the text.
pub fn copy_ending_with(eos: Value) -> TempDir {
    let dir = copy();
    for file in ["config.json", "generation_config.json"] {
        configure(&dir, file, "eos_token_id", eos.clone());
    }
    dir
}

/// Sets a field in one of the JSON files of a checkpoint.
pub fn configure(dir: &TempDir, file: &str, field: &str, value: Value) {
    let file = dir.path().join(file);
    let mut config: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    config[field] = value;
    fs::write(&file, config.to_string()).unwrap();
}

/// A copy of the golden with a chat template and the tokenizer of [`token_bytes`].
pub fn talking(eos: Value) -> TempDir {
    let dir = copy_ending_with(eos);
    fs::write(dir.path().join("tokenizer.json"), tokenizer().to_string()).unwrap();
    fs::write(dir.path().join("chat_template.jinja"), TEMPLATE).unwrap();
    dir
}

/// A copy of the golden without its diffusion view.
pub fn ar_only() -> TempDir {
    let dir = copy();
    let file = dir.path().join("model.safetensors");
    let bytes = fs::read(&file).unwrap();
    let all = SafeTensors::deserialize(&bytes).unwrap();
    let kept = all.tensors().into_iter().filter(|(name, _)| !name.contains("_diff"));
    fs::write(&file, serialize(kept, None).unwrap()).unwrap();
    dir
}

pub const IM_START: u32 = 318;
pub const IM_END: u32 = 319;

/// The text of a token. Ids 0 to 255 are the bytes, and the ids after them are written as `<id>`. The two special
/// tokens have no text.
pub fn token_bytes(id: u32) -> Vec<u8> {
    match u8::try_from(id) {
        Ok(byte) => vec![byte],
        Err(_) if id < IM_START => format!("<{id}>").into_bytes(),
        Err(_) => Vec::new(),
    }
}

const TEMPLATE: &str = "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}\
    {% if add_generation_prompt %}<|im_start|>assistant\n{% if enable_thinking %}<think>{% endif %}{% endif %}";

/// The tokenizer of [`token_bytes`]. It writes bytes as characters like GPT-2.
fn tokenizer() -> Value {
    let printable = |byte: u8| matches!(byte, 33..=126 | 161..=172 | 174..=255);
    let mut others = '\u{100}'..;
    let mut vocab = Map::new();
    for byte in 0..=255u8 {
        let written = if printable(byte) { char::from(byte) } else { others.next().unwrap() };
        vocab.insert(written.to_string(), json!(byte));
    }
    for id in 256..IM_START {
        vocab.insert(format!("<{id}>"), json!(id));
    }
    let special = |id: u32, content: &str| {
        json!({"id": id, "content": content, "single_word": false, "lstrip": false, "rstrip": false,
               "normalized": false, "special": true})
    };
    let bytes =
        json!({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": false, "use_regex": true});
    json!({
        "version": "1.0", "truncation": null, "padding": null,
        "added_tokens": [special(IM_START, "<|im_start|>"), special(IM_END, "<|im_end|>")],
        "normalizer": null, "pre_tokenizer": bytes, "post_processor": bytes, "decoder": bytes,
        "model": {"type": "BPE", "dropout": null, "unk_token": null, "continuing_subword_prefix": null,
                  "end_of_word_suffix": null, "fuse_unk": false, "byte_fallback": false, "ignore_merges": false,
                  "vocab": vocab, "merges": []}
    })
}
