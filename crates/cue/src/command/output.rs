//! Where results go, and as what.
//!
//! Not here: how a format is written (that is [`crate::encode`]).

use std::path::Path;

use clap::ValueEnum;
use clap::builder::PossibleValue;

use super::{Failure, Streams};
use crate::data::Data;
use crate::error::{Code, Error};
use crate::source::{FileId, Span};
use crate::syntax::ast::ExprKind;
use crate::{decode, encode, format};

/// A format of results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// JSON over several lines
    Json,
    /// JSON, one value a line
    Jsonl,
    /// YAML
    Yaml,
    /// TOML
    Toml,
    /// CUE
    Cue,
    /// The text of a string
    Text,
    /// The bytes of a string or of bytes
    Binary,
}

impl Format {
    /// The format of a file's name.
    fn of_name(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit_once('.')?;
        Some(match extension {
            "json" => Self::Json,
            "jsonl" | "ldjson" | "ndjson" => Self::Jsonl,
            "yaml" | "yml" => Self::Yaml,
            "toml" => Self::Toml,
            "cue" => Self::Cue,
            "txt" => Self::Text,
            _ => return None,
        })
    }
}

/// What `--out`, `--outfile`, `--force` and `--escape` say.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct Output {
    /// The format of what is printed
    #[arg(long, value_name = "FORMAT")]
    pub out: Option<Format>,
    /// Write to a file instead of the standard output; `yaml:name` says the format too
    #[arg(short = 'o', long, value_name = "FILE")]
    pub outfile: Option<String>,
    /// Write over a file that is there
    #[arg(short, long)]
    pub force: bool,
    /// Write `<`, `>` and `&` as escapes in JSON
    #[arg(long)]
    pub escape: bool,
}

impl Output {
    /// Writes the results, in their order.
    pub(crate) fn write(&self, results: &[Data], streams: &mut Streams<'_>) -> Result<(), Failure> {
        let (format, file) = self.place(Format::Json)?;
        let bytes = self.encode(results, format).map_err(Failure::plain)?;
        self.put(&bytes, file, streams)
    }

    /// Writes texts of CUE, in their order; those that have a name have it above them.
    pub(crate) fn write_cue(&self, texts: &[(String, String)], streams: &mut Streams<'_>) -> Result<(), Failure> {
        let (_, file) = self.place(Format::Cue)?;
        let mut all = String::new();
        for (at, (name, text)) in texts.iter().enumerate() {
            match (at, name.is_empty()) {
                (_, false) => all.push_str(&format!("// {name}\n")),
                (0, true) => {}
                (_, true) => all.push_str("// ---\n"),
            }
            all.push_str(text);
        }
        self.put(all.as_bytes(), file, streams)
    }

    /// The format that is wanted, or this one if none is.
    pub(crate) fn format(&self, otherwise: Format) -> Result<Format, Failure> {
        self.place(otherwise).map(|(format, _)| format)
    }

    fn put(&self, bytes: &[u8], file: Option<&str>, streams: &mut Streams<'_>) -> Result<(), Failure> {
        match file {
            None => print(streams, bytes),
            Some(name) => self.to_file(&streams.folder.join(name), name, bytes),
        }
    }

    /// The format and, if it isn't the standard output, the file.
    fn place(&self, otherwise: Format) -> Result<(Format, Option<&str>), Failure> {
        let Some(place) = &self.outfile else { return Ok((self.out.unwrap_or(otherwise), None)) };
        let (qualifier, name) = match place.split_once(':') {
            Some((qualifier, name)) => (Some(named(qualifier)?), name),
            None => (None, place.as_str()),
        };
        if qualifier.is_some() && self.out.is_some() {
            return Err(Failure::usage("the format is said twice: by `--out`, and before the name of the file"));
        }
        let file = (name != "-").then_some(name);
        let format = qualifier.or(self.out).or_else(|| Format::of_name(name));
        match format.or_else(|| file.is_none().then_some(otherwise)) {
            Some(format) => Ok((format, file)),
            None => {
                let message = format!("the format of `{name}` can't be told by its name");
                Err(Failure::plain(Error::new(Code::Load, message, None).help("say it with `--out`")))
            }
        }
    }

    fn encode(&self, results: &[Data], format: Format) -> Result<Vec<u8>, Error> {
        let mut bytes = Vec::new();
        let mut line = |text: String| bytes.extend_from_slice(format!("{text}\n").as_bytes());
        match format {
            Format::Json => results.iter().for_each(|data| line(encode::json(data, "    ", self.escape))),
            Format::Jsonl => results.iter().for_each(|data| line(encode::json_compact(data, self.escape))),
            Format::Text => results.iter().map(encode::text).try_for_each(|text| text.map(&mut line))?,
            Format::Cue => bytes = results.iter().map(cue).collect::<Vec<_>>().join("// ---\n").into_bytes(),
            Format::Yaml => bytes = encode::yaml_stream(results).into_bytes(),
            Format::Toml => match results {
                [only] => bytes = encode::toml(only)?.into_bytes(),
                _ => return Err(Error::new(Code::Load, "a file of TOML holds one value only", None)),
            },
            Format::Binary => {
                for data in results {
                    bytes.extend(encode::binary(data)?);
                }
            }
        }
        Ok(bytes)
    }

    fn to_file(&self, path: &Path, name: &str, bytes: &[u8]) -> Result<(), Failure> {
        if path.exists() && !self.force {
            let error = Error::new(Code::Load, format!("the file `{name}` is there already"), None);
            return Err(Failure::plain(error.help("write over it with `--force`")));
        }
        write_file(path, name, bytes)
    }
}

/// The format of a qualifier, such as `yaml` of `yaml:name`.
fn named(qualifier: &str) -> Result<Format, Failure> {
    Format::from_str(qualifier, false).map_err(|_| {
        let names: Vec<_> = Format::value_variants().iter().filter_map(Format::to_possible_value).collect();
        let names: Vec<_> = names.iter().map(PossibleValue::get_name).collect();
        let message = format!("the format `{qualifier}` is not supported");
        Failure::plain(Error::new(Code::Unsupported, message, None).help(format!("there are {}", names.join(", "))))
    })
}

/// A value as the text of a file of CUE.
fn cue(data: &Data) -> String {
    let span = Span::new(FileId(u32::MAX), 0, 0);
    let value = decode::data_to_expr(data, span);
    match value.kind {
        ExprKind::Struct(of) => format::format_decls(&of.decls),
        _ => format!("{}\n", format::format_expr(&value)),
    }
}

/// Writes to the standard output.
pub(super) fn print(streams: &mut Streams<'_>, bytes: &[u8]) -> Result<(), Failure> {
    streams.out.write_all(bytes).map_err(|error| unwritable("the standard output", &error))
}

/// Writes a file, over one that is there.
pub(super) fn write_file(path: &Path, name: &str, bytes: &[u8]) -> Result<(), Failure> {
    std::fs::write(path, bytes).map_err(|error| unwritable(name, &error))
}

fn unwritable(name: &str, error: &std::io::Error) -> Failure {
    Failure::plain(Error::new(Code::Load, format!("{name} can't be written: {error}"), None))
}
