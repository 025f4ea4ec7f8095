//! The spec file of the folder that a person stands in. Not here: what is right or wrong in it (`shipway_config`), and
//! what a spec in CUE draws in (`spec_text`).

use std::path::{Path, PathBuf};

use shipway_config::read::{self, Source};
use shipway_core::ports::Fault;

use super::errors::CliError;
use crate::spec_text::{self, Reach};

/// The names that a spec file may have, for sentences.
pub const NAMES: &str = "shipway.toml or shipway.cue";

/// A spec file.
#[derive(Clone, Debug)]
pub struct SpecFile {
    /// Its folder, without links on the way.
    pub folder: PathBuf,
    /// Its name: one of `read::FILES`.
    pub name: &'static str,
    /// Its text, with all that it draws in.
    pub text: String,
    /// What it says, when it can be read.
    source: Option<Source>,
}

/// The spec files of a folder.
fn names_in(folder: &Path) -> Vec<&'static str> {
    read::FILES.into_iter().filter(|name| folder.join(name).is_file()).collect()
}

impl SpecFile {
    /// Reads the one in a folder.
    ///
    /// # Errors
    /// There is none, or more than one, or it can't be read.
    pub fn read(folder: &Path) -> Result<Self, CliError> {
        let [usual, ..] = read::FILES;
        let name = match names_in(folder).as_slice() {
            [] => usual,
            [only] => only,
            [..] => {
                let message = format!("{} holds {}: which is the spec?", folder.display(), read::FILES.join(" and "));
                return Err(CliError::failed(message, "keep one of them"));
            }
        };
        let text = spec_text::read(folder, name, Reach::Module)?.ok_or_else(|| {
            let fault = Fault::not_found(format!("{} holds no {NAMES}", folder.display()));
            CliError::Fault(fault.with_hint("name the folder that holds the spec"))
        })?;
        let folder = folder.canonicalize().map_err(|error| Fault::io(folder.display(), &error))?;
        let source = read::parse(name, &text).ok();
        Ok(Self { folder, name, text, source })
    }

    /// The nearest one from the current folder upwards; none when there is none.
    ///
    /// # Errors
    /// It is there and can't be read.
    pub fn nearest() -> Result<Option<Self>, CliError> {
        let here = std::env::current_dir().map_err(|error| Fault::io("finding the current folder", &error))?;
        let holds = here.ancestors().find(|folder| !names_in(folder).is_empty());
        holds.map(Self::read).transpose()
    }

    /// The project's name, when it says one.
    pub fn project(&self) -> Option<&str> {
        self.source.as_ref()?.tree.pointer("/project/name")?.as_str()
    }

    /// The environments in the order of the file.
    pub fn environments(&self) -> Vec<String> {
        let named = self.source.iter().flat_map(shipway_config::resolve::environments);
        named.map(|name| name.as_str().to_owned()).collect()
    }
}
