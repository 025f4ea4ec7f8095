//! `fmt`: the canonical layout of files.
//!
//! Not here: the layout itself (that is [`crate::format`]).

use std::path::Path;

use clap::Args;

use super::{Failure, Streams, output};
use crate::error::{Code, Error};
use crate::load::cue_files;
use crate::source::SourceMap;
use crate::{format, syntax};

/// Write files in the canonical layout
#[derive(Args, Clone, Debug)]
pub struct Fmt {
    /// Files, folders, `./...`; `-` is the standard input; the current folder if none is given
    inputs: Vec<String>,
    /// Only print the names of files in another layout, and end with status 1 if there are any
    #[arg(long)]
    check: bool,
}

impl Fmt {
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let mut sources = SourceMap::default();
        let files = cue_files(streams.files, &streams.folder, &self.inputs).map_err(Failure::plain)?;
        let mut errors = Vec::new();
        for file in files {
            let name = file.strip_prefix(&streams.folder).unwrap_or(&file).display().to_string();
            match self.one(&file, &name, &mut sources, streams) {
                Ok(()) => {}
                Err(more) => errors.extend(more),
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(Failure::new(errors, &sources)) }
    }

    fn one(
        &self,
        path: &Path,
        name: &str,
        sources: &mut SourceMap,
        streams: &mut Streams<'_>,
    ) -> Result<(), Vec<Error>> {
        let is_input = path == Path::new("-");
        let bytes = if is_input { streams.files.standard_input() } else { streams.files.read(path) };
        let unreadable = |reason: &dyn std::fmt::Display| {
            vec![Error::new(Code::Load, format!("`{name}` can't be read: {reason}"), None)]
        };
        let bytes = bytes.map_err(|reason| unreadable(&reason))?;
        let text = String::from_utf8(bytes).map_err(|reason| unreadable(&reason))?;
        let id = sources.add(name, text.as_str());
        let (file, errors) = syntax::parse_file(id, &text);
        if !errors.is_empty() {
            return Err(errors);
        }
        let formatted = format::format_file(&file, &text);
        match (self.check, is_input) {
            (true, _) if formatted != text => {
                let _ = writeln!(streams.out, "{name}");
                let message = format!("`{name}` is not in the canonical layout");
                Err(vec![Error::new(Code::User, message, None).help("write it so with `fmt`")])
            }
            (true, _) => Ok(()),
            (false, true) => output::print(streams, formatted.as_bytes()).map_err(|failure| failure.errors),
            (false, false) if formatted == text => Ok(()),
            (false, false) => output::write_file(path, name, formatted.as_bytes()).map_err(|failure| failure.errors),
        }
    }
}
