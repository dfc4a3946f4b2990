//! `orthrus verify`: checks that dual-view decoding and AR decoding give the same ids.

use orthrus::lab::measurements::random_numbers;
use orthrus::{AcceptRule, Decoding, GenerateOptions, Model, Replay, no_progress};
use serde::Serialize;

use crate::args::VerifyArgs;
use crate::decode_options;
use crate::error::{CliError, Result};
use crate::model_source::ModelSource;
use crate::output::{note, show, show_json};
use crate::prompts::{self, Prompt};

/// The default number of random prompts for a synthetic model.
const SYNTHETIC_PROMPTS: usize = 16;

/// The results of all prompts: the object that `verify --json` prints.
#[derive(Serialize, Debug, Default)]
struct Report {
    model: String,
    /// Whether acceptance lengths were replayed. Otherwise the model drafted itself.
    replayed_acceptance: bool,
    prompts: usize,
    identical: usize,
    tokens: usize,
    tokens_per_cycle: f64,
    differences: Vec<Difference>,
}

/// The first token of a prompt's answer at which the two views differ.
#[derive(Serialize, Debug)]
struct Difference {
    prompt: String,
    /// Its index among the new tokens, counted from 0.
    index: usize,
    ar_id: Option<u32>,
    dual_id: Option<u32>,
    /// The two largest logits at this token from passes of one row.
    ar_top: [(u32, f32); 2],
    /// The two largest logits at this token from passes of a block.
    dual_top: [(u32, f32); 2],
}

/// Decodes every prompt with both views, and fails if any ids differ.
pub(crate) fn run(args: &VerifyArgs) -> Result<()> {
    let source = ModelSource::open(args.model.model.as_deref())?;
    let sampling = decode_options::sampling_options(&args.sampling, &source.generation());
    let options = GenerateOptions { max_new_tokens: args.max_new_tokens, sampling, ..Default::default() };
    options.check_model(source.config(), source.views())?;
    if sampling.accept == AcceptRule::Rejection && !sampling.is_greedy() {
        return Err(CliError::usage(
            "with `--accept rejection` the text depends on the view, and only its distribution does not. Verify \
             `--accept coupled` or greedy decoding",
        ));
    }
    let prompts = prompts(args, &source)?;
    let model = source.load(&args.model)?;
    if let Some(line) = decode_options::sampling_flags(&sampling) {
        note(line);
    }
    let replay = source.is_synthetic();
    if replay {
        note("random weights: drafts come from the text of the AR view, with replayed acceptance lengths");
    }
    let verified = verify(&model, &prompts, &options, replay, args.json).map_err(|error| match error {
        CliError::StdoutClosed => CliError::Unverified,
        other => other,
    })?;
    let report = Report { model: source.name(), ..verified };
    let shown = if args.json {
        show_json(&report, true)
    } else {
        let Report { prompts, identical, tokens, tokens_per_cycle, .. } = &report;
        show(&format!(
            "{identical} of {prompts} prompts have the same ids in both views; {tokens} tokens, \
             {tokens_per_cycle:.2} tokens per cycle{}\n",
            if replay { " (replayed acceptance)" } else { "" }
        ))
    };
    // A difference matters more than a closed stdout.
    if report.identical < report.prompts {
        return Err(CliError::Different { different: report.prompts - report.identical });
    }
    shown
}

/// The prompts that `args` ask for.
fn prompts(args: &VerifyArgs, source: &ModelSource) -> Result<Vec<Prompt>> {
    let limited = |count: usize| count.min(args.limit.unwrap_or(usize::MAX));
    match (args.synthetic_prompts, source.checkpoint()) {
        (Some(count), _) => prompts::random(limited(count), args.max_new_tokens, source),
        (None, Some(checkpoint)) => {
            prompts::from_file(args.file.as_deref(), args.limit, args.max_new_tokens, checkpoint)
        }
        (None, None) if args.file.is_some() => Err(CliError::usage(format!(
            "{} has no tokenizer: use --synthetic-prompts N in place of --file",
            source.name()
        ))),
        (None, None) => prompts::random(limited(SYNTHETIC_PROMPTS), args.max_new_tokens, source),
    }
}

/// A replay of random acceptance lengths from 0 to `block - 1`. A model with random weights accepts none of its own
/// drafts.
fn replayed(text: &[u32], stream: u32, block: usize) -> Replay {
    Replay { text: text.to_vec(), lengths: random_numbers(64, stream, block) }
}

fn verify(
    model: &Model,
    prompts: &[Prompt],
    options: &GenerateOptions,
    replay: bool,
    quiet: bool,
) -> Result<Report> {
    let longest = prompts.iter().map(|prompt| prompt.ids.len()).max().unwrap_or(0);
    let mut session = model.session(longest + options.max_new_tokens)?;
    let mut report = Report { prompts: prompts.len(), replayed_acceptance: replay, ..Report::default() };
    let (mut accepted, mut cycles) = (0, 0);
    let block = model.config().block_size;
    for (index, Prompt { shown: line, ids: prompt }) in prompts.iter().enumerate() {
        let mut decode = |decoding, replay| -> Result<_> {
            let options = GenerateOptions { decoding, replay, ..options.clone() };
            let mut generation = session.generate(prompt, &options, &mut no_progress)?;
            let mut ids = Vec::new();
            for run in &mut generation {
                ids.extend(run?.ids);
            }
            Ok((ids, generation.stats().clone()))
        };
        let (ar, _) = decode(Decoding::Ar, None)?;
        let replay = replay.then(|| replayed(&ar, index as u32, block));
        let (dual, stats) = decode(Decoding::Dual, replay)?;
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
                line.chars().take(60).map(|c| if c.is_control() { ' ' } else { c }).collect::<String>()
            ))?;
            if let Some(difference) = report.differences.last().filter(|_| !same) {
                show(&format!("      {difference:?}\n"))?;
            }
        }
    }
    report.tokens_per_cycle = if cycles == 0 { 0.0 } else { 1.0 + accepted as f64 / cycles as f64 };
    Ok(report)
}

/// Describes the first token that differs, with its logits from passes of one row and from passes of a block.
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
