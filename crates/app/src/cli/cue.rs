//! `shipway cue`: CUE on the command line, handed over to the crate that knows it. Needs no server.
//!
//! Not here: the verbs and their flags, what they print and when they refuse (`shipway_cue::command`); specs that are
//! written in CUE.

use std::{path::PathBuf, time::SystemTime};

use shipway_api::Problem;
use shipway_core::ports::Fault;
use shipway_cue::{
    command::{self, Streams, Verb},
    load::Disk,
    report::Colours,
};

use super::{Exit, Outcome, context::Context, terminal::Terminal};

/// Evaluate, check, format and change configurations written in CUE
///
/// Exit codes: 0 done, 1 the configuration is wrong, 2 wrong usage, 4 it uses something of CUE that is not supported,
/// named with its place: no value is printed then.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

/// What a verb of CUE has done.
struct Said {
    exit: Exit,
    /// What it printed: a value, findings, nothing.
    out: Vec<u8>,
    /// What it reported.
    err: String,
}

/// Runs the verb.
pub fn run(context: &Context, args: &Args) -> Outcome {
    let here = std::env::current_dir().map_err(|error| Fault::io("finding the current folder", &error))?;
    let json = context.terminal.json;
    let verb = if json { args.verb.clone().for_programs() } else { args.verb.clone() };
    let said = hand_over(&verb, here, colours(&context.terminal, &verb));
    match json {
        true => as_json(&context.terminal, &verb, &said),
        false => as_it_is(&context.terminal, &said),
    }
    Ok(said.exit)
}

fn hand_over(verb: &Verb, folder: PathBuf, colours: Colours) -> Said {
    let variables = command::variables(&folder, SystemTime::now());
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let status = command::run_verb(
        verb,
        &mut Streams { files: &Disk, folder, variables, out: &mut out, err: &mut err, colours },
    );
    let exit = match status {
        command::DONE => Exit::Done,
        command::USAGE => Exit::Usage,
        command::REFUSED => Exit::Refused,
        _ => Exit::Failed,
    };
    Said { exit, out, err: String::from_utf8_lossy(&err).into_owned() }
}

/// What `lint` finds goes to standard output, reports of the others to standard error.
fn colours(terminal: &Terminal, verb: &Verb) -> Colours {
    let wanted = match verb {
        Verb::Lint(_) => terminal.paint.on,
        _ => Terminal::errors_have_colours(),
    };
    if wanted && !terminal.json { Colours::Ansi } else { Colours::None }
}

fn as_it_is(terminal: &Terminal, said: &Said) {
    terminal.raw(&said.out);
    if !said.err.is_empty() {
        terminal.note(said.err.trim_end_matches('\n'));
    }
}

/// The value itself when it is one, a problem when something is wrong, else what was printed.
fn as_json(terminal: &Terminal, verb: &Verb, said: &Said) {
    let (status, title) = match said.exit {
        Exit::Done if matches!(verb, Verb::Export(_) | Verb::Why(_)) => return terminal.raw(&said.out),
        Exit::Done => {
            let printed = String::from_utf8_lossy(&said.out);
            return terminal.json(&serde_json::json!({ "printed": printed, "notes": said.err }));
        }
        Exit::Usage => (400, "usage"),
        Exit::Refused => (501, "unsupported"),
        _ => (422, "findings"),
    };
    let printed = String::from_utf8_lossy(&said.out);
    let report = if said.err.is_empty() { printed.trim_end() } else { said.err.trim_end() };
    terminal.json(&Problem::new(status, title, report));
}
