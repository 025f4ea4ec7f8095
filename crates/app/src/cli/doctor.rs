//! `shipway doctor`: whether everything agrees.

use shipway_api::{DoctorRequest, DoctorView};

use super::{
    Exit, Outcome,
    context::Context,
    table::{Table, plain},
    terminal::{Hue, Paint},
    words,
};

/// Check that database, artifacts, releases, instances, routes and events agree; exits 1 when they don't
#[derive(clap::Args)]
pub struct Args {
    /// Put right what can be: unpack releases again, drop dead records, publish the routes again
    #[arg(long)]
    repair: bool,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let remote = context.remote()?;
    let view: DoctorView = remote.post("/api/doctor", &DoctorRequest { repair: args.repair }).await?;
    context.terminal.show(&view, |paint| lines(paint, &view));
    Ok(if view.sound { Exit::Done } else { Exit::Failed })
}

fn lines(paint: Paint, view: &DoctorView) -> Vec<String> {
    if view.complaints.is_empty() {
        return vec!["✓ database, artifacts, releases, instances, routes and events agree".into()];
    }
    let mut table = Table::new(&["what", "is wrong", "what to do"]);
    for one in &view.complaints {
        let (hue, next) = match one.repaired {
            true => (Hue::Good, "repaired"),
            false => (Hue::Bad, one.hint.as_str()),
        };
        table.row(vec![(Hue::Bold, one.area.clone()), plain(&one.message), (hue, next.to_owned())]);
    }
    let mut lines = table.lines(paint, 0);
    let open = view.complaints.iter().filter(|one| !one.repaired).count() as u64;
    lines.push(format!("{}, {} open", words::count(view.complaints.len() as u64, "complaint"), open));
    lines
}
