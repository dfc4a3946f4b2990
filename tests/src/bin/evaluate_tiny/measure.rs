//! Answers every prompt with the engine, in both views.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use orthrus::loader::{ChatRequest, ChatTemplate, Checkpoint, Message, Tokenizer};
use orthrus::{Decoding, GenerateOptions, Gpu, GpuOptions, Model, Session, WeightFormat, no_progress};
use serde::Deserialize;
use serde_json::json;

use crate::figures::{Figures, Outcome};
use crate::report::{Family, Results, Run, table};
use crate::{MeasureArgs, Result, read, write};

/// A line of the prompts' file.
#[derive(Deserialize)]
struct Prompt {
    family: String,
    task: String,
    messages: Vec<Message>,
    /// The one right answer, where there is one.
    expected: Option<String>,
}

/// Makes ids of conversations.
struct Text {
    tokenizer: Tokenizer,
    template: ChatTemplate,
    /// Ids that end an answer.
    ends: Vec<u32>,
}

impl Text {
    fn of(checkpoint: &Checkpoint) -> Result<Text> {
        let tokenizer = checkpoint.tokenizer()?.ok_or("the checkpoint has no tokenizer.json")?;
        let template = checkpoint.chat_template()?.ok_or("the checkpoint has no chat template")?;
        Ok(Text {
            tokenizer: tokenizer.with_special_tokens_shown(true),
            template,
            ends: checkpoint.eos_token_ids(),
        })
    }

    fn ids(&self, messages: &[Message]) -> Result<Vec<u32>> {
        let request =
            ChatRequest { messages, tools: None, add_generation_prompt: true, enable_thinking: Some(false) };
        Ok(self.tokenizer.encode(&self.template.render(&request)?)?)
    }
}

/// New ids of an answer, the acceptance length of each cycle, and the time it took.
struct Answer {
    ids: Vec<u32>,
    acceptance_lengths: Vec<usize>,
    time: Duration,
}

fn answer(session: &mut Session, prompt: &[u32], view: Decoding, budget: usize) -> Result<Answer> {
    let start = Instant::now();
    let options = GenerateOptions { max_new_tokens: budget, decoding: view, ..GenerateOptions::default() };
    let mut generation = session.generate(prompt, &options, &mut no_progress)?;
    let mut ids = Vec::new();
    for run in generation.by_ref() {
        ids.extend(run?.ids);
    }
    let acceptance_lengths = generation.stats().acceptance_lengths.clone();
    Ok(Answer { ids, acceptance_lengths, time: start.elapsed() })
}

fn prompts(args: &MeasureArgs) -> Result<Vec<Prompt>> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut all = Vec::new();
    for (index, line) in read(&args.prompts)?.lines().enumerate() {
        let prompt: Prompt = serde_json::from_str(line)
            .map_err(|error| format!("{}, line {}: {error}", args.prompts.display(), index + 1))?;
        let of_family = seen.entry(prompt.family.clone()).or_default();
        *of_family += 1;
        if args.per_family.is_none_or(|most| *of_family <= most) {
            all.push(prompt);
        }
    }
    if all.is_empty() {
        return Err(format!("{} has no prompts", args.prompts.display()).into());
    }
    Ok(all)
}

/// Measures, prints the table, writes the results.
pub(crate) fn measure(args: &MeasureArgs) -> Result<()> {
    let prompts = prompts(args)?;
    let checkpoint = Checkpoint::open(&args.model)?;
    let text = Text::of(&checkpoint)?;
    let gpu =
        Gpu::open(&GpuOptions { adapter: args.adapter.clone(), tier: args.tier, ..GpuOptions::default() })?;
    let formats = if args.dtype.is_empty() { WeightFormat::ALL.to_vec() } else { args.dtype.clone() };
    let mut answers = String::new();
    let mut runs = Vec::new();
    for format in formats {
        let model = Model::load(&gpu, &checkpoint, format, &mut no_progress)?;
        runs.push(one_run(args, &prompts, &text, &model, &mut answers)?);
    }
    let adapter = gpu.adapter();
    let results = Results {
        adapter: adapter.name.clone(),
        backend: adapter.backend.clone(),
        driver: adapter.driver.clone(),
        tier: gpu.tier().name().into(),
        block_size: checkpoint.config().block_size,
        max_new_tokens: args.max_new_tokens,
        runs,
    };
    println!("{}", table(&results));
    write(&args.out.join("results.json"), &format!("{}\n", serde_json::to_string_pretty(&results)?))?;
    write(&args.out.join("results.md"), &table(&results))?;
    write(&args.out.join("answers.jsonl"), &answers)?;
    match results.runs.iter().map(|run| run.overall.prompts - run.overall.identical).sum() {
        0 => Ok(()),
        differ => Err(format!("the two views gave different ids for {differ} prompts").into()),
    }
}

/// All prompts with one format. Appends each answer to `answers` as a line of JSON.
fn one_run(
    args: &MeasureArgs,
    prompts: &[Prompt],
    text: &Text,
    model: &Model,
    answers: &mut String,
) -> Result<Run> {
    let weights = model.format().name();
    // A session for each view, so that neither finds the other's cache.
    let context = model.config().max_position_embeddings;
    let (mut dual, mut ar) = (model.session(context)?, model.session(context)?);
    let mut outcomes = Vec::with_capacity(prompts.len());
    let (mut dual_time, mut ar_time) = (Duration::ZERO, Duration::ZERO);
    for (index, prompt) in prompts.iter().enumerate() {
        let ids = text.ids(&prompt.messages)?;
        let ar = answer(&mut ar, &ids, Decoding::Ar, args.max_new_tokens)?;
        let dual = answer(&mut dual, &ids, Decoding::Dual, args.max_new_tokens)?;
        ar_time += ar.time;
        dual_time += dual.time;
        let ended = dual.ids.split_last().filter(|(last, _)| text.ends.contains(last));
        let shown = text.tokenizer.decode(ended.map_or(&dual.ids[..], |(_, before)| before))?;
        let outcome = Outcome {
            task: prompt.task.clone(),
            right: prompt.expected.as_ref().map(|expected| ended.is_some() && *expected == shown),
            tokens: dual.ids.len(),
            identical: dual.ids == ar.ids,
            acceptance_lengths: dual.acceptance_lengths,
        };
        let line = json!({
            "weights": weights, "family": prompt.family, "task": prompt.task, "messages": prompt.messages,
            "answer": shown, "expected": prompt.expected, "right": outcome.right,
            "identical": outcome.identical, "acceptance_lengths": outcome.acceptance_lengths,
        });
        answers.push_str(&format!("{line}\n"));
        outcomes.push(outcome);
        if (index + 1).is_multiple_of(200) {
            eprintln!("{weights}: {} of {} prompts", index + 1, prompts.len());
        }
    }
    let mut families: Vec<Family> = Vec::new();
    for prompt in prompts {
        if families.iter().all(|family| family.name != prompt.family) {
            let own = prompts.iter().zip(&outcomes).filter(|(other, _)| other.family == prompt.family);
            let figures = Figures::of(own.map(|(_, outcome)| outcome));
            families.push(Family { name: prompt.family.clone(), figures });
        }
    }
    Ok(Run {
        weights: weights.into(),
        seconds_dual: dual_time.as_secs_f64(),
        seconds_ar: ar_time.as_secs_f64(),
        overall: Figures::of(outcomes.iter()),
        families,
    })
}
