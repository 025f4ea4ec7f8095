//! Bound expressions as CUE, as they were written: for what has no value yet.
//!
//! Names were bound when they were read, so they are found anew: what a reference meant decides how it is written.
//!
//! Not here: structs, lists and comprehensions (`literal`).

use std::sync::Arc;

use super::scope::Around;
use super::tree;
use super::{Done, Writer};
use crate::compile::ir::{Alternatives, BinaryOp, Ex, Kinds, Part, Presence, UnaryOp};
use crate::data::Data;
use crate::decode::data_to_expr;
use crate::eval::graph::{Frame, Vid};
use crate::label::Label;
use crate::source::Span;
use crate::syntax::ast::{Expr, ExprKind, Interpolation, Piece};

impl Writer<'_> {
    /// An expression that stands in a frame of the evaluation.
    pub(super) fn written_in(&mut self, expr: &Ex, frame: Frame) -> Done<Expr> {
        self.in_frame(frame, |writer| writer.expression(expr))
    }

    /// Does something that looks names up in a frame of the evaluation.
    pub(super) fn in_frame<T>(&mut self, frame: Frame, work: impl FnOnce(&mut Self) -> T) -> T {
        let literal = std::mem::take(&mut self.literal);
        let around = std::mem::replace(&mut self.frame, frame);
        let done = work(self);
        self.literal = literal;
        self.frame = around;
        done
    }

    pub(super) fn expression(&mut self, expr: &Ex) -> Done<Expr> {
        self.count(expr.span)?;
        match &expr.kind {
            Kinds::Data(data) => Ok(data_to_expr(data, tree::NOWHERE)),
            Kinds::Top => Ok(tree::expr(ExprKind::Top)),
            Kinds::Bottom(_) => Ok(tree::expr(ExprKind::Bottom)),
            Kinds::Kind(kind) => Ok(self.kind(*kind)),
            Kinds::Bound(op, of) | Kinds::Unary(op, of) => Ok(tree::unary(*op, self.expression(of)?)),
            Kinds::Function(callee) => Ok(self.callee(callee)),
            Kinds::Struct(inner) => self.literal_struct(inner),
            Kinds::List(inner) => self.literal_list(inner),
            Kinds::Exists(_) => Err(self.refused("a `try` clause", expr.span)),
            // These need an experiment, which what is written doesn't turn on.
            Kinds::Open(_) => Err(self.refused("`...` after a value", expr.span)),
            Kinds::Boolean { short: true, .. } => Err(self.refused("the experiment `shortcircuit`", expr.span)),
            Kinds::Unsupported(what) => Err(self.refused(what, expr.span)),
            Kinds::Interpolation(parts, bytes) => self.interpolation(parts, *bytes),
            Kinds::And(..)
            | Kinds::Or(_)
            | Kinds::Binary(..)
            | Kinds::Boolean { .. }
            | Kinds::Equal { .. }
            | Kinds::IsBottom(..) => self.operator(expr),
            Kinds::Select(..) | Kinds::Index(..) | Kinds::Slice(..) | Kinds::Call(..) | Kinds::CallValue(..) => {
                self.postfix(expr)
            }
            _ => self.reference(expr),
        }
    }

    fn operator(&mut self, expr: &Ex) -> Done<Expr> {
        let (op, left, right) = match &expr.kind {
            Kinds::And(left, right) => (BinaryOp::And, left, right),
            Kinds::Binary(op, left, right) | Kinds::Boolean { op, left, right, .. } => (*op, left, right),
            Kinds::Equal { positive, left, right, .. } => (equality(*positive), left, right),
            Kinds::IsBottom(of, equal) => {
                let of = self.expression(of)?;
                return Ok(tree::binary(equality(*equal), of, tree::expr(ExprKind::Bottom)));
            }
            Kinds::Or(alternatives) => return self.alternatives_as_written(alternatives),
            _ => return Err(self.refused("this expression", expr.span)),
        };
        let left = self.expression(left)?;
        Ok(tree::binary(op, left, self.expression(right)?))
    }

    /// A disjunction inside another keeps its parentheses: its defaults are its own.
    fn alternatives_as_written(&mut self, alternatives: &Arc<Alternatives>) -> Done<Expr> {
        let mut parts = Vec::new();
        for (value, marked) in &alternatives.values {
            let written = self.expression(value)?;
            let inner = matches!(value.kind, Kinds::Or(_));
            let written = if inner { tree::expr(ExprKind::Paren(Box::new(written))) } else { written };
            parts.push(if *marked { tree::unary(UnaryOp::Default, written) } else { written });
        }
        Ok(tree::joined(BinaryOp::Or, parts))
    }

    fn postfix(&mut self, expr: &Ex) -> Done<Expr> {
        match &expr.kind {
            Kinds::Select(of, label) => {
                if let Some(vid) = self.field_outside(expr) {
                    return self.name_vertex(vid, expr.span);
                }
                let of = self.expression(of)?;
                self.selected(of, *label, expr.span)
            }
            Kinds::Index(of, index) => {
                let of = self.expression(of)?;
                Ok(tree::index(of, self.expression(index)?))
            }
            Kinds::Slice(of, low, high) => {
                let of = Box::new(self.expression(of)?);
                let low = low.as_ref().map(|low| self.expression(low)).transpose()?.map(Box::new);
                let high = high.as_ref().map(|high| self.expression(high)).transpose()?.map(Box::new);
                Ok(tree::expr(ExprKind::Slice { of, low, high }))
            }
            Kinds::Call(callee, args) => {
                let of = self.callee(callee);
                self.called(of, args)
            }
            Kinds::CallValue(of, args) => {
                let of = self.expression(of)?;
                self.called(of, args)
            }
            _ => Err(self.refused("this expression", expr.span)),
        }
    }

    /// The field that a path of names leads to, if the first of them can't be named from here.
    fn field_outside(&self, expr: &Ex) -> Option<Vid> {
        let vid = self.followed(expr)?;
        let mut start = expr;
        while let Kinds::Select(of, _) = &start.kind {
            start = of;
        }
        let first = self.followed(start)?;
        self.path_from_here(first).is_none().then_some(vid)
    }

    /// The vertex that a path of names leads to, if it leads from one field that is there to the next.
    fn followed(&self, expr: &Ex) -> Option<Vid> {
        let (holder, label) = match &expr.kind {
            Kinds::Field { up, label } => match self.around(*up) {
                Around::Frame(frame) => (self.evaluator.frame(frame).vertex, *label),
                Around::Scope(_) => return None,
            },
            Kinds::Select(of, label) => (self.followed(of)?, *label),
            _ => return None,
        };
        let arc = self.evaluator.get(self.evaluator.deref(holder)).arcs.get(&label).copied()?;
        (self.evaluator.get(arc).presence == Presence::Regular).then_some(arc)
    }

    fn called(&mut self, of: Expr, args: &[Ex]) -> Done<Expr> {
        let args = args.iter().map(|arg| self.expression(arg)).collect::<Done<Vec<Expr>>>()?;
        Ok(tree::call(of, args))
    }

    /// Hidden fields of other packages can't be written down here.
    fn selected(&mut self, of: Expr, label: Label, span: Span) -> Done<Expr> {
        if label.is_hidden() && !self.is_own(label) {
            return Err(self.refused("a hidden field of another package", span));
        }
        Ok(self.select(of, label))
    }

    fn interpolation(&mut self, parts: &[Part], bytes: bool) -> Done<Expr> {
        let piece = |part: &Part| match part {
            Part::Text(text) => Ok(Piece::Text(text.clone())),
            Part::Value(expr) => self.expression(expr).map(Piece::Expr),
        };
        let pieces = parts.iter().map(piece).collect::<Done<Vec<Piece>>>()?;
        let inner = Interpolation { pieces, bytes, span: tree::NOWHERE };
        Ok(tree::expr(ExprKind::Interpolation(Box::new(inner))))
    }

    fn reference(&mut self, expr: &Ex) -> Done<Expr> {
        let span = expr.span;
        match &expr.kind {
            Kinds::Field { up, label } => match self.around(*up) {
                Around::Scope(at) => self.name_in_scope(at, *label, span),
                Around::Frame(frame) => self.name_field(self.evaluator.frame(frame).vertex, *label, span),
            },
            Kinds::Frame { up } => match self.around(*up) {
                Around::Scope(at) => self.named_alias(at, |scope| &mut scope.alias, span),
                Around::Frame(frame) => self.name_vertex(self.evaluator.frame(frame).vertex, span),
            },
            Kinds::LabelOf { up } => match self.around(*up) {
                Around::Scope(at) => self.named_alias(at, |scope| &mut scope.label, span),
                Around::Frame(frame) => {
                    let label = self.evaluator.frame(frame).label;
                    let name = label.map(|label| self.evaluator.binder.labels.name(label));
                    Ok(data_to_expr(&Data::String(name.unwrap_or_default()), tree::NOWHERE))
                }
            },
            Kinds::Labelled { up } => match self.around(*up) {
                Around::Scope(at) => self.named_alias(at, |scope| &mut scope.alias, span),
                Around::Frame(frame) => self.labelled(frame, span),
            },
            Kinds::Let { up, number } => match self.around(*up) {
                Around::Scope(at) => self.named_let(at, *number, span),
                Around::Frame(frame) => match self.evaluator.let_vertex(frame, *number, span) {
                    Ok(vid) => self.name_let(vid, *number, span),
                    Err(_) => Err(self.refused("a reference to a `let` without a value", span)),
                },
            },
            Kinds::Package(index) => self.package(*index, span),
            _ => Err(self.refused("a reference to a field with a computed label", span)),
        }
    }

    fn labelled(&mut self, frame: Frame, span: Span) -> Done<Expr> {
        let (vid, label) = (self.evaluator.frame(frame).vertex, self.evaluator.frame(frame).label);
        match label {
            Some(label) => self.name_field(vid, label, span),
            None => Err(self.refused("a reference to a field without a label", span)),
        }
    }

    fn named_let(&self, at: usize, number: u32, span: Span) -> Done<Expr> {
        let name = self.scopes.get(at).and_then(|scope| scope.lets.get(&number));
        match name {
            Some(name) if self.is_visible(name, at) => Ok(tree::name(name.clone())),
            _ => Err(self.refused("a reference to a `let` that another name hides", span)),
        }
    }

    fn named_alias(
        &mut self,
        at: usize,
        alias: impl FnOnce(&mut super::scope::Scope) -> &mut Option<(Arc<str>, bool)>,
        span: Span,
    ) -> Done<Expr> {
        let named = self.scopes.get_mut(at).and_then(|scope| alias(scope).as_mut());
        match named {
            Some((name, used)) => {
                *used = true;
                Ok(tree::name(name.clone()))
            }
            None => Err(self.refused("a reference to what has no name here", span)),
        }
    }
}

fn equality(positive: bool) -> BinaryOp {
    if positive { BinaryOp::Equal } else { BinaryOp::NotEqual }
}
