//! `import`: files of JSON, YAML and TOML, and JSON Schemas, as files of CUE.
//!
//! Not here: comments of TOML, and of YAML whose values are put elsewhere: they get lost.

use std::path::{Path, PathBuf};

use clap::Args;

use super::flags::{Common, DataFlags, refuse};
use super::placement::Placement;
use super::{Failure, Streams, output};
use crate::error::{Code, Error};
use crate::load::{self, Build, DataFile, Encoding, Options};
use crate::syntax::ast::{Decl, Expr, ExprKind};
use crate::{decode, format, jsonschema};

/// Write data files as CUE
#[derive(Args, Clone, Debug)]
pub struct Import {
    /// Files, each with the encoding of its name or of the qualifier before it (`yaml: file`)
    #[arg(required = true)]
    inputs: Vec<String>,
    #[command(flatten)]
    placement: Placement,
    /// The package clause of what is written
    #[arg(short, long, value_name = "NAME")]
    package: Option<String>,
    /// Write a file for each value
    #[arg(long, conflicts_with = "list")]
    files: bool,
    /// Write to this file, `-` for the standard output, instead of files beside the data
    #[arg(short = 'o', long, value_name = "FILE")]
    outfile: Option<String>,
    /// Write over files that are there
    #[arg(short, long)]
    force: bool,
    /// Only say what would be written
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    pub(super) common: Common,
    #[command(flatten)]
    data_flags: DataFlags,
    #[command(flatten)]
    unsupported: Unsupported,
}

/// Flags that `cue import` has and this hasn't.
#[derive(Args, Clone, Debug, Default)]
struct Unsupported {
    #[arg(short = 'R', long, hide = true)]
    recursive: bool,
    #[arg(long, hide = true)]
    ext: Vec<String>,
    #[arg(long, hide = true)]
    out: Option<String>,
    #[arg(short = 'd', long, hide = true)]
    schema: Option<String>,
    #[arg(long, hide = true, num_args = 0..=1)]
    merge: Option<String>,
}

impl Unsupported {
    fn refuse(&self) -> Result<(), Failure> {
        refuse(&[
            (self.recursive, "--recursive"),
            (!self.ext.is_empty(), "--ext"),
            (self.out.is_some(), "--out"),
            (self.schema.is_some(), "--schema"),
            (self.merge.is_some(), "--merge"),
        ])
    }
}

impl Import {
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> Result<(), Failure> {
        self.data_flags.refuse()?;
        self.unsupported.refuse()?;
        let options = Options { folder: streams.folder.clone(), ..Options::default() };
        let mut build = load::load(streams.files, &options, &self.inputs)?;
        if build.data.is_empty() && build.schemas.is_empty() {
            return Err(Failure::usage("there is no data file among the arguments"));
        }
        self.schemas(&build, streams)?;
        let data = std::mem::take(&mut build.data);
        let mut whole = Vec::new();
        for file in &data {
            if self.keeps_comments(file) {
                self.with_comments(&build, file, streams)?;
                continue;
            }
            for (name, decls) in self.convert(&mut build, file)? {
                match &self.outfile {
                    Some(_) => whole.extend(decls),
                    None => self.write(&name, &self.text(&decls), streams)?,
                }
            }
        }
        match &self.outfile {
            Some(name) if !data.is_empty() => self.write(name, &self.text(&whole), streams),
            _ => Ok(()),
        }
    }

    /// Writes the JSON Schemas among the arguments.
    fn schemas(&self, build: &Build, streams: &mut Streams<'_>) -> Result<(), Failure> {
        for schema in &build.schemas {
            for value in &schema.values {
                let text = jsonschema::to_cue(value, self.package.as_deref());
                let text = text.map_err(|error| Failure::new(vec![error], &build.sources))?;
                let name = self.outfile.clone().unwrap_or_else(|| name_for(&schema.name, 0));
                self.write(&name, &text, streams)?;
            }
        }
        Ok(())
    }

    /// Whether a file is written as it stands, with its comments: YAML whose values are not put elsewhere.
    fn keeps_comments(&self, file: &DataFile) -> bool {
        let one_each = file.values.len() == 1 || self.files;
        file.encoding == Encoding::Yaml && one_each && !self.placement.is_used() && self.outfile.is_none()
    }

    fn with_comments(&self, build: &Build, file: &DataFile, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let source =
            file.values.first().and_then(|value| Some((value.span.file, build.sources.file(value.span.file)?)));
        let Some((id, source)) = source else { return Ok(()) };
        let texts = decode::yaml_as_cue(id, &source.text);
        let texts = texts.map_err(|error| Failure::new(vec![error], &build.sources))?;
        for (index, text) in texts.iter().enumerate() {
            self.write(&name_for(&file.name, index), &format!("{}{text}", self.package_clause()), streams)?;
        }
        Ok(())
    }

    /// The files that a data file becomes, and what stands in them.
    fn convert(&self, build: &mut Build, file: &DataFile) -> Result<Vec<(String, Vec<Decl>)>, Failure> {
        if self.files {
            let mut written = Vec::new();
            for (index, value) in file.values.iter().enumerate() {
                let one = DataFile { values: vec![value.clone()], ..file.clone() };
                let placed = self.placement.place(build, &one)?;
                written.push((name_for(&file.name, index), placed.into_iter().flat_map(decls).collect()));
            }
            return Ok(written);
        }
        if file.values.len() > 1 && !self.placement.is_used() {
            let message = format!("`{}` holds several values", file.name);
            let error = Error::new(Code::Load, message, file.values.get(1).map(|value| value.span));
            let error = error.help("choose `-l LABEL`, `--list` or `--files`");
            return Err(Failure::new(vec![error], &build.sources));
        }
        let placed = self.placement.place(build, file)?;
        Ok(vec![(name_for(&file.name, 0), placed.into_iter().flat_map(decls).collect())])
    }

    fn package_clause(&self) -> String {
        self.package.as_ref().map(|name| format!("package {name}\n\n")).unwrap_or_default()
    }

    fn text(&self, decls: &[Decl]) -> String {
        format!("{}{}", self.package_clause(), format::format_decls(decls))
    }

    fn write(&self, name: &str, text: &str, streams: &mut Streams<'_>) -> Result<(), Failure> {
        if name == "-" {
            return output::print(streams, text.as_bytes());
        }
        let path = streams.folder.join(name);
        if streams.files.kind(&path).is_some() && !self.force {
            let _ = writeln!(streams.err, "`{name}` is there already and was left as it is; `-f` writes over it");
            return Ok(());
        }
        if self.dry_run {
            return output::print(streams, format!("{name}\n").as_bytes());
        }
        output::write_file(&path, name, text.as_bytes())
    }
}

/// A value as the declarations of a file.
fn decls(value: Expr) -> Vec<Decl> {
    match value.kind {
        ExprKind::Struct(of) => of.decls,
        _ => vec![Decl::Embed(Box::new(value))],
    }
}

/// `a.yaml` becomes `a.cue`, its further values `a-1.cue`.
fn name_for(name: &str, index: usize) -> String {
    if name == "-" {
        return "-".to_owned();
    }
    let stem: PathBuf = Path::new(name).with_extension("");
    match index {
        0 => format!("{}.cue", stem.display()),
        _ => format!("{}-{index}.cue", stem.display()),
    }
}
