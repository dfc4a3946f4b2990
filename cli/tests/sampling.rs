//! Sampling options, and `orthrus verify`.

mod common;

use std::fs;

use common::{generate, golden, path, run};
use serde_json::json;
use tempfile::TempDir;

const IDS: [&str; 4] = ["--ids", "5,6,7", "--max-new-tokens", "24"];

#[test]
fn a_seed_draws_the_same_text_in_both_views() {
    let golden = golden();
    let draw = |more: &[&str]| {
        let options = [&IDS[..], &["--json", "--temperature", "0.9"], more].concat();
        generate(&golden, &options).json()
    };
    let first = draw(&["--seed", "7"]);
    assert_eq!(
        first["sampling"],
        json!({ "temperature": 0.9, "top_k": 20, "top_p": 0.8, "seed": 7, "accept": "coupled" })
    );
    assert_eq!(draw(&["--seed", "7"])["output_ids"], first["output_ids"]);
    assert_eq!(draw(&["--seed", "7", "--view", "ar"])["output_ids"], first["output_ids"]);
    let others = [draw(&["--seed", "8"]), draw(&["--seed", "9", "--top-k", "0", "--top-p", "1"])];
    assert!(others.iter().any(|other| other["output_ids"] != first["output_ids"]));

    let greedy = generate(&golden, &[&IDS[..], &["--json"]].concat());
    assert_eq!(greedy.json().get("sampling"), None);
    let said = generate(&golden, &[&IDS[..], &["--temperature", "1"]].concat());
    assert!(said.err.contains("sampling with --temperature 1 --top-k 20 --top-p 0.8 --seed "), "{said:?}");
}

#[test]
fn sampling_options_have_ranges() {
    let golden = golden();
    let with = |options: &[&str]| generate(&golden, &[&IDS[..], options].concat());
    with(&["--temperature", "-1"]).failed(2, "temperature -1 is out of range");
    with(&["--temperature", "1", "--top-p", "1.5"]).failed(2, "top-p 1.5 is out of range");
    with(&["--temperature", "1", "--top-k", "-3"]).failed(2, "--top-k");
    with(&["--temperature", "1", "--accept", "always"]).failed(2, "always");
}

#[test]
fn verify_compares_the_views() {
    let golden = golden();
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("prompts.txt");
    fs::write(&file, "[1,2,3]\n\n[4, 5]\n[6]\n").unwrap();
    let verify = |options: &[&str]| {
        let base = ["verify", "--model", path(&golden), "--file", path(&file), "--max-new-tokens", "20"];
        run(&[&base[..], options].concat())
    };
    let report = verify(&["--json"]).json();
    assert_eq!((&report["prompts"], &report["identical"]), (&json!(3), &json!(3)), "{report}");
    assert!(report["tokens_per_cycle"].as_f64().unwrap() >= 1.0);
    assert_eq!(report["differences"], json!([]));
    let sampled = verify(&["--temperature", "0.8", "--seed", "1", "--limit", "2"]);
    assert!(sampled.text().contains("2 of 2 prompts have the same ids in both views"), "{sampled:?}");

    verify(&["--temperature", "0.8", "--accept", "rejection"]).failed(2, "the text depends on the view");
    fs::write(&file, "\n \n").unwrap();
    verify(&[]).failed(2, "no line with text");
    fs::write(&file, "[1,999999]\n").unwrap();
    verify(&[]).failed(2, "beyond the vocabulary");
    fs::write(&file, "words\n").unwrap();
    verify(&[]).failed(2, "has no tokenizer.json");
    run(&["verify", "--model", path(&golden), "--file", "/nowhere"]).failed(1, "reading the prompts");
}
