//! The commit that source lies at, where it lies in git and `git` is there.

use std::{collections::BTreeMap, path::Path};

use futures_util::StreamExt;
use shipway_core::{
    artifact::GitCommit,
    command_line::CommandLine,
    deployment::Deployment,
    ports::{CommandEnd, CommandEvent, CommandRun},
    spec::EnvironmentPlan,
};

use super::Fail;
use crate::{Engine, deploy::Active};

const GIT_TIMEOUT_MS: u64 = 5000;

/// Notes the commits of the project and of each service's folder.
pub(super) async fn note(
    engine: &Engine,
    active: &Active,
    plan: &EnvironmentPlan,
    folder: Option<&Path>,
) -> Result<(), Fail> {
    let Some(folder) = folder else { return Ok(()) };
    let Some(project) = commit(engine, folder, ".").await else { return Ok(()) };
    let mut commits = BTreeMap::new();
    for (name, service) in &plan.services {
        commits.insert(name.clone(), commit(engine, folder, &service.make.source).await);
    }
    let noted = |deployment: &mut Deployment| {
        deployment.git = Some(project);
        for (service, state) in &mut deployment.services {
            state.git = commits.remove(service).flatten();
        }
        Vec::new()
    };
    active.update(engine, noted).await?;
    Ok(())
}

/// The newest commit that changed a path.
async fn commit(engine: &Engine, folder: &Path, path: &str) -> Option<GitCommit> {
    let commit = git(engine, folder, &["log", "-1", "--format=%H", "--", path]).await?;
    let branch = git(engine, folder, &["symbolic-ref", "--quiet", "--short", "HEAD"]).await;
    Some(GitCommit { commit, branch })
}

/// The first line that git says; none when it fails or says nothing.
async fn git(engine: &Engine, folder: &Path, arguments: &[&str]) -> Option<String> {
    let words = std::iter::once("git").chain(arguments.iter().copied()).map(str::to_owned).collect();
    let path = std::env::var("PATH").ok()?;
    let run = CommandRun {
        command: CommandLine::new(words).ok()?,
        folder: folder.to_owned(),
        variables: BTreeMap::from([
            ("PATH".to_owned(), path),
            // Neither the user's settings nor a prompt may get in the way.
            ("GIT_CONFIG_NOSYSTEM".to_owned(), "1".to_owned()),
            ("GIT_TERMINAL_PROMPT".to_owned(), "0".to_owned()),
        ]),
        run_as: None,
        timeout_ms: GIT_TIMEOUT_MS,
        input: Vec::new(),
        secret_files: BTreeMap::new(),
    };
    let mut first = None;
    let mut events = engine.ports.runner.run(run);
    while let Some(event) = events.next().await {
        match event.ok()? {
            CommandEvent::Line(line) => first = first.or(Some(line)),
            CommandEvent::Ended(CommandEnd::Exited(0)) => return first.filter(|line| !line.is_empty()),
            CommandEvent::Ended(_) => return None,
        }
    }
    None
}
