//! `orthrus generate`: its output, and its ids against those of the official implementation.

mod common;

use std::process::Stdio;

use common::{IM_END, IM_START, generate, golden, golden_json, list, path, run_with};
use serde_json::{Value, json};

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Repeats the main run of the golden.
fn main_run(decoding: &str, dtype: &str, more: &[&str]) -> Value {
    let golden_json = golden_json();
    let ids = list(&golden_json["prompt_ids"]);
    let flags = ["--ids", &ids, "--max-new-tokens", "64", "--view", decoding, "--dtype", dtype, "--json"];
    generate(&golden(), &[&flags, more].concat()).json()
}

#[test]
fn json_is_one_object_with_the_official_ids() {
    let golden = golden_json();
    let run = &golden["runs"]["main"];
    for tier in ["baseline", "subgroup"] {
        let found = main_run("dual", "f32", &["--tier", tier]);
        let fields = "prompt_ids output_ids text finish_reason view dtype tier adapter stats";
        assert_eq!(keys(&found).join(" "), fields);
        let stats = &found["stats"];
        assert_eq!(
            keys(stats).join(" "),
            "cycles forward_passes acceptance_lengths tokens_per_cycle tpf prefill_ms decode_ms tokens_per_second"
        );
        assert_eq!(found["prompt_ids"], golden["prompt_ids"]);
        assert_eq!(found["output_ids"], run["new_ids"]);
        assert_eq!(found["text"], Value::Null, "there is no tokenizer");
        assert_eq!(found["finish_reason"], "length");
        assert_eq!(found["view"], "dual");
        assert_eq!(found["dtype"], "f32");
        assert_eq!(found["tier"], tier);
        assert!(!found["adapter"].as_str().unwrap().is_empty());
        assert_eq!(stats["acceptance_lengths"], run["accept_lens"]);
        assert_eq!(stats["cycles"], run["n_cycles"]);
        assert_eq!(stats["forward_passes"], run["n_forward"]);
        let passes = run["n_forward"].as_f64().unwrap();
        assert_eq!(stats["tpf"].as_f64().unwrap(), 64.0 / passes);
        let number = |name: &str| stats[name].as_f64().unwrap();
        assert!(number("prefill_ms") > 0.0 && number("decode_ms") > 0.0);
        let rate = 63.0 / number("decode_ms") * 1e3;
        assert!((number("tokens_per_second") / rate - 1.0).abs() < 1e-3, "{stats}");
    }
}

#[test]
fn both_views_give_the_same_ids_in_both_formats() {
    let ar = main_run("ar", "f32", &[]);
    assert_eq!(ar["output_ids"], golden_json()["runs"]["main"]["new_ids"]);
    assert_eq!(ar["view"], "ar");
    assert_eq!(ar["stats"]["tpf"], 1.0);
    let halves = main_run("ar", "f16", &[]);
    assert_eq!(halves["dtype"], "f16");
    assert_eq!(main_run("dual", "f16", &[])["output_ids"], halves["output_ids"]);
    let small = main_run("dual", "f16", &["--block-size", "3"]);
    assert_eq!(small["output_ids"], halves["output_ids"]);
    let most = small["stats"]["acceptance_lengths"].as_array().unwrap().iter().max_by_key(|n| n.as_u64());
    assert_eq!(most, Some(&json!(2)), "a block of 3 has 2 drafts");
}

#[test]
fn the_end_of_the_text_is_an_id_but_no_text() {
    let golden = golden_json();
    let run = &golden["runs"]["eos_mid_block"];
    let model = common::copy_ending_with(run["eos_token_id"].clone());
    let ids = list(&golden["prompt_ids"]);
    let flags = ["--ids", &ids, "--dtype", "f32", "--max-new-tokens", "64"];
    let found = generate(model.path(), &[&flags[..], &["--json"]].concat()).json();
    assert_eq!(found["output_ids"], run["new_ids"]);
    assert_eq!(found["finish_reason"], "stop");
    let shown = run["new_ids"].as_array().unwrap().split_last().unwrap().1;
    let shown: Vec<String> = shown.iter().map(Value::to_string).collect();
    assert_eq!(generate(model.path(), &flags).text(), shown.join(" ") + "\n");
}

#[test]
fn without_json_stdout_is_the_text_alone() {
    let golden = golden_json();
    let ids = list(&golden["prompt_ids"]);
    let ran = generate(&common::golden(), &["--ids", &ids, "--max-new-tokens", "64", "--dtype", "f32"]);
    let expected = list(&golden["runs"]["main"]["new_ids"]).replace(',', " ") + "\n";
    assert_eq!(ran.text(), expected);
    let last = ran.err.lines().last().unwrap();
    for part in [
        "64 tokens: 1 from the prompt, 63 from 14 cycles (4.50 a cycle); ",
        " tokens/s, TPF 2.21 (29 passes), ",
    ] {
        assert!(last.contains(part), "{last}");
    }
    let start = ran.err.lines().find(|line| line.starts_with("model ")).unwrap();
    assert!(start.contains("tied-gqa") && start.contains("f32") && start.contains("tier "), "{start}");
}

/// The numbers in a line, in order.
fn numbers(line: &str) -> Vec<f64> {
    let is_other = |c: char| !c.is_ascii_digit() && c != '.';
    line.split(is_other).filter_map(|word| word.parse().ok()).collect()
}

/// A token budget often ends within a block, and cuts accepted drafts off. The line must not count those.
#[test]
fn the_statistics_line_adds_up() {
    let ids = list(&golden_json()["prompt_ids"]);
    let mut was_cut_off = false;
    for (decoding, budget) in [("dual", 1), ("dual", 2), ("dual", 9), ("dual", 64), ("ar", 9)] {
        let text = budget.to_string();
        let flags = ["--ids", &ids, "--max-new-tokens", &text, "--decoding", decoding, "--dtype", "f32"];
        let ran = generate(&golden(), &[&flags[..], &["--json"]].concat());
        let stats = &ran.json()["stats"];
        let number = |name: &str| stats[name].as_f64().unwrap();
        let line = ran.err.lines().last().unwrap();
        let (tokens, from_prompt, tpf, passes) = match numbers(line)[..] {
            [tokens, from_prompt, tpf, passes, _] => (tokens, from_prompt, tpf, passes),
            [tokens, from_prompt, from_cycles, cycles, mean, _, tpf, passes, _] => {
                assert_eq!(tokens, from_prompt + from_cycles, "{line}");
                assert_eq!(cycles, number("cycles"), "{line}");
                assert!((mean - from_cycles / cycles).abs() <= 0.005, "{line}");
                was_cut_off |= mean + 0.01 < number("tokens_per_cycle");
                (tokens, from_prompt, tpf, passes)
            }
            _ => panic!("unexpected numbers in {line}"),
        };
        assert_eq!((tokens, from_prompt), (f64::from(budget), 1.0), "{line}");
        assert_eq!(passes, number("forward_passes"), "{line}");
        assert!((tpf - tokens / passes).abs() <= 0.005, "{line}");
    }
    assert!(was_cut_off, "no budget cut a block short, so the test shows nothing");
}

#[test]
fn text_goes_through_the_tokenizer() {
    let model = common::talking(json!(IM_END));
    let flags = ["--raw", "hello", "--max-new-tokens", "24", "--json"];
    let raw = generate(model.path(), &flags).json();
    assert_eq!(raw["prompt_ids"], json!(b"hello"));
    let ids = raw["output_ids"].as_array().unwrap().iter().map(|id| id.as_u64().unwrap() as u32);
    let bytes: Vec<u8> = ids.flat_map(common::token_bytes).collect();
    assert_eq!(raw["text"], String::from_utf8_lossy(&bytes).as_ref());
    let streamed = generate(model.path(), &flags[..4]);
    assert_eq!(streamed.text(), format!("{}\n", raw["text"].as_str().unwrap()));

    // The text from stdin is taken exactly, with its line end.
    let flags = ["generate", "--model", path(model.path()), "--raw", "-", "--max-new-tokens", "24", "--json"];
    let from_stdin = run_with("hello", &flags).json();
    assert_eq!(from_stdin["output_ids"], raw["output_ids"]);
    assert_eq!(run_with("hello\n", &flags).json()["prompt_ids"], json!(b"hello\n"));
}

#[test]
fn messages_go_through_the_chat_template() {
    let model = common::talking(json!(IM_END));
    let chat = |arguments: &[&str]| {
        let flags = ["generate", "--model", path(model.path()), "--max-new-tokens", "1", "--json"];
        run_with("- hi\n", &[&flags, arguments].concat()).json()["prompt_ids"].clone()
    };
    let ids = |text: &str| {
        let mut ids = Vec::new();
        for part in text.split_inclusive(['[', ']']) {
            ids.extend(part.trim_end_matches(['[', ']']).bytes().map(u32::from));
            match part.chars().last() {
                Some('[') => ids.push(IM_START),
                Some(']') => ids.push(IM_END),
                _ => {}
            }
        }
        json!(ids)
    };
    assert_eq!(chat(&["--prompt", "- hi"]), ids("[user\n- hi]\n[assistant\n"));
    assert_eq!(chat(&["--prompt", "-"]), ids("[user\n- hi]\n[assistant\n"), "stdin, its line end left out");
    let more = ["--prompt", "x", "--system", "be", "--thinking"];
    assert_eq!(chat(&more), ids("[system\nbe]\n[user\nx]\n[assistant\n<think>"));
}

#[test]
fn a_checkpoint_without_diffusion_view_decodes_with_the_other() {
    let model = common::ar_only();
    let golden = golden_json();
    let ids = list(&golden["prompt_ids"]);
    let flags = ["--ids", &ids, "--max-new-tokens", "64", "--dtype", "f32", "--json"];
    let found = generate(model.path(), &flags).json();
    assert_eq!(found["view"], "ar");
    assert_eq!(found["output_ids"], golden["runs"]["main"]["new_ids"]);
    generate(model.path(), &[&flags[..], &["--view", "dual"]].concat()).failed(2, "no diffusion view");
}

#[test]
fn nobody_has_to_read_the_text() {
    let golden = golden();
    let arguments = ["generate", "--model", path(&golden), "--ids", "1,2,3", "--max-new-tokens", "300"];
    let mut child =
        common::orthrus().args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{err}");
    assert!(!err.contains("panicked") && !err.contains("error"), "{err}");
}

/// The program must not exit while a thread of the engine still closes its device: the driver crashes then. Such a
/// crash is rare and comes after all output, so many programs run at once.
#[test]
fn the_program_ends_cleanly() {
    let golden = golden();
    let arguments = ["generate", "--model", path(&golden), "--ids", "1,2,3", "--max-new-tokens", "6"];
    for _ in 0..6 {
        let start = |_| {
            let mut command = common::orthrus();
            command.args(arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
        };
        let children: Vec<_> = (0..12).map(start).collect();
        for mut child in children {
            let status = child.wait().unwrap();
            assert!(status.success(), "{status}");
        }
    }
}
