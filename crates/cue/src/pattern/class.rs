//! Classes of characters in brackets.

use super::PatternError;
use super::escape::{self, Escaped};
use super::translate::{Reader, literal};

/// The names of classes in classes: `[[:alpha:]]`.
const POSIX_CLASSES: [&str; 14] = [
    "alnum", "alpha", "ascii", "blank", "cntrl", "digit", "graph", "lower", "print", "punct", "space", "upper", "word",
    "xdigit",
];

fn unfinished() -> PatternError {
    PatternError::new("a class of characters doesn't end: ] is missing")
}

/// Reads a class after its bracket.
pub(super) fn translate(reader: &mut Reader<'_>, out: &mut String) -> Result<(), PatternError> {
    out.push('[');
    if reader.takes("^") {
        out.push('^');
    }
    let mut first = true;
    loop {
        // A bracket that closes right away stands for itself.
        if !first && reader.takes("]") {
            out.push(']');
            return Ok(());
        }
        first = false;
        item(reader, out)?;
    }
}

/// One character, one range, or a class in the class.
fn item(reader: &mut Reader<'_>, out: &mut String) -> Result<(), PatternError> {
    if reader.rest().starts_with("[:") && reader.rest().contains(":]") {
        return posix(reader, out);
    }
    let low = match reader.next().ok_or_else(unfinished)? {
        '\\' => match escape::read(reader)? {
            Escaped::Letter(letter) => letter,
            Escaped::Class(class) => {
                out.push_str(&class);
                return Ok(());
            }
            Escaped::Place(place) => {
                return Err(PatternError::new(format!(r"\{place} is no character of a class")));
            }
        },
        letter => letter,
    };
    literal(out, low);
    if !reader.rest().starts_with('-') || reader.rest().starts_with("-]") {
        return Ok(());
    }
    reader.next();
    let high = match reader.next().ok_or_else(unfinished)? {
        '\\' => escape::character(reader.next().ok_or_else(unfinished)?, reader)?,
        letter => letter,
    };
    if high < low {
        return Err(PatternError::new(format!("the range {low}-{high} of characters is backwards")));
    }
    out.push('-');
    literal(out, high);
    Ok(())
}

/// `[:alpha:]` or `[:^alpha:]`
fn posix(reader: &mut Reader<'_>, out: &mut String) -> Result<(), PatternError> {
    reader.takes("[:");
    let name = reader.until(":]").unwrap_or_default();
    let plain = name.strip_prefix('^').unwrap_or(name);
    if !POSIX_CLASSES.contains(&plain) {
        return Err(PatternError::new(format!("there is no class of characters [:{name}:]")));
    }
    out.push_str(&format!("[:{name}:]"));
    Ok(())
}
