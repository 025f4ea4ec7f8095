//! `printf`: the verbs of Go's package `fmt`, on data.

use super::super::super::CallError;
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

/// The format with its verbs replaced by the arguments.
pub(super) fn printf(format: &str, args: &[Data]) -> Result<String, CallError> {
    let mut out = String::new();
    let mut rest = format;
    let mut args_left = args.iter();
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let (spec, after) = spec(after, &mut args_left)?;
        let Some(verb) = after.chars().next() else {
            out.push_str("%!(NOVERB)");
            return Ok(out);
        };
        rest = &after[verb.len_utf8()..];
        match verb {
            '%' => out.push('%'),
            '[' => return Err(CallError::unsupported("arguments by number in printf")),
            _ => match args_left.next() {
                Some(arg) => out.push_str(&one(&spec, verb, arg)?),
                None => out.push_str(&format!("%!{verb}(MISSING)")),
            },
        }
    }
    out.push_str(rest);
    let extra: Vec<&Data> = args_left.collect();
    if !extra.is_empty() {
        let listed = |arg: &&Data| match arg {
            Data::Null => Ok("<nil>".to_owned()),
            _ => Ok(format!("{}={}", type_name(arg), shown(arg)?)),
        };
        let listed: Vec<String> = extra.iter().map(listed).collect::<Result<_, CallError>>()?;
        out.push_str(&format!("%!(EXTRA {})", listed.join(", ")));
    }
    Ok(out)
}

/// Flags, width and precision; what follows them is returned.
fn spec<'a>(text: &'a str, args: &mut std::slice::Iter<'_, Data>) -> Result<(Spec, &'a str), CallError> {
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
    let (width, mut rest) = size(&text[flags..], args, &mut spec)?;
    spec.width = width;
    if let Some(after) = rest.strip_prefix('.') {
        let (precision, after) = size(after, args, &mut Spec::default())?;
        spec.precision = Some(precision.unwrap_or(0));
        rest = after;
    }
    spec.zero &= !spec.minus;
    Ok((spec, rest))
}

/// Digits, or a star that takes an argument; a negative width is one with a minus.
fn size<'a>(
    text: &'a str,
    args: &mut std::slice::Iter<'_, Data>,
    spec: &mut Spec,
) -> Result<(Option<usize>, &'a str), CallError> {
    let too_large = || CallError::unsupported(format!("widths of more than {MAX_WIDTH} in printf"));
    if let Some(after) = text.strip_prefix('*') {
        let width = match args.next() {
            Some(Data::Number(number)) if number.is_int() => number.to_i64().ok_or_else(too_large)?,
            _ => return Err(CallError::unsupported("a width in printf that is no integer")),
        };
        spec.minus |= width < 0;
        let width = usize::try_from(width.unsigned_abs()).ok().filter(|width| *width <= MAX_WIDTH);
        return Ok((Some(width.ok_or_else(too_large)?), after));
    }
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (digits, after) = text.split_at(end);
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
            let shown: Vec<String> =
                elements.iter().map(|element| one(spec, verb, element)).collect::<Result<_, _>>()?;
            Ok(format!("[{}]", shown.join(" ")))
        }
        (_, Data::Struct(fields)) => {
            let field = |(name, value): (&std::sync::Arc<str>, &Data)| {
                Ok(format!("{}:{}", string(spec, verb, name)?, one(spec, verb, value)?))
            };
            let shown: Vec<String> = sorted(fields).into_iter().map(field).collect::<Result<_, CallError>>()?;
            Ok(format!("map[{}]", shown.join(" ")))
        }
        _ => bad(verb, arg),
    }
}

fn bad(verb: char, arg: &Data) -> Result<String, CallError> {
    Ok(format!("%!{verb}({}={})", type_name(arg), shown(arg)?))
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
        _ => return bad(verb, &arg()),
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
        _ => return bad(verb, &Data::Number(number.clone())),
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
        _ => bad(verb, &Data::string(text)),
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
