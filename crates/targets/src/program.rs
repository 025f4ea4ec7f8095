//! Which file a command's program is. Not here: starting it.

use std::{
    ffi::OsString,
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use shipway_core::{command_line::CommandLine, ports::Fault};

/// Where programs are looked for when nothing else is said.
pub(crate) const PATH_DEFAULT: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The server's own `PATH`.
pub(crate) fn server_path() -> String {
    std::env::var("PATH").ok().filter(|path| !path.is_empty()).unwrap_or_else(|| PATH_DEFAULT.to_owned())
}

/// Finds the program: with a `/` it is relative to the folder; else it is a file of the folder, else on `PATH`.
pub(crate) fn resolve(command: &CommandLine, folder: &Path, path: &str) -> Result<PathBuf, Fault> {
    let name = command.program();
    let inside: PathBuf = folder.join(name).components().collect();
    if name.contains('/') {
        return match (inside.is_file(), is_program(&inside)) {
            (_, true) => Ok(inside),
            (true, false) => Err(Fault::invalid(format!("the program `{name}` isn't executable"))
                .with_hint("set its execute bit (`chmod +x`) before it is packed")),
            (false, false) => Err(missing(name, &format!("in {}", folder.display()))),
        };
    }
    let path_list = OsString::from(path);
    let on_path = std::env::split_paths(&path_list).map(|place| place.join(name));
    std::iter::once(inside)
        .chain(on_path)
        .find(|file| is_program(file))
        .ok_or_else(|| missing(name, &format!("neither in {} nor on PATH ({path})", folder.display())))
}

fn missing(name: &str, place: &str) -> Fault {
    Fault::not_found(format!("the program `{name}` isn't there: {place}"))
        .with_hint("check the command, and that the program is part of the artifact or installed on this machine")
}

fn is_program(file: &Path) -> bool {
    fs::metadata(file).is_ok_and(|metadata| metadata.is_file() && metadata.permissions().mode() & 0o111 != 0)
}
