//! The tree of a CUE file, as written: nothing resolved, nothing simplified, a span on everything.
//!
//! Comments stand in [`File::comments`] in the order of their places; the formatter and the editor find them by place.
//!
//! Not here: how a text becomes a tree (that is [`super::parser`]), bound trees (`compile`).

use std::sync::Arc;

use crate::number::Number;
use crate::source::{FileId, Span};

/// A file.
#[derive(Clone, Debug)]
pub struct File {
    /// Which file.
    pub id: FileId,
    /// `package name`, if there is one.
    pub package: Option<Ident>,
    /// The imports in the order written.
    pub imports: Vec<Import>,
    /// `@extern(…)`, `@if(…)`, `@experiment(…)` and others before and after the package clause.
    pub attributes: Vec<Attribute>,
    /// Everything after the imports.
    pub decls: Vec<Decl>,
    /// All comments, by place.
    pub comments: Vec<Comment>,
    /// `==` compares values of all kinds, structs too: so from language version 0.15 on, which is where files without
    /// a module are.
    pub compares_all: bool,
    /// [`Span::of_file`]; where data was made a file, the span of the data.
    pub span: Span,
}

/// `// text`, without the end of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// With its slashes.
    pub text: Arc<str>,
    /// Where.
    pub span: Span,
    /// Something stands before it on its line.
    pub trailing: bool,
    /// Something stands on the next line.
    pub above: bool,
}

/// A name as written: `a`, `_a`, `#A`, `_#A`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ident {
    /// The name, prefix included.
    pub name: Arc<str>,
    /// Where.
    pub span: Span,
}

/// `import name "path"`.
#[derive(Clone, Debug)]
pub struct Import {
    /// The name given to it, if one is.
    pub name: Option<Ident>,
    /// The path as unquoted, with `:name` and `@version` if written.
    pub path: Arc<str>,
    /// The whole spec.
    pub span: Span,
}

/// `@name(body)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    /// The name.
    pub name: Arc<str>,
    /// What stands between the parentheses, as written.
    pub body: Arc<str>,
    /// Where.
    pub span: Span,
}

/// One declaration of a file or struct.
#[derive(Clone, Debug)]
pub enum Decl {
    /// `label: value`; `a: b: c` is a field whose value is a [`Struct`] without braces.
    Field(Box<Field>),
    /// `let x = expr`
    Let(Box<Let>),
    /// An embedded expression.
    Embed(Box<Expr>),
    /// `for … if … { … }`
    Comprehension(Box<Comprehension>),
    /// `...` or `...T` (structs: `...` only)
    Ellipsis(Box<Ellipsis>),
    /// An attribute of the struct.
    Attribute(Attribute),
}

impl Decl {
    /// Where it stands, from its first token to its last.
    #[must_use]
    pub fn span(&self) -> Span {
        match self {
            Self::Field(field) => field.span,
            Self::Let(clause) => clause.span,
            Self::Embed(expr) => expr.span,
            Self::Comprehension(comprehension) => comprehension.span,
            Self::Ellipsis(ellipsis) => ellipsis.span,
            Self::Attribute(attribute) => attribute.span,
        }
    }
}

/// A field.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its label.
    pub label: Label,
    /// `X=label:`, or the postfix form `label~X`.
    pub alias: Option<Alias>,
    /// `?` or `!` after the label.
    pub presence: Presence,
    /// What it is.
    pub value: Expr,
    /// Attributes after the value.
    pub attributes: Vec<Attribute>,
    /// From label to the last attribute.
    pub span: Span,
}

/// An alias of a field.
#[derive(Clone, Debug)]
pub struct Alias {
    /// `X` of `X=label` or `label~X` (the field), or `V` of `label~(K,V)`.
    pub value: Option<Ident>,
    /// `K` of `label~(K,V)`: the label as a string.
    pub label: Option<Ident>,
    /// Written after the label, with `~`.
    pub postfix: bool,
}

/// Whether a field is there, may be, or must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presence {
    /// `a: …`
    Regular,
    /// `a?: …`
    Optional,
    /// `a!: …`
    Required,
}

/// What a field is named by.
#[derive(Clone, Debug)]
pub enum Label {
    /// `a`, `_a`, `#A`, `_#A` (keywords too)
    Ident(Ident),
    /// `"a b"`: unquoted text; multi-line and raw forms too, as long as nothing is interpolated.
    String(Arc<str>, Span),
    /// `"\(x)"`: the label is computed.
    Interpolation(Box<Interpolation>),
    /// `(expr)`: the label is computed.
    Dynamic(Box<Expr>, Span),
    /// `[expr]` or `[X=expr]`: a pattern.
    Pattern {
        /// `X` of `[X=expr]`.
        alias: Option<Ident>,
        /// Which labels.
        expr: Box<Expr>,
        /// With its brackets.
        span: Span,
    },
}

/// `let x = expr`.
#[derive(Clone, Debug)]
pub struct Let {
    /// The name.
    pub name: Ident,
    /// Its value.
    pub value: Expr,
    /// The whole clause.
    pub span: Span,
}

/// `...` or `...T`.
#[derive(Clone, Debug)]
pub struct Ellipsis {
    /// `T`, if written.
    pub value: Option<Expr>,
    /// Where.
    pub span: Span,
}

/// Clauses and what they yield.
#[derive(Clone, Debug)]
pub struct Comprehension {
    /// At least one; the first is never a `let`.
    pub clauses: Vec<Clause>,
    /// What is yielded for each round.
    pub body: Struct,
    /// `else { … }` / `fallback { … }` after the body: what is yielded where nothing else was.
    pub fallback: Option<Fallback>,
    /// From the first clause to the end.
    pub span: Span,
}

/// `else { … }` or `fallback { … }`.
#[derive(Clone, Debug)]
pub struct Fallback {
    /// The word as written.
    pub word: Ident,
    /// What is yielded.
    pub body: Struct,
}

/// One clause of a comprehension.
#[derive(Clone, Debug)]
pub enum Clause {
    /// `for k, v in expr`
    For {
        /// `k` of `k, v`.
        key: Option<Ident>,
        /// `v`
        value: Ident,
        /// What is gone through.
        source: Expr,
        /// Where.
        span: Span,
    },
    /// `if expr`
    If(Expr, Span),
    /// `let x = expr`
    Let(Let),
    /// `try` or `try x = expr` (experiment `try`)
    Try {
        /// `x = expr`
        binding: Option<(Ident, Expr)>,
        /// Where.
        span: Span,
    },
}

/// `{ … }`, or the declarations of `a: b: c` after `a:`.
#[derive(Clone, Debug)]
pub struct Struct {
    /// What stands in it.
    pub decls: Vec<Decl>,
    /// Written with braces.
    pub braces: bool,
    /// Where, with the braces.
    pub span: Span,
}

/// An element of a list.
#[derive(Clone, Debug)]
pub enum Element {
    /// A value.
    Expr(Expr),
    /// `for … { … }`
    Comprehension(Box<Comprehension>),
    /// `...` or `...T`, the last one.
    Ellipsis(Box<Ellipsis>),
}

/// A piece of an interpolated string.
#[derive(Clone, Debug)]
pub enum Piece {
    /// Text, unquoted. Bytes, as byte strings may hold any.
    Text(Arc<[u8]>),
    /// `\(expr)`
    Expr(Expr),
}

/// A string or byte string with expressions in it.
#[derive(Clone, Debug)]
pub struct Interpolation {
    /// In order.
    pub pieces: Vec<Piece>,
    /// Written with single quotes.
    pub bytes: bool,
    /// Where, with the quotes.
    pub span: Span,
}

/// An expression and where it stands.
#[derive(Clone, Debug)]
pub struct Expr {
    /// What.
    pub kind: ExprKind,
    /// Where.
    pub span: Span,
}

/// The kinds of expressions.
#[derive(Clone, Debug)]
pub enum ExprKind {
    /// `_|_`
    Bottom,
    /// `_`
    Top,
    /// `null`
    Null,
    /// `true`, `false`
    Bool(bool),
    /// A number, its text read.
    Number(Number),
    /// A string without interpolation.
    String(Arc<str>),
    /// A byte string without interpolation.
    Bytes(Arc<[u8]>),
    /// A string with interpolation.
    Interpolation(Box<Interpolation>),
    /// A name.
    Ident(Ident),
    /// `{ … }`
    Struct(Struct),
    /// `[ … ]`
    List(Vec<Element>),
    /// `x.a`, `x."a"`: the label is unquoted; `quoted` tells `x."_a"` from `x._a`.
    Selector {
        /// `x`
        of: Box<Expr>,
        /// `a`
        label: Ident,
        /// Written as a string.
        quoted: bool,
    },
    /// `x[i]`
    Index {
        /// `x`
        of: Box<Expr>,
        /// `i`
        index: Box<Expr>,
    },
    /// `x[a:b]`
    Slice {
        /// `x`
        of: Box<Expr>,
        /// `a`
        low: Option<Box<Expr>>,
        /// `b`
        high: Option<Box<Expr>>,
    },
    /// `f(a, b)`
    Call {
        /// `f`
        of: Box<Expr>,
        /// `a`, `b`
        args: Vec<Expr>,
    },
    /// `+x`, `-x`, `!x`, `*x` (a default mark), `<x`, `=~x` and the other bounds.
    Unary {
        /// Which.
        op: UnaryOp,
        /// Of what.
        of: Box<Expr>,
    },
    /// `x + y` and the others.
    Binary {
        /// Which.
        op: BinaryOp,
        /// Where the operator stands.
        op_span: Span,
        /// On its left.
        left: Box<Expr>,
        /// On its right.
        right: Box<Expr>,
    },
    /// `(x)`
    Paren(Box<Expr>),
    /// `X=expr` as the value of a field, or inside `[X=expr]`.
    Alias {
        /// `X`
        name: Ident,
        /// `expr`
        of: Box<Expr>,
    },
    /// `x...` (experiment `explicitopen`)
    Open(Box<Expr>),
    /// `x?` (after a selector or index; experiment `try`)
    Maybe(Box<Expr>),
    /// What could not be read; the parser said so in its errors.
    Bad,
}

/// An operator before its operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum UnaryOp {
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `!`
    Not,
    /// `*`
    Default,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `!=`
    NotEqual,
    /// `==`, as a validator (experiment `structcmp`)
    Equal,
    /// `=~`
    Match,
    /// `!~`
    NotMatch,
}

impl UnaryOp {
    /// The operator as it is written.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Plus => "+",
            Self::Minus => "-",
            Self::Not => "!",
            Self::Default => "*",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::NotEqual => "!=",
            Self::Equal => "==",
            Self::Match => "=~",
            Self::NotMatch => "!~",
        }
    }
}

/// An operator between its operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BinaryOp {
    /// `|`
    Or,
    /// `&`
    And,
    /// `||`
    BoolOr,
    /// `&&`
    BoolAnd,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `=~`
    Match,
    /// `!~`
    NotMatch,
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
}

impl BinaryOp {
    /// The operator as it is written.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Or => "|",
            Self::And => "&",
            Self::BoolOr => "||",
            Self::BoolAnd => "&&",
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::Match => "=~",
            Self::NotMatch => "!~",
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
        }
    }
}
