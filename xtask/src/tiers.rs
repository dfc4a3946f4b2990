//! Which tiers ran: the tests write a report, and the commands print it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::commands::{Result, say, target};

const TIERS: [&str; 3] = ["baseline", "subgroup", "coop"];

/// Tiers, separated by commas, that fail a command where they do not run.
const REQUIRED: &str = "ORTHRUS_REQUIRE_TIERS";

/// A file to which tests add lines of `what<TAB>name<TAB>outcome`.
pub(crate) struct Report {
    path: PathBuf,
}

impl Report {
    /// An empty one in the folder `target`.
    pub(crate) fn new(name: &str) -> Result<Report> {
        let folder = target().join("reports");
        let path = folder.join(name);
        let made = fs::create_dir_all(&folder).and_then(|()| fs::write(&path, ""));
        made.map_err(|error| format!("{}: {error}", path.display()))?;
        Ok(Report { path })
    }

    /// Has the tests that a command runs write to it.
    pub(crate) fn collect<'a>(&self, command: &'a mut Command) -> &'a mut Command {
        command.env("ORTHRUS_TEST_REPORT", &self.path)
    }

    /// Prints a line for each tier of `tiers`, then one for each kernel that did not run. Fails if a required tier did
    /// not run. `elsewhere` names the command that runs tier `coop` where this one cannot.
    pub(crate) fn print(&self, tiers: &[&str], elsewhere: Option<&str>) -> Result<()> {
        let lines = self.lines(&self.path);
        for tier in tiers {
            let outcome = outcome(&lines, tier);
            let hint = match elsewhere {
                Some(command) if *tier == "coop" && !outcome.starts_with("ran") => {
                    format!(" (`{command}` runs it)")
                }
                _ => String::new(),
            };
            say(format!("   tier {tier}: {outcome}{hint}"));
        }
        for [what, name, outcome] in lines.iter().filter(|line| line[0] == "kernel") {
            say(format!("   {what} {name}: {outcome}"));
        }
        let missing: Vec<&str> = required()?
            .into_iter()
            .filter(|tier| tiers.contains(tier) && !outcome(&lines, tier).starts_with("ran"))
            .collect();
        if missing.is_empty() {
            return Ok(());
        }
        Err(format!("{REQUIRED} names tiers that did not run: {}", missing.join(", ")))
    }

    /// The lines of the file, each once, in the order of their names.
    fn lines(&self, path: &Path) -> Vec<[String; 3]> {
        let text = fs::read_to_string(path).unwrap_or_default();
        let mut lines: Vec<[String; 3]> = text.lines().filter_map(fields).collect();
        lines.sort();
        lines.dedup();
        lines
    }
}

fn fields(line: &str) -> Option<[String; 3]> {
    let mut fields = line.splitn(3, '\t').map(str::to_string);
    Some([fields.next()?, fields.next()?, fields.next()?])
}

/// What became of a tier. One that ran once ran.
fn outcome(lines: &[[String; 3]], tier: &str) -> String {
    let mut of_tier = lines.iter().filter(|line| line[0] == "tier" && line[1] == tier).map(|line| &line[2]);
    let ran = of_tier.clone().find(|outcome| outcome.starts_with("ran"));
    match ran.or_else(|| of_tier.next()) {
        Some(outcome) if outcome.starts_with("ran") => outcome.clone(),
        Some(outcome) => outcome.replacen("not run", "not run here", 1),
        None => "not run here: no test asked for it".to_string(),
    }
}

/// The tiers that `ORTHRUS_REQUIRE_TIERS` names.
pub(crate) fn required() -> Result<Vec<&'static str>> {
    parse(&env::var(REQUIRED).unwrap_or_default())
}

fn parse(names: &str) -> Result<Vec<&'static str>> {
    let names = names.split(',').map(str::trim).filter(|name| !name.is_empty());
    names
        .map(|name| {
            TIERS.into_iter().find(|tier| *tier == name).ok_or_else(|| {
                format!("{REQUIRED}: there is no tier `{name}`; the tiers are {}", TIERS.join(", "))
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{fields, outcome, parse};

    #[test]
    fn a_tier_that_ran_once_ran() {
        let lines =
            ["tier\tcoop\tnot run: too old", "tier\tcoop\tran on x", "tier\tbaseline\tnot run: y", "cut"];
        let lines: Vec<_> = lines.into_iter().filter_map(fields).collect();
        assert_eq!(outcome(&lines, "coop"), "ran on x");
        assert_eq!(outcome(&lines, "baseline"), "not run here: y");
        assert_eq!(outcome(&lines, "subgroup"), "not run here: no test asked for it");
    }

    #[test]
    fn required_tiers_are_names() {
        assert_eq!(parse("coop, baseline"), Ok(vec!["coop", "baseline"]));
        assert_eq!(parse(""), Ok(Vec::new()));
        assert!(parse("cop").is_err_and(|reason| reason.contains("subgroup")));
    }
}
