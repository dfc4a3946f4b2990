//! `cargo xtask lossless`: verifies prompts in both views on any adapter, and prints a table as in LOSSLESS.md.

use crate::commands::{Result, output, root, say};
use crate::{json, program};

const PROMPTS: &str = "tests/prompts/prompts.jsonl";

/// Arguments of the sampled lines. Sampled texts part early or not at all, so few new tokens are enough.
const SAMPLED: &str = "--accept coupled --seed 7 --max-new-tokens 24";

/// Temperatures, top-k and top-p of the sampled lines, which combine each with each.
const CUTS: ([&str; 3], [&str; 2], [&str; 2]) = (["0.3", "0.7", "1"], ["20", "0"], ["0.8", "1"]);

/// The word that asks for the table in the document.
pub(crate) const WRITE: &str = "--write";

/// Whether these words can follow the tiers: a limit, [`WRITE`], or both.
pub(crate) fn is_valid(words: &[&str]) -> bool {
    let others: Vec<_> = words.iter().filter(|word| **word != WRITE).collect();
    others.len() <= 1 && others.iter().all(|word| word.parse::<usize>().is_ok())
}

/// The document that the table goes to, and the lines around it.
const DOCUMENT: &str = "LOSSLESS.md";
const BEGIN: &str = "<!-- lossless: begin -->\n";
const END: &str = "<!-- lossless: end -->";

/// Builds the program, verifies prompts in both views, and prints a row for each line of arguments. With `write`, the
/// table goes to LOSSLESS.md too.
///
/// Greedy lines cover each tier in each format. Sampled lines cover all cuts; tiers and formats take turns. Without a
/// `limit` of prompts, a synthetic model whose ids are near-ties follows.
pub(crate) fn run(adapter: &str, tiers: &str, limit: Option<&str>, write: bool) -> Result<()> {
    program::build()?;
    let mut table = "| `orthrus verify` | the same | tokens |\n| --- | ---: | ---: |\n".to_string();
    say(table.trim_end());
    let mut failures = Vec::new();
    for line in lines(&tiers.split(',').collect::<Vec<_>>(), limit) {
        let row = match verified(adapter, &line) {
            Ok(row) => format!("| `{line}` | {row} |"),
            Err(reason) => {
                failures.push(reason);
                format!("| `{line}` | failed | |")
            }
        };
        say(&row);
        table += &format!("{row}\n");
    }
    if write {
        write_into_document(&format!("On {}:\n\n{table}", adapter_name(adapter)?))?;
    }
    if failures.is_empty() { Ok(()) } else { Err(failures.join("\n")) }
}

/// The adapter's own name and driver.
fn adapter_name(adapter: &str) -> Result<String> {
    let report = output(program::command().args(["adapters", "--json"]))?;
    let fields =
        |part: &str| Some(format!("{} ({})", json::text(part, "name")?, json::text(part, "driver")?));
    let named = report.split('{').filter_map(fields).find(|name| name.contains(adapter));
    Ok(named.unwrap_or(adapter.to_string()))
}

/// Puts `text` between the lines of the document that are for it.
fn write_into_document(text: &str) -> Result<()> {
    let path = root().join(DOCUMENT);
    let fail = |error: std::io::Error| format!("{}: {error}", path.display());
    let document = std::fs::read_to_string(&path).map_err(fail)?;
    let replaced =
        between(&document, text).ok_or_else(|| format!("{DOCUMENT} has no place for the table"))?;
    std::fs::write(&path, replaced).map_err(fail)
}

fn between(document: &str, text: &str) -> Option<String> {
    let (before, rest) = document.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{text}{END}{after}"))
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
    use super::{BEGIN, END, between, lines};

    #[test]
    fn the_table_replaces_the_one_before() {
        let document = format!("a\n{BEGIN}old\n{END}\nb\n");
        assert_eq!(between(&document, "new\n"), Some(format!("a\n{BEGIN}new\n{END}\nb\n")));
        assert_eq!(between("a", "new"), None);
    }

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
