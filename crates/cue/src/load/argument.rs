//! What the arguments mean: packages first, then files with their encodings.
//!
//! Source: CUE's `cue help inputs`, `cue help filetypes`, `internal/filetypes`.
//!
//! Not here: reading anything.

use super::import_path::{ImportPath, is_name};
use crate::error::{Code, Error};

/// What a file is read as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// CUE
    Cue,
    /// JSON
    Json,
    /// JSON values one after another
    JsonLines,
    /// YAML
    Yaml,
    /// TOML
    Toml,
    /// One string
    Text,
    /// Bytes
    Binary,
    /// A JSON Schema, written in JSON or YAML.
    JsonSchema,
}

impl Encoding {
    /// The encoding of a qualifier, such as `yaml` of `yaml:`.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "cue" => Self::Cue,
            "json" => Self::Json,
            "jsonl" => Self::JsonLines,
            "yaml" => Self::Yaml,
            "toml" => Self::Toml,
            "text" => Self::Text,
            "binary" => Self::Binary,
            "jsonschema" => Self::JsonSchema,
            _ => return None,
        })
    }

    /// The encoding of a file's name.
    #[must_use]
    pub fn of_name(name: &str) -> Option<Self> {
        let base = name.rsplit('/').next().unwrap_or(name);
        let (_, extension) = base.rsplit_once('.')?;
        Some(match extension {
            "cue" => Self::Cue,
            "json" => Self::Json,
            "jsonl" | "ldjson" | "ndjson" => Self::JsonLines,
            "yaml" | "yml" => Self::Yaml,
            "toml" => Self::Toml,
            "txt" => Self::Text,
            "wasm" => Self::Binary,
            _ => return None,
        })
    }
}

/// A file among the arguments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct FileArgument {
    /// As given; `-` is the standard input.
    pub(super) name: String,
    pub(super) encoding: Encoding,
    /// The encoding was guessed from the name: the file itself may still say that it is a schema.
    pub(super) guessed: bool,
}

/// The arguments, sorted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Arguments {
    pub(super) packages: Vec<String>,
    pub(super) files: Vec<FileArgument>,
}

/// Sorts the arguments.
pub(super) fn parse(arguments: &[String]) -> Result<Arguments, Error> {
    let first_file = arguments.iter().position(|argument| !is_package(argument)).unwrap_or(arguments.len());
    let (packages, others) = arguments.split_at(first_file);
    let mut files = Vec::new();
    let mut qualifier: Option<(&str, bool)> = None;
    for argument in others {
        match argument.split_once(':') {
            Some((name, "")) => {
                unused(qualifier)?;
                qualifier = Some((name, false));
            }
            Some((name, file)) if !name.is_empty() => {
                let message = format!("the argument `{argument}` joins a qualifier and a file");
                return Err(Error::new(Code::Load, message, None).help(format!("write `{name}: {file}`")));
            }
            _ => {
                let name = qualifier.map(|(name, _)| name);
                files.push(file(argument, name)?);
                qualifier = name.map(|name| (name, true));
            }
        }
    }
    unused(qualifier)?;
    Ok(Arguments { packages: packages.to_vec(), files })
}

fn unused(qualifier: Option<(&str, bool)>) -> Result<(), Error> {
    match qualifier {
        Some((name, false)) => Err(Error::new(Code::Load, format!("no file follows the qualifier `{name}:`"), None)),
        _ => Ok(()),
    }
}

/// Whether an argument is a package, by its look alone.
fn is_package(argument: &str) -> bool {
    if matches!(argument, "." | ".." | "" | "...") {
        return true;
    }
    if argument == "-" {
        return false;
    }
    let path = ImportPath::parse(argument);
    if let Some(name) = &path.qualifier {
        return (is_name(name) || name == "_" || name == "*") && !path.path.contains(':') && path.path != "-";
    }
    if !path.version.is_empty() {
        return path.has_plain_version();
    }
    let base = path.path.rsplit('/').next().unwrap_or_default();
    matches!(base, "" | "." | ".." | "...") || !base.contains('.')
}

fn file(name: &str, qualifier: Option<&str>) -> Result<FileArgument, Error> {
    let name = name.to_owned();
    let Some(qualifier) = qualifier else {
        let encoding = if name == "-" { Some(Encoding::Cue) } else { Encoding::of_name(&name) };
        return match encoding {
            Some(encoding) => Ok(FileArgument { name, encoding, guessed: true }),
            None => Err(unknown_extension(&name)),
        };
    };
    let mut encoding = None;
    for word in qualifier.split('+') {
        match (Encoding::named(word), word) {
            (Some(Encoding::JsonSchema), _) => encoding = Some(Encoding::JsonSchema),
            (Some(named), _) if encoding != Some(Encoding::JsonSchema) => encoding = Some(named),
            (Some(_), _) | (None, "schema" | "data" | "graph" | "dag") => {}
            (None, _) => {
                let message = format!("the qualifier `{word}:` of `{name}` is not supported");
                let help = "known are cue, json, jsonl, yaml, toml, text, binary, jsonschema, schema, data, graph, dag";
                return Err(Error::new(Code::Unsupported, message, None).help(help));
            }
        }
    }
    let encoding = encoding.or_else(|| if name == "-" { Some(Encoding::Cue) } else { Encoding::of_name(&name) });
    match encoding {
        Some(encoding) => Ok(FileArgument { name, encoding, guessed: false }),
        None => Err(unknown_extension(&name)),
    }
}

fn unknown_extension(name: &str) -> Error {
    Error::new(Code::Load, format!("what `{name}` holds can't be told by its name"), None)
        .help(format!("put a qualifier before it, such as `yaml: {name}`"))
}
