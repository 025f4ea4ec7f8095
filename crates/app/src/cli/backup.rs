//! `shipway backup`: a copy of everything that can't be made again.

use std::path::PathBuf;

use shipway_api::{BackupRequest, BackupView};

use super::{Exit, Outcome, context::Context, terminal::Paint, words};

/// Copy everything that can't be made again into a folder, while everything runs
///
/// The database as of one moment, artifacts, data folders and their copies. What the folder holds already is not copied
/// again. Keys are not in it: keep `admin.token` and the master key apart.
#[derive(clap::Args)]
pub struct Args {
    /// The folder, on the server's machine; the one that the server was told with --backup-to when absent
    folder: Option<PathBuf>,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let folder = args.folder.map(|folder| std::path::absolute(&folder).unwrap_or(folder));
    let view: BackupView = context.remote()?.post("/api/backups", &BackupRequest { folder }).await?;
    context.terminal.show(&view, |paint| lines(paint, &view));
    Ok(Exit::Done)
}

fn lines(_: Paint, view: &BackupView) -> Vec<String> {
    let (files, bytes) = (words::count(view.files, "file"), words::size(view.bytes));
    vec![
        format!("✓ {} in {}", view.name, view.folder.display()),
        format!("  {files}, {bytes}, of which {} are new", words::size(view.new_bytes)),
        format!("→ `shipway restore {} --data EMPTY_FOLDER` puts it back", view.folder.display()),
    ]
}
