//! `orthrus info` and `orthrus adapters`.

mod common;

use common::{finish, golden, orthrus, path, run};
use serde_json::{Value, json};

#[test]
fn info_tells_what_a_checkpoint_holds() {
    let golden = golden();
    let info = run(&["info", path(&golden), "--json"]).json();
    for (field, value) in [
        ("views", json!(["dual", "ar"])),
        ("layers", json!(2)),
        ("hidden_size", json!(64)),
        ("attention_heads", json!(4)),
        ("key_value_heads", json!(2)),
        ("head_dim", json!(16)),
        ("vocabulary", json!(320)),
        ("block_size", json!(8)),
        ("context", json!(40960)),
        ("tokenizer", json!(false)),
        ("chat_template", json!(false)),
        ("file_bytes", json!(480_696)),
    ] {
        assert_eq!(info[field], value, "{field}");
    }
    // Each of the two layers has the projections q, k, v and o, and two norms.
    let attention = 2 * (64 * 64 + 2 * 32 * 64 + 64 * 64 + 2 * 16);
    assert_eq!(info["parameters"]["ar"], attention);
    assert_eq!(info["parameters"]["diffusion"], attention);
    let total = info["parameters"]["total"].as_u64().unwrap();
    assert_eq!(info["parameters"]["shared"], total - 2 * attention);
    assert_eq!(info["tensor_bytes"], 4 * total);
    // The KV cache has a key and a value for each position, layer, KV head and dimension. Tier `coop` stores them as
    // f16.
    let memory: Vec<&Value> = info["memory"].as_array().unwrap().iter().collect();
    assert!(memory.iter().any(|row| row["dtype"] == "f32") && memory.iter().any(|row| row["dtype"] == "f16"));
    for row in memory {
        let number = |name: &str| row[name].as_u64().unwrap();
        let bytes = if info["tier"] == "coop" && row["dtype"] == "f16" { 2 } else { 4 };
        assert_eq!(number("cache"), number("context") * 2 * 2 * 2 * 16 * bytes);
        assert_eq!(number("total"), number("weights") + number("cache") + number("scratch"));
    }

    let text = run(&["info", path(&golden)]);
    for part in ["views             dual, ar", "119,232", "469.43 KiB", "40960", "GPU memory needed"] {
        assert!(text.text().contains(part), "{part} in {text:?}");
    }
}

#[test]
fn info_tells_other_checkpoints_apart() {
    let sharded = golden().join("../bf16-sharded");
    let info = run(&["info", path(&sharded), "--json"]).json();
    assert_eq!(keys(&info["tensor_dtypes"]), ["bf16"]);
    assert_eq!(info["file_bytes"], 83_048 + 83_776 + 75_440);
    let ar = common::ar_only();
    let info = run(&["info", path(ar.path()), "--json"]).json();
    assert_eq!((&info["views"], &info["parameters"]["diffusion"]), (&json!(["ar"]), &json!(0)));
    let talking = common::talking(json!(null));
    let info = run(&["info", path(talking.path()), "--json"]).json();
    assert_eq!((&info["tokenizer"], &info["chat_template"]), (&json!(true), &json!(true)));
    assert_eq!(info["end_token_ids"], json!([]));
}

fn keys(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Without a Vulkan driver, `info` works and the other commands say what is missing.
#[cfg(target_os = "linux")]
#[test]
fn without_a_gpu() {
    let without = |arguments: &[&str]| {
        finish(
            orthrus()
                .args(arguments)
                .env("VK_DRIVER_FILES", "/none.json")
                .env("VK_ICD_FILENAMES", "/none.json"),
        )
    };
    assert_eq!(without(&["info", path(&golden()), "--json"]).json()["layers"], 2);
    let adapters = without(&["adapters"]);
    assert_eq!(adapters.text(), "");
    assert!(adapters.err.contains("no usable GPU adapter"), "{adapters:?}");
    let golden = golden();
    let arguments = ["generate", "--model", path(&golden), "--ids", "1"];
    without(&arguments).failed(1, "no usable GPU adapter. Install a Vulkan");
}

#[test]
fn adapters_are_listed_and_can_be_chosen() {
    let listed = run(&["adapters", "--json"]).json();
    let listed = listed.as_array().unwrap();
    let default: Vec<_> = listed.iter().filter(|adapter| adapter["default"] == true).collect();
    assert_eq!(default.len(), 1, "the tests need a Vulkan driver: {listed:?}");
    let default = default[0];
    let name = default["name"].as_str().unwrap();
    let tiers: Vec<_> = default["tiers"].as_array().unwrap().iter().map(|tier| &tier["name"]).collect();
    assert!(tiers.contains(&&json!("baseline")) && tiers.contains(&&json!("subgroup")));
    assert!(default["largest_binding"].as_u64().unwrap() >= 128 << 20, "WebGPU's least");
    assert_eq!(default["unsuitable"], Value::Null);

    let text = run(&["adapters"]);
    assert!(text.text().contains(&format!("{name} (used by default)")), "{text:?}");
    for part in ["tier baseline", "largest binding", "workgroup memory", "subgroup size"] {
        assert!(text.text().contains(part), "{part} in {text:?}");
    }
    for choice in [default["number"].to_string(), name.to_uppercase()] {
        let arguments = ["--ids", "1", "--max-new-tokens", "1", "--json", "--adapter", &choice];
        assert_eq!(common::generate(&golden(), &arguments).json()["adapter"], name);
    }
}
