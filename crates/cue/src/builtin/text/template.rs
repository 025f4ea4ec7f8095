//! The package `text/template`: Go's template language over data.
//!
//! The way of a template: text and tokens ([`lexer`]), a tree ([`parser`]), a walk over it with data at hand
//! ([`execute`]). Structs are Go's maps from strings, so their fields come sorted.
//!
//! Not here: methods, functions in data, other delimiters: CUE doesn't have them.

mod compare;
mod execute;
mod formatted;
mod functions;
mod lexer;
mod parser;
mod tree;
mod value;

use super::super::CallError;
use super::super::arguments::{ANY, Outcome, TEXT, any, text};
use super::super::{Builtin, Package};
use crate::data::Data;

pub(in super::super) static PACKAGE: Package = Package {
    path: "text/template",
    functions: &[
        Builtin::new("Execute", &[TEXT, ANY], TEXT, execute_template),
        Builtin::new("HTMLEscape", &[TEXT], TEXT, |args| Ok(Data::string(functions::escape_html(text(args, 0)?)))),
        Builtin::new("JSEscape", &[TEXT], TEXT, |args| Ok(Data::string(functions::escape_js(text(args, 0)?)))),
    ],
    constants: &[],
};

fn execute_template(args: &[Data]) -> Outcome {
    let templates = parser::parse(text(args, 0)?)?;
    execute::execute(&templates, any(args, 1)?).map(Data::string)
}

/// An error in a template.
fn wrong(message: impl Into<String>) -> CallError {
    CallError::new(format!("template: {}", message.into()))
}
