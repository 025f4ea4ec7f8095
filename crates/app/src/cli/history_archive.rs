//! `shipway history archive`, and `shipway history --archive`: deployments as files, and back. No server is needed to
//! read them.

use std::path::{Path, PathBuf};

use serde::Serialize;
use shipway_api::{DeploymentPage, DeploymentView, summary_view};
use shipway_core::{archive::Archived, history::Entry};

use super::{
    Exit, Outcome,
    context::Context,
    errors::CliError,
    history::{Moment, lines},
    remote::{escaped, with_query},
    scope::{self, EnvironmentArg},
    terminal::{Hue, Paint},
    words,
};
use crate::archive::{self, Found, Writing};

/// Deployments that are asked for at a time.
const PAGE: u32 = 200;

/// Write deployments that have ended to a file, with all that is known of them; they stay on the server
#[derive(clap::Args)]
pub struct Args {
    #[command(flatten)]
    environment: EnvironmentArg,
    /// Those before then: a length of time such as `90d` before now, or a time such as 2026-01-31T00:00:00Z
    #[arg(long, value_name = "TIME")]
    before: Moment,
    /// The file; it must not be there yet
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
}

/// What was archived.
#[derive(Serialize)]
struct Written {
    file: PathBuf,
    deployments: u64,
}

/// Runs `shipway history archive`.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let environment = scope.environment(&remote, &args.environment).await?;
    let mut writing = Writing::begin(&args.output)?;
    let (mut deployments, mut next) = (0, None);
    loop {
        let query = [
            ("environment", Some(environment.clone())),
            ("until", Some(args.before.to_string())),
            ("limit", Some(PAGE.to_string())),
            ("before", next.take()),
        ];
        let page: DeploymentPage = remote.get(&with_query(&scope.path("/deployments"), &query)).await?;
        for view in page.items.iter().filter(|view| view.phase.is_end()) {
            writing.add(&remote.text(&format!("/api/deployments/{}/archive", escaped(view.id.as_str()))).await?)?;
            deployments += 1;
        }
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    writing.end()?;
    let written = Written { file: args.output, deployments };
    let file = written.file.display().to_string();
    context.terminal.show(&written, |_| {
        vec![
            format!("✓ {} in {file}", words::count(deployments, "deployment")),
            format!("→ `shipway history --archive {file}` reads it"),
        ]
    });
    Ok(Exit::Done)
}

/// An archive as it was read.
#[derive(Serialize)]
struct ArchiveView {
    items: Vec<DeploymentView>,
    damaged: Vec<Damaged>,
}

/// A file that can't be used.
#[derive(Serialize)]
struct Damaged {
    file: String,
    why: String,
}

/// Lists an archive, and checks all of it: newest first, of those that fit.
pub fn list(context: &Context, path: &Path, limit: usize, fits: impl Fn(&Entry) -> bool) -> Outcome {
    let (mut items, mut damaged) = (Vec::new(), Vec::new());
    archive::read(path, |Found { file, archived }| match archived {
        Ok(archived) if fits(&Entry::of(&archived.deployment)) => {
            items.push(summary_view(&archived.deployment, words::now()));
        }
        Ok(_) => {}
        Err(why) => damaged.push(Damaged { file, why }),
    })?;
    items.sort_by(|one, other| other.created_at.cmp(&one.created_at).then_with(|| other.id.cmp(&one.id)));
    items.truncate(limit);
    let view = ArchiveView { items, damaged };
    context.terminal.show(&view, |paint| listed(paint, &view, path));
    Ok(if view.damaged.is_empty() { Exit::Done } else { Exit::Failed })
}

fn listed(paint: Paint, view: &ArchiveView, path: &Path) -> Vec<String> {
    let mut all = match view.items.is_empty() {
        true => vec![format!("no deployment in {} fits", path.display())],
        false => lines(paint, &view.items, ""),
    };
    let told = |one: &Damaged| format!("{} {} is damaged: {}", paint.put(Hue::Bad, "✗"), one.file, one.why);
    all.extend(view.damaged.iter().map(told));
    all
}

/// Shows one deployment of an archive.
pub fn show(context: &Context, path: &Path, wanted: &str) -> Outcome {
    let (mut found, mut damage) = (None, None);
    archive::read(path, |Found { file, archived }| match archived {
        Ok(archived) if archived.deployment.id.as_str() == wanted || archived.deployment.name == wanted => {
            found = Some(archived);
        }
        Ok(_) => {}
        Err(why) if file.starts_with(wanted) => damage = Some(why),
        Err(_) => {}
    })?;
    // What is there twice, or otherwise than it should be, is not shown as if it were sound.
    match (found, damage) {
        (_, Some(why)) => Err(CliError::failed(
            format!("{wanted} is damaged in {}: {why}", path.display()),
            "use another copy of the archive",
        )),
        (Some(archived), None) => {
            context.terminal.show(&*archived, |paint| all_of(paint, &archived));
            Ok(Exit::Done)
        }
        (None, None) => Err(CliError::failed(
            format!("there is no {wanted} in {}", path.display()),
            format!("`shipway history --archive {}` lists what there is", path.display()),
        )),
    }
}

fn all_of(paint: Paint, archived: &Archived) -> Vec<String> {
    let mut all = lines(paint, &[summary_view(&archived.deployment, words::now())], "");
    let failures = archived.deployment.failures.iter();
    all.extend(failures.map(|failure| format!("{} {}", paint.put(Hue::Bad, "✗"), failure.message)));
    for event in &archived.events {
        all.push(format!("{} {}", paint.put(Hue::Faint, event.at), event.body.message));
    }
    for (name, log) in &archived.logs {
        all.push(paint.put(Hue::Bold, name).to_string());
        all.extend(log.iter().map(|line| format!("  {line}")));
    }
    all
}
