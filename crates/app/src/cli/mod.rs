//! The command line: one verb, one file. It reads arguments, talks to a server over the API, and shows what comes
//! back. Not here: any decision about deployments, and the parts of the binary that no person calls (`main`).

mod abort;
mod acts;
mod advance;
mod approve;
mod audit;
mod backup;
mod break_glass;
mod breakers;
mod cancel;
mod changes;
mod check;
mod combination;
mod completions;
mod config;
mod config_change;
mod config_fetch;
mod config_show;
mod config_words;
mod context;
mod cue;
mod decommission;
mod deploy;
mod detached;
mod doctor;
mod down;
mod ending;
mod env;
mod env_can;
mod env_compare;
mod env_delete;
mod env_make;
mod env_show;
mod env_sync;
mod env_usage;
mod errors;
mod events;
mod explain;
mod findings;
mod flag;
mod gates;
mod history;
mod history_archive;
mod hold;
mod leases;
mod live;
mod logs;
mod members;
mod pause;
mod plan;
mod promote;
mod ps;
mod quarantine;
mod quota;
mod reject;
mod remote;
mod repair;
mod request;
mod resolve;
mod restore;
mod resume;
mod retention;
mod retry;
mod rollback;
mod scale;
mod schedule;
mod scope;
mod secret;
mod secret_value;
mod serve;
mod signals;
mod skip;
mod snapshot;
mod spec_file;
mod statistics;
mod status;
mod stuck;
mod table;
mod terminal;
mod token;
mod unhold;
mod unstick;
mod up;
mod upload;
mod words;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};

use clap::{CommandFactory, Parser, Subcommand};
use tracing_subscriber::EnvFilter;

use self::{
    context::{Context, GlobalArgs},
    errors::CliError,
    terminal::Terminal,
};

/// Threads of a server's runtime: the engine mostly waits, and the proxy has processes of its own.
const SERVER_THREADS_MAX: usize = 4;

/// From source to live traffic, and back.
#[derive(Parser)]
#[command(name = "shipway", version, max_term_width = 100, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage, 3 it differs (plan, env compare) or is not met (env can), 4 it is not supported (cue), 255 a bug in Shipway."
)]
struct Cli {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    word: Word,
}

/// The first word: most verbs wait for a server or for other processes, so they run on the async runtime.
#[derive(Subcommand)]
enum Word {
    #[command(flatten)]
    Verb(Verb),
    Cue(cue::Args),
}

#[derive(Subcommand)]
enum Verb {
    Up(up::Args),
    Down(down::Args),
    Serve(serve::Args),
    Check(check::Args),
    Plan(plan::Args),
    Deploy(deploy::Args),
    Promote(promote::Args),
    Scale(scale::Args),
    Decommission(decommission::Args),
    Config(config::Args),
    Env(env::Args),
    Status(status::Args),
    Ps(ps::Args),
    History(history::Args),
    Statistics(statistics::Args),
    Logs(logs::Args),
    Events(events::Args),
    Explain(explain::Args),
    Pause(pause::Args),
    Resume(resume::Args),
    Advance(advance::Args),
    Gates(gates::Args),
    Approve(approve::Args),
    Reject(reject::Args),
    BreakGlass(break_glass::Args),
    Schedule(schedule::Args),
    Abort(abort::Args),
    Cancel(cancel::Args),
    Rollback(rollback::Args),
    Repair(repair::Args),
    Retry(retry::Args),
    Skip(skip::Args),
    #[command(visible_alias = "mark-resolved")]
    Resolve(resolve::Args),
    Combination(combination::Args),
    Hold(hold::Args),
    Unhold(unhold::Args),
    Leases(leases::Args),
    Breakers(breakers::Args),
    Quarantine(quarantine::Args),
    Quota(quota::Args),
    Secret(secret::Args),
    Snapshot(snapshot::Args),
    Flag(flag::Args),
    Token(token::Args),
    Audit(audit::Args),
    Backup(backup::Args),
    Restore(restore::Args),
    Retention(retention::Args),
    Doctor(doctor::Args),
    Completions(completions::Args),
}

/// How a verb ended: what the process exits with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Exit {
    Done,
    Failed,
    Usage,
    Differs,
    Refused,
    Bug,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Done => 0,
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Differs => 3,
            Exit::Refused => 4,
            Exit::Bug => 255,
        })
    }
}

type Outcome = Result<Exit, CliError>;

/// Reads the arguments and runs a verb.
pub fn main() -> ExitCode {
    std::panic::set_hook(Box::new(|panic| {
        Terminal::plain().note("This is a bug in Shipway. Please report it with the lines below.");
        Terminal::plain().note(format!("shipway {}: {panic}", env!("CARGO_PKG_VERSION")));
    }));
    // The hook has told the story; what is left is the exit code.
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(Exit::Bug).into()
}

fn run() -> Exit {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return refused(&error),
    };
    let context = Context::new(cli.global);
    let outcome = match cli.word {
        Word::Verb(verb) => on_runtime(&context, verb),
        Word::Cue(args) => cue::run(&context, &args),
    };
    outcome.unwrap_or_else(|error| error.show(&context.terminal))
}

fn on_runtime(context: &Context, verb: Verb) -> Outcome {
    let serves = matches!(verb, Verb::Serve(_));
    trace(if serves { "info" } else { "warn" });
    let runs_server = serves || matches!(verb, Verb::Up(_));
    let runtime = runtime(runs_server)
        .map_err(|error| CliError::Failed(format!("the async runtime can't be started: {error}")))?;
    let outcome = runtime.block_on(dispatch(context, verb));
    // What still waits in the background (a read of the terminal, a stream) must not keep the process.
    runtime.shutdown_background();
    outcome
}

/// Help and version are asked for; anything else is wrong usage. Clap words both.
fn refused(error: &clap::Error) -> Exit {
    let asked_for = !error.use_stderr();
    // Nothing can be said to a terminal that is gone.
    let _ = error.print();
    if asked_for { Exit::Done } else { Exit::Usage }
}

fn trace(otherwise: &str) {
    let said = std::env::var("SHIPWAY_LOG").unwrap_or_default();
    let said = if said.trim().is_empty() { otherwise.to_owned() } else { said };
    let filter = EnvFilter::try_new(&said).unwrap_or_else(|_| EnvFilter::new(otherwise));
    let ansi = Terminal::errors_have_colours();
    let layer = tracing_subscriber::fmt().compact().with_ansi(ansi).with_env_filter(filter);
    // A second subscriber can't be: `main` runs once.
    let _ = layer.with_writer(std::io::stderr).try_init();
}

fn runtime(runs_server: bool) -> std::io::Result<tokio::runtime::Runtime> {
    if !runs_server {
        return tokio::runtime::Builder::new_current_thread().enable_all().build();
    }
    let threads = std::thread::available_parallelism().map_or(2, usize::from).clamp(2, SERVER_THREADS_MAX);
    tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()
}

async fn dispatch(context: &Context, verb: Verb) -> Outcome {
    match verb {
        Verb::Up(args) => Box::pin(up::run(context, args)).await,
        Verb::Down(args) => down::run(context, args).await,
        Verb::Serve(args) => Box::pin(serve::run(context, args)).await,
        Verb::Check(args) => check::run(context, args).await,
        Verb::Plan(args) => plan::run(context, args).await,
        Verb::Deploy(args) => deploy::run(context, args).await,
        Verb::Promote(args) => promote::run(context, args).await,
        Verb::Scale(args) => scale::run(context, args).await,
        Verb::Decommission(args) => decommission::run(context, args).await,
        Verb::Config(args) => config::run(context, args).await,
        Verb::Env(args) => Box::pin(env::run(context, args)).await,
        Verb::Status(args) => status::run(context, args).await,
        Verb::Ps(args) => ps::run(context, args).await,
        Verb::History(args) => history::run(context, args).await,
        Verb::Statistics(args) => statistics::run(context, args).await,
        Verb::Logs(args) => logs::run(context, args).await,
        Verb::Events(args) => events::run(context, args).await,
        Verb::Explain(args) => explain::run(context, args).await,
        Verb::Pause(args) => pause::run(context, args).await,
        Verb::Resume(args) => resume::run(context, args).await,
        Verb::Advance(args) => advance::run(context, args).await,
        Verb::Gates(args) => gates::run(context, args).await,
        Verb::Approve(args) => approve::run(context, args).await,
        Verb::Reject(args) => reject::run(context, args).await,
        Verb::BreakGlass(args) => break_glass::run(context, args).await,
        Verb::Schedule(args) => Box::pin(schedule::run(context, args)).await,
        Verb::Abort(args) => abort::run(context, args).await,
        Verb::Cancel(args) => cancel::run(context, args).await,
        Verb::Rollback(args) => rollback::run(context, args).await,
        Verb::Repair(args) => repair::run(context, args).await,
        Verb::Retry(args) => retry::run(context, args).await,
        Verb::Skip(args) => skip::run(context, args).await,
        Verb::Resolve(args) => resolve::run(context, args).await,
        Verb::Combination(args) => combination::run(context, args).await,
        Verb::Hold(args) => hold::run(context, args).await,
        Verb::Unhold(args) => unhold::run(context, args).await,
        Verb::Leases(args) => leases::run(context, args).await,
        Verb::Breakers(args) => breakers::run(context, args).await,
        Verb::Quarantine(args) => quarantine::run(context, args).await,
        Verb::Quota(args) => quota::run(context, args).await,
        Verb::Secret(args) => Box::pin(secret::run(context, args)).await,
        Verb::Snapshot(args) => snapshot::run(context, args).await,
        Verb::Flag(args) => flag::run(context, args).await,
        Verb::Token(args) => token::run(context, args).await,
        Verb::Audit(args) => audit::run(context, args).await,
        Verb::Backup(args) => backup::run(context, args).await,
        Verb::Restore(args) => restore::run(context, args).await,
        Verb::Retention(args) => retention::run(context, args).await,
        Verb::Doctor(args) => doctor::run(context, args).await,
        Verb::Completions(args) => completions::run(context, &args, Cli::command()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    #[test]
    fn the_arguments_of_all_verbs_are_consistent() {
        super::Cli::command().debug_assert();
    }
}
