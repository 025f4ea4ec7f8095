//! Changes to the text of a file: a value set, a field removed, an entry added, and every other byte as it was.
//!
//! A path leads through the fields as they are written: chains (`a: b: c: 1`), nested structs, several declarations of
//! one struct, structs that are unified with something (`#Schema & {…}`), elements of lists. What a reference or a
//! comprehension brings is not written at that place, and is not found. The changed text is read again, and the change
//! looked up in it; whoever evaluates it decides whether it stays.
//!
//! Not here: files, and whether the value fits (the caller evaluates the result).

mod find;
mod insert;
mod lists;
mod path;
mod place;
mod remove;

pub use path::{Step, parse_path};

use crate::error::{Code, Error};
use crate::format;
use crate::source::{FileId, Span};
use crate::syntax::ast::{Element, Expr, ExprKind, File};
use crate::syntax::{lexer, parse_expr, parse_file};

/// Sets the value at a path: of the field that is written there, or of a new one in the innermost struct that is.
///
/// `value` is an expression. An index one past the end of a list appends to it.
///
/// # Errors
/// The text or the value is not CUE; the path leads to two declarations, or through something that is no struct or
/// list; the change would not be what was meant.
pub fn set(id: FileId, text: &str, path: &[Step], value: &str) -> Result<String, Error> {
    let value = checked_value(id, text, value)?;
    let file = parsed(id, text)?;
    let changed = match (find::one(&file, path)?, path.split_last()) {
        (Some(target), _) => place::replaced(text, value_span(&target), &value),
        (None, Some((Step::Index(index), to_list))) => {
            let (list, elements) = find::list(&file, to_list)?;
            if *index != lists::fixed(&elements).len() {
                lists::element(list, &elements, *index)?;
            }
            lists::append(text, list, &elements, &value)
        }
        (None, _) => insert::field(text, &file, path, &value)?,
    };
    verified(id, &changed, path, &value)
}

/// Removes the field or element at a path. The structs around it stay, even if they are empty then.
///
/// # Errors
/// As [`set`]; there is nothing at the path.
pub fn remove(id: FileId, text: &str, path: &[Step]) -> Result<String, Error> {
    let file = parsed(id, text)?;
    let changed = remove::at(text, &file, path)?;
    parsed(id, &changed).map_err(|error| broken(&error))?;
    Ok(changed)
}

/// Adds an entry at the end of the list at a path, before `...` if the list is open.
///
/// # Errors
/// As [`set`]; there is no list at the path.
pub fn append(id: FileId, text: &str, path: &[Step], value: &str) -> Result<String, Error> {
    let value = checked_value(id, text, value)?;
    let file = parsed(id, text)?;
    let (list, elements) = find::list(&file, path)?;
    let changed = lists::append(text, list, &elements, &value);
    // The index of the entry is not known where a comprehension stands before it.
    let (_, longer) = find::list(&parsed(id, &changed).map_err(|error| broken(&error))?, path)?;
    let (before, after) = (lists::fixed(&elements), lists::fixed(&longer));
    let is_there = match after.split_last() {
        Some((Element::Expr(last), others)) => others.len() == before.len() && says(id, &changed, last, &value),
        _ => false,
    };
    if is_there { Ok(changed) } else { Err(unplaced(path)) }
}

/// Adds an entry before the element at an index of the list at a path.
///
/// # Errors
/// As [`append`]; the list has fewer elements, or a comprehension before the index.
pub fn insert(id: FileId, text: &str, path: &[Step], index: usize, value: &str) -> Result<String, Error> {
    let value = checked_value(id, text, value)?;
    let file = parsed(id, text)?;
    let (list, elements) = find::list(&file, path)?;
    if index == lists::fixed(&elements).len() {
        return append(id, text, path, &value);
    }
    let element = lists::element(list, &elements, index)?;
    let changed = lists::insert_before(text, list, &elements, element.span, &value);
    verified(id, &changed, &extended(path, index), &value)
}

/// Where the value at a path stands in a file; none if nothing is written there. With it a caller that has several
/// files chooses the one to edit.
///
/// # Errors
/// The path leads to two declarations, and not exactly one of them says what the value is.
pub fn locate(file: &File, path: &[Step]) -> Result<Option<Span>, Error> {
    Ok(find::one(file, path)?.map(|target| value_span(&target)))
}

fn extended(path: &[Step], index: usize) -> Vec<Step> {
    path.iter().cloned().chain([Step::Index(index)]).collect()
}

/// The value of a field, without the alias it may have: that stays.
fn value_span(target: &Expr) -> Span {
    match &target.kind {
        ExprKind::Alias { of, .. } => of.span,
        _ => target.span,
    }
}

fn parsed(id: FileId, text: &str) -> Result<File, Error> {
    let (file, errors) = parse_file(id, text);
    errors.into_iter().next().map_or(Ok(file), Err)
}

/// The value as it is written into the file, its lines ended as the file's are. Comments in it could swallow what
/// follows: they are left out.
fn checked_value(id: FileId, text: &str, value: &str) -> Result<String, Error> {
    let (expr, errors) = parse_expr(id, value);
    if let Some(error) = errors.into_iter().next() {
        return Err(Error::new(Code::Syntax, format!("the new value is not an expression: {}", error.message), None));
    }
    let has_comments = !lexer::lex(id, value).comments.is_empty();
    let value = if has_comments { format::format_expr(&expr) } else { value.trim().replace("\r\n", "\n") };
    Ok(value.replace('\n', place::newline(text)))
}

/// The changed text, if the value now stands at the path.
fn verified(id: FileId, changed: &str, path: &[Step], value: &str) -> Result<String, Error> {
    let file = parsed(id, changed).map_err(|error| broken(&error))?;
    let found = find::one(&file, path)?;
    let is_there = found.is_some_and(|found| says(id, changed, &found, value));
    if is_there { Ok(changed.to_owned()) } else { Err(unplaced(path)) }
}

/// Whether an expression of a text says the same as a value.
fn says(id: FileId, text: &str, found: &Expr, value: &str) -> bool {
    let span = value_span(found);
    let (written, _) = parse_expr(id, text.get(span.start as usize..span.end as usize).unwrap_or(""));
    let (wanted, _) = parse_expr(id, value);
    format::format_expr(&written) == format::format_expr(&wanted)
}

fn unplaced(path: &[Step]) -> Error {
    let message = format!("the value could not be placed at {} without changing something else", path::shown(path));
    Error::new(Code::Unsupported, message, None).help("edit the file by hand")
}

fn broken(error: &Error) -> Error {
    let message = format!("the change would break the file: {}", error.message);
    Error::new(Code::Syntax, message, None).help("edit the file by hand")
}
