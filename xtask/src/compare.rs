//! `cargo xtask compare`: two programs on one GPU, alternating, so that clock and heat are the same for both.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use crate::commands::{Result, output, say, target};

/// Rounds. Each runs every model with both programs.
const ROUNDS: usize = 2;

/// Compares the passes of the `orthrus` programs `old` and `new`: the 1.7B and the 8B at context 512.
pub(crate) fn run(old: &str, new: &str, tier: &str) -> Result<()> {
    let mut medians: BTreeMap<(String, String), [Vec<f64>; 2]> = BTreeMap::new();
    for _ in 0..ROUNDS {
        for model in ["synthetic:1.7b", "synthetic:8b"] {
            for (which, program) in [old, new].into_iter().enumerate() {
                for (pass, ms) in measured(program, model, tier)? {
                    medians.entry((model.to_string(), pass)).or_default()[which].push(ms);
                }
            }
        }
    }
    say("| model | pass | old, ms | new, ms | new over old |\n| --- | --- | ---: | ---: | ---: |");
    for ((model, pass), [old, new]) in &medians {
        let least = |values: &[f64]| values.iter().copied().fold(f64::INFINITY, f64::min);
        let (old, new) = (least(old), least(new));
        say(format!("| {model} | {pass} | {old:.3} | {new:.3} | {:.3} |", new / old));
    }
    Ok(())
}

/// The passes that `orthrus bench` measured, with their medians in ms.
fn measured(program: &str, model: &str, tier: &str) -> Result<Vec<(String, f64)>> {
    let file = target().join("compare.json");
    let mut bench = Command::new(Path::new(program));
    bench.args(["bench", "--model", model, "--tier", tier, "--contexts", "512"]);
    bench.args(["--repetitions", "5", "--cycles", "12", "--json"]).arg(&file);
    std::fs::create_dir_all(target()).map_err(|error| format!("{}: {error}", target().display()))?;
    output(&mut bench)?;
    let json = std::fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(passes(&json))
}

/// The passes in the JSON of `orthrus bench`.
fn passes(json: &str) -> Vec<(String, f64)> {
    // Without a JSON library, so that xtask starts at once: each pass begins with its name.
    let compact: String = json.chars().filter(|c| !c.is_whitespace()).collect();
    let field = |text: &str, name: &str| {
        let rest = text.split_once(&format!("\"{name}\":"))?.1;
        Some(rest.split([',', '}', '"']).find(|part| !part.is_empty())?.to_string())
    };
    let pass = |text: &str| {
        let (name, rows) = (text.split('"').next()?, field(text, "rows")?);
        let kernel = field(text, "kernel").filter(|kernel| kernel != "null");
        let ms = field(text.split_once("\"ms\":")?.1, "median")?.parse().ok()?;
        let kernel = kernel.map(|kernel| format!(", {kernel}")).unwrap_or_default();
        Some((format!("{name}, {rows} rows{kernel}"), ms))
    };
    compact.split("{\"pass\":\"").skip(1).filter_map(pass).collect()
}

#[cfg(test)]
mod tests {
    use super::passes;

    #[test]
    fn passes_are_read_from_a_benchs_json() {
        let json = r#"{"contexts": [{"context": 512, "passes": [
            {"pass": "AR", "rows": 1, "kernel": "exact", "ms": {"median": 2.5, "least": 2.0, "most": 3.0}},
            {"pass": "verify", "rows": 32, "kernel": null, "ms": {"median": 4.25, "least": 4.0, "most": 5.0}}]}]}"#;
        let expected = [("AR, 1 rows, exact".to_string(), 2.5), ("verify, 32 rows".to_string(), 4.25)];
        assert_eq!(passes(json), expected);
    }
}
