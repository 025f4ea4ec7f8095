//! Evaluated structs and lists as CUE.
//!
//! Not here: those that wait for something (`unfinished`).

use super::literal::as_decl;
use super::tree;
use super::{Done, Shape, Writer};
use crate::compile::ir::{BinaryOp, Decl as BoundDecl, Kinds, Presence, Struct as BoundStruct};
use crate::decode::data_to_expr;
use crate::error::Code;
use crate::eval::expression;
use crate::eval::graph::{Conjunct, Laying, Origin, Pattern, Value, Vid};
use crate::eval::run::Need;
use crate::eval::schedule::made;
use crate::kind::Kind;
use crate::label::Label;
use crate::source::Span;
use crate::syntax::ast::{Attribute, Clause, Comprehension, Decl, Element, Ellipsis, Expr, ExprKind, Struct};

/// The name of a field that no definition foresees.
const FORESEEN_BY_NOBODY: &str = "\u{e000}";

impl Writer<'_> {
    /// The fields of a vertex that are shown, in their order.
    pub(super) fn shown_labels(&self, vid: Vid) -> Vec<(Label, Vid)> {
        let arcs = &self.evaluator.get(vid).arcs;
        let labels = self.evaluator.field_order(vid);
        // What can be no struct will never have the fields that it may have.
        let may_have = self.style.optional && self.may_be_struct(vid);
        let found = labels.into_iter().filter_map(|label| arcs.get(&label).map(|arc| (label, *arc)));
        let shown = found.filter(|(label, arc)| {
            let optional = self.evaluator.get(*arc).presence == Presence::Optional;
            self.is_shown(*label, self.style) && (!optional || may_have)
        });
        shown.collect()
    }

    /// A vertex with braces: what it is besides, its fields, what else it allows.
    pub(super) fn braces(&mut self, vid: Vid, shape: &Shape, labels: &[(Label, Vid)]) -> Done<Expr> {
        let closed = self.style.constraints && self.is_closed(vid);
        self.open_struct(vid, labels);
        let written = self.decls(vid, shape, labels, closed);
        let (mut decls, failed) = match written {
            Ok(decls) => (decls, None),
            Err(error) => (Vec::new(), Some(error)),
        };
        self.close_struct(&mut decls, closed && self.definitions == 0);
        if let Some(error) = failed {
            return Err(error);
        }
        let whole = tree::structure(decls);
        Ok(match closed && self.definitions == 0 {
            true => tree::call(self.predeclared("close"), vec![whole]),
            false => whole,
        })
    }

    fn decls(&mut self, vid: Vid, shape: &Shape, labels: &[(Label, Vid)], closed: bool) -> Done<Vec<Decl>> {
        let embed = |expr: Expr| Decl::Embed(Box::new(expr));
        let parts: Vec<Decl> = self.parts(vid, shape)?.into_iter().map(embed).collect();
        let fields = labels.iter().filter_map(|(label, arc)| self.field(*label, *arc).transpose());
        let fields = fields.collect::<Done<Vec<Decl>>>()?;
        let mut decls = Vec::new();
        // A list may be long: it stands behind.
        let (before, behind) = if matches!(shape, Shape::List) { (vec![], parts) } else { (parts, vec![]) };
        decls.extend(before);
        decls.extend(self.own_attributes(vid).into_iter().map(Decl::Attribute));
        decls.extend(fields);
        decls.extend(self.inner_pending(vid)?);
        decls.extend(behind);
        if self.style.constraints {
            decls.extend(self.undecided(vid, shape));
            let patterns = self.evaluator.get(vid).node.patterns.clone();
            let patterns = patterns.iter().filter(|pattern| pattern.from_index.is_none());
            for pattern in patterns {
                decls.push(self.in_frame(pattern.frame, |writer| writer.pattern(&pattern.pattern, &pattern.value))?);
            }
            if !closed && self.evaluator.get(vid).node.ellipsis {
                decls.push(Decl::Ellipsis(Box::new(Ellipsis { value: None, span: tree::NOWHERE })));
            }
        }
        Ok(decls)
    }

    /// A struct that nothing says must be one, as only comprehensions stand in it, may still be a literal: one is
    /// written.
    fn undecided(&self, vid: Vid, shape: &Shape) -> Option<Decl> {
        let node = &self.evaluator.get(vid).node;
        let may_be_else = matches!(shape, Shape::Struct) && node.has_struct && !node.is_struct;
        let never = Clause::If(tree::expr(ExprKind::Bool(false)), tree::NOWHERE);
        let body = Struct { decls: Vec::new(), braces: true, span: tree::NOWHERE };
        let (clauses, fallback, span) = (vec![never], None, tree::NOWHERE);
        may_be_else.then(|| as_decl(Comprehension { clauses, body, fallback, span }))
    }

    fn field(&mut self, label: Label, arc: Vid) -> Done<Option<Decl>> {
        let presence = self.evaluator.get(arc).presence;
        if presence == Presence::Optional {
            self.finish(arc);
            let stands = self.evaluator.deref(arc);
            if matches!(&self.evaluator.get(stands).value, Value::Bottom(error) if !error.code.is_open()) {
                let never = tree::expr(ExprKind::Bottom);
                return Ok(Some(tree::field(self.label(label), presence, never)));
            }
        }
        let definition = u32::from(label.is_definition());
        self.definitions += definition;
        let value = self.value(arc);
        self.definitions -= definition;
        let field = tree::field(self.label(label), presence, value?);
        let values: Vec<Span> =
            self.evaluator.get(arc).conjuncts.iter().filter_map(expression).map(|expr| expr.span).collect();
        Ok(Some(self.remarked(field, &values)))
    }

    /// The attributes that stand by themselves in the structs that make a vertex.
    pub(super) fn own_attributes(&self, vid: Vid) -> Vec<Attribute> {
        let laid = self.evaluator.get(vid).node.laid.iter();
        let structs = laid.filter_map(|laid| match &laid.laying {
            Laying::Written(structure, _) => Some(structure),
            Laying::Data(..) => None,
        });
        self.unique(structs.flat_map(|structure| structure.attributes.clone()))
    }

    /// What a vertex is, without its fields.
    pub(super) fn parts(&mut self, vid: Vid, shape: &Shape) -> Done<Vec<Expr>> {
        let mut parts = Vec::new();
        match shape {
            Shape::Scalar(data) => return Ok(vec![data_to_expr(data, tree::NOWHERE)]),
            Shape::Constraint => return self.constraints(vid),
            Shape::List => parts.push(self.elements(vid)?),
            Shape::Struct => {}
            Shape::Unfinished => return self.unfinished_parts(vid),
        }
        if self.style.constraints {
            let checks = self.evaluator.get(vid).node.checks.clone();
            parts.extend(self.checks(&checks)?);
        }
        Ok(parts)
    }

    /// A list: its elements, and what more may follow.
    pub(super) fn elements(&mut self, vid: Vid) -> Done<Expr> {
        let vertex = self.evaluator.get(vid);
        let mut elements: Vec<(u32, Vid)> = Vec::new();
        for (label, arc) in &vertex.arcs {
            elements.extend(label.as_index().map(|index| (index, *arc)));
        }
        elements.sort_by_key(|(index, _)| *index);
        let open = !vertex.node.list.closed && !self.style.defaults;
        let written = elements.into_iter().map(|(_, arc)| self.value(arc).map(Element::Expr));
        let mut written = written.collect::<Done<Vec<Element>>>()?;
        if open {
            let value = self.tail(vid)?;
            written.push(Element::Ellipsis(Box::new(Ellipsis { value, span: tree::NOWHERE })));
        }
        Ok(tree::list(written))
    }

    /// What elements that aren't there must be.
    fn tail(&mut self, vid: Vid) -> Done<Option<Expr>> {
        let patterns = self.evaluator.get(vid).node.patterns.clone();
        let tails: Vec<&Pattern> = patterns.iter().filter(|pattern| pattern.from_index.is_some()).collect();
        let mut parts = Vec::new();
        for tail in tails.into_iter().filter(|tail| !matches!(tail.value.kind, Kinds::Top)) {
            let value = self.evaluator.anonymous(tail.value.clone(), tail.frame);
            self.finish(value);
            parts.push(self.value(value)?);
        }
        Ok((!parts.is_empty()).then(|| tree::joined(BinaryOp::And, parts)))
    }

    /// Whether patterns are to be written.
    pub(super) fn has_patterns(&self, vid: Vid) -> bool {
        let mut patterns = self.evaluator.get(vid).node.patterns.iter();
        self.style.constraints && self.may_be_struct(vid) && patterns.any(|pattern| pattern.from_index.is_none())
    }

    /// Whether something that may become a struct will be a closed one: `close(_)`.
    pub(super) fn is_closed_constraint(&mut self, vid: Vid) -> bool {
        self.style.constraints && self.definitions == 0 && self.may_be_struct(vid) && self.is_closed(vid)
    }

    fn may_be_struct(&self, vid: Vid) -> bool {
        let is_open = matches!(self.evaluator.get(vid).value, Value::Bottom(_));
        is_open || self.evaluator.kind_of_vertex(vid).meets(Kind::STRUCT)
    }

    /// Whether a struct forbids fields that it doesn't foresee: one that nobody foresees is tried.
    fn is_closed(&mut self, vid: Vid) -> bool {
        let label = self.evaluator.binder.labels.regular(FORESEEN_BY_NOBODY);
        let value = made(Kinds::Top, tree::NOWHERE);
        let decls = vec![BoundDecl::Field { label, place: tree::NOWHERE, presence: Presence::Regular, value }];
        let (embeds, open, file, yielded) = (false, false, false, false);
        let inner = BoundStruct {
            decls,
            embeds,
            open,
            file,
            yielded,
            clauses: None,
            labels: Some(vec![label]),
            attributes: Vec::new(),
        };
        let more = made(Kinds::Struct(inner.into()), tree::NOWHERE);
        let frame = self.evaluator.void;
        let probe = self.evaluator.copy(vid);
        self.evaluator.schedule(probe, &Conjunct::new(more, frame, Origin::ROOT), Origin::ROOT);
        self.evaluator.ensure(probe, Need::Value).ok();
        let probe = self.evaluator.deref(probe);
        matches!(&self.evaluator.get(probe).value, Value::Bottom(error) if error.code == Code::NotAllowed)
    }
}
