//! Binding expressions.
//!
//! Not here: structs and lists, which open frames (`structs`).

use std::sync::Arc;

use num_bigint::BigInt;

use super::ir::{Alternatives, BinaryOp, Callee, Ex, Expr, Kinds, Native, Part, UnaryOp};
use super::predeclared::{Predeclared, predeclared};
use super::scope::Meaning;
use super::{Target, Unit};
use crate::builtin;
use crate::data::Data;
use crate::error::{Code, Error};
use crate::kind::Kind;
use crate::nearest::nearest;
use crate::number::Number;
use crate::source::{FileId, Span};
use crate::syntax::{self, ast};

/// Functions of standard packages that work on the graph.
const NATIVES: &[(&str, &str)] = &[
    ("list", "Sort"),
    ("list", "SortStable"),
    ("list", "IsSorted"),
    ("list", "MinItems"),
    ("list", "MaxItems"),
    ("list", "UniqueItems"),
    ("list", "MatchN"),
    ("list", "Comprehension"),
    ("struct", "MinFields"),
    ("struct", "MaxFields"),
    ("encoding/json", "Validate"),
    ("encoding/yaml", "Validate"),
    ("encoding/yaml", "ValidatePartial"),
];

fn ex(kind: Kinds, span: Span) -> Ex {
    Arc::new(Expr { kind, span })
}

impl Unit<'_> {
    pub(super) fn expr(&mut self, node: &ast::Expr) -> Ex {
        let span = node.span;
        let kind = match &node.kind {
            ast::ExprKind::Bottom => Kinds::Bottom("explicit error (_|_ literal) in source".into()),
            ast::ExprKind::Top => Kinds::Top,
            ast::ExprKind::Null => Kinds::Data(Data::Null),
            ast::ExprKind::Bool(value) => Kinds::Data(Data::Bool(*value)),
            ast::ExprKind::Number(number) => Kinds::Data(Data::Number(number.clone())),
            ast::ExprKind::String(text) => Kinds::Data(Data::String(text.clone())),
            ast::ExprKind::Bytes(bytes) => Kinds::Data(Data::Bytes(bytes.clone())),
            ast::ExprKind::Interpolation(pieces) => return self.interpolation(pieces),
            ast::ExprKind::Ident(ident) => return self.name(ident),
            ast::ExprKind::Struct(inner) => Kinds::Struct(Arc::new(self.structure(inner))),
            ast::ExprKind::List(elements) => Kinds::List(Arc::new(self.list(elements))),
            ast::ExprKind::Selector { of, label, quoted } => return self.selector(of, label, *quoted, span),
            ast::ExprKind::Index { of, index } => Kinds::Index(self.expr(of), self.expr(index)),
            ast::ExprKind::Slice { of, low, high } => {
                let low = low.as_ref().map(|low| self.expr(low));
                let high = high.as_ref().map(|high| self.expr(high));
                Kinds::Slice(self.expr(of), low, high)
            }
            ast::ExprKind::Call { of, args } => return self.call(of, args, span),
            ast::ExprKind::Unary { op, of } => return self.unary(*op, of, span),
            ast::ExprKind::Binary { op, left, right, .. } => return self.binary(*op, left, right, span),
            ast::ExprKind::Paren(inner) => return self.expr(inner),
            ast::ExprKind::Alias { name, .. } => {
                return self.bad(Code::Syntax, format!("alias {} is not allowed here", name.name), span);
            }
            ast::ExprKind::Open(inner) => Kinds::Open(self.expr(inner)),
            ast::ExprKind::Maybe(of) => return self.maybe(of, span),
            ast::ExprKind::Bad => Kinds::Bottom("not readable".into()),
        };
        ex(kind, span)
    }

    pub(super) fn interpolation(&mut self, node: &ast::Interpolation) -> Ex {
        let part = |unit: &mut Self, piece: &ast::Piece| match piece {
            ast::Piece::Text(text) => Part::Text(text.clone()),
            ast::Piece::Expr(expr) => Part::Value(unit.expr(expr)),
        };
        let parts = node.pieces.iter().map(|piece| part(self, piece)).collect();
        ex(Kinds::Interpolation(parts, node.bytes), node.span)
    }

    fn name(&mut self, ident: &ast::Ident) -> Ex {
        let span = ident.span;
        let Some((up, meaning)) = self.scopes.find(&ident.name) else { return self.predeclared_name(ident) };
        let kind = match meaning {
            Meaning::Field(label) => Kinds::Field { up, label },
            Meaning::Let(number) => Kinds::Let { up, number },
            Meaning::Frame => Kinds::Frame { up },
            Meaning::LabelOf => Kinds::LabelOf { up },
            Meaning::Computed(label) => Kinds::Computed { up, label },
            Meaning::Text(text) => Kinds::Data(Data::String(text)),
            Meaning::Labelled => Kinds::Labelled { up },
            Meaning::Import(Target::Ours(index)) => Kinds::Package(index),
            Meaning::Import(Target::Standard(package)) => {
                return self.bad(Code::Reference, format!("package {} is used without a selector", package.path), span);
            }
        };
        ex(kind, span)
    }

    fn predeclared_name(&mut self, ident: &ast::Ident) -> Ex {
        let span = ident.span;
        let int = || ex(Kinds::Kind(Kind::INT), span);
        let number = |value: BigInt| ex(Kinds::Data(Data::Number(Number::int(value))), span);
        let bound = |op, value| ex(Kinds::Bound(op, value), span);
        match predeclared(&ident.name) {
            Some(Predeclared::Kind(kind)) => ex(Kinds::Kind(kind), span),
            Some(Predeclared::Unsigned) => {
                ex(Kinds::And(int(), bound(UnaryOp::GreaterEqual, number(BigInt::from(0)))), span)
            }
            Some(Predeclared::Range(low, high)) => {
                let low = ex(Kinds::And(int(), bound(UnaryOp::GreaterEqual, number(low))), span);
                ex(Kinds::And(low, bound(UnaryOp::LessEqual, number(high))), span)
            }
            Some(Predeclared::Float(limit)) => self.float_range(limit, span),
            Some(Predeclared::Native(native)) => ex(Kinds::Function(Callee::Native(native)), span),
            None if let Some(native) = recloses(&ident.name) => ex(Kinds::Function(Callee::Native(native)), span),
            None if ident.name.starts_with("__") => {
                ex(Kinds::Unsupported(format!("the name {}", ident.name).into()), span)
            }
            None if self.loose => {
                let up = self.scopes.depth().saturating_sub(1) as u32;
                let label = self.binder.labels.identifier(&ident.name, &self.package.path);
                ex(Kinds::Field { up, label }, span)
            }
            None if self.names_self(&ident.name) => ex(Kinds::Frame { up: self.enclosing_struct() }, span),
            None => self.unknown_name(ident),
        }
    }

    /// A name that means nothing, and what may have been meant.
    fn unknown_name(&mut self, ident: &ast::Ident) -> Ex {
        let text = format!("reference {:?} not found", ident.name);
        let error = Error::new(Code::Reference, text.as_str(), Some(ident.span));
        let error = match self.meant(&ident.name) {
            Some(help) => error.help(help),
            None => error,
        };
        self.binder.errors.push(error);
        ex(Kinds::Bottom(text.into()), ident.span)
    }

    /// A package of that name, or a name that looks like it.
    fn meant(&self, name: &str) -> Option<String> {
        let last =
            |path: &str| path.rsplit(['/', ':']).next().and_then(|last| last.split('@').next()).map(str::to_owned);
        let elsewhere = self.package.imports.keys().find(|path| last(path).as_deref() == Some(name));
        let standard =
            || builtin::packages().iter().map(|package| package.path).find(|path| last(path).as_deref() == Some(name));
        if let Some(path) = elsewhere.map(String::as_str).or_else(standard) {
            return Some(format!("a file has its own imports: import \"{path}\""));
        }
        let near = nearest(name, &self.scopes.names()).cloned();
        near.map(|name| format!("did you mean {name}?"))
    }

    fn names_self(&self, name: &str) -> bool {
        name == "self" && self.experiments.contains("aliasv2")
    }

    fn enclosing_struct(&self) -> u32 {
        self.scopes.enclosing_struct()
    }

    fn float_range(&mut self, limit: &str, span: Span) -> Ex {
        let Some(limit) = Number::parse(limit) else { return self.bad(Code::Limit, "a bound of floats", span) };
        let number = |value: Number| ex(Kinds::Data(Data::Number(value)), span);
        let low = ex(Kinds::Bound(UnaryOp::GreaterEqual, number(limit.neg())), span);
        let high = ex(Kinds::Bound(UnaryOp::LessEqual, number(limit)), span);
        let bounds = ex(Kinds::And(low, high), span);
        ex(Kinds::And(ex(Kinds::Kind(Kind::NUMBER), span), bounds), span)
    }

    fn selector(&mut self, of: &ast::Expr, label: &ast::Ident, quoted: bool, span: Span) -> Ex {
        if let ast::ExprKind::Ident(ident) = &of.kind
            && let Some((_, Meaning::Import(Target::Standard(package)))) = self.scopes.find(&ident.name)
        {
            return self.standard(package, label, span);
        }
        let of = self.expr(of);
        let label = if quoted {
            self.binder.labels.regular(&label.name)
        } else {
            self.binder.labels.identifier(&label.name, &self.package.path)
        };
        ex(Kinds::Select(of, label), span)
    }

    /// A member of a standard package.
    fn standard(&mut self, package: &'static builtin::Package, label: &ast::Ident, span: Span) -> Ex {
        if let Some((path, name)) = NATIVES.iter().find(|(path, name)| *path == package.path && *name == &*label.name) {
            return ex(Kinds::Function(Callee::Native(Native::Package(path, name))), span);
        }
        if let Some(function) = package.functions.iter().find(|function| function.name == &*label.name) {
            let name = format!("{}.{}", package.path.rsplit('/').next().unwrap_or(package.path), function.name);
            return ex(Kinds::Function(Callee::Package(name.into(), function)), span);
        }
        if let Some(constant) = package.constants.iter().find(|constant| constant.name == &*label.name) {
            return self.constant(constant, span);
        }
        self.bad(Code::Reference, format!("package {} has no {}", package.path, label.name), span)
    }

    fn constant(&mut self, constant: &builtin::Constant, span: Span) -> Ex {
        let (expr, errors) = syntax::parse_expr(FileId(u32::MAX), constant.cue);
        if !errors.is_empty() {
            return self.bad(Code::Syntax, format!("the constant {} is not readable", constant.name), span);
        }
        self.expr(&expr)
    }

    fn call(&mut self, of: &ast::Expr, args: &[ast::Expr], span: Span) -> Ex {
        let callee = self.expr(of);
        let args: Vec<Ex> = args.iter().map(|arg| self.expr(arg)).collect();
        match &callee.kind {
            Kinds::Function(Callee::Native(native @ (Native::CloseAll | Native::Reclose))) => {
                self.reclose(*native, args, span)
            }
            Kinds::Function(callee) => ex(Kinds::Call(callee.clone(), args), span),
            Kinds::Bottom(_) | Kinds::Unsupported(_) => callee,
            _ => ex(Kinds::CallValue(callee, args), span),
        }
    }

    /// `__closeAll` and `__reclose` take a literal, in files with `explicitopen`.
    fn reclose(&mut self, native: Native, args: Vec<Ex>, span: Span) -> Ex {
        let closes = |arg: &Ex| matches!(&arg.kind, Kinds::Call(Callee::Native(Native::Close), _));
        let literal = |arg: &Ex| matches!(arg.kind, Kinds::Struct(_) | Kinds::List(_));
        let wrong = match args.as_slice() {
            _ if !self.experiments.contains("explicitopen") => "it may only be used when explicitopen is enabled",
            [arg] if literal(arg) || (native == Native::Reclose && closes(arg)) => {
                return ex(Kinds::Call(Callee::Native(native), args), span);
            }
            [_] => "the argument must be a struct or list literal",
            _ => "it takes one argument",
        };
        let name = if native == Native::Reclose { "__reclose" } else { "__closeAll" };
        ex(Kinds::Bottom(format!("error in call to {name}: {wrong}").into()), span)
    }

    fn unary(&mut self, op: UnaryOp, of: &ast::Expr, span: Span) -> Ex {
        match op {
            UnaryOp::Default => self.bad(Code::Syntax, "a default mark `*` stands only in a disjunction", span),
            UnaryOp::Plus | UnaryOp::Minus | UnaryOp::Not => {
                let of = self.expr(of);
                match (&of.kind, op) {
                    (Kinds::Data(Data::Number(number)), UnaryOp::Minus) => {
                        ex(Kinds::Data(Data::Number(number.neg())), span)
                    }
                    (Kinds::Data(Data::Number(_)), UnaryOp::Plus) => of,
                    _ => ex(Kinds::Unary(op, of), span),
                }
            }
            _ => {
                let of = self.expr(of);
                ex(Kinds::Bound(op, of), span)
            }
        }
    }

    fn binary(&mut self, op: BinaryOp, left: &ast::Expr, right: &ast::Expr, span: Span) -> Ex {
        if !matches!(op, BinaryOp::And | BinaryOp::Or) {
            self.check_operand(left);
            self.check_operand(right);
        }
        match op {
            BinaryOp::Or => self.disjunction(left, right, span),
            BinaryOp::And => ex(Kinds::And(self.expr(left), self.expr(right)), span),
            BinaryOp::Equal | BinaryOp::NotEqual if is_bottom(right) => {
                ex(Kinds::IsBottom(self.expr(left), op == BinaryOp::Equal), span)
            }
            BinaryOp::Equal | BinaryOp::NotEqual if is_bottom(left) => {
                ex(Kinds::IsBottom(self.expr(right), op == BinaryOp::Equal), span)
            }
            BinaryOp::BoolAnd | BinaryOp::BoolOr => {
                let short = self.experiments.contains("shortcircuit");
                let (left, right) = (self.expr(left), self.expr(right));
                ex(Kinds::Boolean { op, short, left, right }, span)
            }
            BinaryOp::Equal | BinaryOp::NotEqual => {
                let total = self.experiments.contains("structcmp");
                let (left, right) = (self.expr(left), self.expr(right));
                ex(Kinds::Equal { positive: op == BinaryOp::Equal, total, left, right }, span)
            }
            _ => ex(Kinds::Binary(op, self.expr(left), self.expr(right)), span),
        }
    }

    /// An operand that can't be concrete, whatever is added, is wrong even where nobody asks for the result.
    fn check_operand(&mut self, node: &ast::Expr) {
        if self.is_constraint(node) {
            self.fail(Code::Conflict, "invalid operand: the operator requires a concrete value", node.span);
        }
    }

    /// Whether an expression is a kind, a bound, or `_`, as written.
    fn is_constraint(&mut self, node: &ast::Expr) -> bool {
        match &node.kind {
            ast::ExprKind::Paren(inner) => self.is_constraint(inner),
            ast::ExprKind::Top => true,
            ast::ExprKind::Unary { op, .. } => !matches!(op, UnaryOp::Plus | UnaryOp::Minus | UnaryOp::Not),
            ast::ExprKind::Ident(ident) => {
                let stands_for_kind = !matches!(predeclared(&ident.name), None | Some(Predeclared::Native(_)));
                stands_for_kind && self.scopes.find(&ident.name).is_none()
            }
            _ => false,
        }
    }

    fn disjunction(&mut self, left: &ast::Expr, right: &ast::Expr, span: Span) -> Ex {
        let mut values = Vec::new();
        self.alternatives(left, &mut values);
        self.alternatives(right, &mut values);
        let has_defaults = values.iter().any(|(_, marked)| *marked);
        ex(Kinds::Or(Arc::new(Alternatives { values, has_defaults })), span)
    }

    /// `a | b | c` is one disjunction; parentheses keep one apart.
    fn alternatives(&mut self, node: &ast::Expr, values: &mut Vec<(Ex, bool)>) {
        match &node.kind {
            ast::ExprKind::Binary { op: BinaryOp::Or, left, right, .. } => {
                self.alternatives(left, values);
                self.alternatives(right, values);
            }
            ast::ExprKind::Unary { op: UnaryOp::Default, of } => values.push((self.expr(unmarked(of)), true)),
            _ => values.push((self.expr(node), false)),
        }
    }
}

/// What further marks stand before: `**x` is `*x`.
fn unmarked(node: &ast::Expr) -> &ast::Expr {
    match &node.kind {
        ast::ExprKind::Unary { op: UnaryOp::Default, of } => unmarked(of),
        _ => node,
    }
}

fn recloses(name: &str) -> Option<Native> {
    match name {
        "__closeAll" => Some(Native::CloseAll),
        "__reclose" => Some(Native::Reclose),
        _ => None,
    }
}

fn is_bottom(node: &ast::Expr) -> bool {
    match &node.kind {
        ast::ExprKind::Bottom => true,
        ast::ExprKind::Paren(inner) => is_bottom(inner),
        _ => false,
    }
}
