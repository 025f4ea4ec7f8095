//! `set`: a change to the text of a file, kept only if the configuration still holds.
//!
//! Not here: how a text is changed (that is [`crate::edit`]).

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;

use super::{Failure, Streams, output};
use crate::Limits;
use crate::edit::{self, parse_path};
use crate::error::{Code, Error};
use crate::load::{self, Build, Files, Kind, Options, clean, module_root, read_text};
use crate::source::{FileId, SourceMap};
use crate::syntax;

/// Change a value in a file, and keep everything else of it
#[derive(Args, Clone, Debug)]
#[command(group(clap::ArgGroup::new("what").args(["append", "insert", "remove"])))]
pub struct Set {
    /// The file
    file: PathBuf,
    /// The path of the field, as in `spec.containers[0].image`
    path: String,
    /// The value, an expression; a string needs its quotes
    #[arg(required_unless_present = "remove", conflicts_with = "remove", allow_negative_numbers = true)]
    value: Option<String>,
    /// Add the value to the end of the list at the path
    #[arg(long)]
    append: bool,
    /// Put the value before this element of the list at the path
    #[arg(long, value_name = "INDEX")]
    insert: Option<usize>,
    /// Remove the field or element at the path
    #[arg(long)]
    remove: bool,
    /// The package to check afterwards, if not the one of the file's folder
    #[arg(long, value_name = "INPUT")]
    check: Vec<String>,
    /// Fill a tag while checking
    #[arg(short = 't', long = "inject", value_name = "TAG")]
    tags: Vec<String>,
    /// Print the changed text instead of writing it
    #[arg(long)]
    dry_run: bool,
}

impl Set {
    pub(super) fn run(&self, streams: &mut Streams<'_>) -> Result<(), Failure> {
        let name = self.file.display().to_string();
        let path = clean(&streams.folder.join(&self.file));
        let text = read_text(streams.files, &path, &name).map_err(Failure::plain)?;
        let mut sources = SourceMap::default();
        let id = sources.add(name.as_str(), text.as_str());
        let changed = self.change(id, &text).map_err(|error| Failure::new(vec![error], &sources))?;
        let checked = self.checked(streams, &path, &text);
        let before = self.check(&checked, streams.files).err();
        let changes = Changed { under: streams.files, path: &path, content: changed.as_bytes() };
        if let Err(after) = self.check(&checked, &changes) {
            return Err(only_new(after, before));
        }
        match self.dry_run {
            true => output::print(streams, changed.as_bytes()),
            false => output::write_file(&path, &name, changed.as_bytes()),
        }
    }

    fn change(&self, id: FileId, text: &str) -> Result<String, Error> {
        let path = parse_path(&self.path)?;
        let value = self.value.as_deref().unwrap_or_default();
        match (self.remove, self.append, self.insert) {
            (true, _, _) => edit::remove(id, text, &path),
            (_, true, _) => edit::append(id, text, &path, value),
            (_, _, Some(index)) => edit::insert(id, text, &path, index, value),
            _ => edit::set(id, text, &path, value),
        }
    }

    /// What is checked: what `--check` names, else the package of the file.
    fn checked(&self, streams: &Streams<'_>, path: &Path, text: &str) -> Checked {
        if !self.check.is_empty() {
            return Checked { folder: streams.folder.clone(), inputs: self.check.clone(), file: None };
        }
        let above = path.parent().unwrap_or(path);
        let below = above.strip_prefix(clean(&streams.folder)).ok();
        let same_module = module_root(streams.files, above) == module_root(streams.files, &streams.folder);
        let (folder, below) = match below.filter(|_| same_module) {
            Some(below) => (streams.folder.clone(), below),
            None => (above.to_path_buf(), Path::new("")),
        };
        let (file, _) = syntax::parse_file(FileId(0), text);
        let inputs = match file.package.filter(|package| &*package.name != "_") {
            Some(package) => vec![format!("./{}:{}", below.display(), package.name)],
            None => {
                let name = below.join(path.file_name().unwrap_or_default());
                vec!["cue:".to_owned(), name.display().to_string()]
            }
        };
        Checked { folder, inputs, file: Some(path.to_path_buf()) }
    }

    /// Whether a configuration holds; what is only open yet does.
    fn check(&self, checked: &Checked, files: &dyn Files) -> Result<(), Failure> {
        let options = Options { folder: checked.folder.clone(), tags: self.tags.clone(), ..Options::default() };
        let build = load::load(files, &options, &checked.inputs)?;
        if checked.file.as_ref().is_some_and(|path| !holds(&build, &checked.folder, path)) {
            let message =
                format!("`{}` is left out of its package, so that nothing can be checked", self.file.display());
            let help = "set the tags that its `@if` asks for with `-t`, or say with `--check` what to check";
            return Err(Failure::plain(Error::new(Code::Load, message, None).help(help)));
        }
        let mut errors = Vec::new();
        for main in &build.instances {
            let found = build.instance(*main, &[], Limits::default()).and_then(|instance| instance.data(None)).err();
            errors.extend(found.into_iter().flatten().filter(|error| error.code != Code::Incomplete));
        }
        if errors.is_empty() { Ok(()) } else { Err(Failure::new(errors, &build.sources)) }
    }
}

/// What tells whether a change may stay.
struct Checked {
    /// What the arguments are relative to: the current folder where the file is below it in the same module, so that
    /// reports name files as the caller does, else the folder of the file.
    folder: PathBuf,
    /// Arguments of the loader.
    inputs: Vec<String>,
    /// A file that must be part of it.
    file: Option<PathBuf>,
}

/// Whether a file is part of what was loaded.
fn holds(build: &Build, folder: &Path, path: &Path) -> bool {
    let files = build.packages.iter().flat_map(|package| &package.files);
    let mut names = files.filter_map(|file| build.sources.file(file.tree.id)).map(|source| &source.name);
    names.any(|name| clean(&folder.join(&**name)) == path)
}

/// The errors that were not there before; all of them if none is new.
fn only_new(after: Failure, before: Option<Failure>) -> Failure {
    let known = before.map(|before| before.errors).unwrap_or_default();
    let is_new = |error: &&Error| !known.iter().any(|old| old.message == error.message && old.path == error.path);
    let new: Vec<_> = after.errors.iter().filter(is_new).cloned().collect();
    let errors = if new.is_empty() { after.errors.clone() } else { new };
    let left = "the file was left as it is";
    let advice = |error: Error| {
        let help = error.help.as_ref().map_or_else(|| left.to_owned(), |help| format!("{left}; {help}"));
        error.help(help)
    };
    Failure { errors: errors.into_iter().map(advice).collect(), ..after }
}

/// Files, one of them with another content.
struct Changed<'a> {
    under: &'a dyn Files,
    /// In its plain form, without `..`.
    path: &'a Path,
    content: &'a [u8],
}

impl Files for Changed<'_> {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        if clean(path) == self.path { Ok(self.content.to_vec()) } else { self.under.read(path) }
    }

    fn kind(&self, path: &Path) -> Option<Kind> {
        self.under.kind(path)
    }

    fn list(&self, folder: &Path) -> io::Result<Vec<(String, Kind)>> {
        self.under.list(folder)
    }

    fn standard_input(&self) -> io::Result<Vec<u8>> {
        self.under.standard_input()
    }
}
