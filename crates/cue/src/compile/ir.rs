//! Expressions whose names are bound: what the evaluator reads.
//!
//! A reference says how many frames to go up and which label to take there. Frames are opened by structs, lists,
//! clauses that bind names, fields with a computed label, patterns, and aliases of values.
//!
//! Not here: values, and how they are found.

use std::sync::Arc;

use crate::builtin::Builtin;
use crate::data::Data;
use crate::kind::Kind;
use crate::label::Label;
use crate::source::Span;
pub use crate::syntax::ast::{Attribute, BinaryOp, Presence, UnaryOp};

/// A shared expression.
pub type Ex = Arc<Expr>;

/// An expression and where it was written.
#[derive(Debug)]
pub struct Expr {
    /// What.
    pub kind: Kinds,
    /// Where.
    pub span: Span,
}

/// Which function of the language a call means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Native {
    /// `len`
    Len,
    /// `close`
    Close,
    /// `and`
    And,
    /// `or`
    Or,
    /// `div`
    Div,
    /// `mod`
    Mod,
    /// `quo`
    Quo,
    /// `rem`
    Rem,
    /// `error`
    Error,
    /// `matchN`
    MatchN,
    /// `matchIf`
    MatchIf,
    /// `__closeAll`
    CloseAll,
    /// `__reclose`
    Reclose,
    /// Anything else that needs the evaluator, by package and name.
    Package(&'static str, &'static str),
}

/// What a call calls.
#[derive(Clone, Debug)]
pub enum Callee {
    /// A function that works on the graph.
    Native(Native),
    /// A function of a standard package on concrete data: its full name and itself.
    Package(Arc<str>, &'static Builtin),
}

/// The kinds of bound expressions.
#[derive(Debug)]
pub enum Kinds {
    /// A literal.
    Data(Data),
    /// `_`
    Top,
    /// `_|_`, or what could not be compiled.
    Bottom(Arc<str>),
    /// `int`, `string` …
    Kind(Kind),
    /// `>x` and the like.
    Bound(UnaryOp, Ex),
    /// A field of the vertex `up` frames above.
    Field {
        /// How many frames.
        up: u32,
        /// Which field.
        label: Label,
    },
    /// The vertex of the frame `up` frames above: an alias of a value.
    Frame {
        /// How many frames.
        up: u32,
    },
    /// The label of the frame `up` frames above, as a string.
    LabelOf {
        /// How many frames.
        up: u32,
    },
    /// The field of the vertex `up` frames above whose label is computed there: an alias of such a field.
    Computed {
        /// How many frames.
        up: u32,
        /// What computes the label, in that frame.
        label: Ex,
    },
    /// The field whose label the frame `up` frames above holds.
    Labelled {
        /// How many frames.
        up: u32,
    },
    /// A `let` of the struct whose frame is `up` frames above: the number is unique in the program.
    Let {
        /// How many frames.
        up: u32,
        /// Which `let`.
        number: u32,
    },
    /// A package of ours.
    Package(usize),
    /// `x.a`
    Select(Ex, Label),
    /// `x[i]`
    Index(Ex, Ex),
    /// `x[a:b]`
    Slice(Ex, Option<Ex>, Option<Ex>),
    /// Text with expressions in it; `true` for bytes.
    Interpolation(Vec<Part>, bool),
    /// `-x`, `+x`, `!x`
    Unary(UnaryOp, Ex),
    /// Arithmetic, comparison and boolean operators.
    Binary(BinaryOp, Ex, Ex),
    /// `x && y`, `x || y`
    Boolean {
        /// Which.
        op: BinaryOp,
        /// The right side is not looked at where the left decides (experiment `shortcircuit`).
        short: bool,
        /// `x`
        left: Ex,
        /// `y`
        right: Ex,
    },
    /// `x == y` (`true`) or `x != y`.
    Equal {
        /// `==`
        positive: bool,
        /// Values of all kinds can be compared (experiment `structcmp`).
        total: bool,
        /// `x`
        left: Ex,
        /// `y`
        right: Ex,
    },
    /// `true` where a reference leads to something, else an error: what `try` asks.
    Exists(Ex),
    /// `x == _|_` (`true`) or `x != _|_`.
    IsBottom(Ex, bool),
    /// `x & y`
    And(Ex, Ex),
    /// `x | *y | z`
    Or(Arc<Alternatives>),
    /// `f(x)`
    Call(Callee, Vec<Ex>),
    /// `x(y)`, where `x` is a value.
    CallValue(Ex, Vec<Ex>),
    /// A function that isn't called: `time.Time`, `net.IP` as validators.
    Function(Callee),
    /// `{…}`
    Struct(Arc<Struct>),
    /// `[…]`
    List(Arc<List>),
    /// `X=x`: the vertex gets a frame of its own.
    Alias(Ex),
    /// `x...`
    Open(Ex),
    /// Refused, by name.
    Unsupported(Arc<str>),
}

impl Kinds {
    /// Whether it is a reference, and nothing else.
    pub fn is_reference(&self) -> bool {
        matches!(
            self,
            Self::Field { .. }
                | Self::Frame { .. }
                | Self::Labelled { .. }
                | Self::Computed { .. }
                | Self::Let { .. }
                | Self::Package(_)
                | Self::Select(..)
                | Self::Index(..)
        )
    }
}

/// The alternatives of a disjunction.
#[derive(Debug)]
pub struct Alternatives {
    /// Each, and whether it is marked as a default.
    pub values: Vec<(Ex, bool)>,
    /// Whether any is marked.
    pub has_defaults: bool,
}

/// A piece of an interpolation.
#[derive(Debug)]
pub enum Part {
    /// Text.
    Text(Arc<[u8]>),
    /// A value to be written in.
    Value(Ex),
}

/// A struct.
#[derive(Debug)]
pub struct Struct {
    /// What stands in it.
    pub decls: Vec<Decl>,
    /// It has an embedding or a comprehension.
    pub embeds: bool,
    /// It has `...`.
    pub open: bool,
    /// It is a whole file.
    pub file: bool,
    /// It is the body of a comprehension.
    pub yielded: bool,
    /// The clauses that it is the body of.
    pub clauses: Option<Span>,
    /// Labels that its evaluation may add, if all are known.
    pub labels: Option<Vec<Label>>,
    /// The attributes that stand in it by themselves.
    pub attributes: Vec<Attribute>,
}

/// One declaration.
#[derive(Debug)]
pub enum Decl {
    /// A field with a fixed label.
    Field {
        /// Its label.
        label: Label,
        /// Where the label is written.
        place: Span,
        /// Whether it is there.
        presence: Presence,
        /// What it is.
        value: Ex,
    },
    /// A `let`.
    Let {
        /// Unique in the program.
        number: u32,
        /// What it is.
        value: Ex,
    },
    /// A field with a computed label.
    Dynamic {
        /// What the label is computed from.
        label: Ex,
        /// Whether it is there.
        presence: Presence,
        /// What it is, in a frame with the label.
        value: Ex,
    },
    /// `[x]: y`
    Pattern {
        /// Which labels.
        pattern: Ex,
        /// What fields of such labels are, in a frame with the label.
        value: Ex,
    },
    /// An embedding.
    Embed(Ex),
    /// A comprehension.
    Comprehension(Arc<Comprehension>),
}

/// A list.
#[derive(Debug)]
pub struct List {
    /// Its elements.
    pub elements: Vec<Item>,
    /// `...` or `...T` at its end.
    pub tail: Option<Option<Ex>>,
}

/// An element.
#[derive(Debug)]
pub enum Item {
    /// A value.
    Value(Ex),
    /// Any number of values.
    Comprehension(Arc<Comprehension>),
}

/// A comprehension.
#[derive(Debug)]
pub struct Comprehension {
    /// Its clauses; each `for`, `let` and binding `try` opens a frame.
    pub clauses: Vec<Clause>,
    /// What is yielded.
    pub body: Ex,
    /// What is yielded when nothing else was, outside of the clauses' frames.
    pub fallback: Option<Ex>,
    /// Labels that it may add, if all are known.
    pub labels: Option<Vec<Label>>,
    /// Where.
    pub span: Span,
}

/// A clause.
#[derive(Debug)]
pub enum Clause {
    /// `for k, v in x`
    For {
        /// `k`
        key: Option<Label>,
        /// `v`
        value: Label,
        /// `x`
        source: Ex,
    },
    /// `if x`
    If(Ex),
    /// `let v = x`
    Let {
        /// `v`
        name: Label,
        /// `x`
        value: Ex,
    },
    /// `try v = x`, or `try` before the body.
    Try {
        /// The references with `?`: all must lead to something.
        exists: Vec<Ex>,
        /// `v` and `x`
        bound: Option<(Label, Ex)>,
    },
}
