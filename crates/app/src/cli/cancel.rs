//! `shipway cancel`: ends a deployment and undoes what it did.

use shipway_core::phase::Phase;

use super::{
    Exit, Outcome,
    acts::{self, ActArgs},
    context::Context,
    ending,
    live::{self, Until},
    terminal::Hue,
    words,
};

/// End a running deployment, and undo what it did
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    end: EndArgs,
}

/// What is to be ended, and whether to wait for it.
#[derive(clap::Args)]
pub struct EndArgs {
    #[command(flatten)]
    act: ActArgs,
    /// Return at once
    #[arg(long)]
    no_wait: bool,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    end(context, args.end, "cancel").await
}

/// Asks for the end, and watches it. That it was cancelled is what was wanted.
///
/// # Errors
/// It can't be cancelled.
pub async fn end(context: &Context, args: EndArgs, verb: &str) -> Outcome {
    let remote = context.remote()?;
    let view = acts::act(context, &remote, args.act, verb).await?;
    let terminal = &context.terminal;
    if args.no_wait {
        let asked = format!("the end of {} was asked for: `shipway status` shows it", view.name);
        terminal.show(&view, |_| vec![asked]);
        return Ok(Exit::Done);
    }
    let ended = live::follow(&remote, *terminal, view, Until::Completed).await?;
    if terminal.json || ended.phase != Phase::Cancelled {
        let exit = ending::tell(terminal, &ended);
        return Ok(if ended.phase == Phase::Cancelled { Exit::Done } else { exit });
    }
    let back = ended.metrics.back_ms.map(|ms| format!(" · going back took {}", words::span(ms))).unwrap_or_default();
    let words = format!("✓ {} was cancelled and undone", ended.name);
    terminal.say(format!("{}{back}", terminal.paint.put(Hue::Good, words)));
    Ok(Exit::Done)
}
