//! The package `encoding/yaml`.

use super::super::arguments::{ANY, LIST, Outcome, TEXT, TEXT_OR_BYTES, any, list};
use super::super::{Builtin, CallError, Package};
use super::{NO_FILE, data, utf8};
use crate::data::Data;
use crate::syntax::ast::{Expr, ExprKind};
use crate::{decode, encode};

pub(in super::super) static PACKAGE: Package = Package {
    path: "encoding/yaml",
    functions: &[
        Builtin::new("Marshal", &[ANY], TEXT, |args| Ok(Data::string(encode::yaml(any(args, 0)?)))),
        Builtin::new("MarshalStream", &[LIST], TEXT, |args| Ok(Data::string(encode::yaml_stream(list(args, 0)?)))),
        Builtin::new("Unmarshal", &[TEXT_OR_BYTES], ANY, unmarshal),
        Builtin::new("UnmarshalStream", &[TEXT_OR_BYTES], ANY, unmarshal_stream),
    ],
    constants: &[],
};

fn documents(args: &[Data]) -> Result<Vec<Data>, CallError> {
    decode::yaml(NO_FILE, utf8(args, 0)?)?.iter().map(document).collect()
}

/// A text without a document is `*null | _`: null, as long as nothing else is wanted.
fn document(expr: &Expr) -> Outcome {
    if matches!(expr.kind, ExprKind::Binary { .. }) { Ok(Data::Null) } else { data(expr) }
}

fn unmarshal(args: &[Data]) -> Outcome {
    let mut documents = documents(args)?;
    match (documents.pop(), documents.is_empty()) {
        (Some(only), true) => Ok(only),
        _ => Err(CallError::new("expected a single YAML document: read more of them with UnmarshalStream")),
    }
}

fn unmarshal_stream(args: &[Data]) -> Outcome {
    documents(args).map(Data::List)
}
