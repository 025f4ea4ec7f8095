//! Values as CUE: what is known of a vertex is written as its value, what isn't known yet as it stands in the files.
//!
//! The result is a file by itself: names that are written mean what they meant, imports are added, and values that
//! are referred to but aren't part of it stand beside it as `let`s. What can't be written so is refused by name.
//!
//! Source of the rules: what `cue eval` prints (v0.17).
//!
//! Not here: layout (`format`); values that are data only (`data`).

mod constraint;
mod expression;
mod fields;
mod literal;
mod merged;
mod outside;
mod remarks;
mod scope;
mod tree;
mod unfinished;

use std::sync::Arc;

use super::Evaluator;
use super::graph::{Frame, Value, Vid};
use super::run::Need;
use crate::compile::PackageSource;
use crate::compile::ir::{BinaryOp, UnaryOp};
use crate::data::Data;
use crate::error::{Code, Error};
use crate::format::{Docs, format_documented_decls};
use crate::label::Label;
use crate::source::Span;
use crate::syntax::ast::{Decl, Expr, ExprKind};
use outside::{Import, Outside};
use remarks::Remarks;
use scope::Scope;

/// What of a value is written as CUE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Defaults are taken, open lists end.
    pub defaults: bool,
    /// Definitions are written.
    pub definitions: bool,
    /// Hidden fields of the value's own package are written.
    pub hidden: bool,
    /// Optional fields are written.
    pub optional: bool,
    /// Patterns, `...`, checks of structs and lists, and `close` are written: what is read again accepts what the
    /// value accepts.
    pub constraints: bool,
    /// Attributes are written.
    pub attributes: bool,
    /// The comments above fields are written.
    pub docs: bool,
}

impl Style {
    /// As `cue eval` prints a value: with its defaults and its definitions.
    pub const RESULT: Self = Self {
        defaults: true,
        definitions: true,
        hidden: false,
        optional: false,
        constraints: false,
        attributes: false,
        docs: false,
    };
    /// Regular fields only, as `cue eval -c` prints them.
    pub const CONCRETE: Self = Self { definitions: false, ..Self::RESULT };
    /// All that a value is.
    pub const WHOLE: Self = Self {
        defaults: false,
        definitions: true,
        hidden: true,
        optional: true,
        constraints: true,
        attributes: true,
        docs: true,
    };
}

/// A value, written.
#[derive(Debug)]
pub(crate) struct Written {
    /// What stands above the imports: attributes of the file, and the package clause with its comment.
    head: String,
    imports: Vec<Import>,
    decls: Vec<Decl>,
    docs: Docs,
}

impl Written {
    /// The text of a file.
    pub(crate) fn text(&self) -> String {
        let specs: Vec<String> = self.imports.iter().map(Import::spec).collect();
        let imports = match specs.as_slice() {
            [] => String::new(),
            [one] => format!("import {one}\n\n"),
            many => format!("import (\n\t{}\n)\n\n", many.join("\n\t")),
        };
        self.head.clone() + &imports + &format_documented_decls(&self.decls, &self.docs)
    }
}

/// What a value is written for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Home<'h> {
    /// All packages, by number.
    pub packages: &'h [PackageSource],
    /// The package whose hidden fields are shown.
    pub own: usize,
}

type Done<T> = Result<T, Arc<Error>>;

/// What a vertex is besides its fields.
enum Shape {
    Struct,
    List,
    Scalar(Data),
    Constraint,
    Unfinished,
}

struct Writer<'e> {
    evaluator: &'e mut Evaluator,
    home: Home<'e>,
    style: Style,
    /// The style of the value itself, not of what stands beside it.
    main_style: Style,
    /// The names of the file, once its fields are written.
    file: Option<Scope>,
    /// The scopes around, outermost first.
    scopes: Vec<Scope>,
    /// Those of them that belong to an expression that is written as it stands, and the frame around it.
    literal: Vec<usize>,
    frame: Frame,
    /// How many definitions are around.
    definitions: u32,
    outside: Outside,
    /// What stands beside declarations, as far as it is shown.
    remarks: Remarks,
    /// The comments above what was written.
    docs: Docs,
}

impl Evaluator {
    /// A value as CUE. Errors that more information can't mend must have been looked for before.
    ///
    /// # Errors
    /// Something that can't be written.
    pub(crate) fn written(&mut self, vid: Vid, style: Style, home: Home<'_>) -> Result<Written, Arc<Error>> {
        let mut writer = Writer::new(self, style, home);
        let value = writer.value(vid)?;
        let file = writer.file.take().unwrap_or_default();
        let (mut decls, file) = match value.kind {
            ExprKind::Struct(inner) => (inner.decls, file),
            _ => (vec![Decl::Embed(Box::new(value))], Scope::default()),
        };
        writer.scopes.push(file);
        decls.extend(writer.lets()?);
        let file = writer.scopes.pop().unwrap_or_default();
        writer.give_aliases(&mut decls, &file);
        let imports = writer.outside.into_imports();
        Ok(Written { head: String::new(), imports, decls, docs: writer.docs })
    }

    /// The files of a package as one, unevaluated.
    ///
    /// # Errors
    /// Something that can't be written.
    pub(crate) fn consolidated(&mut self, home: Home<'_>) -> Result<Written, Arc<Error>> {
        let files = self.packages.get(home.own).map(|package| package.files.clone()).unwrap_or_default();
        Writer::new(self, Style::WHOLE, home).files(&files)
    }
}

impl<'e> Writer<'e> {
    fn new(evaluator: &'e mut Evaluator, style: Style, home: Home<'e>) -> Self {
        let frame = evaluator.void;
        let files = home.packages.iter().flat_map(|package| &package.files).map(|file| &**file);
        let remarks = if style.attributes || style.docs { Remarks::of(files) } else { Remarks::default() };
        Self {
            evaluator,
            home,
            style,
            main_style: style,
            file: None,
            scopes: Vec::new(),
            literal: Vec::new(),
            frame,
            definitions: 0,
            outside: Outside::default(),
            remarks,
            docs: Docs::new(),
        }
    }

    /// A vertex as an expression.
    fn value(&mut self, vid: Vid) -> Done<Expr> {
        let stands = if self.style.defaults { self.evaluator.default_of(vid) } else { self.evaluator.deref(vid) };
        self.count(tree::NOWHERE)?;
        let shape = match self.evaluator.get(stands).value.clone() {
            Value::Scalar(data) => Shape::Scalar(data),
            Value::Struct => Shape::Struct,
            Value::List => Shape::List,
            Value::Constraint => Shape::Constraint,
            Value::Disjunction { alternatives, defaults } => {
                // What is left of several disjunctions has the defaults that they have together, and others than they
                // have once more is known.
                return match self.style.constraints && self.are_of_several(&alternatives) {
                    true => self.as_conjuncts(stands),
                    false => self.alternatives(&alternatives, defaults),
                };
            }
            Value::Bottom(error) if error.code.is_open() => return self.unfinished(stands, &error),
            Value::Bottom(error) => return Err(error),
            Value::Unknown => return Err(self.evaluator.depends_on_itself(stands)),
        };
        let labels = self.shown_labels(stands);
        let bare = self.own_attributes(stands).is_empty()
            && match shape {
                Shape::Struct => false,
                Shape::Constraint => !self.has_patterns(stands) && !self.is_closed_constraint(stands),
                _ => true,
            };
        if labels.is_empty() && bare {
            let parts = self.parts(stands, &shape)?;
            return Ok(tree::joined(BinaryOp::And, parts));
        }
        self.braces(stands, &shape, &labels)
    }

    /// Whether several disjunctions led to what is left.
    fn are_of_several(&self, alternatives: &[Vid]) -> bool {
        let ways = |vid: &Vid| &self.evaluator.get(*vid).node.ways;
        alternatives.iter().any(|vid| ways(vid).iter().any(|way| way.len() > 1))
    }

    fn alternatives(&mut self, alternatives: &[Vid], defaults: usize) -> Done<Expr> {
        let take_defaults = self.style.defaults && defaults > 0;
        let taken = if take_defaults { &alternatives[..defaults] } else { alternatives };
        let mut parts = Vec::new();
        for (at, alternative) in taken.iter().enumerate() {
            let value = self.value(*alternative)?;
            let marked = !take_defaults && at < defaults;
            parts.push(if marked { tree::unary(UnaryOp::Default, value) } else { value });
        }
        Ok(tree::joined(BinaryOp::Or, parts))
    }

    /// Whether a field is written at all.
    fn is_shown(&self, label: Label, style: Style) -> bool {
        let hidden = label.is_hidden();
        let definition = label.is_definition();
        match (hidden, definition) {
            (false, false) => label.is_regular(),
            (true, _) => style.hidden && self.is_own(label),
            (false, true) => style.definitions,
        }
    }

    /// Whether a hidden name is one of the value's own package.
    fn is_own(&self, label: Label) -> bool {
        let own = self.home.packages.get(self.home.own);
        own.is_some_and(|package| self.evaluator.binder.labels.is_of_package(label, &package.path))
    }

    fn open_struct(&mut self, vid: Vid, labels: &[(Label, Vid)]) {
        let vids = self.stands_for(vid);
        let names = labels.iter().filter_map(|(label, _)| self.identifier(*label)).collect();
        let labels = labels.iter().map(|(label, _)| *label).collect();
        self.scopes.push(Scope { vids, names, labels, ..Scope::default() });
    }

    /// The fields of the whole can be named from all of the file, unless something stands around them.
    fn close_struct(&mut self, decls: &mut [Decl], wrapped: bool) {
        let scope = self.scopes.pop().unwrap_or_default();
        if self.scopes.is_empty() && self.file.is_none() && !wrapped {
            self.file = Some(scope);
        } else {
            self.give_aliases(decls, &scope);
        }
    }

    /// Evaluates what nobody asked for yet.
    fn finish(&mut self, vid: Vid) {
        self.evaluator.finish_above(vid);
        self.evaluator.ensure(vid, Need::Value).ok();
    }

    /// What is written is bounded.
    fn count(&mut self, span: Span) -> Done<()> {
        let read = self.evaluator.read.get() + 1;
        self.evaluator.read.set(read);
        if read > self.evaluator.limits.max_steps {
            let text = format!("more than {} values to write", self.evaluator.limits.max_steps);
            return Err(Arc::new(Error::new(Code::Limit, text, Some(span))));
        }
        Ok(())
    }

    fn refused(&self, what: &str, span: Span) -> Arc<Error> {
        let text = format!("{what} can't be written by itself");
        let help = "print a larger part of the configuration, or show hidden and optional fields";
        Arc::new(Error::new(Code::Unsupported, text, Some(span)).help(help))
    }
}
