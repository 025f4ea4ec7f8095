//! Where values of data files are put: at the root, under labels, in lists; `-l`, `--list`, `--with-context`.
//!
//! Source: CUE's `cue help flags`, `cue help import`.
//!
//! Not here: which files.

use std::sync::Arc;

use clap::Args;

use super::Failure;
use crate::data::Data;
use crate::decode;
use crate::error::{Code, Error};
use crate::load::{Build, DataFile};
use crate::number::Number;
use crate::source::{FileId, Span};
use crate::syntax::ast::{Decl, Expr, ExprKind, Label, Struct};
use crate::syntax::{parse_expr, parse_file};
use crate::{Instance, Limits};

/// How values are placed.
#[derive(Args, Clone, Debug, Default)]
pub struct Placement {
    /// Put each value under a label: an expression in the value's fields (`-l kind -l 'strings.ToLower(name)'`), or
    /// labels (`-l 'apps: "\(name)":'`)
    #[arg(short = 'l', long = "path", value_name = "LABEL")]
    path: Vec<String>,
    /// Put the values together into a list
    #[arg(long)]
    list: bool,
    /// Labels see `data`, `filename`, `index` and `recordCount` instead of the value's fields
    #[arg(long)]
    with_context: bool,
}

/// A label, as `-l` gives it.
enum PathLabel {
    Fixed(Arc<str>, Span),
    Computed(Expr),
}

/// Labels, evaluated.
type Path = Vec<(Arc<str>, Span)>;

/// The labels of a value, and it.
type Placed = (Path, Expr);

impl Placement {
    pub(crate) fn is_used(&self) -> bool {
        self.list || !self.path.is_empty()
    }

    /// The values of all data files where they belong.
    pub(crate) fn place_all(&self, build: &mut Build) -> Result<Vec<Expr>, Failure> {
        let mut values = Vec::new();
        for file in build.data.clone() {
            values.extend(self.place(build, &file)?);
        }
        Ok(values)
    }

    /// The values of a file where they belong: one expression for the root of the configuration, or none.
    pub(crate) fn place(&self, build: &mut Build, file: &DataFile) -> Result<Vec<Expr>, Failure> {
        if !self.is_used() {
            return match self.with_context {
                true => Err(Failure::usage("`--with-context` goes with `-l` or `--list`")),
                false => Ok(file.values.clone()),
            };
        }
        let labels = self.labels(build)?;
        let mut placed = Vec::new();
        for (index, value) in file.values.iter().enumerate() {
            let scope = if self.with_context { context(file, index, value) } else { value.clone() };
            placed.push((evaluate(&labels, &scope, build)?, value.clone()));
        }
        if self.list { Ok(lists(placed, &file.values)) } else { Ok(placed.into_iter().map(nested).collect()) }
    }

    fn labels(&self, build: &mut Build) -> Result<Vec<PathLabel>, Failure> {
        let mut labels = Vec::new();
        for text in &self.path {
            let id = build.sources.add(format!("-l {text}"), text.as_str());
            match parse_expr(id, text) {
                (expr, errors) if errors.is_empty() => labels.push(PathLabel::Computed(expr)),
                (_, errors) => match written_labels(id, text) {
                    Some(written) => labels.extend(written),
                    None => return Err(Failure::new(errors, &build.sources)),
                },
            }
        }
        Ok(labels)
    }
}

/// Labels as they stand before a value: `a: "b": "\(c)":`.
fn written_labels(id: FileId, text: &str) -> Option<Vec<PathLabel>> {
    let (file, errors) = parse_file(id, &format!("{text} _"));
    let mut decls = errors.is_empty().then_some(file.decls)?;
    let mut labels = Vec::new();
    loop {
        let Decl::Field(field) = decls.pop().filter(|_| decls.is_empty())? else { return None };
        labels.push(match field.label {
            Label::Ident(name) => PathLabel::Fixed(name.name, name.span),
            Label::String(text, span) => PathLabel::Fixed(text, span),
            Label::Interpolation(of) => {
                let span = of.span;
                PathLabel::Computed(Expr { kind: ExprKind::Interpolation(of), span })
            }
            Label::Dynamic(expr, _) => PathLabel::Computed(*expr),
            Label::Pattern { .. } => return None,
        });
        match field.value.kind {
            ExprKind::Top => return Some(labels),
            ExprKind::Struct(Struct { decls: inner, braces: false, .. }) => decls = inner,
            _ => return None,
        }
    }
}

/// What labels see with `--with-context`.
fn context(file: &DataFile, index: usize, value: &Expr) -> Expr {
    let span = value.span;
    let number = |at: usize| decode::data_to_expr(&Data::Number(Number::int(at as u64)), span);
    let name = decode::data_to_expr(&Data::String(Arc::clone(&file.name)), span);
    let fields = [
        ("data", value.clone()),
        ("filename", name),
        ("index", number(index)),
        ("recordCount", number(file.values.len())),
    ];
    let fields = fields.into_iter().map(|(name, value)| decode::field(name.into(), span, value));
    decode::structure(fields.collect(), span)
}

fn evaluate(labels: &[PathLabel], scope: &Expr, build: &Build) -> Result<Path, Failure> {
    let failed = |errors| Failure::new(errors, &build.sources);
    let scope = Instance::of_value(scope, Limits::default()).map_err(failed)?;
    let mut names = Vec::new();
    for label in labels {
        names.push(match label {
            PathLabel::Fixed(name, span) => (Arc::clone(name), *span),
            PathLabel::Computed(expr) => match scope.data(Some(expr)).map_err(failed)? {
                Data::String(name) => (name, expr.span),
                Data::Number(number) if number.is_int() => (number.to_string().into(), expr.span),
                other => {
                    let message = format!("a label is a string or an integer, not {}", other.kind_name());
                    return Err(failed(vec![Error::new(Code::Conflict, message, Some(expr.span))]));
                }
            },
        });
    }
    Ok(names)
}

fn nested((labels, value): Placed) -> Expr {
    labels.into_iter().rev().fold(value, |value, (name, span)| {
        let place = value.span;
        let decls = vec![decode::field(name, span, value)];
        Expr { kind: ExprKind::Struct(Struct { decls, braces: false, span: place }), span: place }
    })
}

/// The values as lists, one for each path.
fn lists(placed: Vec<Placed>, values: &[Expr]) -> Vec<Expr> {
    let span = values.first().map_or(Span::new(FileId(u32::MAX), 0, 0), |value| value.span);
    let mut groups: Vec<(Path, Vec<Expr>)> = Vec::new();
    for (labels, value) in placed {
        let names = |labels: &[(Arc<str>, Span)]| labels.iter().map(|(name, _)| Arc::clone(name)).collect::<Vec<_>>();
        match groups.iter_mut().find(|(known, _)| names(known) == names(&labels)) {
            Some((_, list)) => list.push(value),
            None => groups.push((labels, vec![value])),
        }
    }
    if groups.is_empty() {
        groups.push((Vec::new(), Vec::new()));
    }
    groups.into_iter().map(|(labels, values)| nested((labels, decode::list(values, span)))).collect()
}
