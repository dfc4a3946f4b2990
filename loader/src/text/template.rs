//! [`ChatTemplate`]: messages to the text of a prompt, as in transformers' `apply_chat_template`.

use std::borrow::Cow;
use std::io;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind};
use serde::{Deserialize, Serialize};
use serde_json::Map;

use crate::error::{LoadError, TextError};
use crate::files::Folder;
use crate::json::{self, Fields};
use crate::text::clock;
use crate::text::python;

const JINJA: &str = "chat_template.jinja";
const TOKENIZER_CONFIG: &str = "tokenizer_config.json";
/// The name of the template for requests with tools.
const TOOL_USE: &str = "tool_use";
const DEFAULT: &str = "default";

/// Instructions that a template may execute. An endless loop runs for seconds. Qwen3's needs about 100 a message.
const FUEL: u64 = 10_000_000;
const FUEL_PER_MESSAGE: u64 = 10_000;
/// Bytes of the longest prompt that a template may write.
const LONGEST_OUTPUT: usize = 256 << 20;

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    /// The speaker: `system`, `user`, `assistant`, `tool`, or another role that the template knows.
    pub role: String,
    /// The message's text.
    #[serde(default, deserialize_with = "null_is_empty")]
    pub content: String,
    /// Further fields for the template, such as `tool_calls` or `reasoning_content`.
    #[serde(flatten)]
    pub extra: Map<String, serde_json::Value>,
}

impl Message {
    /// A message without further fields.
    pub fn new(role: impl Into<String>, content: impl Into<String>) -> Message {
        Message { role: role.into(), content: content.into(), extra: Map::new() }
    }

    /// A message with instructions to the model.
    pub fn system(content: impl Into<String>) -> Message {
        Message::new("system", content)
    }

    /// A message of the user.
    pub fn user(content: impl Into<String>) -> Message {
        Message::new("user", content)
    }

    /// An answer of the model.
    pub fn assistant(content: impl Into<String>) -> Message {
        Message::new("assistant", content)
    }
}

/// Reads `null` as an empty text, because messages with tool calls often have `"content": null`.
fn null_is_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Ok(Option::<String>::deserialize(deserializer)?.unwrap_or_default())
}

/// The input of a chat template.
#[derive(Debug, Clone, Copy, Default)]
pub struct ChatRequest<'a> {
    /// The conversation so far.
    pub messages: &'a [Message],
    /// The tools that the model may call, as a list of JSON schemas.
    pub tools: Option<&'a serde_json::Value>,
    /// Whether the prompt ends with the beginning of the model's answer.
    pub add_generation_prompt: bool,
    /// Whether the model thinks before it answers. `None`: the template decides.
    pub enable_thinking: Option<bool>,
}

/// A parsed chat template.
///
/// It renders as in transformers: Jinja with `trim_blocks`, `lstrip_blocks`, loop controls and no escaping. Python's
/// string methods work. `tojson` keeps Unicode. `raise_exception` and `strftime_now` (in UTC) exist. The special tokens
/// of `tokenizer_config.json` are variables. The tag `{% generation %}`, which marks text for training, is missing.
///
/// A template is a program by the makers of the checkpoint. It reaches nothing outside itself. An endless loop or an
/// endless text ends with an error. Memory has no such limit: as in Python, a template can double a string until
/// memory is full.
#[derive(Debug)]
pub struct ChatTemplate {
    environment: Environment<'static>,
    /// The file that holds the template, for errors.
    file: String,
    /// Variables such as `bos_token`.
    special_tokens: Vec<(String, Value)>,
}

impl ChatTemplate {
    pub(crate) fn read(folder: &Folder) -> Result<Option<ChatTemplate>, LoadError> {
        let config_file = folder.path(TOKENIZER_CONFIG);
        let config = match folder.text(TOKENIZER_CONFIG)? {
            Some(bytes) => json::object(&config_file, &bytes)?,
            None => Map::new(),
        };
        let fields = Fields::new(&config_file, &config);
        let (file, templates) = match folder.text(JINJA)? {
            Some(bytes) => {
                let file = folder.path(JINJA);
                let text = utf8(&file, bytes)?;
                (file, vec![(DEFAULT.to_owned(), text)])
            }
            None => (config_file.clone(), templates(fields)?),
        };
        if templates.is_empty() {
            return Ok(None);
        }
        let special_tokens = special_tokens(fields)?;
        match environment(templates) {
            Ok(environment) => Ok(Some(ChatTemplate { environment, file, special_tokens })),
            Err(error) => Err(LoadError::Template { file, problem: describe(&error) }),
        }
    }

    /// Renders the text of a prompt.
    ///
    /// # Errors
    /// The template refuses the messages, fails, or exceeds its limits.
    pub fn render(&self, request: &ChatRequest<'_>) -> Result<String, TextError> {
        self.try_render(request)
            .map_err(|error| TextError::Render { file: self.file.clone(), problem: describe(&error) })
    }

    fn try_render(&self, request: &ChatRequest<'_>) -> Result<String, Error> {
        let mut environment = self.environment.clone();
        let items =
            request.messages.len() + request.tools.and_then(|tools| tools.as_array()).map_or(0, Vec::len);
        environment.set_fuel(Some(FUEL.saturating_add(FUEL_PER_MESSAGE.saturating_mul(items as u64))));
        let template = match request.tools {
            Some(_) => environment.get_template(TOOL_USE).or_else(|_| environment.get_template(DEFAULT)),
            None => environment.get_template(DEFAULT),
        }?;
        let mut variables = self.special_tokens.clone();
        variables.push(("messages".into(), Value::from(Serde(request.messages))));
        variables.push(("tools".into(), Value::from(Serde(request.tools))));
        variables.push(("documents".into(), Value::from(())));
        variables.push(("add_generation_prompt".into(), Value::from(request.add_generation_prompt)));
        if let Some(thinking) = request.enable_thinking {
            variables.push(("enable_thinking".into(), Value::from(thinking)));
        }
        let mut prompt = Prompt(Vec::new());
        template.render_captured_to(Value::from_pairs(variables), &mut prompt)?;
        String::from_utf8(prompt.0)
            .map_err(|error| Error::new(ErrorKind::InvalidOperation, error.to_string()))
    }
}

/// The text rendered so far, limited to [`LONGEST_OUTPUT`].
struct Prompt(Vec<u8>);

impl io::Write for Prompt {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > LONGEST_OUTPUT - self.0.len() {
            return Err(io::Error::other(format!("the prompt is longer than {LONGEST_OUTPUT} bytes")));
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Jinja as transformers sets it up, with the given templates by name.
fn environment(templates: Vec<(String, String)>) -> Result<Environment<'static>, Error> {
    let mut environment = Environment::new();
    environment.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    environment.set_formatter(|out, state, value| match value.kind() {
        ValueKind::Number if !value.is_integer() => {
            write!(out, "{}", python::float(f64::try_from(value.clone())?)).map_err(Error::from)
        }
        _ => minijinja::escape_formatter(out, state, value),
    });
    environment.add_filter("tojson", python::tojson);
    environment.add_function("raise_exception", |message: String| -> Result<Value, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, message))
    });
    environment.add_function("strftime_now", |format: String| {
        clock::strftime_now(&format).map_err(|problem| Error::new(ErrorKind::InvalidOperation, problem))
    });
    for (name, source) in templates {
        environment.add_template_owned(name, normalize_newlines(source))?;
    }
    Ok(environment)
}

/// The templates in `tokenizer_config.json`, by name.
///
/// The field holds one string, or a list of `{name, template}`.
fn templates(fields: Fields<'_>) -> Result<Vec<(String, String)>, LoadError> {
    const FIELD: &str = "chat_template";
    const EXPECTED: &str = "a string, or a list of {name, template}";
    let list = match fields.get(FIELD) {
        None => return Ok(Vec::new()),
        Some(serde_json::Value::String(text)) => return Ok(vec![(DEFAULT.into(), text.clone())]),
        Some(serde_json::Value::Array(list)) => list,
        Some(other) => return Err(fields.wrong_type(FIELD, EXPECTED, other)),
    };
    let mut templates = Vec::new();
    for entry in list {
        match (entry["name"].as_str(), entry["template"].as_str()) {
            (Some(name), Some(text)) => templates.push((name.to_owned(), text.to_owned())),
            _ => return Err(fields.wrong_type(FIELD, EXPECTED, entry)),
        }
    }
    if !templates.iter().any(|(name, _)| name == DEFAULT) {
        return Err(fields.missing(FIELD, "a template with the name \"default\""));
    }
    Ok(templates)
}

/// The special tokens, which are variables in every template.
///
/// A field holds the token itself, or an object with the token in `content`.
fn special_tokens(fields: Fields<'_>) -> Result<Vec<(String, Value)>, LoadError> {
    let mut tokens = Vec::new();
    for field in ["bos_token", "eos_token", "unk_token", "sep_token", "pad_token", "cls_token", "mask_token"]
    {
        let Some(value) = fields.get(field) else { continue };
        match value.as_str().or_else(|| value["content"].as_str()) {
            Some(text) => tokens.push((field.to_owned(), Value::from(text))),
            None => return Err(fields.wrong_type(field, "a token", value)),
        }
    }
    Ok(tokens)
}

fn utf8(file: &str, bytes: Cow<'_, [u8]>) -> Result<String, LoadError> {
    String::from_utf8(bytes.into_owned()).map_err(|error| {
        let offset = error.utf8_error().valid_up_to();
        LoadError::NotUtf8 { file: file.to_owned(), offset }
    })
}

/// Turns every line end into `\n`, as Jinja does.
fn normalize_newlines(text: String) -> String {
    if text.contains('\r') { text.replace("\r\n", "\n").replace('\r', "\n") } else { text }
}

/// An error of the template engine with its causes, on one line.
fn describe(error: &Error) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
