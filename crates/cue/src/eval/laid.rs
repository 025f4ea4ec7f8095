//! The structs that make a vertex, as they are written: what the order of fields, provenance and errors ask for.
//!
//! Not here: what becomes of their fields.

use std::sync::Arc;

use super::graph::{Frame, Origin};
use crate::compile::ir;
use crate::label::Label;
use crate::source::Span;

/// A struct that makes a vertex.
#[derive(Clone, Debug)]
pub(crate) struct Laid {
    pub laying: Laying,
    pub frame: Frame,
    pub origin: Origin,
}

/// What a struct lays out.
#[derive(Clone, Debug)]
pub(crate) enum Laying {
    /// What is written.
    Written(Arc<ir::Struct>, Span),
    /// The fields of a value that was computed or read.
    Data(Arc<[Label]>, Span),
}

impl Laying {
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Written(_, span) | Self::Data(_, span) => *span,
        }
    }

    /// Whether it is a whole file.
    pub(crate) fn is_file(&self) -> bool {
        matches!(self, Self::Written(structure, _) if structure.file)
    }
}
