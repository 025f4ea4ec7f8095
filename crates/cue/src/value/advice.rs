//! What the files say about an error that the graph doesn't know: which tag would give a value that is missing.
//!
//! Not here: advice that the graph has (`eval::report`).

use crate::compile::PackageSource;
use crate::error::{Code, Error};
use crate::load;

/// The same error with advice, where it has none and the files of its package have some.
pub(super) fn advised(error: Error, package: &PackageSource) -> Error {
    if error.code != Code::Incomplete || error.help.is_some() {
        return error;
    }
    let places = error.labels.iter().map(|label| label.span);
    let mut tags = places.filter_map(|place| {
        let file = package.files.iter().find(|file| file.id == place.file)?;
        load::tag_of_value(file, place)
    });
    match tags.next() {
        Some(tag) => error.help(format!("give it with -t {tag}=…")),
        None => error,
    }
}
