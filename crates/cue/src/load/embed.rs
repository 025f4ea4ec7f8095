//! Files as values: `@embed(file=…)` and `@embed(glob=…)` on fields of files that say `@extern(embed)`.
//!
//! Source: CUE's `cue help embed` and `cue/interpreter/embed`.
//!
//! Not here: CUE files, schemas, several values in one file.

use std::path::Path;
use std::sync::Arc;

use super::argument::Encoding;
use super::attribute::{self, Argument, lookup};
use super::files::Kind;
use super::sources::Sources;
use super::{document, glob, tag, walk};
use crate::decode;
use crate::error::{Code, Error};
use crate::source::Span;
use crate::syntax::ast::{Attribute, Decl, Expr, ExprKind, Field, File, Label};

/// Puts the embedded files of one file in; `folder` is where it stands.
pub(super) fn embed(sources: &mut Sources<'_>, file: &mut Arc<File>, folder: &Path, in_module: bool) -> Vec<Error> {
    match is_enabled(file) {
        Ok(Some(_)) if in_module => {}
        Ok(Some(span)) => {
            let error = Error::new(Code::Load, "files can't be embedded outside of a module", Some(span));
            return vec![error.help("make the folder a module: write `cue.mod/module.cue`")];
        }
        Ok(None) => return Vec::new(),
        Err(error) => return vec![error],
    }
    let mut errors = Vec::new();
    let mut visit = |field: &mut Field| {
        let attributes: Vec<Attribute> = attributes(field).into_iter().cloned().collect();
        if let Some(second) = attributes.get(1) {
            errors.push(Error::new(Code::Load, "a field embeds once at most", Some(second.span)));
        } else if let Some(attribute) = attributes.first() {
            match Embed::new(sources, attribute, folder).and_then(|mut embed| embed.value(field)) {
                Ok(value) => tag::unify(&mut field.value, value),
                Err(error) => errors.push(error),
            }
        }
    };
    walk::fields(&mut Arc::make_mut(file).decls, &mut visit);
    let loose = file.decls.iter().filter_map(|decl| match decl {
        Decl::Attribute(attribute) if &*attribute.name == "embed" => Some(attribute),
        _ => None,
    });
    errors.extend(loose.map(|attribute| Error::new(Code::Load, "this `@embed` is on no field", Some(attribute.span))));
    errors
}

/// The place of `@extern(embed)` before the package clause, if it is there.
fn is_enabled(file: &File) -> Result<Option<Span>, Error> {
    let externs: Vec<_> = file.attributes.iter().filter(|attribute| &*attribute.name == "extern").collect();
    let Some(first) = externs.first() else { return Ok(None) };
    let wrong = |message: &str| Error::new(Code::Load, message, Some(first.span));
    if let Some(second) = externs.get(1) {
        return Err(Error::new(Code::Load, "a file has one `@extern` at most", Some(second.span)));
    }
    match &file.package {
        None => return Err(wrong("`@extern` needs a package clause after it")),
        Some(name) if name.span.start < first.span.start => {
            return Err(wrong("`@extern` stands before the package clause"));
        }
        Some(_) => {}
    }
    match attribute::arguments(first)?.first() {
        Some(Argument { key: None, value }) if value == "embed" => Ok(Some(first.span)),
        _ => Err(Error::new(Code::Unsupported, "only `@extern(embed)` is supported", Some(first.span))),
    }
}

/// The `@embed`s of a field: behind its value, or in the struct that it is.
fn attributes(field: &Field) -> Vec<&Attribute> {
    let inner = match &field.value.kind {
        ExprKind::Struct(of) if of.braces => of.decls.as_slice(),
        _ => &[],
    };
    let inner = inner.iter().filter_map(|decl| match decl {
        Decl::Attribute(attribute) => Some(attribute),
        _ => None,
    });
    field.attributes.iter().chain(inner).filter(|attribute| &*attribute.name == "embed").collect()
}

struct Embed<'a, 'b> {
    sources: &'a mut Sources<'b>,
    folder: &'a Path,
    arguments: Vec<Argument>,
    span: Span,
}

impl<'a, 'b> Embed<'a, 'b> {
    fn new(sources: &'a mut Sources<'b>, attribute: &Attribute, folder: &'a Path) -> Result<Self, Error> {
        Ok(Self { sources, folder, arguments: attribute::arguments(attribute)?, span: attribute.span })
    }

    fn error(&self, message: impl Into<String>) -> Error {
        Error::new(Code::Load, message, Some(self.span))
    }

    fn value(&mut self, field: &Field) -> Result<Expr, Error> {
        if !matches!(field.label, Label::Ident(_) | Label::String(..)) {
            return Err(self.error("`@embed` is for fields with a plain label"));
        }
        let of = |key| lookup(&self.arguments, key).filter(|value| !value.is_empty()).map(str::to_owned);
        let encoding = of("type").map(|name| self.encoding(&name)).transpose()?;
        let empty_allowed = attribute::has_flag(&self.arguments, "allowEmptyGlob");
        match (of("file"), of("glob")) {
            (Some(_), Some(_)) => Err(self.error("`@embed` takes `file` or `glob`, not both")),
            (None, None) => Err(self.error("`@embed` takes `file=…` or `glob=…`")),
            (Some(_), None) if empty_allowed => Err(self.error("`allowEmptyGlob` goes with `glob`")),
            (Some(file), None) => {
                self.check(&file)?;
                self.file(&file, encoding)
            }
            (None, Some(pattern)) => {
                self.check(&pattern)?;
                self.glob(&pattern, encoding, empty_allowed)
            }
        }
    }

    fn encoding(&self, name: &str) -> Result<Encoding, Error> {
        match Encoding::named(name) {
            Some(Encoding::Cue | Encoding::JsonLines | Encoding::JsonSchema) | None => {
                let message = format!("a file of type `{name}` can't be embedded");
                let error = Error::new(Code::Unsupported, message, Some(self.span));
                Err(error.help("json, yaml, toml, text and binary can"))
            }
            Some(encoding) => Ok(encoding),
        }
    }

    /// A path is relative, without `.` and `..` and empty parts.
    fn check(&self, path: &str) -> Result<(), Error> {
        if path.starts_with('/') {
            return Err(self.error("only files below the folder of this file can be embedded: the path is absolute"));
        }
        match path.split('/').find(|part| matches!(*part, "" | "." | "..")) {
            Some("..") => Err(self.error("only files below the folder of this file can be embedded")),
            Some(_) => {
                Err(self.error(format!("the path `{path}` is not in its plain form")).help("leave out `.` and `//`"))
            }
            None => Ok(()),
        }
    }

    fn glob(&mut self, pattern: &str, encoding: Option<Encoding>, empty_allowed: bool) -> Result<Expr, Error> {
        if pattern.contains("**") {
            return Err(Error::new(Code::Unsupported, "`**` in a pattern is not supported", Some(self.span)));
        }
        if !glob::is_valid(pattern) {
            return Err(self.error(format!("the pattern `{pattern}` is not well-formed")));
        }
        let base = pattern.rsplit('/').next().unwrap_or_default();
        let extension = base.rsplit_once('.').map(|(_, extension)| extension);
        if encoding.is_none() && extension.is_none_or(|text| text.contains(['*', '?', '[', '\\'])) {
            return Err(self.error("the type of the files can't be told from the pattern").help("add `type=…`"));
        }
        let found = glob::files(self.sources.files, self.folder, pattern);
        if found.is_empty() && !empty_allowed {
            let error = self.error(format!("no file matches `{pattern}`"));
            return Err(error.help("add `allowEmptyGlob` if that is fine"));
        }
        let mut fields = Vec::new();
        for name in found {
            let value = self.file(&name, encoding)?;
            fields.push(decode::field(Arc::from(name), self.span, value));
        }
        Ok(decode::structure(fields, self.span))
    }

    fn file(&mut self, name: &str, encoding: Option<Encoding>) -> Result<Expr, Error> {
        let path = self.folder.join(name);
        let above = Path::new(name).ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
        for folder in above {
            if self.sources.files.kind(&self.folder.join(folder).join("cue.mod")).is_some() {
                return Err(self.error(format!("`{name}` is in another module")));
            }
        }
        match self.sources.files.kind(&path) {
            Some(Kind::File) => {}
            Some(Kind::Folder) => return Err(self.error(format!("`{name}` is a folder"))),
            None => return Err(self.error(format!("there is no file `{name}`"))),
        }
        let encoding = match encoding.or_else(|| Encoding::of_name(name)) {
            Some(Encoding::Cue) => self.encoding("cue")?,
            Some(Encoding::JsonLines) => self.encoding("jsonl")?,
            Some(encoding) => encoding,
            None => {
                let error = self.error(format!("the type of `{name}` can't be told by its name"));
                return Err(error.help("add `type=…`"));
            }
        };
        let (id, bytes) = self.sources.read(&path).map_err(|error| error.at(self.span, ""))?;
        let mut values = document::values(id, &bytes, encoding)?;
        match (values.pop(), values.len()) {
            (Some(value), 0) => Ok(value),
            _ => {
                let error = self.error(format!("`{name}` holds several values"));
                Err(error.help("embed it with `type=text` and read it with `yaml.UnmarshalStream`"))
            }
        }
    }
}
