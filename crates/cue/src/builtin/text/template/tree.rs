//! The tree of a template.

use indexmap::IndexMap;

use crate::number::Number;

/// All templates of a text by their names; the text itself has the empty one.
pub(super) type Templates = IndexMap<String, Vec<Node>>;

/// A part of a template.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Text(String),
    Action(Pipe),
    If(Branch),
    With(Branch),
    Range(Branch),
    Template { name: String, data: Option<Pipe> },
    Break,
    Continue,
}

/// A condition or a list, and what is done with it.
#[derive(Clone, Debug)]
pub(super) struct Branch {
    pub(super) pipe: Pipe,
    pub(super) body: Vec<Node>,
    pub(super) otherwise: Vec<Node>,
}

/// Commands, each with the result of the one before as its last argument.
#[derive(Clone, Debug)]
pub(super) struct Pipe {
    /// Variables that get the result.
    pub(super) variables: Vec<String>,
    /// They were there before (`=`), or are new (`:=`).
    pub(super) assigns: bool,
    pub(super) commands: Vec<Vec<Operand>>,
}

/// A value or a function in a command.
#[derive(Clone, Debug)]
pub(super) enum Operand {
    Dot,
    Nil,
    Bool(bool),
    Number(Number),
    Text(String),
    /// `.a.b`
    Field(Vec<String>),
    /// `$x.a.b`
    Variable(String, Vec<String>),
    Function(String),
    Pipe(Pipe),
    /// `(…).a.b`
    Chain(Box<Operand>, Vec<String>),
}
