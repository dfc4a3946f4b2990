//! `orthrus bench`, and commands with synthetic models.

mod common;

use std::fs;

use common::{generate, golden, path, run};
use serde_json::{Value, json};
use tempfile::TempDir;

const FAST: [&str; 4] = ["--repetitions", "2", "--cycles", "10"];

fn bench(arguments: &[&str]) -> common::Ran {
    run(&[&["bench"], &FAST[..], arguments].concat())
}

fn shown(ran: &common::Ran, parts: &[&str]) {
    for part in parts {
        assert!(ran.text().contains(part), "`{part}` is not in\n{}", ran.out);
    }
}

/// The median of a spread. Its numbers must be positive and in order.
fn median(spread: &Value) -> f64 {
    let number = |name: &str| spread[name].as_f64().unwrap_or_else(|| panic!("{spread}"));
    let (median, least, most) = (number("median"), number("least"), number("most"));
    assert!(0.0 < least && least <= median && median <= most, "{spread}");
    median
}

#[test]
fn the_bundled_model_is_measured() {
    let dir = TempDir::new().unwrap();
    let lengths = dir.path().join("lengths.json");
    fs::write(&lengths, "[2]").unwrap();
    let replay = ["--contexts", "16", "--replay", path(&lengths)];
    let ran = run(&[&["bench", "--repetitions", "1", "--cycles", "2"], &replay[..]].concat());
    shown(
        &ran,
        &[
            "tiny (bundled), f16 weights, block size 32",
            "orthrus bench --repetitions 1 --cycles 2",
            "median of 1 (least to most)",
            "context 16:",
            "3.00 tokens per cycle, replayed",
        ],
    );
    assert!(!ran.out.contains("random weights") && !ran.out.contains("NOT LOSSLESS"), "{}", ran.out);
}

#[test]
fn a_checkpoint_is_measured() {
    let dir = TempDir::new().unwrap();
    let (file, picture) = (dir.path().join("results.json"), dir.path().join("results.svg"));
    let model = common::talking(json!(null));
    let model = path(model.path());
    let ran =
        bench(&["--model", model, "--contexts", "40,300", "--json", path(&file), "--svg", path(&picture)]);
    shown(
        &ran,
        &[
            "f16 weights, block size 8",
            "median of 2 (least to most)",
            "context 40:",
            "context 300:",
            "AR, 1 row, exact",
            "verify, 8 rows",
            "draft, 8 rows",
            "AR view, exact",
            "dual view",
            "300 tokens",
            "AR, 1 row, fast",
            "AR view, fast",
        ],
    );
    // A software adapter answers 2 of the 12 built-in prompts only.
    let recorded = |prompts| {
        format!("replayed acceptance, recorded from this model's answers to {prompts} built-in prompts")
    };
    assert!([2, 12].into_iter().any(|prompts| ran.out.contains(&recorded(prompts))), "{}", ran.out);
    assert!(!ran.out.contains("16 rows") && !ran.out.contains("NOT LOSSLESS"), "{}", ran.out);

    let results: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!((&results["synthetic"], &results["repetitions"]), (&json!(false), &json!(2)));
    median(&results["copy_gb_per_second"]);
    for (context, figures) in [40, 300].into_iter().zip(results["contexts"].as_array().unwrap()) {
        assert_eq!(figures["context"], context);
        let passes = figures["passes"].as_array().unwrap();
        let named: Vec<_> = passes.iter().map(|pass| (&pass["pass"], &pass["rows"])).collect();
        let names = ["AR", "AR", "verify", "draft"].map(Value::from);
        let rows = [1, 1, 8, 8].map(Value::from);
        assert_eq!(named, names.iter().zip(&rows).collect::<Vec<_>>());
        for pass in passes {
            let bytes = pass["bytes"].as_f64().unwrap();
            let speed = pass["gb_per_second"].as_f64().unwrap();
            assert!((speed - bytes / median(&pass["ms"]) / 1e6).abs() < 1e-6 * speed, "{pass}");
        }
        let (ar, dual) = (&figures["ar"][0], &figures["dual"]);
        let (tokens, cycles) = (dual["tokens"].as_f64().unwrap(), dual["cycles"].as_f64().unwrap());
        assert_eq!(
            (&ar["kernel"], &ar["tokens"], &dual["cycles"]),
            (&json!("exact"), &dual["tokens"], &json!(10))
        );
        assert_eq!(dual["same_ids"], dual["tokens"], "the dual view's text is the AR view's");
        assert!(
            (dual["tokens_per_cycle"].as_f64().unwrap() - (tokens - 1.0) / cycles).abs() < 1e-9,
            "{dual}"
        );
        let speed = (tokens - 1.0) * 1e3 / median(&dual["cycle_ms"]) / cycles;
        assert!((speed / median(&dual["tokens_per_second"]) - 1.0).abs() < 1e-6, "{dual}");
        // Passes take nearly the whole cycle. The share depends on the load of the machine, so the bounds are wide.
        for share in [&ar["passes_share"], &dual["passes_share"]] {
            assert!((0.05..10.0).contains(&share.as_f64().unwrap()), "{share}");
        }
        let per_second = f64::from(context) * 1e3 / median(&figures["prompt_ms"]);
        assert!((per_second / median(&figures["prompt_tokens_per_second"]) - 1.0).abs() < 1e-6);
    }
    let svg = fs::read_to_string(&picture).unwrap();
    assert_eq!((svg.matches("<polyline").count(), svg.matches("<rect").count()), (3, 7), "{svg}");
    assert!(svg.contains("AR view, exact") && svg.trim_end().ends_with("</svg>"));

    // A model can replay the lengths of another one.
    let again = bench(&["--model", path(&golden()), "--contexts", "20", "--replay", path(&file)]);
    shown(&again, &["replayed acceptance, recorded in ", "dual view"]);
    // A block of one row drafts nothing. A model without a diffusion view has AR decoding only.
    let one = bench(&["--model", path(&golden()), "--contexts", "20", "--block-size", "1"]);
    shown(&one, &["1.00 tokens per cycle, replayed"]);
    let ar = bench(&["--model", path(common::ar_only().path()), "--contexts", "1"]);
    shown(&ar, &["AR view, exact", "1 tokens"]);
    assert!(!ar.out.contains("dual view") && !ar.out.contains("acceptance"), "{}", ar.out);
}

#[test]
fn each_kernel_of_a_pass_is_measured() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("results.json");
    let ar_only = common::ar_only();
    let model = ["--model", path(ar_only.path()), "--ar-kernel", "fast", "--contexts", "20"];
    let kernels = ["--repetitions", "1", "--cycles", "2", "--kernels", "--json", path(&file)];
    shown(
        &run(&[&["bench"], &model[..], &kernels].concat()),
        &["AR, 1 row, fast", "prompt, 20 rows", " µs, "],
    );
    let results: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    let passes = results["contexts"][0]["passes"].as_array().unwrap();
    assert_eq!(passes.iter().map(|pass| &pass["pass"]).collect::<Vec<_>>(), ["AR", "prompt"]);
    for pass in passes {
        let kernels = pass["kernels"].as_array().unwrap();
        for kernel in kernels {
            median(&kernel["us"]);
        }
        for part in ["layers", "greedy", "sampled"] {
            assert!(kernels.iter().any(|kernel| kernel["part"] == part), "{part}: {pass}");
        }
    }
}

#[test]
fn a_model_too_short_to_be_asked_is_measured() {
    let model = common::talking(json!(null));
    common::configure(&model, "config.json", "max_position_embeddings", json!(256));
    let ran = bench(&["--model", path(model.path()), "--contexts", "20"]);
    shown(&ran, &["replayed acceptance, recorded with the bundled model", "dual view"]);
    assert!(ran.err.contains("the model's own acceptance lengths are not recorded"), "{}", ran.err);
}

#[test]
fn synthetic_models_say_that_they_are() {
    let dir = TempDir::new().unwrap();
    let lengths = dir.path().join("lengths.json");
    fs::write(&lengths, "[3, 0]").unwrap();
    let file = dir.path().join("results.json");
    let ran = bench(&[
        "--model",
        "synthetic:test",
        "--contexts",
        "64",
        "--replay",
        path(&lengths),
        "--json",
        path(&file),
        "--dtype",
        "f32",
        "--ar-kernel",
        "exact",
    ]);
    shown(
        &ran,
        &[
            "synthetic:test (random weights), f32 weights",
            "random weights: speeds are true, texts are not",
            "verify, 16 rows",
            "draft, 32 rows",
        ],
    );
    let results: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    assert_eq!((&results["synthetic"], &results["notes"]), (&json!(true), &json!([])));
    let dual = &results["contexts"][0]["dual"];
    // Prefill gives one token. Then come five cycles of four tokens and five cycles of one.
    assert_eq!(
        (&dual["cycles"], &dual["tokens"], &dual["same_ids"]),
        (&json!(10), &json!(26), &json!(26)),
        "{dual}"
    );
}

#[test]
fn synthetic_models_say_nothing_else() {
    run(&["generate", "--model", "synthetic:0.6b", "--raw", "a"])
        .failed(2, "synthetic:0.6b (random weights) has no tokenizer and nothing to say");
    run(&["chat", "--model", "synthetic:test"]).failed(2, "it is for `orthrus bench`, `verify` and `info`");
    run(&["bench", "--model", "synthetic:9b"]).failed(2, "no model synthetic:9b, only synthetic:0.6b");
    let info = run(&["info", "synthetic:8b", "--json"]).json();
    assert_eq!(
        (&info["synthetic"], &info["layers"], &info["tied_embeddings"]),
        (&json!(true), &json!(36), &json!(false))
    );
    // Qwen3-8B has 8,190,735,360 parameters. The attention of the diffusion view comes on top.
    let number = |name: &str| info["parameters"][name].as_u64().unwrap();
    assert_eq!(number("total") - number("diffusion"), 8_190_735_360);
    assert_eq!(number("ar"), number("diffusion"));
    let text = run(&["info", "synthetic:1.7b"]);
    assert!(text.text().contains("random weights are made on the GPU"), "{text:?}");
    // Qwen3-1.7B has 1,720,574,976 parameters, its second copy of the embedding not counted.
    let info = run(&["info", "synthetic:1.7b", "--json"]).json();
    let number = |name: &str| info["parameters"][name].as_u64().unwrap();
    assert_eq!(number("total") - number("diffusion"), 1_720_574_976);
}

#[test]
fn options_must_make_sense() {
    let dir = TempDir::new().unwrap();
    let golden = golden();
    let with = |arguments: &[&str]| bench(&[&["--model", path(&golden)], arguments].concat());
    with(&["--contexts", "0"]).failed(2, "at least 1");
    with(&["--contexts", "10,,20"]).failed(2, "at least 1");
    with(&["--contexts", "40960"]).failed(2, "more than the 40960 of this model");
    // 17 positions: one token of prefill, eight of the cycle, and another block of eight.
    run(&["bench", "--model", path(&golden), "--cycles", "1", "--contexts", "40944"])
        .failed(2, "up to 17 positions after it");
    with(&["--block-size", "9"]).failed(2, "block size 9 is out of range");
    with(&["--ar-kernel", "faster"]).failed(2, "[possible values: exact, fast]");
    with(&["--replay", "/nowhere"]).failed(1, "reading --replay");
    let file = dir.path().join("replay.json");
    for text in ["", "[]", "[-1]", "{\"stats\": {}}", "[1, \"two\"]"] {
        fs::write(&file, text).unwrap();
        with(&["--replay", path(&file)]).failed(2, "holds no acceptance lengths");
    }
    with(&["--contexts", "8", "--json", "/nowhere/results.json"])
        .failed(1, "opening the file for the results");
    with(&["--contexts", "8", "--svg", path(dir.path())]).failed(1, "opening the file for the results");
    let file = path(&file);
    with(&["--contexts", "8", "--json", file, "--svg", file])
        .failed(2, "--json and --svg name the same file");
}

#[test]
fn a_kernel_can_be_chosen() {
    let golden = golden();
    let ids = |kernel: &str| {
        let arguments =
            ["--ids", "1,2,3", "--max-new-tokens", "12", "--view", "ar", "--ar-kernel", kernel, "--json"];
        generate(&golden, &arguments).json()["output_ids"].clone()
    };
    // The kernels may give different ids at near-ties only. This checkpoint has none.
    assert_eq!(ids("exact"), ids("fast"));
    generate(&golden, &["--ids", "1", "--ar-kernel", "quick"]).failed(2, "[possible values: exact, fast]");
}

#[test]
fn verify_takes_random_ids_and_synthetic_models() {
    let ran =
        run(&["verify", "--model", "synthetic:test", "--limit", "6", "--max-new-tokens", "40", "--json"]);
    let report = ran.json();
    assert_eq!((&report["prompts"], &report["identical"]), (&json!(6), &json!(6)));
    assert_eq!(
        (&report["replayed_acceptance"], &report["model"]),
        (&json!(true), &json!("synthetic:test (random weights)"))
    );
    assert!(report["tokens_per_cycle"].as_f64().unwrap() > 8.0, "{report}");
    assert!(ran.err.contains("replayed acceptance lengths"), "{ran:?}");
    let text =
        run(&["verify", "--model", "synthetic:test", "--synthetic-prompts", "3", "--max-new-tokens", "9"]);
    assert!(text.text().contains("3 of 3") && text.text().contains("(replayed acceptance)"), "{text:?}");

    let golden = golden();
    let report = run(&[
        "verify",
        "--model",
        path(&golden),
        "--synthetic-prompts",
        "5",
        "--max-new-tokens",
        "9",
        "--json",
    ]);
    assert_eq!(
        (&report.json()["prompts"], &report.json()["replayed_acceptance"]),
        (&json!(5), &json!(false))
    );
    run(&["verify", "--model", "synthetic:test", "--file", "x"])
        .failed(2, "use --synthetic-prompts N in place of --file");
    run(&["verify", "--synthetic-prompts", "2", "--file", "x"]).failed(2, "cannot be used with");
}

#[test]
fn verify_takes_objects() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("prompts.jsonl");
    let model = common::talking(json!(common::IM_END));
    let verify = |text: &str| {
        fs::write(&file, text).unwrap();
        run(&[
            "verify",
            "--model",
            path(model.path()),
            "--file",
            path(&file),
            "--max-new-tokens",
            "6",
            "--json",
        ])
    };
    let lines = [
        r#"{"prompt": "two\nlines", "source": "here"}"#,
        "",
        r#"{"raw": "as it is"}"#,
        r#"{"ids": [1, 2, 3]}"#,
        r#"{"messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}]}"#,
    ];
    let report = verify(&lines.join("\n")).json();
    assert_eq!((&report["prompts"], &report["identical"]), (&json!(4), &json!(4)));
    verify("{\"ids\": [1]}\n\n{\"prompt\": 3}")
        .failed(2, "line 3 of the prompts: not a JSON object with a prompt");
    verify("not an object").failed(2, "line 1 of the prompts: not a JSON object with a prompt");
    verify("{}").failed(2, "exactly one of `prompt`, `raw`, `ids` and `messages`");
    verify(r#"{"raw": "a", "ids": [1]}"#).failed(2, "exactly one of");
    verify(r#"{"ids": [320]}"#).failed(2, "line 1 of the prompts: token 0 is 320");
    verify(r#"{"ids": []}"#).failed(2, "line 1 of the prompts: the prompt is empty");
}

#[test]
fn the_committed_prompts_can_be_verified() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/prompts/prompts.jsonl");
    let text = fs::read_to_string(file).unwrap();
    assert!(text.lines().count() >= 1000);
    for source in ["gsm8k/test", "HumanEval/", "generated/stories"] {
        assert!(text.lines().take(150).any(|line| line.contains(source)), "{source}");
    }
    let first = run(&["verify", "--file", file, "--max-new-tokens", "1", "--limit", "3", "--json"]);
    assert_eq!(first.json()["identical"], 3);
}
