//! The table of recorded results: one row per run of `orthrus bench --json`.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

/// The context of most columns, in positions.
const SHORT: usize = 512;
/// The context of the longest prefill in the table.
const MEDIUM: usize = 8192;
/// The context of the column that shows what a long text costs.
const LONG: usize = 40_000;

/// Where [`write`] puts the table in README.md.
const MARKS: [&str; 2] =
    ["<!-- written by `results_table`: begin -->\n", "<!-- written by `results_table`: end -->\n"];

/// One run, as `orthrus bench --json` writes it. Other fields are ignored.
#[derive(Deserialize)]
struct Record {
    date: String,
    adapter: String,
    tier: String,
    model: String,
    dtype: String,
    block_size: usize,
    copy_gb_per_second: Spread,
    contexts: Vec<AtContext>,
}

#[derive(Deserialize)]
struct AtContext {
    context: usize,
    passes: Vec<Pass>,
    dual: Option<Decoded>,
    prompt_ms: Option<Spread>,
}

#[derive(Deserialize)]
struct Pass {
    pass: String,
    rows: usize,
    kernel: Option<String>,
    ms: Spread,
}

#[derive(Deserialize)]
struct Decoded {
    cycle_ms: Spread,
    tokens_per_second: Spread,
}

#[derive(Deserialize)]
struct Spread {
    median: f64,
}

impl Record {
    fn at(&self, context: usize) -> Option<&AtContext> {
        self.contexts.iter().find(|at| at.context == context)
    }

    fn ar_ms(&self, kernel: &str) -> Option<f64> {
        let passes = &self.at(SHORT)?.passes;
        let is_asked =
            |pass: &&Pass| pass.pass.eq_ignore_ascii_case("ar") && pass.kernel.as_deref() == Some(kernel);
        passes.iter().find(is_asked).map(|pass| pass.ms.median)
    }

    /// The verification of a whole block.
    fn block_ms(&self, context: usize) -> Option<f64> {
        let passes = &self.at(context)?.passes;
        let is_whole_block = |pass: &&Pass| pass.pass == "verify" && pass.rows == self.block_size;
        passes.iter().find(is_whole_block).map(|pass| pass.ms.median)
    }

    fn dual(&self, context: usize) -> Option<&Decoded> {
        self.at(context)?.dual.as_ref()
    }

    fn prefill_ms(&self, context: usize) -> Option<f64> {
        self.at(context)?.prompt_ms.as_ref().map(|ms| ms.median)
    }

    /// The model without what its name says about weights.
    fn model(&self) -> &str {
        self.model.split(" (").next().unwrap_or(&self.model)
    }

    fn row(&self, link: &str) -> String {
        let figures = [
            Some(self.copy_gb_per_second.median),
            self.ar_ms("fast"),
            self.ar_ms("exact"),
            self.block_ms(SHORT),
            self.dual(SHORT).map(|dual| dual.cycle_ms.median),
            self.dual(SHORT).map(|dual| dual.tokens_per_second.median),
            self.prefill_ms(MEDIUM),
            self.block_ms(LONG),
            self.dual(LONG).map(|dual| dual.cycle_ms.median),
        ];
        let figures = figures.map(|figure| figure.map_or("–".to_string(), three_digits)).join(" | ");
        let day = self.date.split(' ').next().unwrap_or(&self.date);
        let (model, adapter, tier, dtype) = (self.model(), &self.adapter, &self.tier, &self.dtype);
        format!("| {model} | {adapter} | [{day}]({link}) | {tier}, {dtype} | {figures} |\n")
    }
}

/// A number with three significant digits, or all digits of its whole part.
fn three_digits(value: f64) -> String {
    let decimals = match value {
        value if value < 9.995 => 2,
        value if value < 99.95 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

/// The folder of the records.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("results")
}

/// The table in Markdown: rows by model, the newest run first.
///
/// # Panics
/// If a record cannot be read.
pub fn table() -> String {
    let mut records: Vec<(Record, String)> =
        json_files(&folder()).into_iter().map(|(file, link)| (read(&file), link)).collect();
    records.sort_by(|(a, _), (b, _)| (a.model(), &b.date).cmp(&(b.model(), &a.date)));
    let columns = [
        "copy, GB/s",
        "AR pass, fast",
        "AR pass, exact",
        "block pass",
        "cycle",
        "tokens/s",
        &format!("prefill of {MEDIUM}"),
        &format!("block pass at {LONG}"),
        &format!("cycle at {LONG}"),
    ]
    .join(" | ");
    let head = format!("| model | adapter | run | tier, format | {columns} |\n");
    let rule = format!("|{}{}\n", " --- |".repeat(4), " ---: |".repeat(9));
    let rows: String = records.iter().map(|(record, link)| record.row(link)).collect();
    head + &rule + &rows
}

/// The JSON files of the records, each with its link from README.md.
fn json_files(folder: &Path) -> Vec<(PathBuf, String)> {
    let entries = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
        paths.sort();
        paths
    };
    let folders = entries(folder).into_iter().filter(|path| path.is_dir());
    let files = folders.flat_map(|record| entries(&record));
    let is_json = |file: &PathBuf| file.extension().is_some_and(|extension| extension == "json");
    files
        .filter(is_json)
        .map(|file| {
            let link = file.strip_prefix(folder).unwrap_or(&file);
            let parts: Vec<_> = link.iter().map(|part| part.to_string_lossy()).collect();
            let link = parts.join("/");
            (file, link)
        })
        .collect()
}

fn read(file: &Path) -> Record {
    let text = fs::read_to_string(file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()))
}

/// The part of README.md that the table is to be, as it is now.
///
/// # Panics
/// If README.md lacks the marks.
pub fn table_in_readme() -> String {
    let (_, table, _) = split_readme();
    table
}

/// Puts the table into README.md.
///
/// # Panics
/// If README.md lacks the marks, or cannot be written.
pub fn write() {
    let (before, _, after) = split_readme();
    let readme = folder().join("README.md");
    let text = [&before, MARKS[0], "\n", &table(), "\n", MARKS[1], &after].concat();
    fs::write(&readme, text).unwrap_or_else(|error| panic!("{}: {error}", readme.display()));
}

/// README.md: before the marks, between them without the blank lines, and after them.
fn split_readme() -> (String, String, String) {
    let readme = folder().join("README.md");
    let text = fs::read_to_string(&readme).unwrap_or_else(|error| panic!("{}: {error}", readme.display()));
    let parts = text
        .split_once(MARKS[0])
        .and_then(|(before, rest)| rest.split_once(MARKS[1]).map(|(table, after)| (before, table, after)));
    let (before, table, after) =
        parts.unwrap_or_else(|| panic!("{}: no marks for the table", readme.display()));
    (before.to_string(), format!("{}\n", table.trim()), after.to_string())
}
