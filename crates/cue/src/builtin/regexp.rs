//! The package `regexp`: searches with regular expressions in RE2's syntax.

use indexmap::IndexMap;
use regex::{Captures, Regex};

use super::arguments::{
    BOOL, Built, INT, LIST, MAX_LIST_LENGTH, Outcome, STRUCT, TEXT, integer, listed, strings, text, too_long,
};
use super::{Builtin, CallError, Package};
use crate::data::Data;
use crate::pattern::{self, PatternError};

pub(super) static PACKAGE: Package = Package {
    path: "regexp",
    functions: &[
        Builtin::new("Find", &[TEXT, TEXT], TEXT, find),
        Builtin::new("FindAll", &[TEXT, TEXT, INT], LIST, find_all),
        Builtin::new("FindSubmatch", &[TEXT, TEXT], LIST, |args| first(args, groups)),
        Builtin::new("FindAllSubmatch", &[TEXT, TEXT, INT], LIST, |args| all(args, groups)),
        Builtin::new("FindNamedSubmatch", &[TEXT, TEXT], STRUCT, |args| first(args, named_groups)),
        Builtin::new("FindAllNamedSubmatch", &[TEXT, TEXT, INT], LIST, |args| all(args, named_groups)),
        Builtin::new("ReplaceAll", &[TEXT, TEXT, TEXT], TEXT, replace_all),
        Builtin::new("ReplaceAllLiteral", &[TEXT, TEXT, TEXT], TEXT, replace_all_literally),
        Builtin::new("Valid", &[TEXT], BOOL, |args| expression(args).map(|_| Data::Bool(true))),
        Builtin::new("Match", &[TEXT, TEXT], BOOL, |args| Ok(Data::Bool(expression(args)?.is_match(text(args, 1)?)))),
        Builtin::new("QuoteMeta", &[TEXT], TEXT, |args| Ok(Data::string(pattern::quote_meta(text(args, 0)?)))),
    ],
    constants: &[],
};

/// The most that is read of a replacement, each time it is used (bytes): most of it may come to nothing.
const MAX_REPLACEMENT_BYTES: usize = 1 << 28;

impl From<PatternError> for CallError {
    fn from(error: PatternError) -> Self {
        Self { message: error.message, unsupported: error.unsupported }
    }
}

fn expression(args: &[Data]) -> Result<Regex, CallError> {
    Ok(pattern::compile(text(args, 0)?)?)
}

fn no_match() -> CallError {
    CallError::new("no match")
}

fn find(args: &[Data]) -> Outcome {
    let expression = expression(args)?;
    expression.find(text(args, 1)?).map(|found| Data::string(found.as_str())).ok_or_else(no_match)
}

/// The most matches that are asked for; a negative number asks for all.
fn limit(args: &[Data]) -> Result<usize, CallError> {
    Ok(usize::try_from(integer(args, 2)?).unwrap_or(usize::MAX))
}

fn find_all(args: &[Data]) -> Outcome {
    let expression = expression(args)?;
    let found = expression.find_iter(text(args, 1)?).take(limit(args)?);
    let mut found = found.map(|found| Data::string(found.as_str())).peekable();
    found.peek().ok_or_else(no_match)?;
    listed(found)
}

type Shown = fn(&Regex, &Captures<'_>) -> Data;

fn groups(_: &Regex, captures: &Captures<'_>) -> Data {
    strings(captures.iter().map(|group| group.map_or("", |group| group.as_str())))
}

/// The groups that have names, sorted by them.
fn named_groups(expression: &Regex, captures: &Captures<'_>) -> Data {
    let mut names: Vec<&str> = expression.capture_names().flatten().collect();
    names.sort_unstable();
    let value = |name: &&str| Data::string(captures.name(name).map_or("", |group| group.as_str()));
    let fields: IndexMap<_, _> = names.iter().map(|name| ((*name).into(), value(name))).collect();
    Data::Struct(Box::new(fields))
}

fn first(args: &[Data], show: Shown) -> Outcome {
    let expression = expression(args)?;
    let captures = expression.captures(text(args, 1)?);
    captures.map(|captures| show(&expression, &captures)).ok_or_else(no_match)
}

fn all(args: &[Data], show: Shown) -> Outcome {
    let expression = expression(args)?;
    let matches = expression.captures_iter(text(args, 1)?).take(limit(args)?);
    let (mut shown, mut values) = (Vec::new(), 0);
    for captures in matches {
        values += captures.len();
        if values > MAX_LIST_LENGTH {
            return Err(too_long());
        }
        shown.push(show(&expression, &captures));
    }
    if shown.is_empty() { Err(no_match()) } else { Ok(Data::List(shown)) }
}

fn replace_all_literally(args: &[Data]) -> Outcome {
    let replacement = text(args, 2)?;
    replaced(args, |_, out| out.push(replacement))
}

fn replace_all(args: &[Data]) -> Outcome {
    let template = text(args, 2)?;
    replaced(args, |captures, out| expand(template, captures, out))
}

/// The text with its matches written anew.
fn replaced(args: &[Data], write: impl Fn(&Captures<'_>, &mut Built) -> Result<(), CallError>) -> Outcome {
    let (expression, whole) = (expression(args)?, text(args, 1)?);
    let mut out = Built::default();
    let (mut done, mut work) = (0, 0);
    for captures in expression.captures_iter(whole) {
        let Some(found) = captures.get(0) else { continue };
        work += text(args, 2)?.len();
        if work > MAX_REPLACEMENT_BYTES {
            return Err(CallError::unsupported("so many replacements of such a length"));
        }
        out.push(&whole[done..found.start()])?;
        write(&captures, &mut out)?;
        done = found.end();
    }
    out.push(&whole[done..])?;
    out.finished()
}

/// Writes the template with `$1`, `$name` and `${name}` replaced by the groups; `$$` is a dollar.
fn expand(template: &str, captures: &Captures<'_>, out: &mut Built) -> Result<(), CallError> {
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('$') {
        out.push(before)?;
        rest = after;
        if let Some(after) = rest.strip_prefix('$') {
            out.push("$")?;
            rest = after;
        } else if let Some((name, after)) = reference(rest) {
            out.push(group(name, captures))?;
            rest = after;
        } else {
            out.push("$")?;
        }
    }
    out.push(rest)
}

/// The name after a dollar, and what follows it. A name is as long as it can be.
fn reference(text: &str) -> Option<(&str, &str)> {
    let braced = text.strip_prefix('{');
    let inner = braced.unwrap_or(text);
    let end = inner.find(|letter: char| letter != '_' && !letter.is_alphanumeric()).unwrap_or(inner.len());
    let (name, after) = inner.split_at(end);
    let after = if braced.is_some() { after.strip_prefix('}')? } else { after };
    (!name.is_empty()).then_some((name, after))
}

fn group<'a>(name: &str, captures: &Captures<'a>) -> &'a str {
    let padded = name.len() > 1 && name.starts_with('0');
    let number = name.parse::<usize>().ok().filter(|_| !padded && name.bytes().all(|digit| digit.is_ascii_digit()));
    let found = match number {
        Some(number) => captures.get(number),
        None => captures.name(name),
    };
    found.map_or("", |group| group.as_str())
}
