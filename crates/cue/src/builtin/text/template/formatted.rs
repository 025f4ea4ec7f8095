//! `printf`: the verbs of Go's package `fmt`, on data.

use super::super::super::CallError;
use super::super::super::arguments::MAX_RESULT_LENGTH;
use super::super::super::strconv::{floats, quotes};
use super::value::{shown, sorted, type_name};
use crate::data::Data;
use crate::number::Number;

/// The largest width and precision (characters).
const MAX_WIDTH: usize = 100_000;

/// What stands between a percent sign and its verb.
#[derive(Clone, Default)]
struct Spec {
    plus: bool,
    minus: bool,
    sharp: bool,
    space: bool,
    zero: bool,
    width: Option<usize>,
    precision: Option<usize>,
}

/// The arguments, and which of them comes next.
struct Arguments<'a> {
    all: &'a [Data],
    next: usize,
    /// One was asked for by its number somewhere: then nobody minds those that are left.
    reordered: bool,
    /// The number asked for last was one.
    good: bool,
}

impl<'a> Arguments<'a> {
    fn take(&mut self) -> Option<&'a Data> {
        self.next += 1;
        self.all.get(self.next - 1)
    }

    /// Reads `[2]`, the number of an argument, from 1 on; what follows it, and whether there was one.
    fn numbered<'t>(&mut self, text: &'t str) -> (&'t str, bool) {
        let Some(inner) = text.strip_prefix('[') else { return (text, false) };
        self.reordered = true;
        let Some((number, after)) = inner.split_once(']') else {
            self.good = false;
            return (inner, false);
        };
        let plain = !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit());
        match number.parse::<usize>() {
            Ok(at) if plain && (1..=self.all.len()).contains(&at) => self.next = at - 1,
            _ => self.good = false,
        }
        (after, plain)
    }
}

/// The format with its verbs replaced by the arguments.
pub(super) fn printf(format: &str, args: &[Data]) -> Result<String, CallError> {
    let mut out = String::new();
    let mut rest = format;
    let mut args = Arguments { all: args, next: 0, reordered: false, good: true };
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        args.good = true;
        let (spec, after) = spec(after, &mut args)?;
        let Some(verb) = after.chars().next() else {
            out.push_str("%!(NOVERB)");
            rest = "";
            break;
        };
        rest = &after[verb.len_utf8()..];
        match verb {
            '%' => out.push('%'),
            _ if !args.good => out.push_str(&format!("%!{verb}(BADINDEX)")),
            _ => match args.take() {
                Some(arg) => out.push_str(&one(&spec, verb, arg)?),
                None => out.push_str(&format!("%!{verb}(MISSING)")),
            },
        }
        bounded(&out)?;
    }
    out.push_str(rest);
    out.push_str(&extra(&args)?);
    Ok(out)
}

/// What is said of arguments that nobody asked for.
fn extra(args: &Arguments<'_>) -> Result<String, CallError> {
    let left = args.all.get(args.next..).unwrap_or_default();
    if left.is_empty() || args.reordered {
        return Ok(String::new());
    }
    let listed = |arg: &Data| match arg {
        Data::Null => Ok("<nil>".to_owned()),
        _ => Ok(format!("{}={}", type_name(arg), shown(arg)?)),
    };
    let listed: Vec<String> = left.iter().map(listed).collect::<Result<_, CallError>>()?;
    Ok(format!("%!(EXTRA {})", listed.join(", ")))
}

/// Flags, width and precision, each with the number of its argument or without; what follows them is returned.
fn spec<'t>(text: &'t str, args: &mut Arguments<'_>) -> Result<(Spec, &'t str), CallError> {
    let mut spec = Spec::default();
    let flags = text.find(|letter| !"+-# 0".contains(letter)).unwrap_or(text.len());
    for flag in text[..flags].chars() {
        match flag {
            '+' => spec.plus = true,
            '-' => spec.minus = true,
            '#' => spec.sharp = true,
            ' ' => spec.space = true,
            _ => spec.zero = true,
        }
    }
    let (rest, mut numbered) = args.numbered(&text[flags..]);
    let (width, mut rest) = size(rest, args, &mut numbered, &mut spec)?;
    spec.width = width;
    if let Some(after) = rest.strip_prefix('.') {
        // A number stands before what it is the number of.
        args.good &= !numbered;
        let (after, also_numbered) = args.numbered(after);
        numbered = also_numbered;
        let (precision, after) = size(after, args, &mut numbered, &mut Spec::default())?;
        spec.precision = Some(precision.unwrap_or(0));
        rest = after;
    }
    if !numbered {
        rest = args.numbered(rest).0;
    }
    spec.zero &= !spec.minus;
    Ok((spec, rest))
}

/// Digits, or a star that takes an argument; a negative width is one with a minus. Only a star's argument has a number.
fn size<'t>(
    text: &'t str,
    args: &mut Arguments<'_>,
    numbered: &mut bool,
    spec: &mut Spec,
) -> Result<(Option<usize>, &'t str), CallError> {
    let too_large = || CallError::unsupported(format!("widths of more than {MAX_WIDTH} in printf"));
    if let Some(after) = text.strip_prefix('*') {
        *numbered = false;
        let width = match args.take() {
            Some(Data::Number(number)) if number.is_int() => number.to_i64().ok_or_else(too_large)?,
            _ => return Err(CallError::unsupported("a width in printf that is no integer")),
        };
        spec.minus |= width < 0;
        let width = usize::try_from(width.unsigned_abs()).ok().filter(|width| *width <= MAX_WIDTH);
        return Ok((Some(width.ok_or_else(too_large)?), after));
    }
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (digits, after) = text.split_at(end);
    args.good &= digits.is_empty() || !*numbered;
    match digits {
        "" => Ok((None, after)),
        _ => match digits.parse() {
            Ok(width) if width <= MAX_WIDTH => Ok((Some(width), after)),
            _ => Err(too_large()),
        },
    }
}

impl Spec {
    /// The text with spaces up to the width.
    fn padded(&self, text: &str) -> String {
        let lacking = self.width.unwrap_or(0).saturating_sub(text.chars().count());
        let spaces = " ".repeat(lacking);
        if self.minus { format!("{text}{spaces}") } else { format!("{spaces}{text}") }
    }

    /// A number with its sign, and zeros or spaces up to the width.
    fn signed(&self, negative: bool, digits: &str, zeros: bool) -> String {
        let sign = match (negative, self.plus, self.space) {
            (true, _, _) => "-",
            (_, true, _) => "+",
            (_, _, true) => " ",
            _ => "",
        };
        let lacking = self.width.unwrap_or(0).saturating_sub(sign.len() + digits.len());
        if zeros && self.zero {
            format!("{sign}{}{digits}", "0".repeat(lacking))
        } else {
            self.padded(&format!("{sign}{digits}"))
        }
    }
}

fn one(spec: &Spec, verb: char, arg: &Data) -> Result<String, CallError> {
    if spec.sharp && verb != 'x' && verb != 'X' {
        return Err(CallError::unsupported(format!("%#{verb} in printf")));
    }
    // As it is, a value has no plus; in Go, this one asks for the names of fields.
    let plain = Spec { plus: spec.plus && verb != 'v', ..spec.clone() };
    let spec = &plain;
    match (verb, arg) {
        ('T', _) => Ok(spec.padded(type_name(arg))),
        ('v', Data::Null) => Ok(spec.padded("<nil>")),
        (_, Data::Null) => Ok(format!("%!{verb}(<nil>)")),
        ('p', _) => Err(CallError::unsupported("%p in printf")),
        ('t' | 'v', Data::Bool(value)) => Ok(spec.padded(&value.to_string())),
        (_, Data::Number(number)) if number.is_int() => integer(spec, verb, number),
        (_, Data::Number(number)) => float(spec, verb, number),
        (_, Data::String(text)) => string(spec, verb, text),
        ('s' | 'q', Data::Bytes(bytes)) => match std::str::from_utf8(bytes) {
            Ok(text) => string(spec, verb, text),
            Err(_) => Err(CallError::unsupported("bytes that are not UTF-8 in printf")),
        },
        ('x' | 'X', Data::Bytes(bytes)) => hexadecimal(spec, verb, bytes),
        (_, Data::Bytes(bytes)) => {
            let elements: Vec<Data> = bytes.iter().map(|byte| Data::Number(Number::int(*byte))).collect();
            one(spec, verb, &Data::List(elements))
        }
        (_, Data::List(elements)) => {
            let shown = parted(elements.iter().map(|element| inner(spec, verb, element)))?;
            Ok(format!("[{shown}]"))
        }
        (_, Data::Struct(fields)) => {
            let field = |(name, value): (&std::sync::Arc<str>, &Data)| {
                Ok(format!("{}:{}", string(spec, verb, name)?, inner(spec, verb, value)?))
            };
            let shown = parted(sorted(fields).into_iter().map(field))?;
            Ok(format!("map[{shown}]"))
        }
        _ => bad(spec, verb, arg),
    }
}

/// Texts with spaces between them.
fn parted(texts: impl Iterator<Item = Result<String, CallError>>) -> Result<String, CallError> {
    let mut out = String::new();
    for (at, text) in texts.enumerate() {
        out.push_str(if at > 0 { " " } else { "" });
        out.push_str(&text?);
        bounded(&out)?;
    }
    Ok(out)
}

/// A width is written in a few characters, and makes many.
fn bounded(text: &str) -> Result<(), CallError> {
    match text.len() {
        0..=MAX_RESULT_LENGTH => Ok(()),
        _ => Err(CallError::too_large("texts", MAX_RESULT_LENGTH)),
    }
}

/// A value in a list or a struct: null there is null, whatever the verb.
fn inner(spec: &Spec, verb: char, value: &Data) -> Result<String, CallError> {
    if matches!(value, Data::Null) { Ok("<nil>".to_owned()) } else { one(spec, verb, value) }
}

/// What is said of a value that the verb isn't for.
fn bad(spec: &Spec, verb: char, arg: &Data) -> Result<String, CallError> {
    Ok(format!("%!{verb}({}={})", type_name(arg), one(spec, 'v', arg)?))
}

fn integer(spec: &Spec, verb: char, number: &Number) -> Result<String, CallError> {
    let arg = || Data::Number(number.clone());
    let value = number.to_i64().ok_or_else(|| CallError::unsupported("an integer of more than 64 bits in printf"))?;
    let size = value.unsigned_abs();
    let prefix = if spec.sharp { "0x" } else { "" };
    let digits = match verb {
        'd' | 'v' => size.to_string(),
        'b' => format!("{size:b}"),
        'o' => format!("{size:o}"),
        'O' => format!("0o{size:o}"),
        'x' => format!("{prefix}{size:x}"),
        'X' => format!("{}{size:X}", prefix.to_uppercase()),
        'c' | 'q' | 'U' => return character(spec, verb, value),
        _ => return bad(spec, verb, &arg()),
    };
    match spec.precision {
        Some(_) if !prefix.is_empty() || verb == 'O' => {
            Err(CallError::unsupported("a precision with a prefix in printf"))
        }
        // A precision is the least number of digits, and zeros don't pad any more.
        Some(0) if size == 0 => Ok(spec.padded("")),
        Some(least) => Ok(spec.signed(value < 0, &format!("{digits:0>least$}"), false)),
        None if spec.zero && !prefix.is_empty() => Err(CallError::unsupported("zeros before a prefix in printf")),
        None => Ok(spec.signed(value < 0, &digits, true)),
    }
}

fn character(spec: &Spec, verb: char, value: i64) -> Result<String, CallError> {
    let character = u32::try_from(value).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER);
    Ok(spec.padded(&match verb {
        'c' => character.to_string(),
        'q' => quotes::quote_character(character, kept(spec)),
        _ => format!("U+{value:04X}"),
    }))
}

fn kept(spec: &Spec) -> quotes::Kept {
    if spec.plus { quotes::Kept::Ascii } else { quotes::Kept::Printable }
}

fn float(spec: &Spec, verb: char, number: &Number) -> Result<String, CallError> {
    let (format, default) = match verb {
        'v' => (b'g', None),
        'e' | 'E' | 'f' | 'F' => (if verb == 'F' { b'f' } else { verb as u8 }, Some(6)),
        'g' | 'G' | 'b' | 'x' | 'X' => (verb as u8, None),
        _ => return bad(spec, verb, &Data::Number(number.clone())),
    };
    let text = floats::format(number.to_f64(), format, spec.precision.or(default), false)?;
    let digits = text.strip_prefix('-').unwrap_or(&text);
    Ok(spec.signed(text.starts_with('-'), digits, true))
}

fn string(spec: &Spec, verb: char, text: &str) -> Result<String, CallError> {
    let cut: String = text.chars().take(spec.precision.unwrap_or(usize::MAX)).collect();
    if spec.zero && spec.width.is_some() {
        return Err(CallError::unsupported("zeros before text in printf"));
    }
    match verb {
        's' | 'v' => Ok(spec.padded(&cut)),
        'q' => Ok(spec.padded(&quotes::quote(&cut, kept(spec)))),
        'x' | 'X' => hexadecimal(spec, verb, text.as_bytes()),
        _ => bad(spec, verb, &Data::string(text)),
    }
}

/// Bytes in hexadecimal digits; the precision is how many bytes.
fn hexadecimal(spec: &Spec, verb: char, bytes: &[u8]) -> Result<String, CallError> {
    let shown = bytes.iter().take(spec.precision.unwrap_or(usize::MAX));
    let prefix = if spec.sharp { "0x" } else { "" };
    let parts: Vec<String> = shown.map(|byte| format!("{byte:02x}")).collect();
    let text = match (spec.space, parts.is_empty()) {
        (_, true) => String::new(),
        (true, _) => parts.iter().map(|part| format!("{prefix}{part}")).collect::<Vec<_>>().join(" "),
        (false, _) => format!("{prefix}{}", parts.concat()),
    };
    Ok(spec.padded(&if verb == 'X' { text.to_uppercase() } else { text }))
}
