//! What can be wrong with a configuration, and where.
//!
//! Not here: the drawing of an error with its lines (that is `report`).

use crate::source::Span;

/// What sort of error it is; decides whether it ends an alternative, a field or the whole evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Code {
    /// The text is not CUE.
    Syntax,
    /// A name or an import that means nothing.
    Reference,
    /// A contradiction: no value is possible, whatever is added.
    Conflict,
    /// More information may still make it a value.
    Incomplete,
    /// It would have to be known to find out what it is; more information may still decide it.
    Cycle,
    /// It depends on itself in a way that this implementation doesn't decide: it is refused where it matters.
    Undecided,
    /// A value that holds itself.
    StructuralCycle,
    /// A field that a closed struct doesn't allow.
    NotAllowed,
    /// The configuration said so with `error()`.
    User,
    /// Something of the language that this implementation doesn't do.
    Unsupported,
    /// A bound on depth, size or work was reached.
    Limit,
    /// A file or package could not be loaded.
    Load,
}

impl Code {
    /// Whether more information may still make a value of it.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Incomplete | Self::Cycle | Self::Undecided)
    }
}

/// One place that an error speaks of, with what stands there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Label {
    /// Where.
    pub span: Span,
    /// What of it; may be empty.
    pub text: String,
}

/// An error: what, where in the result, and where in the files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What sort.
    pub code: Code,
    /// What was wrong, in a sentence.
    pub message: String,
    /// The path of the field in the result; empty where there is none.
    pub path: String,
    /// The places; the first is the one to look at first.
    pub labels: Vec<Label>,
    /// Further fields of the result that are wrong for the same reason, at the same places.
    pub elsewhere: Box<[String]>,
    /// What to do next, if that is known.
    pub help: Option<String>,
}

impl Error {
    /// An error at a place.
    #[must_use]
    pub fn new(code: Code, message: impl Into<String>, span: Option<Span>) -> Self {
        let labels = span.map(|span| Label { span, text: String::new() }).into_iter().collect();
        Self { code, message: message.into(), path: String::new(), labels, elsewhere: Box::default(), help: None }
    }

    /// The same with one more place.
    #[must_use]
    pub fn at(mut self, span: Span, text: impl Into<String>) -> Self {
        self.labels.push(Label { span, text: text.into() });
        self
    }

    /// The same with advice.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.path.is_empty() { write!(f, "{}", self.message) } else { write!(f, "{}: {}", self.path, self.message) }
    }
}

impl std::error::Error for Error {}
