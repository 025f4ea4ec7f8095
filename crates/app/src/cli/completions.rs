//! `shipway completions`: what a shell needs to complete the verbs and options.

use clap_complete::Shell;

use super::{Exit, Outcome, context::Context};

/// Print the completions for a shell
#[derive(clap::Args)]
pub struct Args {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs the verb.
pub fn run(context: &Context, args: &Args, mut command: clap::Command) -> Outcome {
    let mut script = Vec::new();
    let name = command.get_name().to_owned();
    clap_complete::generate(args.shell, &mut command, name, &mut script);
    if context.terminal.json {
        let script = String::from_utf8_lossy(&script);
        context.terminal.json(&serde_json::json!({ "shell": args.shell.to_string(), "script": script }));
    } else {
        context.terminal.raw(&script);
    }
    Ok(Exit::Done)
}
