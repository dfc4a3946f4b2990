//! `cargo xtask demo`: shows the dual-view decoder at work.

use std::collections::HashSet;
use std::fmt::{Display, Formatter};
use std::fs;
use std::process::Command;

use crate::commands::{self, Result, output, root, say};
use crate::{json, program};

/// The most new tokens of a generation.
const BUDGET: &str = "128";

/// Builds the program. The bundled model answers a prompt of each family, and then the first prompt in both views.
pub(crate) fn run() -> Result<()> {
    program::build()?;

    let listed = root().join("models/tiny/demo_prompts.txt");
    let text = fs::read_to_string(&listed).map_err(|error| format!("{}: {error}", listed.display()))?;
    let prompts = one_of_each_family(&text);
    if prompts.is_empty() {
        return Err(format!("{}: expected lines `family<TAB>prompt`, found none", listed.display()));
    }
    say("\nA small Orthrus model answers. The diffusion view drafts blocks of tokens and the AR view checks");
    say("them, so that each pass yields several tokens and the text is exactly the AR view's own.");
    for prompt in &prompts {
        say(format!("\n== {prompt}"));
        commands::run(&mut generate(prompt, "dual", false))?;
    }
    prompts.first().map_or(Ok(()), |prompt| compare(prompt))
}

struct Prompt<'a> {
    family: &'a str,
    text: &'a str,
}

impl Display for Prompt<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.family, self.text)
    }
}

/// The first prompt of each family, in the order of the file. Its lines are `family<TAB>prompt`.
fn one_of_each_family(text: &str) -> Vec<Prompt<'_>> {
    let mut seen = HashSet::new();
    text.lines()
        .filter_map(|line| line.split_once('\t'))
        .map(|(family, text)| Prompt { family: family.trim(), text: text.trim() })
        .filter(|prompt| !prompt.text.is_empty() && seen.insert(prompt.family))
        .collect()
}

fn generate(prompt: &Prompt<'_>, view: &str, json: bool) -> Command {
    let mut command = program::command();
    command.args(["generate", "--prompt", prompt.text, "--max-new-tokens", BUDGET, "--view", view]);
    if json {
        command.arg("--json");
    }
    command
}

/// Runs a prompt in both views and prints both speeds. Different ids are an error.
fn compare(prompt: &Prompt<'_>) -> Result<()> {
    say(format!("\n== both views side by side: {prompt}"));
    let dual = output(&mut generate(prompt, "dual", true))?;
    let ar = output(&mut generate(prompt, "ar", true))?;
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
    say(format!("In this one run, on {adapter}, the dual view was {speedup:.2} times as fast."));
    if speedup < 1.0 {
        say(
            "A cycle's two passes over a whole block cost more here than the passes they save. Drafting is meant for",
        );
        say(
            "models so large that reading the weights is most of a pass's cost, which this demo does not measure.",
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
        let shown: Vec<String> = one_of_each_family(text).iter().map(|prompt| prompt.to_string()).collect();
        assert_eq!(shown, ["lists: Name three.", "code: Write\ta loop."]);
    }
}
