//! Lists of prompts: built-in ones, those of a file, or random ids.

use std::path::Path;

use orthrus::lab::measurements::random_numbers;
use orthrus::shaders::twin::random::philox;
use orthrus_loader::{ChatTemplate, Checkpoint, Message, Tokenizer};
use serde::Deserialize;

use crate::args::TemplateArgs;
use crate::decode_options;
use crate::encode;
use crate::error::{CliError, Result};
use crate::model_source::ModelSource;

/// The built-in prompts, one on each line.
const BUILT_IN: &str = include_str!("prompts.txt");

/// The length of random prompts: `RANDOM_LEAST <= length < RANDOM_LEAST + RANDOM_SPAN`.
const RANDOM_LEAST: u32 = 8;
const RANDOM_SPAN: u32 = 64;

/// A prompt: the text that users see, and its ids.
#[derive(Debug)]
pub(crate) struct Prompt {
    pub(crate) shown: String,
    pub(crate) ids: Vec<u32>,
}

/// A line of a .jsonl file. Exactly one of these fields is given. Other fields are ignored.
#[derive(Deserialize, Debug)]
struct Line {
    prompt: Option<String>,
    raw: Option<String>,
    ids: Option<Vec<u32>>,
    messages: Option<Vec<Message>>,
}

/// The prompts of `file`. `None`: the built-in prompts.
///
/// At most `limit` prompts are read. Each of them has room for `budget` new tokens in the model's context.
pub(crate) fn from_file(
    file: Option<&Path>,
    limit: Option<usize>,
    budget: usize,
    checkpoint: &Checkpoint,
) -> Result<Vec<Prompt>> {
    let text = match file {
        None => BUILT_IN.to_owned(),
        Some(file) => std::fs::read_to_string(file)
            .map_err(|source| CliError::Io { what: "reading the prompts", source })?,
    };
    let jsonl = file.is_some_and(|file| file.extension().is_some_and(|extension| extension == "jsonl"));
    let (tokenizer, template) = (checkpoint.tokenizer()?, checkpoint.chat_template()?);
    let encoder = Encoder { checkpoint, tokenizer: tokenizer.as_ref(), template: template.as_ref() };
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let mut prompts = Vec::new();
    for (index, line) in lines.take(limit.unwrap_or(usize::MAX)) {
        let prompt = if jsonl { encoder.object(line) } else { encoder.line(line) };
        let prompt = prompt
            .and_then(|prompt| {
                orthrus::check_ids(&prompt.ids, checkpoint.config())?;
                decode_options::context_for(None, prompt.ids.len(), budget, checkpoint.config())?;
                Ok(prompt)
            })
            .map_err(|error| CliError::usage(format!("line {} of the prompts: {error}", index + 1)))?;
        prompts.push(prompt);
    }
    if prompts.is_empty() {
        return Err(CliError::usage("no prompts: the file has no line with text in it"));
    }
    Ok(prompts)
}

/// `count` prompts of random ids, the same ones in every run.
pub(crate) fn random(count: usize, budget: usize, source: &ModelSource) -> Result<Vec<Prompt>> {
    let config = source.config();
    let count = u32::try_from(count)
        .map_err(|_| CliError::usage(format!("--synthetic-prompts takes 1 to {}, not {count}", u32::MAX)))?;
    let one = |index: u32| {
        let [length, _] = philox([index, u32::MAX], 0);
        let ids = random_numbers((RANDOM_LEAST + length % RANDOM_SPAN) as usize, index, config.vocab_size);
        Prompt { shown: format!("{} random ids", ids.len()), ids }
    };
    decode_options::context_for(None, (RANDOM_LEAST + RANDOM_SPAN) as usize, budget, config)?;
    Ok((0..count).map(one).collect())
}

/// Turns the lines of a prompt file into ids.
struct Encoder<'a> {
    checkpoint: &'a Checkpoint,
    tokenizer: Option<&'a Tokenizer>,
    template: Option<&'a ChatTemplate>,
}

impl Encoder<'_> {
    fn line(&self, line: &str) -> Result<Prompt> {
        let ids = encode::line_ids(line, self.checkpoint, self.tokenizer, self.template)?;
        Ok(Prompt { shown: line.to_owned(), ids })
    }

    fn object(&self, line: &str) -> Result<Prompt> {
        let parsed: Line = serde_json::from_str(line)
            .map_err(|error| CliError::usage(format!("not a JSON object with a prompt: {error}")))?;
        match parsed {
            Line { ids: Some(ids), prompt: None, raw: None, messages: None } => {
                Ok(Prompt { shown: format!("{ids:?}"), ids })
            }
            Line { prompt: Some(text), ids: None, raw: None, messages: None } => {
                let ids = self.messages(&[Message::user(text.as_str())])?;
                Ok(Prompt { shown: text, ids })
            }
            Line { raw: Some(text), ids: None, prompt: None, messages: None } => {
                let ids = self.tokenizer()?.encode(&text)?;
                Ok(Prompt { shown: text, ids })
            }
            Line { messages: Some(messages), ids: None, prompt: None, raw: None } => {
                let shown = messages.last().map(|message| message.content.clone()).unwrap_or_default();
                Ok(Prompt { shown, ids: self.messages(&messages)? })
            }
            _ => Err(CliError::usage("give exactly one of `prompt`, `raw`, `ids` and `messages`")),
        }
    }

    fn messages(&self, messages: &[Message]) -> Result<Vec<u32>> {
        let template = self.template.ok_or_else(|| {
            CliError::usage(format!("{} has no chat template: use `raw` or `ids`", self.checkpoint.name()))
        })?;
        encode::conversation_ids(template, self.tokenizer()?, &TemplateArgs::default(), messages)
    }

    fn tokenizer(&self) -> Result<&Tokenizer> {
        encode::require_tokenizer(self.tokenizer, self.checkpoint)
    }
}
