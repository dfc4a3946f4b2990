//! From messages, texts and lists of ids to the ids of a prompt.

use std::io::Read;

use orthrus_loader::{ChatRequest, ChatTemplate, Checkpoint, Message, Tokenizer};

use crate::args::{PromptArgs, TemplateArgs};
use crate::error::{CliError, Result};

/// The ids of the prompt that `args` give, checked against the vocabulary.
pub(crate) fn prompt_ids(
    args: &PromptArgs,
    checkpoint: &Checkpoint,
    tokenizer: Option<&Tokenizer>,
) -> Result<Vec<u32>> {
    let ids = match (&args.prompt, &args.raw, &args.ids) {
        (Some(message), _, _) => message_ids(message, &args.template, checkpoint, tokenizer)?,
        (_, Some(text), _) => require_tokenizer(tokenizer, checkpoint)?.encode(&text_or_stdin(text)?)?,
        (_, _, Some(list)) => parse_ids(&text_or_stdin(list)?)?,
        (None, None, None) => return Err(CliError::usage("no prompt: give one of --prompt, --raw, --ids")),
    };
    orthrus::check_ids(&ids, checkpoint.config())?;
    Ok(ids)
}

fn message_ids(
    message: &str,
    args: &TemplateArgs,
    checkpoint: &Checkpoint,
    tokenizer: Option<&Tokenizer>,
) -> Result<Vec<u32>> {
    let tokenizer = require_tokenizer(tokenizer, checkpoint)?;
    let template = checkpoint.chat_template()?.ok_or_else(|| {
        CliError::usage(format!(
            "{} has no chat template, which --prompt needs: use --raw TEXT",
            checkpoint.name()
        ))
    })?;
    let mut content = text_or_stdin(message)?;
    if message == STDIN {
        // `echo` and editors add a line end, which is no part of the message.
        content.truncate(content.trim_end_matches(['\r', '\n']).len());
    }
    if content.is_empty() {
        return Err(orthrus::Error::EmptyPrompt.into());
    }
    conversation_ids(&template, tokenizer, args, &[Message::user(content)])
}

/// The ids of one line of a prompt file. A list such as `[1,2,3]` gives its ids. Text goes through the chat template,
/// if the checkpoint has one.
pub(crate) fn line_ids(
    line: &str,
    checkpoint: &Checkpoint,
    tokenizer: Option<&Tokenizer>,
    template: Option<&ChatTemplate>,
) -> Result<Vec<u32>> {
    if let Some(list) = line.trim().strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        return parse_ids(list);
    }
    let tokenizer = require_tokenizer(tokenizer, checkpoint)?;
    match template {
        None => Ok(tokenizer.encode(line)?),
        Some(template) => {
            conversation_ids(template, tokenizer, &TemplateArgs::default(), &[Message::user(line)])
        }
    }
}

/// The ids of a conversation, up to the point where the model's answer begins.
pub(crate) fn conversation_ids(
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

/// The tokenizer, or an error that tells users to give ids.
pub(crate) fn require_tokenizer<'a>(
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

/// The argument that stands for the contents of stdin.
const STDIN: &str = "-";

/// The text itself, or the contents of stdin if the text is [`STDIN`].
fn text_or_stdin(text: &str) -> Result<String> {
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
            "the prompt on stdin is not UTF-8 text: byte {offset} belongs to no character"
        ))
    })
}

fn parse_ids(list: &str) -> Result<Vec<u32>> {
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
