//! `fmt`: the canonical layout of files.
//!
//! Not here: the layout itself (that is [`crate::format`]).

use std::path::Path;

use clap::Args;

use super::diff::unified;
use super::flags::Common;
use super::{Failure, Streams, output};
use crate::error::{Code, Error};
use crate::format::{format_file, format_simplified};
use crate::load::{cue_files, cue_files_below, read_text};
use crate::source::SourceMap;
use crate::syntax;

/// Write files in the canonical layout
#[derive(Args, Clone, Debug)]
pub struct Fmt {
    /// Files, folders, `./...`; `-` is the standard input; the current folder if none is given
    inputs: Vec<String>,
    /// Only print the names of files in another layout, and end with status 1 if there are any
    #[arg(long)]
    check: bool,
    /// Print what would change instead of writing it
    #[arg(short, long)]
    diff: bool,
    /// Go into folders: all files below them whose names end with `.cue`
    #[arg(long)]
    files: bool,
    /// Leave out braces and quotes that aren't needed
    #[arg(short, long)]
    simplify: bool,
    #[command(flatten)]
    pub(super) common: Common,
}

impl Fmt {
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let named = if self.files { cue_files_below } else { cue_files };
        let files = named(streams.files, &streams.folder, &self.inputs).map_err(Failure::plain)?;
        let (mut sources, mut errors) = (SourceMap::default(), Vec::new());
        for path in files {
            let name = path.strip_prefix(&streams.folder).unwrap_or(&path).display().to_string();
            match self.laid_out(&path, &name, &mut sources, streams) {
                Ok((text, formatted)) => errors.extend(self.tell(&path, &name, &text, &formatted, streams)?),
                Err(more) => errors.extend(more),
            }
        }
        if errors.is_empty() { Ok(()) } else { Err(Failure::new(errors, &sources)) }
    }

    /// A file's text, and the same in the canonical layout.
    fn laid_out(
        &self,
        path: &Path,
        name: &str,
        sources: &mut SourceMap,
        streams: &Streams<'_>,
    ) -> Result<(String, String), Vec<Error>> {
        let text = read_text(streams.files, path, name).map_err(|error| vec![error])?;
        let (file, errors) = syntax::parse_file(sources.add(name, text.as_str()), &text);
        if !errors.is_empty() {
            return Err(errors);
        }
        let formatted = if self.simplify { format_simplified(&file, &text) } else { format_file(&file, &text) };
        Ok((text, formatted))
    }

    /// Writes the layout, or says what it would change; gives what `--check` finds wrong.
    fn tell(
        &self,
        path: &Path,
        name: &str,
        text: &str,
        formatted: &str,
        streams: &mut Streams<'_>,
    ) -> Result<Option<Error>, Failure> {
        let is_input = path == Path::new("-");
        let only_told = self.check || self.diff;
        if is_input && !only_told {
            output::print(streams, formatted.as_bytes())?;
        }
        if formatted == text {
            return Ok(None);
        }
        match (self.diff, self.check) {
            (true, _) => output::print(streams, unified(name, text, formatted).as_bytes())?,
            (false, true) => output::print(streams, format!("{name}\n").as_bytes())?,
            (false, false) if is_input => {}
            (false, false) => output::write_file(path, name, formatted.as_bytes())?,
        }
        let message = format!("`{name}` is not in the canonical layout");
        Ok(self.check.then(|| Error::new(Code::User, message, None).help("write it so with `fmt`")))
    }
}
