//! `cargo xtask demo`: watch the dual-view decoder work.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::commands::{self, Result, cargo, output, root, say, typed};
use crate::{json, vulkan};

/// New tokens of each generation, at most.
const BUDGET: &str = "128";

/// Builds the program and runs it on the bundled model; until that is there, on a golden checkpoint.
pub(crate) fn run() -> Result<()> {
    vulkan::ensure()?;
    let mut build = cargo(&["build", "--release", "--locked", "--package", "orthrus-cli"]);
    say(format!("Building the program (the first time takes minutes): {}", typed(&build)));
    commands::run(&mut build)?;
    let program = Program::built();

    let model = root().join("models/tiny");
    let prompts = if model.join("model.safetensors").is_file() {
        let listed = model.join("demo_prompts.txt");
        let text = fs::read_to_string(&listed).map_err(|error| format!("{}: {error}", listed.display()))?;
        let prompts = one_of_each_family(&text);
        if prompts.is_empty() {
            return Err(format!("{}: expected lines `family<TAB>prompt`, found none", listed.display()));
        }
        say(
            "\nA small Orthrus model answers. The diffusion view drafts blocks of tokens and the AR view checks",
        );
        say("them, so that each pass yields several tokens and the text is exactly the AR view's own.");
        prompts.into_iter().map(|(family, prompt)| Prompt::text(&model, family, prompt)).collect()
    } else {
        let golden = root().join("tests/golden/tied-gqa");
        say(
            "\nThe bundled model is not in this checkout, so a test checkpoint stands in. It speaks in token ids.",
        );
        vec![Prompt::golden(&golden)?]
    };
    for prompt in &prompts {
        say(format!("\n== {}", prompt.title));
        commands::run(&mut program.generate(prompt, "dual", false))?;
    }
    prompts.first().map_or(Ok(()), |prompt| compare(&program, prompt))
}

/// A prompt to show.
struct Prompt {
    title: String,
    model: PathBuf,
    /// `--prompt` or `--ids`, and what follows.
    arguments: [String; 2],
}

impl Prompt {
    fn text(model: &Path, family: &str, prompt: &str) -> Prompt {
        let title = format!("{family}: {prompt}");
        Prompt { title, model: model.to_path_buf(), arguments: ["--prompt".to_string(), prompt.to_string()] }
    }

    fn golden(model: &Path) -> Result<Prompt> {
        let file = model.join("golden.json");
        let text = fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let ids =
            json::field(&text, "prompt_ids").ok_or_else(|| format!("{}: no prompt_ids", file.display()))?;
        let ids = ids.trim_matches(['[', ']']).replace(char::is_whitespace, "");
        let title = "the ids that follow a prompt of ids".to_string();
        Ok(Prompt { title, model: model.to_path_buf(), arguments: ["--ids".to_string(), ids] })
    }
}

/// The first prompt of each family, in the order of the file: lines of `family<TAB>prompt`.
fn one_of_each_family(text: &str) -> Vec<(&str, &str)> {
    let mut seen = HashSet::new();
    text.lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(family, prompt)| (family.trim(), prompt.trim()))
        .filter(|(family, prompt)| !prompt.is_empty() && seen.insert(*family))
        .collect()
}

/// The program that was built.
struct Program {
    path: PathBuf,
}

impl Program {
    fn built() -> Program {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
        let name = format!("orthrus{}", std::env::consts::EXE_SUFFIX);
        Program { path: root().join(target).join("release").join(name) }
    }

    fn generate(&self, prompt: &Prompt, view: &str, json: bool) -> Command {
        let mut command = Command::new(&self.path);
        command.current_dir(root()).arg("generate").arg("--model").arg(&prompt.model);
        command.args(&prompt.arguments).args(["--max-new-tokens", BUDGET, "--view", view]);
        if json {
            command.arg("--json");
        }
        command
    }
}

/// Runs a prompt in both views and shows both speeds. The ids must be the same.
fn compare(program: &Program, prompt: &Prompt) -> Result<()> {
    say(format!("\n== both views side by side: {}", prompt.title));
    let dual = output(&mut program.generate(prompt, "dual", true))?;
    let ar = output(&mut program.generate(prompt, "ar", true))?;
    say(format!("{:<26}{:>12}{:>12}", "", "dual", "ar"));
    for (what, field, decimals) in [
        ("passes", "forward_passes", 0),
        ("tokens per cycle", "tokens_per_cycle", 2),
        ("tokens per pass (TPF)", "tpf", 2),
        ("tokens per second", "tokens_per_second", 1),
    ] {
        let [dual, ar] = [number(&dual, field)?, number(&ar, field)?];
        say(format!("{what:<26}{dual:>12.decimals$}{ar:>12.decimals$}"));
    }
    let speedup = number(&dual, "tokens_per_second")? / number(&ar, "tokens_per_second")?;
    let adapter = json::text(&dual, "adapter").unwrap_or("this adapter");
    say(format!("On {adapter}, with this model, the dual view is {speedup:.2} times as fast."));
    if speedup < 1.0 {
        say(
            "A cycle's two passes over a whole block cost more here than the passes they save. On a GPU and with a",
        );
        say(
            "model of some size, reading the weights is what a pass costs, and there fewer passes are faster.",
        );
    }
    let [dual, ar] = [&dual, &ar].map(|json| json::field(json, "output_ids"));
    match (dual, ar) {
        (Some(dual), Some(ar)) if dual == ar => {
            say(format!("The ids of both views are identical: {} of them.", dual.split(',').count()));
            Ok(())
        }
        (dual, ar) => Err(format!("the views differ: dual {dual:?}, ar {ar:?}")),
    }
}

fn number(json: &str, field: &str) -> Result<f64> {
    json::number(json, field).ok_or_else(|| format!("`orthrus generate --json` printed no {field}: {json}"))
}

#[cfg(test)]
mod tests {
    use super::one_of_each_family;

    #[test]
    fn families_are_shown_once() {
        let text = "lists\tName three.\n\nno tab\nlists\tName four.\ncode\tWrite\ta loop.\nempty\t\n";
        assert_eq!(one_of_each_family(text), [("lists", "Name three."), ("code", "Write\ta loop.")]);
    }
}
