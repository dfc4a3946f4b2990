//! `orthrus generate`: one answer to one prompt.

use std::sync::atomic::AtomicBool;

use crate::answer::answer;
use crate::answer_report;
use crate::args::GenerateArgs;
use crate::decode_options;
use crate::encode;
use crate::error::Result;
use crate::model_source::ModelSource;
use crate::output::{note, show, show_json};

/// Answers the prompt that `args` give.
pub(crate) fn run(args: &GenerateArgs) -> Result<()> {
    let source = ModelSource::open(args.model.model.as_deref())?;
    let checkpoint = source.text_checkpoint()?;
    let tokenizer = checkpoint.tokenizer()?;
    let options =
        decode_options::generate_options(&args.decode, &args.sampling, checkpoint, args.max_new_tokens)?;
    let ids = encode::prompt_ids(&args.prompt, checkpoint, tokenizer.as_ref())?;
    let context =
        decode_options::context_for(args.context, ids.len(), args.max_new_tokens, checkpoint.config())?;

    let model = source.load(&args.model)?;
    let mut session = model.session(context)?;
    if let Some(line) = decode_options::sampling_flags(&options.sampling) {
        note(line);
    }
    // Ctrl-C ends this command, so nothing ever stops the answer alone.
    let never = AtomicBool::new(false);
    let outcome = answer(&mut session, &ids, &options, tokenizer.as_ref(), &never, &mut |piece| {
        if args.json { Ok(()) } else { show(piece) }
    });
    if args.json {
        let answer = outcome?;
        let has_text = tokenizer.is_some();
        show_json(
            &answer_report::AnswerJson::new(&ids, &answer, has_text, &options, args.model.dtype, model.gpu()),
            false,
        )?;
        note(answer_report::statistics_line(&answer));
    } else {
        // The next output begins a line of its own, also if it is an error message.
        show("\n")?;
        note(answer_report::statistics_line(&outcome?));
    }
    Ok(())
}
