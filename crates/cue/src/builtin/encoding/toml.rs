//! The package `encoding/toml`.

use super::super::arguments::{ANY, Outcome, TEXT, TEXT_OR_BYTES, any};
use super::super::{Builtin, CallError, Package};
use super::{NO_FILE, data, utf8};
use crate::data::Data;
use crate::{decode, encode};

pub(in super::super) static PACKAGE: Package = Package {
    path: "encoding/toml",
    functions: &[
        Builtin::new("Marshal", &[ANY], TEXT, marshal),
        Builtin::new("Unmarshal", &[TEXT_OR_BYTES], ANY, |args| data(&decode::toml(NO_FILE, utf8(args, 0)?)?)),
    ],
    constants: &[],
};

fn marshal(args: &[Data]) -> Outcome {
    match any(args, 0)? {
        table @ Data::Struct(_) => Ok(Data::string(encode::toml(table)?)),
        other => Err(CallError::unsupported(format!("TOML of a value of type {}", other.kind_name()))),
    }
}
