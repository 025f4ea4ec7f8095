//! The text of a spec as it lies in a folder: of one in CUE, with all that it draws in.
//!
//! Not here: what of it belongs together (`shipway_config::read::gather`).

use std::{
    io::{self, Read},
    path::{Path, PathBuf},
};

use shipway_config::read::{TEXT_BYTES_MAX, gather, is_cue};
use shipway_core::{finding::Finding, ports::Fault};
use shipway_cue::load::{Disk, Files, Kind};

/// How far a spec may look for what it draws in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Upwards, to the module that the folder is in, and wherever that leads.
    Module,
    /// The folder alone: what came from elsewhere reads nothing of this machine.
    Folder,
}

/// Reads the spec `name` of a folder; none when it isn't there.
///
/// # Errors
/// It, or something that it draws in, can't be read, is no text, or is too large.
pub fn read(folder: &Path, name: &str, reach: Reach) -> Result<Option<String>, Fault> {
    let file = folder.join(name);
    let doing = || format!("reading {}", file.display());
    let mut text = String::new();
    match std::fs::File::open(&file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Fault::io(doing(), &error)),
        // One byte more shows that it is too large, and whoever reads the text says so.
        Ok(open) => open
            .take(TEXT_BYTES_MAX as u64 + 1)
            .read_to_string(&mut text)
            .map_err(|error| Fault::io(doing(), &error))?,
    };
    if !is_cue(name) || text.len() > TEXT_BYTES_MAX {
        return Ok(Some(text));
    }
    let folder = folder.canonicalize().map_err(|error| Fault::io(doing(), &error))?;
    let files = Reached { within: (reach == Reach::Folder).then(|| folder.clone()) };
    gather(&files, &folder, name, text).map(Some).map_err(|found| refusal(&file, &found))
}

fn refusal(file: &Path, found: &[Finding]) -> Fault {
    let said: Vec<&str> = found.iter().map(|finding| finding.message.as_str()).collect();
    let fault = Fault::invalid(format!("{}: {}", file.display(), said.join("; ")));
    match found.iter().find_map(|finding| finding.recommendation.clone()) {
        Some(advice) => fault.with_hint(advice),
        None => fault,
    }
}

/// The files of the machine, as far as a spec may see them.
struct Reached {
    within: Option<PathBuf>,
}

impl Reached {
    fn sees(&self, path: &Path) -> bool {
        // Links are followed to where they lead.
        self.within.as_ref().is_none_or(|folder| path.canonicalize().is_ok_and(|path| path.starts_with(folder)))
    }
}

impl Files for Reached {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        // A pipe or a device would never end.
        if !self.sees(path) || !std::fs::metadata(path)?.is_file() {
            return Err(io::ErrorKind::NotFound.into());
        }
        let mut bytes = Vec::new();
        std::fs::File::open(path)?.take(TEXT_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn kind(&self, path: &Path) -> Option<Kind> {
        Disk.kind(path).filter(|_| self.sees(path))
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<(String, Kind)>> {
        if self.sees(folder) { Disk.list(folder) } else { Err(io::ErrorKind::NotFound.into()) }
    }

    fn standard_input(&self) -> io::Result<Vec<u8>> {
        Err(io::ErrorKind::NotFound.into())
    }
}
