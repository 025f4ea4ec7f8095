//! The package `path`: paths as text, by the rules of an operating system that the last argument names. Nothing here
//! looks at files.
//!
//! Source of the rules: Go's `path/filepath`, before it knew of Windows' device paths.

mod lexical;
mod matching;
mod os;

use super::arguments::{BOOL, LIST, Outcome, TEXT, strings, text, texts};
use super::{Builtin, CallError, Constant, Package};
use crate::data::Data;
use os::Os;

pub(super) static PACKAGE: Package = Package {
    path: "path",
    functions: &[
        Builtin::new("Split", &[TEXT, TEXT], LIST, split).with_optional(1),
        Builtin::new("SplitList", &[TEXT, TEXT], LIST, split_list),
        Builtin::new("Join", &[LIST, TEXT], TEXT, join).with_optional(1),
        Builtin::new("Match", &[TEXT, TEXT, TEXT], BOOL, matches).with_optional(1),
        Builtin::new("Clean", &[TEXT, TEXT], TEXT, |args| changed(args, lexical::clean)).with_optional(1),
        Builtin::new("ToSlash", &[TEXT, TEXT], TEXT, |args| changed(args, |os, path| os.with_slashes(path))),
        Builtin::new("FromSlash", &[TEXT, TEXT], TEXT, |args| changed(args, |os, path| os.with_own_slashes(path))),
        Builtin::new("Ext", &[TEXT, TEXT], TEXT, |args| changed(args, lexical::extension)).with_optional(1),
        Builtin::new("Base", &[TEXT, TEXT], TEXT, |args| changed(args, lexical::base)).with_optional(1),
        Builtin::new("Dir", &[TEXT, TEXT], TEXT, |args| changed(args, lexical::directory)).with_optional(1),
        Builtin::new("IsAbs", &[TEXT, TEXT], BOOL, is_absolute).with_optional(1),
        Builtin::new("VolumeName", &[TEXT, TEXT], TEXT, |args| changed(args, |os, path| os.volume(path).to_owned())),
        Builtin::new("Resolve", &[TEXT, TEXT, TEXT], TEXT, resolve).with_optional(1),
        Builtin::new("Rel", &[TEXT, TEXT, TEXT], TEXT, relative).with_optional(1),
    ],
    constants: &[
        Constant { name: "Unix", cue: "\"unix\"" },
        Constant { name: "Windows", cue: "\"windows\"" },
        Constant { name: "Plan9", cue: "\"plan9\"" },
    ],
};

/// The operating system that an argument names; Unix where it is left out.
fn os(args: &[Data], at: usize) -> Result<Os, CallError> {
    if args.len() <= at {
        return Ok(Os::Unix);
    }
    match text(args, at)? {
        "unix" => Ok(Os::Unix),
        "windows" => Ok(Os::Windows),
        "plan9" => Ok(Os::Plan9),
        other => Err(CallError::new(format!("the operating system must be unix, windows or plan9, not {other:?}"))),
    }
}

fn changed(args: &[Data], change: fn(Os, &str) -> String) -> Outcome {
    Ok(Data::string(change(os(args, 1)?, text(args, 0)?)))
}

fn split(args: &[Data]) -> Outcome {
    let (directory, file) = lexical::split(os(args, 1)?, text(args, 0)?);
    Ok(strings([directory, file]))
}

fn split_list(args: &[Data]) -> Outcome {
    let list = os(args, 1)?.split_list(text(args, 0)?);
    Ok(strings(list.iter().map(String::as_str)))
}

fn join(args: &[Data]) -> Outcome {
    Ok(Data::string(lexical::join(os(args, 1)?, &texts(args, 0)?)))
}

fn matches(args: &[Data]) -> Outcome {
    let matched = matching::matches(os(args, 2)?, text(args, 0)?, text(args, 1)?);
    matched.map(Data::Bool).ok_or_else(|| CallError::new("syntax error in pattern"))
}

fn is_absolute(args: &[Data]) -> Outcome {
    Ok(Data::Bool(os(args, 1)?.is_absolute(text(args, 0)?)))
}

/// The second path as seen from the first.
fn resolve(args: &[Data]) -> Outcome {
    let (os, directory, path) = (os(args, 2)?, text(args, 0)?, text(args, 1)?);
    let resolved = if os.is_absolute(path) { lexical::clean(os, path) } else { lexical::join(os, &[directory, path]) };
    Ok(Data::string(resolved))
}

fn relative(args: &[Data]) -> Outcome {
    let (os, base, target) = (os(args, 2)?, text(args, 0)?, text(args, 1)?);
    let relative = lexical::relative(os, base, target);
    relative.map(Data::string).ok_or_else(|| CallError::new(format!("can't make {target} relative to {base}")))
}
