//! YAML as CUE reads it: the syntax of YAML 1.2, scalars by the rules of Go's `yaml.v3` (so `yes` is a string and
//! `0777` an octal number), merge keys of YAML 1.1, anchors and aliases with a bound on what they grow to.
//!
//! Source of the rules: `yaml.v3`'s `resolve.go` and CUE's `internal/encoding/yaml`.
//!
//! Not here: comments in what is read as data (the text of a file of CUE has them: [`yaml_as_cue`]); infinities and
//! not-a-number, which CUE's numbers don't have.

mod comments;
mod node;
mod scalar;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

pub use comments::yaml_as_cue;
use node::{Content, Node};
pub(crate) use scalar::reads_as_string;

use super::{at, field, list, span, structure, syntax_error};
use crate::error::{Code, Error};
use crate::source::{FileId, Span};
use crate::syntax::ast::{BinaryOp, Decl, Expr, ExprKind, Ident, Label, UnaryOp};

/// How many values the aliases of one file may stand for, counted each time they are used; CUE's own bound.
pub const MAX_ALIAS_NODES: usize = 50_000;

/// The documents of a YAML text. A text without any is `*null | _`, as CUE has it.
///
/// # Errors
/// The text is not YAML, is nested too deep, its aliases grow beyond [`MAX_ALIAS_NODES`], or a scalar or key is nothing
/// that CUE has.
pub fn yaml(file: FileId, text: &str) -> Result<Vec<Expr>, Error> {
    let documents = node::documents(file, text)?;
    if documents.is_empty() {
        return Ok(vec![nothing(span(file, 0..0))]);
    }
    let mut writer = Writer { alias_nodes: 0, in_alias: 0 };
    documents.iter().map(|document| writer.expr(document)).collect()
}

/// What an empty text is.
fn nothing(place: Span) -> Expr {
    let null = at(ExprKind::Unary { op: UnaryOp::Default, of: Box::new(at(ExprKind::Null, place)) }, place);
    let (left, right) = (Box::new(null), Box::new(at(ExprKind::Top, place)));
    at(ExprKind::Binary { op: BinaryOp::Or, op_span: place, left, right }, place)
}

/// Writes nodes as expressions.
struct Writer {
    alias_nodes: usize,
    in_alias: usize,
}

impl Writer {
    fn expr(&mut self, node: &Node) -> Result<Expr, Error> {
        self.count(node)?;
        match &node.content {
            Content::Scalar(scalar) => scalar::expr(scalar, node.span),
            Content::Sequence(nodes) => {
                nodes.iter().map(|node| self.expr(node)).collect::<Result<_, _>>().map(|values| list(values, node.span))
            }
            Content::Mapping(entries) => self.mapping(entries, node.span),
            Content::Anchor(node) => self.expr(node),
            Content::Alias(target) => self.alias(target),
        }
    }

    fn alias(&mut self, target: &Rc<Node>) -> Result<Expr, Error> {
        self.in_alias += 1;
        let expr = self.expr(target);
        self.in_alias -= 1;
        expr
    }

    fn count(&mut self, node: &Node) -> Result<(), Error> {
        self.alias_nodes += usize::from(self.in_alias > 0);
        if self.alias_nodes > MAX_ALIAS_NODES {
            let message = format!("the aliases of this YAML stand for more than {MAX_ALIAS_NODES} values");
            return Err(Error::new(Code::Limit, message, Some(node.span)));
        }
        Ok(())
    }

    fn mapping(&mut self, entries: &[(Node, Node)], place: Span) -> Result<Expr, Error> {
        let mut fields = Fields::default();
        self.entries(entries, &mut fields)?;
        Ok(structure(fields.decls, place))
    }

    /// Adds the entries of a mapping.
    fn entries(&mut self, entries: &[(Node, Node)], fields: &mut Fields) -> Result<(), Error> {
        for (key, value) in entries {
            if is_merge_key(key) {
                fields.start_merging();
                self.merge(value, fields)?;
                continue;
            }
            let name = key_name(key)?;
            let value = self.expr(value)?;
            fields.add(name, key.span, value);
        }
        Ok(())
    }

    /// Adds the entries of what a merge key names: a mapping, or several, of which the first counts most.
    fn merge(&mut self, node: &Node, fields: &mut Fields) -> Result<(), Error> {
        self.count(node)?;
        match &node.content {
            Content::Mapping(entries) => self.entries(entries, fields),
            Content::Anchor(node) => self.merge(node, fields),
            Content::Alias(target) => {
                self.in_alias += 1;
                let merged = self.merge(target, fields);
                self.in_alias -= 1;
                merged
            }
            Content::Sequence(nodes) => nodes.iter().rev().try_for_each(|node| self.merge(node, fields)),
            Content::Scalar(_) => {
                let message = "a merge key `<<` takes a mapping or a list of mappings";
                Err(Error::new(Code::Syntax, message, Some(node.span)))
            }
        }
    }
}

/// The fields of a mapping. From the first merge key on, an entry takes the place of the field of its name; before
/// that, a name that stands twice is two fields.
#[derive(Default)]
struct Fields {
    decls: Vec<Decl>,
    /// Where each name stands, once there was a merge key.
    places: Option<HashMap<Arc<str>, usize>>,
}

impl Fields {
    fn start_merging(&mut self) {
        let name = |decl: &Decl| match decl {
            Decl::Field(field) => match &field.label {
                Label::String(name, _) | Label::Ident(Ident { name, .. }) => Some(Arc::clone(name)),
                _ => None,
            },
            _ => None,
        };
        self.places.get_or_insert_with(|| {
            // Of a name that stands twice, the first takes what is merged.
            let names = self.decls.iter().enumerate().rev();
            names.filter_map(|(at, decl)| Some((name(decl)?, at))).collect()
        });
    }

    fn add(&mut self, name: Arc<str>, span: Span, value: Expr) {
        if let Some(places) = &mut self.places {
            if let Some(Decl::Field(before)) = places.get(&name).and_then(|at| self.decls.get_mut(*at)) {
                before.value = value;
                return;
            }
            places.insert(Arc::clone(&name), self.decls.len());
        }
        self.decls.push(field(name, span, value));
    }
}

fn is_merge_key(key: &Node) -> bool {
    matches!(&key.content, Content::Scalar(scalar) if scalar.is_merge_key())
}

/// The field's name that a key stands for; a number is named by its literal, as CUE does it.
fn key_name(key: &Node) -> Result<Arc<str>, Error> {
    let invalid = || syntax_error("YAML for CUE", "a key is a single string, number, truth value or null", key.span);
    let content = match &key.content {
        Content::Anchor(target) | Content::Alias(target) => &target.content,
        content => content,
    };
    match content {
        Content::Scalar(scalar) => scalar::name(scalar, key.span)?.ok_or_else(invalid),
        _ => Err(invalid()),
    }
}

/// A place in a file of YAML from the parser's.
fn place(file: FileId, parsed: granit_parser::Span) -> Span {
    span(file, parsed.byte_range().unwrap_or_default())
}
