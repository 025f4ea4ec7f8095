//! The package `strconv`: numbers and quoted text from and to strings, as Go's package of that name does it.

pub(super) mod floats;
pub(super) mod quotes;

use num_bigint::BigInt;
use num_traits::{One, Zero};

use super::arguments::{
    ANY, BOOL, INT, NUMBER, Outcome, TEXT, any, big_integer, boolean, int, integer, number, text, whole_if_possible,
};
use super::{Builtin, CallError, Constant, Package};
use crate::data::Data;
use crate::number::Number;
use crate::source::FileId;
use crate::syntax::ast::ExprKind;
use crate::syntax::parser::parse_expr;
use quotes::Kept;

/// The longest text that is read as an integer (bytes).
const MAX_INTEGER_BYTES: usize = 100_000;

pub(super) static PACKAGE: Package = Package {
    path: "strconv",
    functions: &[
        Builtin::new("Unquote", &[TEXT], TEXT, unquote),
        Builtin::new("ParseBool", &[TEXT], BOOL, parse_bool),
        Builtin::new("FormatBool", &[BOOL], TEXT, |args| Ok(Data::string(boolean(args, 0)?.to_string()))),
        Builtin::new("ParseFloat", &[TEXT, INT], NUMBER, parse_float),
        Builtin::new("ParseNumber", &[TEXT], NUMBER, parse_number),
        Builtin::new("ParseUint", &[TEXT, INT, INT], INT, parse_unsigned),
        Builtin::new("ParseInt", &[TEXT, INT, INT], INT, parse_signed),
        Builtin::new("Atoi", &[TEXT], INT, |args| Ok(int(parse_integer(text(args, 0)?, 10)?))),
        Builtin::new("FormatFloat", &[NUMBER, ANY, INT, INT], TEXT, format_float),
        Builtin::new("FormatUint", &[INT, INT], TEXT, format_integer),
        Builtin::new("FormatInt", &[INT, INT], TEXT, format_integer),
        Builtin::new("Quote", &[TEXT], TEXT, |args| quote_text(args, Kept::Printable)),
        Builtin::new("QuoteToASCII", &[TEXT], TEXT, |args| quote_text(args, Kept::Ascii)),
        Builtin::new("QuoteToGraphic", &[TEXT], TEXT, |args| quote_text(args, Kept::Graphic)),
        Builtin::new("QuoteRune", &[INT], TEXT, |args| quote_rune(args, Kept::Printable)),
        Builtin::new("QuoteRuneToASCII", &[INT], TEXT, |args| quote_rune(args, Kept::Ascii)),
        Builtin::new("QuoteRuneToGraphic", &[INT], TEXT, |args| quote_rune(args, Kept::Graphic)),
        Builtin::new("IsPrint", &[INT], BOOL, |args| Ok(Data::Bool(rune(args)?.is_some_and(quotes::is_printable)))),
        Builtin::new("IsGraphic", &[INT], BOOL, |args| Ok(Data::Bool(rune(args)?.is_some_and(quotes::is_graphic)))),
    ],
    constants: &[Constant { name: "IntSize", cue: "64" }],
};

fn syntax(text: &str) -> CallError {
    CallError::new(format!("parsing {}: invalid syntax", quotes::quote(text, Kept::Printable)))
}

fn out_of_range(text: &str) -> CallError {
    CallError::new(format!("parsing {}: value out of range", quotes::quote(text, Kept::Printable)))
}

/// The text of a literal of CUE: of a string, or of bytes that are text.
fn unquote(args: &[Data]) -> Outcome {
    let literal = text(args, 0)?;
    let quoted = literal.trim_start_matches('#').starts_with(['"', '\'']) && literal.ends_with(['"', '\'', '#']);
    let (expr, errors) = parse_expr(FileId(u32::MAX), literal);
    match expr.kind {
        _ if !quoted || !errors.is_empty() => Err(CallError::new(format!("invalid literal {literal:?}"))),
        ExprKind::String(text) => Ok(Data::String(text)),
        ExprKind::Bytes(bytes) => {
            let wrong = |_| CallError::unsupported("the literal's bytes are not UTF-8");
            std::str::from_utf8(&bytes).map(Data::string).map_err(wrong)
        }
        _ => Err(CallError::new(format!("{literal:?} is more than a literal"))),
    }
}

fn parse_bool(args: &[Data]) -> Outcome {
    match text(args, 0)? {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(Data::Bool(true)),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(Data::Bool(false)),
        other => Err(syntax(other)),
    }
}

fn parse_number(args: &[Data]) -> Outcome {
    let text = text(args, 0)?;
    Number::parse(text).map(|number| whole_if_possible(&number)).ok_or_else(|| syntax(text))
}

fn parse_float(args: &[Data]) -> Outcome {
    let (text, bits) = (text(args, 0)?, integer(args, 1)?);
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let plain = floats::without_underscores(text).ok_or_else(|| syntax(text))?;
    let hexadecimal = digits.get(..2).is_some_and(|prefix| prefix.eq_ignore_ascii_case("0x"));
    let value = match (hexadecimal, bits == 32) {
        (true, single) => floats::parse_hexadecimal(&plain, single),
        (false, true) => plain.parse::<f32>().ok().map(f64::from),
        (false, false) => plain.parse::<f64>().ok(),
    };
    let value = value.ok_or_else(|| syntax(text))?;
    if !value.is_finite() && digits.starts_with(|digit: char| digit.is_ascii_alphabetic()) {
        return Err(CallError::unsupported(format!("the value {value}")));
    }
    Number::from_f64(value).map(Data::Number).ok_or_else(|| out_of_range(text))
}

fn parse_signed(args: &[Data]) -> Outcome {
    let (value, bits) = parsed_and_bits(args)?;
    // bits of a signed integer: -2^(bits-1) … 2^(bits-1)-1; 0 for any.
    let fits = bits == 0 || {
        let positive = if value < BigInt::zero() { -&value - BigInt::one() } else { value.clone() };
        positive.bits() < bits
    };
    if fits { Ok(int(value)) } else { Err(out_of_range(text(args, 0)?)) }
}

fn parse_unsigned(args: &[Data]) -> Outcome {
    let (value, bits) = parsed_and_bits(args)?;
    let fits = value >= BigInt::zero() && (bits == 0 || value.bits() <= bits);
    if fits { Ok(int(value)) } else { Err(out_of_range(text(args, 0)?)) }
}

fn parsed_and_bits(args: &[Data]) -> Result<(BigInt, u64), CallError> {
    let source = text(args, 0)?;
    let bits = u64::try_from(integer(args, 2)?).map_err(|_| out_of_range(source))?;
    Ok((parse_integer(source, integer(args, 1)?)?, bits))
}

/// An integer of any size in a base of 2 to 62, or of the base that its prefix says, for base 0.
pub(super) fn parse_integer(source: &str, base: i64) -> Result<BigInt, CallError> {
    let digits = source.strip_prefix(['+', '-']).unwrap_or(source);
    if source.len() > MAX_INTEGER_BYTES {
        return Err(CallError::unsupported(format!("integers of more than {MAX_INTEGER_BYTES} digits")));
    }
    let value = match base {
        0 => prefixed_digits(digits),
        2..=62 => plain_digits(digits, base as u32),
        _ => return Err(CallError::new(format!("there is no base {base}: 0 or 2 to 62"))),
    };
    let value = value.ok_or_else(|| syntax(source))?;
    Ok(if source.starts_with('-') { -value } else { value })
}

/// Digits with a prefix for their base, which underscores may part.
fn prefixed_digits(digits: &str) -> Option<BigInt> {
    let lower = digits.get(..2).unwrap_or_default().to_ascii_lowercase();
    let (base, rest) = match lower.as_str() {
        "0b" => (2, &digits[2..]),
        "0o" => (8, &digits[2..]),
        "0x" => (16, &digits[2..]),
        _ if digits.len() > 1 && digits.starts_with('0') => (8, &digits[1..]),
        _ => (10, digits),
    };
    // An underscore stands between digits, or between a prefix and a digit.
    let rest = if base == 10 { rest } else { rest.strip_prefix('_').unwrap_or(rest) };
    let separated = rest.starts_with('_') || rest.ends_with('_') || rest.contains("__");
    if separated { None } else { plain_digits(&rest.replace('_', ""), base) }
}

fn plain_digits(digits: &str, base: u32) -> Option<BigInt> {
    if digits.is_empty() {
        return None;
    }
    let values: Option<Vec<u8>> = digits.bytes().map(|digit| digit_value(digit, base)).collect();
    BigInt::from_radix_be(num_bigint::Sign::Plus, &values?, base.min(256))
}

/// Up to base 36 both cases are the same; beyond, capitals come after the small letters.
fn digit_value(digit: u8, base: u32) -> Option<u8> {
    let value = match digit {
        b'0'..=b'9' => digit - b'0',
        b'a'..=b'z' => digit - b'a' + 10,
        b'A'..=b'Z' if base <= 36 => digit - b'A' + 10,
        b'A'..=b'Z' => digit - b'A' + 36,
        _ => return None,
    };
    (u32::from(value) < base).then_some(value)
}

fn format_integer(args: &[Data]) -> Outcome {
    const DIGITS: &[u8; 62] = b"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    let (value, base) = (big_integer(args, 0)?, integer(args, 1)?);
    if !(2..=62).contains(&base) {
        return Err(CallError::new(format!("there is no base {base}: 2 to 62")));
    }
    let (sign, digits) = value.to_radix_be(base as u32);
    let text: String = digits.iter().map(|digit| char::from(DIGITS[usize::from(*digit)])).collect();
    Ok(Data::string(if sign == num_bigint::Sign::Minus { format!("-{text}") } else { text }))
}

fn format_float(args: &[Data]) -> Outcome {
    let value = number(args, 0)?.to_f64();
    let verb = float_verb(any(args, 1)?)?;
    let (precision, bits) = (integer(args, 2)?, integer(args, 3)?);
    if !value.is_finite() {
        return Err(CallError::new("argument 1 doesn't fit into a float of 64 bits"));
    }
    if bits != 32 && bits != 64 {
        return Err(CallError::new(format!("there is no float of {bits} bits: 32 or 64")));
    }
    if precision > floats::MAX_PRECISION_DIGITS as i64 {
        return Err(CallError::unsupported(format!("a precision of {precision} digits")));
    }
    let precision = usize::try_from(precision).ok();
    floats::format(value, verb, precision, bits == 32).map(Data::string)
}

/// The format is a letter, or (for old times' sake) its number.
fn float_verb(format: &Data) -> Result<u8, CallError> {
    match format {
        Data::String(text) => match text.as_bytes() {
            [verb] => Ok(*verb),
            _ => Err(CallError::new("the format must be a single character")),
        },
        Data::Number(number) if number.is_int() => number
            .to_i64()
            .and_then(|code| u8::try_from(code).ok())
            .ok_or_else(|| CallError::new(format!("the format {number} is out of range [0, 255]"))),
        other => Err(CallError::new(format!("the format must be a string or an int, not {}", other.kind_name()))),
    }
}

fn quote_text(args: &[Data], kept: Kept) -> Outcome {
    Ok(Data::string(quotes::quote(text(args, 0)?, kept)))
}

/// The character of a number; none where there is no such character.
fn rune(args: &[Data]) -> Result<Option<char>, CallError> {
    let code =
        i32::try_from(integer(args, 0)?).map_err(|_| CallError::new("the character doesn't fit into 32 bits"))?;
    Ok(u32::try_from(code).ok().and_then(char::from_u32))
}

fn quote_rune(args: &[Data], kept: Kept) -> Outcome {
    Ok(Data::string(quotes::quote_character(rune(args)?.unwrap_or(char::REPLACEMENT_CHARACTER), kept)))
}
