//! The results as a file and as a table.

use std::fmt::Write;

use serde::{Deserialize, Serialize};

use crate::figures::{Figures, Mean};

/// `results.json`.
#[derive(Serialize, Deserialize)]
pub(crate) struct Results {
    pub(crate) adapter: String,
    pub(crate) backend: String,
    pub(crate) driver: String,
    pub(crate) tier: String,
    pub(crate) block_size: usize,
    pub(crate) max_new_tokens: usize,
    /// One for each way to store weights.
    pub(crate) runs: Vec<Run>,
}

/// All prompts, with weights stored in one way.
#[derive(Serialize, Deserialize)]
pub(crate) struct Run {
    /// f32 or f16.
    pub(crate) weights: String,
    /// Time of all answers, one after the other, prompts included.
    pub(crate) seconds_dual: f64,
    pub(crate) seconds_ar: f64,
    pub(crate) overall: Figures,
    pub(crate) families: Vec<Family>,
}

/// The figures of one family.
#[derive(Serialize, Deserialize)]
pub(crate) struct Family {
    pub(crate) name: String,
    #[serde(flatten)]
    pub(crate) figures: Figures,
}

/// The results in Markdown.
pub(crate) fn table(results: &Results) -> String {
    let mut text = format!(
        "Measured with the engine on {} ({}, driver {}), tier {}, greedy, block size {}, at most {} new tokens. \
         Each figure is a mean over prompts with its 95 % interval.\n",
        results.adapter,
        results.backend,
        results.driver,
        results.tier,
        results.block_size,
        results.max_new_tokens
    );
    for run in &results.runs {
        push_run(&mut text, run);
    }
    text
}

fn push_run(text: &mut String, run: &Run) {
    let all = &run.overall;
    let mut line = |line: String| {
        text.push_str(&line);
        text.push('\n');
    };
    line(format!(
        "\nWeights in {}: {} of {} prompts have the same ids in both views. All answers took {:.1} s in the dual \
         view and {:.1} s in the AR view.\n",
        run.weights, all.identical, all.prompts, run.seconds_dual, run.seconds_ar
    ));
    line("| family | prompts | exact answers | tokens per cycle | kept tokens per cycle | tokens |".into());
    line("| --- | ---: | ---: | ---: | ---: | ---: |".into());
    let rows = run.families.iter().map(|family| (family.name.as_str(), &family.figures));
    for (name, figures) in rows.chain([("all", all)]) {
        let exact = match figures.accuracy() {
            Some(share) => format!("{}/{} ({:.1} %)", figures.right, figures.scored, 100.0 * share),
            None => "–".into(),
        };
        let tokens = figures.tokens as f64 / figures.prompts.max(1) as f64;
        line(format!(
            "| {name} | {} | {exact} | {} | {} | {tokens:.1} |",
            figures.prompts,
            shown(figures.tokens_per_cycle),
            shown(figures.kept_per_cycle)
        ));
    }
    let weak = weak_tasks(run);
    if !weak.is_empty() {
        line(format!("\nTasks not all right: {weak}."));
    }
}

fn shown(mean: Mean) -> String {
    format!("{:.2} ± {:.2}", mean.mean, mean.half_width)
}

fn weak_tasks(run: &Run) -> String {
    let mut list = String::new();
    for family in &run.families {
        for (task, [right, asked]) in family.figures.tasks.iter().filter(|(_, [right, asked])| right < asked)
        {
            let comma = if list.is_empty() { "" } else { ", " };
            // Writing to a String cannot fail.
            let _ = write!(list, "{comma}{}/{task} {right}/{asked}", family.name);
        }
    }
    list
}
