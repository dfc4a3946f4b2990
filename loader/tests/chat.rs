//! Chat templates render as in Python, and malicious ones are stopped.
#![cfg(feature = "text")]
#![allow(clippy::unwrap_used, reason = "a test")]

mod common;

use std::time::{Duration, Instant};

use common::Files;
use orthrus_loader::{ChatRequest, ChatTemplate, LoadError, Message, TextError};
use serde_json::{Value, json};

const QWEN3: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/qwen3/");

fn with(file: &str, text: impl Into<Vec<u8>>) -> Files {
    let mut files = common::ar_only();
    files.insert(file.into(), text.into());
    files
}

fn template(files: Files) -> ChatTemplate {
    common::open(files).unwrap().chat_template().unwrap().unwrap()
}

/// Renders a template for a short conversation.
fn render(text: &str) -> Result<String, TextError> {
    let messages = [Message::user("hi"), Message::assistant("yo")];
    let request = ChatRequest { messages: &messages, ..Default::default() };
    template(with("chat_template.jinja", text)).render(&request)
}

fn read(path: &str) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn qwen3_cases_match_python_byte_for_byte() {
    let source = std::fs::read(format!("{QWEN3}chat_template.jinja")).unwrap();
    // Older checkpoints have the template in a field instead of a file.
    let config = json!({"chat_template": String::from_utf8(source.clone()).unwrap()}).to_string();
    for files in [with("chat_template.jinja", source), with("tokenizer_config.json", config)] {
        let template = template(files);
        let cases = read(&format!("{QWEN3}chat_cases.json"));
        let cases = cases.as_array().unwrap();
        assert!(cases.len() >= 10);
        for case in cases {
            let messages: Vec<Message> = serde_json::from_value(case["messages"].clone()).unwrap();
            let request = ChatRequest {
                messages: &messages,
                tools: case.get("tools"),
                add_generation_prompt: case["add_generation_prompt"].as_bool().unwrap(),
                enable_thinking: case.get("enable_thinking").map(|thinking| thinking.as_bool().unwrap()),
            };
            assert_eq!(
                template.render(&request).unwrap(),
                case["expected"].as_str().unwrap(),
                "{}",
                case["name"]
            );
        }
    }
}

/// The script `data/jinja_cases.py` made the expected texts with Python's Jinja2.
#[test]
fn jinja_cases_match_python_byte_for_byte() {
    let file = read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/jinja_cases.json"));
    let messages: Vec<Message> = serde_json::from_value(file["messages"].clone()).unwrap();
    let cases = file["cases"].as_array().unwrap();
    assert!(cases.len() > 20);
    for case in cases {
        let mut files = with("chat_template.jinja", case["template"].as_str().unwrap());
        files.insert("tokenizer_config.json".into(), br#"{"bos_token": {"content": "<s>"}}"#.to_vec());
        let request = ChatRequest {
            messages: &messages,
            tools: Some(&file["tools"]),
            add_generation_prompt: true,
            enable_thinking: None,
        };
        let rendered = template(files).render(&request).map_err(|error| error.to_string());
        assert_eq!(rendered.as_deref(), Ok(case["expected"].as_str().unwrap()), "{}", case["template"]);
    }
}

#[test]
fn the_template_file_precedes_the_field() {
    let text = |files: Files| template(files).render(&ChatRequest::default()).unwrap();
    let mut both = with("chat_template.jinja", "file {{ eos_token }}");
    both.insert(
        "tokenizer_config.json".into(),
        br#"{"chat_template": "field", "eos_token": "</s>"}"#.to_vec(),
    );
    assert_eq!(text(both.clone()), "file </s>");
    both.remove("chat_template.jinja");
    assert_eq!(text(both.clone()), "field");
    let list = json!({"chat_template": [{"name": "tool_use", "template": "tools"}, {"name": "default", "template": "none"}]});
    both.insert("tokenizer_config.json".into(), list.to_string().into_bytes());
    assert_eq!(text(both.clone()), "none");
    let request = ChatRequest { tools: Some(&json!([])), ..Default::default() };
    assert_eq!(template(both.clone()).render(&request).unwrap(), "tools");
    for none in [&b"{}"[..], br#"{"chat_template": null}"#] {
        both.insert("tokenizer_config.json".into(), none.to_vec());
        assert!(common::open(both.clone()).unwrap().chat_template().unwrap().is_none());
    }
    both.remove("tokenizer_config.json");
    assert!(common::open(both).unwrap().chat_template().unwrap().is_none());
}

#[test]
fn further_fields_of_a_message_reach_the_template() {
    let mut message = Message::assistant("x");
    message.extra.insert("reasoning_content".into(), json!("because"));
    let template =
        template(with("chat_template.jinja", "{{ messages[0].reasoning_content }} {{ messages[0].role }}"));
    assert_eq!(
        template.render(&ChatRequest { messages: &[message], ..Default::default() }).unwrap(),
        "because assistant"
    );
    let null: Message =
        serde_json::from_value(json!({"role": "assistant", "content": null, "tool_calls": []})).unwrap();
    assert_eq!((null.content.as_str(), null.extra.len()), ("", 1));
}

#[test]
fn a_template_can_refuse_a_conversation() {
    let error = render("{{ raise_exception('roles must alternate') }}").unwrap_err();
    let message = error.to_string();
    assert!(message.contains("chat_template.jinja") && message.contains("roles must alternate"), "{message}");
}

#[test]
fn strftime_now_gives_the_date() {
    let text = render("{{ strftime_now('%Y-%m-%d') }}").unwrap();
    assert!(text.len() == 10 && text.starts_with("20"), "{text}");
    assert!(render("{{ strftime_now('%Q') }}").unwrap_err().to_string().contains("%Q"));
}

#[test]
fn an_error_of_a_template_names_its_cause() {
    for (text, says) in [
        ("{{ messages.nope.deeper }}", "undefined"),
        ("{{ messages | nofilter }}", "nofilter"),
        ("{{ 1 / 0 }}", "1 / 0"),
        ("{{ 'a'.nomethod() }}", "nomethod"),
        ("{{ nope | tojson }}", "undefined"),
        ("{{ messages | tojson(indent=100000) }}", "indent"),
        ("{{ messages | tojson(nope=1) }}", "nope"),
        ("{{ messages | tojson(separators=3) }}", "a pair of strings"),
    ] {
        let message = render(text).expect_err(text).to_string();
        assert!(message.contains("chat_template.jinja") && message.contains(says), "{text}: {message}");
    }
}

/// A template's instructions, output, recursion and nesting are limited.
#[test]
fn a_malicious_template_is_stopped() {
    let loops = "{% for a in range(99999) %}".repeat(8) + &"{% endfor %}".repeat(8);
    let pours = "{% for a in range(9999) %}{{ 'x' * 50000000 }}{% endfor %}";
    let recurses = "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}";
    let nests = "{% set ns = namespace(x=[]) %}{% for a in range(900) %}{% set ns.x = [ns.x] %}{% endfor %}{{ ns.x | tojson }}";
    for (text, says) in [
        (loops.as_str(), "fuel"),
        (pours, "longer than"),
        (recurses, "recursion"),
        (nests, "nested"),
        ("{{ 'x' * 999999999999 }}", "too large"),
        ("{% for a in range(99999999999) %}{% endfor %}", "range"),
    ] {
        let start = Instant::now();
        let message = render(text).expect_err(text).to_string();
        assert!(message.contains(says), "{text}: {message}");
        assert!(start.elapsed() < Duration::from_secs(30), "{text} took {:?}", start.elapsed());
    }
    let deep = format!("{{{{ {}1{} }}}}", "(".repeat(100_000), ")".repeat(100_000));
    let error = common::open(with("chat_template.jinja", deep)).unwrap().chat_template().unwrap_err();
    assert!(matches!(error, LoadError::Template { .. }), "{error:?}");
}
