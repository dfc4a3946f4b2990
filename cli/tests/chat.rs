//! `orthrus chat` through a pipe, where each line is a turn.

mod common;

use common::{IM_END, path, run, run_with};
use serde_json::json;

#[test]
fn lines_are_turns() {
    let model = common::talking(json!(IM_END));
    let flags = ["--model", path(model.path()), "--max-new-tokens", "8"];
    let chat = |lines: &str| run_with(lines, &[&["chat"], &flags[..]].concat());
    let alone =
        |message: &str| run(&[&["generate", "--prompt", message], &flags[..]].concat()).text().to_owned();
    let first = alone("hello");
    assert_eq!(chat("hello\n").text(), first);
    assert_eq!(chat("\n  \nhello").text(), first, "empty lines are no turns, and the last needs no line end");

    // The second turn includes the first one, unless /clear forgets it.
    let second = alone("and now?");
    let both = chat("hello\nand now?\n");
    assert!(both.text().starts_with(&first));
    assert_eq!(chat("hello\n/clear\nand now?\n").text(), format!("{first}{second}"));
    assert_eq!(chat("hello\n/exit\nand now?\n").text(), first);
    assert_eq!(chat("/help\n").text(), "");
    assert!(both.err.matches(" tokens/s, ").count() == 2, "{both:?}");
}

/// The KV cache that a chat keeps must give the same answer as a fresh one.
#[test]
fn a_conversation_equals_its_transcript() {
    let model = common::talking(json!(null));
    let flags = ["--model", path(model.path()), "--max-new-tokens", "6", "--dtype", "f32"];
    let ran = run_with("a\nb\n", &[&["chat"], &flags[..]].concat());
    let first = run(&[&["generate", "--prompt", "a"], &flags[..]].concat());
    let first = first.text();
    let answer = first.strip_suffix('\n').unwrap();
    let transcript = format!(
        "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n{answer}<|im_end|>\n<|im_start|>user\nb<|im_end|>\n<|im_start|>assistant\n"
    );
    let second = run(&[&["generate", "--raw", &transcript], &flags[..]].concat());
    assert_eq!(ran.text(), format!("{first}{}", second.text()));
}

#[test]
fn a_full_context_is_said_and_can_be_cleared() {
    let model = common::talking(json!(null));
    let flags = ["chat", "--model", path(model.path()), "--max-new-tokens", "8", "--context", "48"];
    let long = "a message that is so long that it has no room beside the first";
    let ran = run_with(&format!("hi\n{long}\n/clear\nhi\n"), &flags);
    assert_eq!(ran.code, 1, "a turn was not answered: {ran:?}");
    assert!(ran.err.contains("not answered: ") && ran.err.contains("the context holds 48"), "{ran:?}");
    assert!(ran.err.ends_with("error: turns not answered: 1\n"), "{ran:?}");
    let fresh = run_with("hi\n", &flags);
    assert_eq!(ran.out, fresh.text().repeat(2));

    // An answer ends where the context is full.
    let flags = ["chat", "--model", path(model.path()), "--max-new-tokens", "100", "--context", "48"];
    let ran = run_with("hi\n", &flags);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.err.contains("cut short: the context of 48 tokens is full"), "{ran:?}");
}

#[test]
fn chat_needs_a_tokenizer_and_a_template() {
    run(&["chat", "--model", path(&common::golden())]).failed(2, "no tokenizer.json, which chat needs");
    let model = common::talking(json!(null));
    std::fs::remove_file(model.path().join("chat_template.jinja")).unwrap();
    run(&["chat", "--model", path(model.path())]).failed(2, "no chat template, which chat needs");
}

/// Ctrl-C stops the answer, and the program goes on.
#[cfg(unix)]
#[test]
fn an_interrupt_stops_the_answer_only() {
    use std::io::{BufRead, BufReader, Read, Write};
    use std::process::{Command, Stdio};

    let model = common::talking(json!(null));
    let arguments =
        ["chat", "--model", path(model.path()), "--max-new-tokens", "40000", "--context", "40960"];
    let mut child = common::orthrus()
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut output = child.stdout.take().unwrap();
    let mut errors = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);

    writeln!(input, "hello").unwrap();
    // Every token of this tokenizer is visible, so one byte shows that the answer has begun.
    output.read_exact(&mut [0]).unwrap();
    let interrupt = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupt.success());
    assert!(errors.any(|line| line == "stopped"));
    assert!(errors.next().unwrap().contains(" tokens/s, "));

    writeln!(input, "/exit").unwrap();
    std::io::copy(&mut output, &mut std::io::sink()).unwrap();
    assert_eq!(errors.collect::<Vec<_>>(), Vec::<String>::new());
    assert_eq!(child.wait().unwrap().code(), Some(0));
}
