//! What the layout must know of a token and only the tree can tell, by the token's place.
//!
//! The rules for the spaces of operators are those of gofmt, which `cue fmt` follows: operators that bind more tightly
//! lose their spaces where looser ones stand beside them, and within calls and indices.
//!
//! Not here: what the layout makes of it.

use std::collections::{HashMap, HashSet};

use super::decls;
use crate::source::Span;
use crate::syntax::ast::{
    BinaryOp, Clause, Comprehension, Decl, Element, Expr, ExprKind, Field, File, Import, Label, Piece, Struct, UnaryOp,
};

/// Facts about tokens; the keys are bytes of the text.
#[derive(Debug, Default)]
pub(super) struct Marks {
    /// Binary operators without spaces, by start.
    pub(super) tight_operators: HashSet<u32>,
    /// Operators before their operand, by start.
    pub(super) prefixes: HashSet<u32>,
    /// Ends of operands after which `(`, `[`, `?` or `...` belongs to them.
    pub(super) operands: HashSet<u32>,
    /// Ends of indexed operands whose slice has spaces around its colon.
    pub(super) wide_slices: HashSet<u32>,
    /// Ends of names after which `=` has spaces.
    pub(super) wide_binds: HashSet<u32>,
    /// Values that stand in a column, by start.
    pub(super) columns: HashSet<u32>,
    /// Where lines that continue are indented by one: starts, and how many begin there.
    pub(super) indents: HashMap<u32, usize>,
    /// The ends of the same.
    pub(super) dedents: HashMap<u32, usize>,
    /// Ends of declarations after which a block of columns ends.
    pub(super) block_ends: HashSet<u32>,
    /// Ends of declarations after which a blank line comes.
    pub(super) sections: HashSet<u32>,
    /// Ends of clauses: a comma after one is no list's comma.
    pub(super) clause_ends: HashSet<u32>,
    /// Starts of clauses and embeddings: further lines of one are indented, its first is not.
    pub(super) continued: HashSet<u32>,
    /// Structs of comprehensions, by start: they stand on the line of their last clause.
    pub(super) bodies: HashSet<u32>,
    /// Parentheses around imports, by start.
    pub(super) import_groups: HashSet<u32>,
    /// Brackets that are left out: doubled parentheses, by start.
    pub(super) left_out: HashSet<u32>,
    /// Labels that are spelled anew, by start.
    pub(super) labels: HashMap<u32, String>,
}

pub(super) fn of(file: &File, text: &str) -> Marks {
    let mut marker = Marker { marks: Marks::default(), text, comments: &file.comments };
    if let Some(package) = &file.package {
        marker.marks.sections.insert(package.span.end);
    }
    marker.imports(&file.imports);
    marker.decls(&file.decls);
    marker.marks
}

pub(super) struct Marker<'a> {
    pub(super) marks: Marks,
    pub(super) text: &'a str,
    pub(super) comments: &'a [crate::syntax::ast::Comment],
}

impl<'a> Marker<'a> {
    fn indent(&mut self, span: Span) {
        *self.marks.indents.entry(span.start).or_default() += 1;
        *self.marks.dedents.entry(span.end).or_default() += 1;
    }

    /// Every import declaration is followed by a blank line; a group's specs stand on lines of their own.
    fn imports(&mut self, imports: &[Import]) {
        for import in imports {
            let before = self.before(import.span.start);
            if before.ends_with('(') {
                self.marks.import_groups.insert(before.len() as u32 - 1);
            }
            if before.ends_with("import") {
                self.marks.sections.insert(import.span.end);
            } else if let Some(end) = self.end_of_group(import.span.end) {
                self.marks.sections.insert(end);
            }
        }
    }

    /// The text up to a byte, without space and comments at its end.
    fn before(&self, at: u32) -> &'a str {
        let mut before = self.text.get(..at as usize).unwrap_or("").trim_end();
        let comments = self.comments.partition_point(|comment| comment.span.start < at);
        for comment in self.comments[..comments].iter().rev() {
            if comment.span.end as usize != before.len() {
                break;
            }
            before = before.get(..comment.span.start as usize).unwrap_or("").trim_end();
        }
        before
    }

    /// The end of the `)` that comes next, comments and commas aside.
    fn end_of_group(&self, after: u32) -> Option<u32> {
        let mut at = after as usize;
        loop {
            let rest = self.text.get(at..)?;
            let skipped = rest.len() - rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',').len();
            let rest = &rest[skipped..];
            at += skipped;
            if !rest.starts_with("//") {
                return rest.starts_with(')').then_some(at as u32 + 1);
            }
            at += rest.find('\n')?;
        }
    }

    fn continued(&mut self, span: Span) {
        self.marks.continued.insert(span.start);
        *self.marks.dedents.entry(span.end).or_default() += 1;
    }

    fn decls(&mut self, list: &[Decl]) {
        decls::mark_ends(self, list);
        for decl in list {
            self.decl(decl);
        }
    }

    fn decl(&mut self, decl: &Decl) {
        match decl {
            Decl::Field(field) => self.field(field),
            Decl::Let(clause) => {
                self.marks.wide_binds.insert(clause.name.span.end);
                self.value(&clause.value);
            }
            Decl::Embed(expr) => {
                if !matches!(expr.kind, ExprKind::Struct(_) | ExprKind::List(_)) {
                    self.continued(expr.span);
                }
                self.expr(expr, 1);
            }
            Decl::Comprehension(comprehension) => self.comprehension(comprehension),
            Decl::Ellipsis(_) | Decl::Attribute(_) => {}
        }
    }

    fn field(&mut self, field: &Field) {
        self.label(&field.label);
        if let ExprKind::Struct(Struct { decls, braces: false, span }) = &field.value.kind {
            self.indent(*span);
            return self.decls(decls);
        }
        if !decls::breaks_columns(&field.value, self.text) {
            self.marks.columns.insert(field.value.span.start);
        }
        self.value(&field.value);
    }

    /// An expression whose further lines are indented, unless it is a struct or list, which does so itself.
    fn value(&mut self, expr: &Expr) {
        if !matches!(expr.kind, ExprKind::Struct(_) | ExprKind::List(_)) {
            self.indent(expr.span);
        }
        self.expr(expr, 1);
    }

    fn label(&mut self, label: &Label) {
        match label {
            Label::Ident(_) => {}
            Label::String(name, span) => {
                let written = self.text.get(span.start as usize..span.end as usize).unwrap_or("");
                if written.starts_with("\"\"\"") || written.starts_with('#') {
                    self.marks.labels.insert(span.start, super::quote::quote_string(name));
                }
            }
            Label::Interpolation(interpolation) => self.pieces(&interpolation.pieces, 1),
            Label::Dynamic(expr, _) => self.expr(expr, 1),
            Label::Pattern { expr, .. } => self.expr(expr, 1),
        }
    }

    fn pieces(&mut self, pieces: &[Piece], depth: u32) {
        for piece in pieces {
            if let Piece::Expr(expr) = piece {
                self.expr(expr, depth + 1);
            }
        }
    }

    fn comprehension(&mut self, comprehension: &Comprehension) {
        for clause in &comprehension.clauses {
            self.clause(clause);
        }
        self.marks.bodies.insert(comprehension.body.span.start);
        self.decls(&comprehension.body.decls);
        if let Some(fallback) = &comprehension.fallback {
            self.marks.bodies.insert(fallback.body.span.start);
            self.decls(&fallback.body.decls);
        }
    }

    fn clause(&mut self, clause: &Clause) {
        let (span, name, expr) = match clause {
            Clause::For { source, span, .. } => (*span, None, Some(source)),
            Clause::If(condition, span) => (*span, None, Some(condition)),
            Clause::Let(clause) => (clause.span, Some(&clause.name), Some(&clause.value)),
            Clause::Try { binding: Some((name, expr)), span } => (*span, Some(name), Some(expr)),
            Clause::Try { binding: None, span } => (*span, None, None),
        };
        self.marks.clause_ends.insert(span.end);
        self.continued(span);
        self.marks.wide_binds.extend(name.map(|name| name.span.end));
        if let Some(expr) = expr {
            self.expr(expr, 1);
        }
    }

    /// `depth` 1 is normal; deeper means that operators stand closer.
    fn expr(&mut self, expr: &Expr, depth: u32) {
        match &expr.kind {
            ExprKind::Struct(literal) => self.decls(&literal.decls),
            ExprKind::List(elements) => elements.iter().for_each(|element| self.element(element)),
            ExprKind::Interpolation(interpolation) => self.pieces(&interpolation.pieces, depth),
            ExprKind::Selector { of, .. } => self.expr(of, depth),
            ExprKind::Index { of, index } => {
                self.operand(of, 1);
                self.expr(index, depth + 1);
            }
            ExprKind::Slice { of, low, high } => self.slice(of, low.as_deref(), high.as_deref(), depth),
            ExprKind::Call { of, args } => self.call(of, args, depth),
            ExprKind::Open(of) | ExprKind::Maybe(of) => self.operand(of, depth),
            ExprKind::Alias { of, .. } => self.expr(of, 1),
            ExprKind::Paren(of) => self.paren(expr.span, of, depth),
            ExprKind::Unary { of, .. } => {
                self.marks.prefixes.insert(expr.span.start);
                self.expr(of, depth);
            }
            ExprKind::Binary { .. } => self.binary(expr, cutoff(expr, depth), depth),
            _ => {}
        }
    }

    fn operand(&mut self, of: &Expr, depth: u32) {
        self.marks.operands.insert(of.span.end);
        self.expr(of, depth);
    }

    fn element(&mut self, element: &Element) {
        match element {
            Element::Expr(expr) => self.expr(expr, 1),
            Element::Comprehension(comprehension) => self.comprehension(comprehension),
            Element::Ellipsis(ellipsis) => ellipsis.value.iter().for_each(|value| self.expr(value, 1)),
        }
    }

    fn slice(&mut self, of: &Expr, low: Option<&Expr>, high: Option<&Expr>, depth: u32) {
        self.operand(of, 1);
        let is_binary = |expr: &Expr| matches!(expr.kind, ExprKind::Binary { .. });
        if let (Some(low), Some(high)) = (low, high)
            && depth <= 1
            && (is_binary(low) || is_binary(high))
        {
            self.marks.wide_slices.insert(of.span.end);
        }
        for bound in [low, high].into_iter().flatten() {
            self.expr(bound, depth + 1);
        }
    }

    fn call(&mut self, of: &Expr, args: &[Expr], depth: u32) {
        let depth = if args.len() > 1 { depth + 1 } else { depth };
        self.operand(of, depth);
        for arg in args {
            self.expr(arg, depth);
        }
    }

    fn paren(&mut self, span: Span, of: &Expr, depth: u32) {
        if matches!(of.kind, ExprKind::Paren(_)) {
            self.marks.left_out.insert(span.start);
            self.marks.left_out.insert(span.end - 1);
            self.expr(of, depth);
        } else {
            self.expr(of, depth.saturating_sub(1).max(1));
        }
    }

    fn binary(&mut self, expr: &Expr, cutoff: u8, depth: u32) {
        let ExprKind::Binary { op, op_span, left, right } = &expr.kind else {
            return self.expr(expr, depth);
        };
        let precedence = precedence(*op);
        if precedence >= cutoff {
            self.marks.tight_operators.insert(op_span.start);
        }
        let same = matches!(&left.kind, ExprKind::Binary { op, .. } if self::precedence(*op) == precedence);
        let left_depth = if same { depth } else { depth + 1 };
        match left.kind {
            // A chain keeps the spaces that its first operator has.
            ExprKind::Binary { .. } if same => self.binary(left, cutoff, left_depth),
            _ => self.expr(left, left_depth),
        }
        self.expr(right, depth + 1);
    }
}

/// How tightly an operator binds; 8 would be a prefix.
pub(super) fn precedence(op: BinaryOp) -> u8 {
    match op {
        BinaryOp::Or => 1,
        BinaryOp::And => 2,
        BinaryOp::BoolOr => 3,
        BinaryOp::BoolAnd => 4,
        BinaryOp::Add | BinaryOp::Subtract => 6,
        BinaryOp::Multiply | BinaryOp::Divide => 7,
        _ => 5,
    }
}

/// From which precedence on operators lose their spaces.
fn cutoff(expr: &Expr, depth: u32) -> u8 {
    let mut seen = Seen::default();
    seen.walk(expr);
    match (seen.clash, seen.sums && seen.products, depth) {
        (true, _, _) => 7,
        (false, true, 1) => 7,
        (false, false, 1) => 8,
        _ => 6,
    }
}

/// The operators of an expression, those in brackets left aside.
#[derive(Default)]
struct Seen {
    sums: bool,
    products: bool,
    /// `+ +x` or `- -x`, which would read badly without a space.
    clash: bool,
}

impl Seen {
    fn walk(&mut self, expr: &Expr) {
        let ExprKind::Binary { op, left, right, .. } = &expr.kind else {
            return;
        };
        self.sums |= precedence(*op) == 6;
        self.products |= precedence(*op) == 7;
        if let ExprKind::Unary { op: prefix, .. } = &right.kind {
            self.clash |= matches!((op, prefix), (BinaryOp::Add, UnaryOp::Plus) | (BinaryOp::Subtract, UnaryOp::Minus));
        }
        self.walk(left);
        self.walk(right);
    }
}
