//! `orthrus verify`: the same prompts in both views, and whether the ids are the same.

use orthrus::{AcceptRule, Error, GenerateOptions, Model, View, no_progress};
use orthrus_loader::{Checkpoint, Views};
use serde::Serialize;

use crate::args::VerifyArgs;
use crate::error::{CliError, Result};
use crate::output::{note, show, show_json};
use crate::{load, prompt, sampling, settings};

/// What is asked where no file is given.
const PROMPTS: &str = include_str!("prompts.txt");

/// All prompts together.
#[derive(Serialize, Debug, Default)]
struct Report {
    prompts: usize,
    identical: usize,
    tokens: usize,
    tokens_per_cycle: f64,
    differences: Vec<Difference>,
}

/// Where the two views first part.
#[derive(Serialize, Debug)]
struct Difference {
    prompt: String,
    /// Of the new tokens, from 0.
    index: usize,
    ar_id: Option<u32>,
    dual_id: Option<u32>,
    /// The two largest logits there, by a pass of one row and by a pass of a block.
    ar_top: [(u32, f32); 2],
    dual_top: [(u32, f32); 2],
}

/// Decodes every prompt in both views; fails if any differs.
pub(crate) fn run(args: &VerifyArgs) -> Result<()> {
    let checkpoint = load::checkpoint(args.model.model.as_deref())?;
    if checkpoint.views() == Views::ArOnly {
        return Err(Error::NoDiffusionView.into());
    }
    let sampling = sampling::sampling(&args.sampling, &checkpoint);
    sampling.check()?;
    if sampling.accept == AcceptRule::Rejection && !sampling.is_greedy() {
        return Err(CliError::usage(
            "with `--accept rejection` the text depends on the view, though its distribution does not: verify \
             `--accept coupled`, or greedy decoding",
        ));
    }
    let prompts = prompts(args, &checkpoint)?;
    let model = load::model(&checkpoint, &args.model)?;
    if let Some(line) = sampling::line(&sampling) {
        note(line);
    }
    let options = GenerateOptions { max_new_tokens: args.max_new_tokens, sampling, ..Default::default() };
    let report = verify(&model, &prompts, &options, args.json)?;
    if args.json {
        show_json(&report, true)?;
    } else {
        let Report { prompts, identical, tokens, tokens_per_cycle, .. } = &report;
        show(&format!(
            "{identical} of {prompts} prompts have the same ids in both views; {tokens} tokens, \
             {tokens_per_cycle:.2} tokens per cycle\n"
        ))?;
    }
    if report.identical < report.prompts {
        return Err(CliError::Different { different: report.prompts - report.identical });
    }
    Ok(())
}

/// Each prompt as it was given, and its ids.
fn prompts(args: &VerifyArgs, checkpoint: &Checkpoint) -> Result<Vec<(String, Vec<u32>)>> {
    let text = match &args.file {
        None => PROMPTS.to_owned(),
        Some(file) => std::fs::read_to_string(file)
            .map_err(|source| CliError::Io { what: "reading the prompts", source })?,
    };
    let limit = args.limit.unwrap_or(usize::MAX);
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).take(limit).collect();
    if lines.is_empty() {
        return Err(CliError::usage("no prompts: the file has no line with text in it"));
    }
    let (tokenizer, template) = (checkpoint.tokenizer()?, checkpoint.chat_template()?);
    let mut prompts = Vec::new();
    for line in lines {
        let ids = prompt::of_line(line, checkpoint, tokenizer.as_ref(), template.as_ref())?;
        settings::check_ids(&ids, checkpoint)?;
        settings::context_for(None, ids.len(), args.max_new_tokens, checkpoint)?;
        prompts.push((line.to_owned(), ids));
    }
    Ok(prompts)
}

fn verify(
    model: &Model,
    prompts: &[(String, Vec<u32>)],
    options: &GenerateOptions,
    quiet: bool,
) -> Result<Report> {
    let longest = prompts.iter().map(|(_, ids)| ids.len()).max().unwrap_or(0);
    let mut session = model.session(longest + options.max_new_tokens)?;
    let mut report = Report { prompts: prompts.len(), ..Report::default() };
    let (mut accepted, mut cycles) = (0, 0);
    for (index, (line, prompt)) in prompts.iter().enumerate() {
        let mut decode = |view| -> Result<_> {
            let options = GenerateOptions { view, ..options.clone() };
            let mut generation = session.generate(prompt, &options, &mut no_progress)?;
            let mut ids = Vec::new();
            for run in &mut generation {
                ids.extend(run?.ids);
            }
            Ok((ids, generation.stats().clone()))
        };
        let (ar, _) = decode(View::Ar)?;
        let (dual, stats) = decode(View::Dual)?;
        accepted += stats.acceptance_lengths.iter().sum::<usize>();
        cycles += stats.cycles();
        report.tokens += dual.len();
        let same = ar == dual;
        report.identical += usize::from(same);
        if !same {
            report.differences.push(difference(model, line, prompt, &ar, &dual)?);
        }
        if !quiet {
            let verdict = if same { "same" } else { "DIFFERENT" };
            show(&format!(
                "{:>4}  {verdict}  {:>4} tokens  {:>5.2} tokens per cycle  {}\n",
                index + 1,
                dual.len(),
                stats.tokens_per_cycle(),
                line.chars().take(60).collect::<String>()
            ))?;
            if let Some(difference) = report.differences.last().filter(|_| !same) {
                show(&format!("      {difference:?}\n"))?;
            }
        }
    }
    report.tokens_per_cycle = if cycles == 0 { 0.0 } else { 1.0 + accepted as f64 / cycles as f64 };
    Ok(report)
}

/// Looks at the first token that differs: the logits for it by a pass of one row, and by a pass of a block.
fn difference(model: &Model, line: &str, prompt: &[u32], ar: &[u32], dual: &[u32]) -> Result<Difference> {
    let index = ar.iter().zip(dual).take_while(|(a, b)| a == b).count();
    let text = [prompt, &ar[..index]].concat();
    let vocabulary = model.config().vocab_size;
    let mut session = model.session(text.len())?;
    let block = session.append(&text)?;
    session.clear();
    let mut row = Vec::new();
    for id in &text {
        row = session.append(&[*id])?;
    }
    Ok(Difference {
        prompt: line.to_owned(),
        index,
        ar_id: ar.get(index).copied(),
        dual_id: dual.get(index).copied(),
        ar_top: top_two(&row),
        dual_top: top_two(&block[block.len() - vocabulary..]),
    })
}

fn top_two(logits: &[f32]) -> [(u32, f32); 2] {
    let mut top = [(0, f32::NEG_INFINITY); 2];
    for (id, &logit) in (0..).zip(logits) {
        if logit > top[0].1 {
            top = [(id, logit), top[0]];
        } else if logit > top[1].1 {
            top[1] = (id, logit);
        }
    }
    top
}

#[cfg(test)]
mod tests {
    use super::top_two;

    #[test]
    fn two_largest_in_order() {
        assert_eq!(top_two(&[0.5, 3.0, -1.0, 2.0]), [(1, 3.0), (3, 2.0)]);
        assert_eq!(top_two(&[2.0, 1.0]), [(0, 2.0), (1, 1.0)]);
    }
}
