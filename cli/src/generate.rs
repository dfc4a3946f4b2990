//! `orthrus generate`: one prompt, one answer.

use std::sync::atomic::AtomicBool;

use crate::answer::answer;
use crate::args::GenerateArgs;
use crate::error::Result;
use crate::output::{note, show, show_json};
use crate::{load, prompt, report, sampling, settings};

/// Answers the prompt that `args` give.
pub(crate) fn run(args: &GenerateArgs) -> Result<()> {
    let checkpoint = load::checkpoint(args.model.model.as_deref())?;
    let tokenizer = checkpoint.tokenizer()?;
    let options = settings::options(&args.decode, &args.sampling, &checkpoint, args.max_new_tokens)?;
    let ids = prompt::ids(&args.prompt, &checkpoint, tokenizer.as_ref())?;
    let context = settings::context_for(args.context, ids.len(), args.max_new_tokens, checkpoint.config())?;

    let model = load::model(&checkpoint, &args.model)?;
    let mut session = model.session(context)?;
    if let Some(line) = sampling::line(&options.sampling) {
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
            &report::Json::new(&ids, &answer, has_text, &options, args.model.dtype, model.gpu()),
            false,
        )?;
        note(report::line(&answer));
    } else {
        // Whatever comes next begins a line, an error message too.
        show("\n")?;
        note(report::line(&outcome?));
    }
    Ok(())
}
