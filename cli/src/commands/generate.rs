//! `orthrus generate`: one prompt, one answer.

use std::sync::atomic::AtomicBool;

use crate::answer::answer;
use crate::args::GenerateArgs;
use crate::error::Result;
use crate::model_source::ModelSource;
use crate::output::{note, show, show_json};
use crate::{answer_report, decode_options, encode};

/// Answers the prompt that `args` give.
pub(crate) fn run(args: &GenerateArgs) -> Result<()> {
    let source = ModelSource::open(args.model.model.as_deref())?;
    let checkpoint = source.text_checkpoint()?;
    let tokenizer = checkpoint.tokenizer()?;
    let options =
        decode_options::generate_options(&args.decode, &args.sampling, checkpoint, args.max_new_tokens)?;
    let ids = encode::ids(&args.prompt, checkpoint, tokenizer.as_ref())?;
    let context =
        decode_options::context_for(args.context, ids.len(), args.max_new_tokens, checkpoint.config())?;

    let model = source.load(&args.model)?;
    let mut session = model.session(context)?;
    if let Some(line) = decode_options::sampling_flags(&options.sampling) {
        note(line);
    }
    // Ctrl-C ends this program, as it ends any other: there is nothing to go on with.
    let never = AtomicBool::new(false);
    let outcome = answer(&mut session, &ids, &options, tokenizer.as_ref(), &never, &mut |piece| {
        if args.json { Ok(()) } else { show(piece) }
    });
    if args.json {
        let answer = outcome?;
        let has_text = tokenizer.is_some();
        show_json(
            &answer_report::Json::new(&ids, &answer, has_text, &options, args.model.dtype, model.gpu()),
            false,
        )?;
        note(answer_report::line(&answer));
    } else {
        // Whatever comes next begins a line, an error message too.
        show("\n")?;
        note(answer_report::line(&outcome?));
    }
    Ok(())
}
