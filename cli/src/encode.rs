//! From what the user gave to the ids of a prompt.

use std::io::Read;

use orthrus_loader::{ChatRequest, ChatTemplate, Checkpoint, Message, Tokenizer};

use crate::args::{PromptArgs, TemplateArgs};
use crate::error::{CliError, Result};

/// The ids that `args` ask for, checked against the vocabulary.
pub(crate) fn ids(
    args: &PromptArgs,
    checkpoint: &Checkpoint,
    tokenizer: Option<&Tokenizer>,
) -> Result<Vec<u32>> {
    let ids = match (&args.prompt, &args.raw, &args.ids) {
        (Some(message), _, _) => from_message(message, &args.template, checkpoint, tokenizer)?,
        (_, Some(text), _) => require(tokenizer, checkpoint)?.encode(&given(text)?)?,
        (_, _, Some(list)) => parse(&given(list)?)?,
        (None, None, None) => return Err(CliError::usage("no prompt: give one of --prompt, --raw, --ids")),
    };
    orthrus::check_ids(&ids, checkpoint.config())?;
    Ok(ids)
}

fn from_message(
    message: &str,
    args: &TemplateArgs,
    checkpoint: &Checkpoint,
    tokenizer: Option<&Tokenizer>,
) -> Result<Vec<u32>> {
    let tokenizer = require(tokenizer, checkpoint)?;
    let template = checkpoint.chat_template()?.ok_or_else(|| {
        CliError::usage(format!(
            "{} has no chat template, which --prompt needs: use --raw TEXT",
            checkpoint.name()
        ))
    })?;
    let mut content = given(message)?;
    if message == STDIN {
        // The line end that `echo` and editors add is no part of the message.
        content.truncate(content.trim_end_matches(['\r', '\n']).len());
    }
    if content.is_empty() {
        return Err(orthrus::Error::EmptyPrompt.into());
    }
    conversation(&template, tokenizer, args, &[Message::user(content)])
}

/// The ids of a line of a file of prompts: `[1,2,3]` as they are; text through the chat template where there is one.
pub(crate) fn of_line(
    line: &str,
    checkpoint: &Checkpoint,
    tokenizer: Option<&Tokenizer>,
    template: Option<&ChatTemplate>,
) -> Result<Vec<u32>> {
    if let Some(list) = line.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return parse(list);
    }
    let tokenizer = require(tokenizer, checkpoint)?;
    match template {
        None => Ok(tokenizer.encode(line)?),
        Some(template) => conversation(template, tokenizer, &TemplateArgs::default(), &[Message::user(line)]),
    }
}

/// The ids of a conversation up to the beginning of the model's answer.
pub(crate) fn conversation(
    template: &ChatTemplate,
    tokenizer: &Tokenizer,
    args: &TemplateArgs,
    turns: &[Message],
) -> Result<Vec<u32>> {
    let system = args.system.as_ref().map(Message::system);
    let messages: Vec<Message> = system.into_iter().chain(turns.iter().cloned()).collect();
    let request = ChatRequest {
        messages: &messages,
        tools: None,
        add_generation_prompt: true,
        enable_thinking: Some(args.thinking),
    };
    Ok(tokenizer.encode(&template.render(&request)?)?)
}

pub(crate) fn require<'a>(
    tokenizer: Option<&'a Tokenizer>,
    checkpoint: &Checkpoint,
) -> Result<&'a Tokenizer> {
    tokenizer.ok_or_else(|| {
        CliError::usage(format!(
            "{} has no tokenizer.json, so it takes no text: use --ids 1,2,3",
            checkpoint.name()
        ))
    })
}

const STDIN: &str = "-";

/// The text given, or what stdin holds where it is `-`.
fn given(text: &str) -> Result<String> {
    if text != STDIN {
        return Ok(text.to_owned());
    }
    let mut bytes = Vec::new();
    std::io::stdin()
        .lock()
        .read_to_end(&mut bytes)
        .map_err(|source| CliError::Io { what: "reading stdin", source })?;
    String::from_utf8(bytes).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        CliError::usage(format!(
            "the prompt on stdin is not UTF-8 text: byte {offset} is part of no character"
        ))
    })
}

fn parse(list: &str) -> Result<Vec<u32>> {
    if list.trim().is_empty() {
        return Ok(Vec::new());
    }
    let id = |item: &str| {
        item.trim().parse().map_err(|_| {
            let item = item.trim();
            CliError::usage(format!("--ids: `{item}` is no token id; give numbers separated by commas"))
        })
    };
    list.split(',').map(id).collect()
}
