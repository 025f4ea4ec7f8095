//! Paths to fields and elements, as they are written: `spec.containers[0]."my-image".tag`.
//!
//! Not here: what stands at them.

use std::fmt::Write as _;

use crate::error::{Code, Error};
use crate::format;
use crate::source::FileId;
use crate::syntax::ast::{Expr, ExprKind};
use crate::syntax::parse_expr;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// A regular field, by its name without quotes.
    Field(String),
    /// A definition or hidden field, by its name with `#` or `_`.
    Special(String),
    /// An element of a list, counted from 0.
    Index(usize),
}

impl Step {
    /// The step to a name that is written without quotes.
    fn named(name: &str) -> Self {
        if name.starts_with(['#', '_']) { Self::Special(name.to_owned()) } else { Self::Field(name.to_owned()) }
    }

    /// The label of a field at this step; none for an element.
    pub(super) fn label(&self) -> Option<String> {
        match self {
            Self::Field(name) => Some(format::quote_label(name)),
            Self::Special(name) => Some(name.clone()),
            Self::Index(_) => None,
        }
    }
}

/// Reads a path.
///
/// # Errors
/// It is not made of names, strings and whole numbers in brackets.
pub fn parse_path(path: &str) -> Result<Vec<Step>, Error> {
    let (expr, errors) = parse_expr(FileId(0), path);
    let mut steps = Vec::new();
    if !errors.is_empty() || collect(&expr, &mut steps).is_none() {
        let message = format!("`{path}` is not a path to a field");
        let help = "a path is written like spec.containers[0].\"my-image\".tag";
        return Err(Error::new(Code::Syntax, message, None).help(help));
    }
    Ok(steps)
}

fn collect(expr: &Expr, steps: &mut Vec<Step>) -> Option<()> {
    match &expr.kind {
        ExprKind::Ident(name) => steps.push(Step::named(&name.name)),
        ExprKind::String(name) => steps.push(Step::Field(name.to_string())),
        ExprKind::Null => steps.push(Step::Field("null".to_owned())),
        ExprKind::Bool(value) => steps.push(Step::Field(value.to_string())),
        ExprKind::Selector { of, label, quoted } => {
            collect(of, steps)?;
            steps.push(if *quoted { Step::Field(label.name.to_string()) } else { Step::named(&label.name) });
        }
        ExprKind::Index { of, index } => {
            collect(of, steps)?;
            steps.push(index_step(index)?);
        }
        _ => return None,
    }
    Some(())
}

fn index_step(index: &Expr) -> Option<Step> {
    match &index.kind {
        ExprKind::String(name) => Some(Step::Field(name.to_string())),
        ExprKind::Number(number) => number.plain_text().parse().ok().map(Step::Index),
        _ => None,
    }
}

/// The path as it is written.
pub(super) fn shown(path: &[Step]) -> String {
    let mut text = String::new();
    for (index, step) in path.iter().enumerate() {
        let dot = if index > 0 { "." } else { "" };
        let _ = match step {
            Step::Index(element) => write!(text, "[{element}]"),
            Step::Special(name) => write!(text, "{dot}{name}"),
            Step::Field(name) => write!(text, "{dot}{}", format::quote_label(name)),
        };
    }
    text
}
