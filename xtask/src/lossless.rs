//! `cargo xtask lossless`: verifies prompts in both views on any adapter, and prints a table as in LOSSLESS.md.

use crate::commands::{Result, output, say};
use crate::{json, program};

const PROMPTS: &str = "tests/prompts/prompts.jsonl";

/// Arguments of the sampled lines. Sampled texts part early or not at all, so few new tokens are enough.
const SAMPLED: &str = "--accept coupled --seed 7 --max-new-tokens 24";

/// Temperatures, top-k and top-p of the sampled lines, which combine each with each.
const CUTS: ([&str; 3], [&str; 2], [&str; 2]) = (["0.3", "0.7", "1"], ["20", "0"], ["0.8", "1"]);

/// Builds the program, verifies prompts in both views, and prints a row for each line of arguments.
///
/// Greedy lines cover each tier in each format. Sampled lines cover all cuts; tiers and formats take turns. Without a
/// `limit` of prompts, a synthetic model whose ids are near-ties follows.
pub(crate) fn run(adapter: &str, tiers: &str, limit: Option<&str>) -> Result<()> {
    program::build()?;
    say("| prompts | the same | tokens |\n| --- | ---: | ---: |");
    let mut failures = Vec::new();
    for line in lines(&tiers.split(',').collect::<Vec<_>>(), limit) {
        match verified(adapter, &line) {
            Ok(row) => say(format!("| `{line}` | {row} |")),
            Err(reason) => {
                say(format!("| `{line}` | failed | |"));
                failures.push(reason);
            }
        }
    }
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

/// Arguments of `orthrus verify`, one string for each run.
fn lines(tiers: &[&str], limit: Option<&str>) -> Vec<String> {
    let kinds: Vec<String> = tiers
        .iter()
        .flat_map(|tier| ["f16", "f32"].map(|format| format!("--tier {tier} --dtype {format}")))
        .collect();
    let file = match limit {
        Some(limit) => format!("--file {PROMPTS} --limit {limit}"),
        None => format!("--file {PROMPTS}"),
    };
    let mut lines: Vec<String> = kinds.iter().map(|kind| format!("{file} {kind}")).collect();
    let mut turns = kinds.iter().cycle();
    let (temperatures, top_ks, top_ps) = CUTS;
    for temperature in temperatures {
        for top_k in top_ks {
            for top_p in top_ps {
                let kind = turns.next().map_or("", String::as_str);
                lines.push(format!(
                    "{file} {kind} {SAMPLED} --temperature {temperature} --top-k {top_k} --top-p {top_p}"
                ));
            }
        }
    }
    if limit.is_none() {
        let synthetic = format!("--model synthetic:1.7b --max-new-tokens 64 --tier {}", tiers[0]);
        lines.push(format!("{synthetic} --synthetic-prompts 100"));
        let sampled = "--accept coupled --seed 5 --temperature 0.7 --top-k 0 --top-p 1";
        lines.push(format!("{synthetic} --synthetic-prompts 40 {sampled}"));
    }
    lines
}

/// Runs `orthrus verify`. Returns two cells of the table: prompts with the same ids, and tokens.
fn verified(adapter: &str, line: &str) -> Result<String> {
    let mut command = program::command();
    command.args(["verify", "--json", "--adapter", adapter]).args(line.split(' '));
    let report = output(&mut command)?;
    let number =
        |name| json::field(&report, name).ok_or_else(|| format!("`orthrus verify` printed no {name}"));
    Ok(format!("{} of {} | {}", number("identical")?, number("prompts")?, number("tokens")?))
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn everything_has_its_turn() {
        let all = lines(&["coop", "subgroup", "baseline"], None);
        assert_eq!(all.len(), 6 + 12 + 2);
        for kind in ["coop --dtype f16", "coop --dtype f32", "subgroup --dtype f16", "baseline --dtype f32"] {
            assert_eq!(all.iter().filter(|line| line.contains(kind)).count(), 3, "{kind}");
        }
        assert!(lines(&["baseline"], Some("150")).iter().all(|line| line.contains("--limit 150")));
    }
}
