//! One-off commands of a release, with their output in a log of the deployment. Not here: when they run (`hooks`,
//! `migrate`).

use futures_util::StreamExt;
use shipway_core::{
    command_line::CommandLine,
    id::InstanceId,
    ports::{CommandEnd, CommandEvent, CommandRun, Fault},
    release::Release,
};

use super::{
    failure::{Broken, LOG_TAIL_LINES},
    instances::context_with_secrets,
    mover::Mover,
};

/// A command that runs once.
pub(super) struct OneOff<'a> {
    /// What it is, in a word.
    pub(super) what: &'a str,
    pub(super) command: &'a CommandLine,
    pub(super) timeout_s: u64,
    /// The setting below `timeouts` that bounds it.
    pub(super) setting: &'a str,
    pub(super) log: &'a str,
}

impl OneOff<'_> {
    /// Runs it in the release's folder, with the variables of its instances.
    pub(super) async fn run(&self, mover: &Mover<'_>, release: &Release) -> Result<(), Broken> {
        let logs = &mover.engine.ports.logs;
        let context = context_with_secrets(mover.engine, release, &InstanceId::new(self.what), None).await?;
        let run = CommandRun {
            command: self.command.clone(),
            folder: context.folder,
            variables: context.variables,
            run_as: context.run_as,
            timeout_ms: self.timeout_s * 1000,
            input: Vec::new(),
            secret_files: context.secret_files,
        };
        logs.append(self.log, &[format!("$ {}", self.command)])?;
        let mut events = mover.engine.ports.runner.run(run);
        let mut end = Err(Fault::unavailable("the command did not end"));
        while let Some(event) = events.next().await {
            match event? {
                CommandEvent::Line(line) => logs.append(self.log, &[line])?,
                CommandEvent::Ended(how) => end = Ok(how),
            }
        }
        match end? {
            CommandEnd::Exited(0) => Ok(()),
            end => Err(self.broken(mover, end).await),
        }
    }

    async fn broken(&self, mover: &Mover<'_>, end: CommandEnd) -> Broken {
        let all_of_it = format!("`shipway logs {}` shows all that it said", mover.active.read().await.name);
        let (how, hint) = match end {
            CommandEnd::Exited(status) => (format!("exited with status {status}"), all_of_it),
            CommandEnd::Signalled(signal) => (format!("was ended by signal {signal}"), all_of_it),
            CommandEnd::TimedOut => {
                let hint = format!("raise `timeouts.{}` when it only needs longer; {all_of_it}", self.setting);
                (format!("did not end within {} s", self.timeout_s), hint)
            }
        };
        let log_tail = mover.engine.ports.logs.tail(self.log, LOG_TAIL_LINES).unwrap_or_default();
        let broken = Broken::release(format!("the {} `{}` {how}", self.what, self.command));
        Broken { log_tail, hint: Some(hint), ..broken }
    }
}
