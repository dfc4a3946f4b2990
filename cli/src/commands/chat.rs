//! `orthrus chat`: a conversation with streamed answers.

use std::io::{BufRead, IsTerminal, Write, stderr, stdin};
use std::sync::Arc;

use orthrus::{FinishReason, GenerateOptions, Session};
use orthrus_loader::{ChatTemplate, Message, Tokenizer};

use crate::answer::{Answer, answer};
use crate::answer_report;
use crate::args::{ChatArgs, TemplateArgs};
use crate::decode_options;
use crate::encode;
use crate::error::{CliError, Result};
use crate::interrupt::{Interrupt, PROMPT};
use crate::model_source::ModelSource;
use crate::output::{note, show};

/// The default context, if the model's own is not shorter.
const DEFAULT_CONTEXT: usize = 8192;

const HELP: &str = "A line is a message. Ctrl-C stops an answer; its text so far stays in the conversation.\n\
                    /clear  forgets the conversation\n\
                    /exit   leaves, as Ctrl-D does\n\
                    /help   shows this";

/// Reads messages and answers them until the input ends.
pub(crate) fn run(args: &ChatArgs) -> Result<()> {
    let source = ModelSource::open(args.model.model.as_deref())?;
    let checkpoint = source.text_checkpoint()?;
    let missing = |what: &str, flag: &str| {
        let name = checkpoint.name();
        CliError::usage(format!("{name} has no {what}, which chat needs: use `orthrus generate {flag}`"))
    };
    let tokenizer = checkpoint.tokenizer()?.ok_or_else(|| missing("tokenizer.json", "--ids 1,2,3"))?;
    let template = checkpoint.chat_template()?.ok_or_else(|| missing("chat template", "--raw TEXT"))?;
    let options =
        decode_options::generate_options(&args.decode, &args.sampling, checkpoint, args.max_new_tokens)?;
    let longest = checkpoint.config().max_position_embeddings;
    let context = args.context.unwrap_or(DEFAULT_CONTEXT.min(longest));
    orthrus::check_context(context, checkpoint.config())?;

    let session = source.load(&args.model)?.session(context)?;
    if let Some(line) = decode_options::sampling_flags(&options.sampling) {
        note(line);
    }
    let interrupt = Interrupt::install()?;
    let attended = stdin().is_terminal();
    if attended {
        note("/help shows the commands; Ctrl-C stops an answer, Ctrl-D leaves");
    }
    let chat = Chat {
        session,
        tokenizer,
        template,
        template_args: &args.template,
        options,
        history: Vec::new(),
        interrupt,
    };
    chat.talk(attended)
}

struct Chat<'a> {
    session: Session,
    tokenizer: Tokenizer,
    template: ChatTemplate,
    template_args: &'a TemplateArgs,
    options: GenerateOptions,
    /// The messages and answers so far. Turns without an answer are not kept.
    history: Vec<Message>,
    interrupt: Arc<Interrupt>,
}

impl Chat<'_> {
    /// Reads and answers turns until the input ends.
    fn talk(mut self, attended: bool) -> Result<()> {
        let mut unanswered = 0;
        while let Some(line) = read_line(attended)? {
            match line.trim() {
                "" => {}
                "/exit" | "/quit" => break,
                "/clear" => {
                    self.history.clear();
                    note("the conversation is forgotten");
                }
                "/help" => note(HELP),
                other if is_command(other) => {
                    note(format!("there is no command {other}\n{HELP}"));
                    unanswered += 1;
                }
                message => unanswered += usize::from(!self.turn(message)?),
            }
        }
        match unanswered {
            // A user at a terminal has seen the reasons.
            0 => Ok(()),
            _ if attended => Ok(()),
            unanswered => Err(CliError::Unanswered(unanswered)),
        }
    }

    /// Answers a message. `false`: there is no answer, and the message is not part of the conversation.
    fn turn(&mut self, message: &str) -> Result<bool> {
        self.history.push(Message::user(message));
        let ids =
            encode::conversation_ids(&self.template, &self.tokenizer, self.template_args, &self.history)?;
        let context = self.session.context();
        let room = context.saturating_sub(ids.len());
        if room == 0 {
            self.history.pop();
            note(format!(
                "not answered: with this message the conversation has {} tokens, and the context holds {context}. \
                 /clear forgets the conversation; `--context` makes room for a longer one",
                ids.len()
            ));
            return Ok(false);
        }
        let answer = self.answer(&ids, room)?;
        if answer.ids.is_empty() {
            self.history.pop();
            note("stopped before the answer began: the message is not part of the conversation");
            return Ok(false);
        }
        self.comment(&answer, room);
        self.history.push(Message::assistant(answer.text));
        Ok(true)
    }

    fn answer(&mut self, ids: &[u32], room: usize) -> Result<Answer> {
        let max_new_tokens = self.options.max_new_tokens.min(room);
        let options = GenerateOptions { max_new_tokens, ..self.options.clone() };
        self.interrupt.answer_begins();
        let tokenizer = Some(&self.tokenizer);
        let outcome = answer(&mut self.session, ids, &options, tokenizer, &self.interrupt.stop, &mut show);
        self.interrupt.answer_ends();
        show("\n")?;
        outcome
    }

    /// Shows the statistics of an answer, and why it ended if its text does not show that.
    fn comment(&self, answer: &Answer, room: usize) {
        match answer.finish {
            Some(FinishReason::Stop) => {}
            Some(FinishReason::Length) if room <= self.options.max_new_tokens => {
                let context = self.session.context();
                note(format!(
                    "cut short: the context of {context} tokens is full. /clear forgets the conversation"
                ));
            }
            Some(FinishReason::Length) => note("cut short by --max-new-tokens"),
            None => note("stopped"),
        }
        note(answer_report::statistics_line(answer));
    }
}

/// Whether a line looks like a command: a slash and a word. `/etc/hosts` and `/ 3` do not.
fn is_command(line: &str) -> bool {
    line.strip_prefix('/').is_some_and(|word| word.chars().all(|c| c.is_ascii_lowercase()))
}

/// The next line of stdin. `None`: stdin has ended.
fn read_line(attended: bool) -> Result<Option<String>> {
    loop {
        if attended {
            let mut err = stderr().lock();
            let _ = write!(err, "{PROMPT}").and_then(|()| err.flush());
        }
        let mut line = Vec::new();
        let read = stdin().lock().read_until(b'\n', &mut line);
        match read.map_err(|source| CliError::Io { what: "reading stdin", source })? {
            0 => {
                if attended {
                    note("");
                }
                return Ok(None);
            }
            _ => match String::from_utf8(line) {
                Ok(line) => return Ok(Some(line)),
                Err(_) if attended => note("not answered: that line is not UTF-8 text"),
                Err(_) => return Err(CliError::usage("stdin has a line that is not UTF-8 text")),
            },
        }
    }
}
