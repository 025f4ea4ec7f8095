//! What `@experiment(name, …)` turns on in a file, and what a language version has turned on for good.
//!
//! Source: CUE v0.17's `internal/cueexperiment/file.go`.
//!
//! Not here: what an experiment does.

use std::collections::BTreeSet;

use super::attribute;
use super::module::LanguageVersion;
use crate::error::{Code, Error};
use crate::syntax::ast::File;

/// The experiments that a file has, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Experiments(BTreeSet<&'static str>);

impl Experiments {
    /// Whether one is on.
    #[must_use]
    pub fn has(&self, name: &str) -> bool {
        self.0.contains(name)
    }
}

struct Known {
    name: &'static str,
    /// The first version that knows it.
    preview: LanguageVersion,
    /// The first version that always has it.
    stable: Option<LanguageVersion>,
}

const fn known(name: &'static str, preview: u32, stable: Option<u32>) -> Known {
    let stable = match stable {
        Some(minor) => Some(LanguageVersion::new(0, minor, 0)),
        None => None,
    };
    Known { name, preview: LanguageVersion::new(0, preview, 0), stable }
}

const KNOWN: &[Known] = &[
    known("testing", 13, None),
    known("accepted_", 13, Some(15)),
    known("structcmp", 14, Some(15)),
    known("explicitopen", 15, None),
    known("aliasv2", 15, None),
    known("try", 16, None),
    known("shortcircuit", 17, None),
    known("predicates", 17, None),
];

/// The experiments of a file.
pub(super) fn of(file: &File, language: Option<&LanguageVersion>) -> Result<Experiments, Error> {
    let stable = |known: &&Known| known.stable.as_ref().is_some_and(|stable| language.is_none_or(|l| l >= stable));
    let mut on: BTreeSet<_> = KNOWN.iter().filter(stable).map(|known| known.name).collect();
    for attribute in file.attributes.iter().filter(|attribute| &*attribute.name == "experiment") {
        for argument in attribute::arguments(attribute)? {
            let error = |message| Error::new(Code::Load, message, Some(attribute.span));
            let Some(known) = KNOWN.iter().find(|known| known.name == argument.value) else {
                let names = KNOWN.iter().map(|known| known.name).collect::<Vec<_>>().join(", ");
                let message = format!("there is no experiment `{}`", argument.value);
                return Err(error(message).help(format!("known are {names}")));
            };
            if language.is_some_and(|language| *language < known.preview) {
                let message = format!("the experiment `{}` needs language version {}", known.name, known.preview);
                return Err(error(message).help("raise `language: version` in `cue.mod/module.cue`"));
            }
            on.insert(known.name);
        }
    }
    Ok(Experiments(on))
}
