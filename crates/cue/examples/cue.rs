//! A program for development: `cargo run -p shipway-cue --features command-line --example cue -- export …`.

use std::process::ExitCode;

use shipway_cue::command::{Streams, run};
use shipway_cue::load::{Disk, Variables};
use shipway_cue::report::Colours;

fn main() -> ExitCode {
    let folder = std::env::current_dir().unwrap_or_default();
    let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr().lock());
    let mut streams = Streams {
        files: &Disk,
        folder,
        variables: Variables::default(),
        out: &mut out,
        err: &mut err,
        colours: Colours::None,
    };
    ExitCode::from(run(std::env::args_os(), &mut streams))
}
