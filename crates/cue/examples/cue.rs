//! A program for development: `cargo run -p shipway-cue --features command-line --example cue -- export …`.

use std::process::ExitCode;

use shipway_cue::command::{Streams, run, variables};
use shipway_cue::load::Disk;
use shipway_cue::report::Colours;

fn main() -> ExitCode {
    let folder = std::env::current_dir().unwrap_or_default();
    let variables = variables(&folder, std::time::SystemTime::now());
    let (mut out, mut err) = (std::io::stdout().lock(), std::io::stderr().lock());
    let mut streams = Streams { files: &Disk, folder, variables, out: &mut out, err: &mut err, colours: Colours::None };
    ExitCode::from(run(std::env::args_os(), &mut streams))
}
