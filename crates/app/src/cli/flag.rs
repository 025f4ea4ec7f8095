//! `shipway flag`: what applications do for whom, changed while they run.

use std::collections::BTreeSet;

use shipway_api::FlagUpdate;
use shipway_core::{
    flag::{Flag, FlagValue, Flags},
    time::Timestamp,
};

use super::{
    Exit, Outcome,
    context::Context,
    remote::escaped,
    scope::{self, EnvironmentArg},
    table::{Table, plain},
    terminal::{Hue, Paint},
    words,
};

/// Feature flags, which applications read while they run: no deployment changes them, and no rollback
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    act: Act,
}

#[derive(clap::Subcommand)]
enum Act {
    List(ListArgs),
    Set(SetArgs),
    Delete(DeleteArgs),
}

/// List the flags of an environment
#[derive(clap::Args)]
struct ListArgs {
    #[command(flatten)]
    environment: EnvironmentArg,
}

/// Make a flag, or change it
#[derive(clap::Args)]
struct SetArgs {
    /// The flag's name
    name: String,
    /// For whom it is on: `on`, `off`, `25%` (always the same ones), or a list: `=ann,bob`
    #[arg(value_parser = value)]
    value: FlagValue,
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    description: Option<String>,
    /// Only when it still has this revision; 0 when it must not be there yet
    #[arg(long, value_name = "REVISION")]
    expect: Option<u64>,
    #[command(flatten)]
    environment: EnvironmentArg,
}

/// Take a flag away
#[derive(clap::Args)]
struct DeleteArgs {
    /// The flag's name
    name: String,
    /// Only when it still has this revision
    #[arg(long, value_name = "REVISION")]
    expect: Option<u64>,
    #[command(flatten)]
    environment: EnvironmentArg,
}

fn value(text: &str) -> Result<FlagValue, String> {
    if let Some(list) = text.strip_prefix('=') {
        let subjects: BTreeSet<_> = list.split(',').map(str::trim).filter(|one| !one.is_empty()).collect();
        return Ok(FlagValue::List { subjects: subjects.into_iter().map(str::to_owned).collect() });
    }
    match (text, text.strip_suffix('%').map(str::parse)) {
        ("on" | "true", _) => Ok(FlagValue::Boolean { on: true }),
        ("off" | "false", _) => Ok(FlagValue::Boolean { on: false }),
        (_, Some(Ok(percent))) if percent <= 100 => Ok(FlagValue::Percentage { percent }),
        _ => Err("write `on`, `off`, a share from `0%` to `100%`, or a list: `=ann,bob`".into()),
    }
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    match args.act {
        Act::List(args) => list(context, args).await,
        Act::Set(args) => set(context, args).await,
        Act::Delete(args) => delete(context, args).await,
    }
}

async fn list(context: &Context, args: ListArgs) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let environment = scope.environment(&remote, &args.environment).await?;
    let flags: Flags = remote.get(&scope.environment_path(&environment, "/flags")).await?;
    context.terminal.show(&flags, |paint| lines(paint, &flags));
    Ok(Exit::Done)
}

async fn set(context: &Context, args: SetArgs) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let environment = scope.environment(&remote, &args.environment).await?;
    let path = scope.environment_path(&environment, &format!("/flags/{}", escaped(&args.name)));
    let body = FlagUpdate { value: args.value, description: args.description, expected: args.expect };
    let flag: Flag = remote.put(&path, &body).await?;
    context.terminal.show(&flag, |_| vec![format!("{} is {} in {environment}", flag.name, said(&flag.value))]);
    Ok(Exit::Done)
}

async fn delete(context: &Context, args: DeleteArgs) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let environment = scope.environment(&remote, &args.environment).await?;
    let expected = args.expect.map(|revision| format!("?expected={revision}")).unwrap_or_default();
    let path = scope.environment_path(&environment, &format!("/flags/{}{expected}", escaped(&args.name)));
    let left: Flags = remote.delete(&path).await?;
    context.terminal.show(&left, |_| vec![format!("{} is gone from {environment}", args.name)]);
    Ok(Exit::Done)
}

fn lines(paint: Paint, flags: &Flags) -> Vec<String> {
    let mut table = Table::new(&["flag", "on for", "revision", "changed", "by", "what for"]);
    let now = words::now();
    flags.flags.values().for_each(|flag| table.row(row(flag, now)));
    match table.lines(paint, 0) {
        lines if lines.is_empty() => vec![format!("{} has no flags: `shipway flag set NAME on`", flags.environment)],
        lines => lines,
    }
}

fn row(flag: &Flag, now: Timestamp) -> Vec<(Hue, String)> {
    vec![
        plain(&flag.name),
        plain(said(&flag.value)),
        plain(flag.revision.to_string()),
        plain(words::ago(flag.at, now)),
        plain(&flag.by),
        plain(flag.description.as_deref().unwrap_or("-")),
    ]
}

fn said(value: &FlagValue) -> String {
    match value {
        FlagValue::Boolean { on: true } => "on".into(),
        FlagValue::Boolean { on: false } => "off".into(),
        FlagValue::Percentage { percent } => format!("on for {percent} %"),
        FlagValue::List { subjects } => {
            let all: Vec<_> = subjects.iter().map(String::as_str).collect();
            format!("on for {}", if all.is_empty() { "nobody".into() } else { all.join(", ") })
        }
    }
}
