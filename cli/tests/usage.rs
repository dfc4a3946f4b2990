//! Bad usage and failed runs: their exit codes, and the reasons on stderr.

mod common;

use std::fs;

use common::{finish, generate, golden, orthrus, path, run, run_with};
use serde_json::json;
use tempfile::TempDir;

#[test]
fn commands_are_explained() {
    for command in ["generate", "chat", "verify", "bench", "info", "adapters"] {
        assert!(run(&["--help"]).text().contains(command));
        assert!(run(&[command, "--help"]).text().contains("Usage: orthrus"));
    }
    assert!(run(&["--version"]).text().starts_with("orthrus "));
    assert_eq!(run(&[]).code, 2);
    run(&["sing"]).failed(2, "'sing'");
}

#[test]
fn a_prompt_is_given_once() {
    let golden = golden();
    generate(&golden, &[]).failed(2, "--prompt <TEXT>|--raw <TEXT>|--ids");
    generate(&golden, &["--prompt", "a", "--raw", "b"]).failed(2, "cannot be used with");
    generate(&golden, &["--raw", "a", "--ids", "1"]).failed(2, "cannot be used with");
    generate(&golden, &["--ids", "1", "--thinking"]).failed(2, "cannot be used with");
    generate(&golden, &["--raw", "a", "--system", "b"]).failed(2, "cannot be used with");
}

#[test]
fn prompts_must_fit_the_checkpoint() {
    let golden = golden();
    generate(&golden, &["--ids", "5,320,7"]).failed(2, "token 1 is 320, beyond the vocabulary of 320");
    generate(&golden, &["--ids", ""]).failed(2, "the prompt is empty");
    generate(&golden, &["--ids", "1,,2"]).failed(2, "`` is no token id");
    generate(&golden, &["--ids", "1,two"]).failed(2, "`two` is no token id");
    generate(&golden, &["--ids", "-1"]).failed(2, "`-1` is no token id");
    generate(&golden, &["--ids", "99999999999"]).failed(2, "`99999999999` is no token id");
    generate(&golden, &["--prompt", "hello"]).failed(2, "no tokenizer.json, so it takes no text: use --ids");
    generate(&golden, &["--raw", "hello"]).failed(2, "no tokenizer.json");

    let model = common::talking(json!(common::IM_END));
    generate(model.path(), &["--prompt", ""]).failed(2, "the prompt is empty");
    generate(model.path(), &["--raw", ""]).failed(2, "the prompt is empty");
    run_with("\n", &["generate", "--model", path(model.path()), "--prompt", "-"])
        .failed(2, "the prompt is empty");
    fs::remove_file(model.path().join("chat_template.jinja")).unwrap();
    generate(model.path(), &["--prompt", "hello"])
        .failed(2, "no chat template, which --prompt needs: use --raw");
}

#[test]
fn options_must_make_sense() {
    let with = |flag: &str, value: &str| generate(&golden(), &["--ids", "1", flag, value]);
    with("--block-size", "0").failed(2, "at least 1");
    with("--block-size", "9").failed(2, "block size 9 is out of range");
    with("--max-new-tokens", "0").failed(2, "at least 1");
    with("--max-new-tokens", "many").failed(2, "at least 1");
    with("--max-new-tokens", "40960").failed(2, "this model takes 40960");
    with("--max-new-tokens", "18446744073709551615").failed(2, "this model takes 40960");
    with("--context", "256").failed(2, "--context is 256");
    with("--context", "40961").failed(2, "40961 is out of range");
    with("--view", "both").failed(2, "[possible values: dual, ar]");
    with("--dtype", "f64").failed(2, "[possible values: f32, f16]");
    with("--tier", "coop2").failed(2, "[possible values: baseline, subgroup");
    with("--adapter", "no such thing").failed(2, "no adapter matches `no such thing`");
}

#[test]
fn a_checkpoint_must_be_one() {
    let empty = TempDir::new().unwrap();
    generate(&empty.path().join("nowhere"), &["--ids", "1"])
        .failed(1, "nowhere: expected a checkpoint directory");
    generate(empty.path(), &["--ids", "1"]).failed(1, "expected the file config.json");
    run(&["info", path(empty.path())]).failed(1, "expected the file config.json");

    let model = common::copy();
    let weights = model.path().join("model.safetensors");
    let bytes = fs::read(&weights).unwrap();
    fs::write(&weights, &bytes[..bytes.len() - 100]).unwrap();
    let ran = generate(model.path(), &["--ids", "1", "--json"]);
    ran.failed(1, "model.safetensors: tensor ");
    assert!(ran.err.contains("truncated"), "{ran:?}");
    assert_eq!(ran.err.lines().count(), 1, "{ran:?}");
}

/// The default model is the one that the environment names, or else the bundled one.
#[test]
fn a_model_need_not_be_named() {
    let named = finish(orthrus().args(["info", "--json"]).env("ORTHRUS_MODEL", golden()));
    assert_eq!(named.json()["layers"], 2);

    // The bundled model needs no repository around the program.
    let dir = TempDir::new().unwrap();
    let program = dir.path().join("orthrus");
    fs::copy(env!("CARGO_BIN_EXE_orthrus"), &program).unwrap();
    let mut command = std::process::Command::new(&program);
    command.args(["info", "--json"]).env_remove("ORTHRUS_MODEL").current_dir(dir.path());
    let bundled = finish(&mut command).json();
    assert_eq!((&bundled["hidden_size"], &bundled["block_size"]), (&json!(256), &json!(32)), "{bundled}");
}
