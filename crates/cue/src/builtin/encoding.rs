//! The packages `encoding/…`: data and bytes as text, and back.
//!
//! Not here: `Validate` and `ValidatePartial` (their schema is CUE; those are in `eval::calls`).

pub(super) mod base64;
pub(super) mod csv;
pub(super) mod hex;
pub(super) mod json;
mod json_text;
pub(super) mod toml;
pub(super) mod yaml;

use super::CallError;
use super::arguments::{Outcome, bytes};
use crate::data::Data;
use crate::decode;
use crate::error::{Code, Error};
use crate::source::FileId;
use crate::syntax::ast::Expr;

/// Text in an argument has no file; nobody looks for one behind this number.
const NO_FILE: FileId = FileId(u32::MAX);

/// An argument of bytes or text, as text.
fn utf8(args: &[Data], at: usize) -> Result<&str, CallError> {
    let wrong = |_| CallError::unsupported(format!("argument {} is not UTF-8", at + 1));
    std::str::from_utf8(bytes(args, at)?).map_err(wrong)
}

/// Text from bytes that a function made of text.
fn text_of(bytes: Vec<u8>) -> Outcome {
    String::from_utf8(bytes).map(Data::string).map_err(|_| CallError::unsupported("the result is not UTF-8"))
}

/// The value of an expression that was read from data.
fn data(expr: &Expr) -> Outcome {
    decode::expr_to_data(expr).ok_or_else(|| CallError::new("a key stands twice, with values that contradict"))
}

impl From<Error> for CallError {
    fn from(error: Error) -> Self {
        let unsupported = matches!(error.code, Code::Unsupported | Code::Limit);
        Self { message: error.message, unsupported }
    }
}
