//! Binary floats as text, in the formats of Go's `strconv.FormatFloat`, and the texts of floats that Rust doesn't read.

use super::super::CallError;

/// The most digits that can be asked for.
pub(in super::super) const MAX_PRECISION_DIGITS: usize = 10_000;

/// The decimal digits of a float without its sign: `0.d₁d₂… × 10^point`, without zeros at either end.
struct Digits {
    digits: String,
    point: i32,
}

impl Digits {
    /// From Rust's scientific notation: `1.25e-3`.
    fn new(scientific: &str) -> Self {
        let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
        let digits = mantissa.replace('.', "").trim_end_matches('0').to_owned();
        let point = if digits.is_empty() { 0 } else { exponent.parse().unwrap_or(0) + 1 };
        Self { digits, point }
    }

    fn exponent(&self) -> i32 {
        if self.digits.is_empty() { 0 } else { self.point - 1 }
    }

    fn at(&self, index: i64) -> char {
        let digit = usize::try_from(index).ok().and_then(|index| self.digits.as_bytes().get(index));
        digit.map_or('0', |digit| char::from(*digit))
    }

    /// `d.ddde±dd`
    fn scientific(&self, precision: usize, letter: char) -> String {
        let mut text = String::from(self.at(0));
        if precision > 0 {
            text.push('.');
            text.extend((1..=precision as i64).map(|index| self.at(index)));
        }
        let exponent = self.exponent();
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{text}{letter}{sign}{:02}", exponent.abs())
    }

    /// `ddd.ddd`
    fn plain(&self, precision: usize) -> String {
        let point = i64::from(self.point);
        let mut text: String = if point > 0 { (0..point).map(|index| self.at(index)).collect() } else { "0".into() };
        if precision > 0 {
            text.push('.');
            text.extend((0..precision as i64).map(|index| self.at(point + index)));
        }
        text
    }

    fn count(&self) -> i32 {
        self.digits.len() as i32
    }
}

/// A finite float as text; the shortest that reads back without a precision.
///
/// # Errors
/// For formats that aren't there.
pub(in super::super) fn format(
    value: f64,
    verb: u8,
    precision: Option<usize>,
    single: bool,
) -> Result<String, CallError> {
    let value = if single { f64::from(value as f32) } else { value };
    if !value.is_finite() {
        return Err(CallError::unsupported(format!("the value {value}")));
    }
    let sign = if value.is_sign_negative() { "-" } else { "" };
    let size = value.abs();
    let text = match verb {
        b'e' | b'E' => with_exponent(size, verb, precision, single),
        b'f' => plainly(size, precision, single),
        b'g' | b'G' => as_short_as_possible(size, verb, precision, single),
        b'b' => binary(size, single),
        b'x' | b'X' => hexadecimal(size, verb, precision, single),
        other => return Err(CallError::new(format!("there is no format {:?}", char::from(other)))),
    };
    Ok(format!("{sign}{text}"))
}

fn shortest(size: f64, single: bool) -> Digits {
    Digits::new(&if single { format!("{:e}", size as f32) } else { format!("{size:e}") })
}

fn with_exponent(size: f64, verb: u8, precision: Option<usize>, single: bool) -> String {
    let letter = char::from(verb);
    match precision {
        Some(precision) => Digits::new(&format!("{size:.precision$e}")).scientific(precision, letter),
        None => {
            let digits = shortest(size, single);
            digits.scientific(digits.digits.len().saturating_sub(1), letter)
        }
    }
}

fn plainly(size: f64, precision: Option<usize>, single: bool) -> String {
    match precision {
        Some(precision) => format!("{size:.precision$}"),
        None => {
            let digits = shortest(size, single);
            digits.plain(usize::try_from(digits.count() - digits.point).unwrap_or(0))
        }
    }
}

/// With an exponent if that is below -4, or not below the number of digits asked for.
fn as_short_as_possible(size: f64, verb: u8, precision: Option<usize>, single: bool) -> String {
    let letter = char::from(verb - (b'g' - b'e'));
    let (digits, bound) = match precision {
        None => (shortest(size, single), SHORTEST_PLAIN_EXPONENT),
        Some(precision) => {
            let precision = precision.max(1);
            let digits = Digits::new(&format!("{size:.*e}", precision - 1));
            let wanted = precision as i32;
            let bound = if wanted > digits.count() && digits.count() >= digits.point { digits.count() } else { wanted };
            (digits, bound)
        }
    };
    let exponent = digits.point - 1;
    if exponent < -4 || exponent >= bound {
        return digits.scientific(digits.digits.len().saturating_sub(1), letter);
    }
    digits.plain(usize::try_from(digits.count() - digits.point).unwrap_or(0))
}

/// From this power of ten on, the shortest text of a float in the format `g` has an exponent.
const SHORTEST_PLAIN_EXPONENT: i32 = 6;

/// Mantissa and exponent as integers: `size = mantissa × 2^exponent`; and the bits of the mantissa after its first.
fn parts(size: f64, single: bool) -> (u64, i32, u32) {
    if single {
        let bits = (size as f32).to_bits();
        let (fraction, exponent) = (u64::from(bits & 0x7f_ffff), (bits >> 23 & 0xff) as i32);
        return if exponent == 0 { (fraction, -149, 23) } else { (fraction | 1 << 23, exponent - 150, 23) };
    }
    let bits = size.to_bits();
    let (fraction, exponent) = (bits & ((1 << 52) - 1), (bits >> 52 & 0x7ff) as i32);
    if exponent == 0 { (fraction, -1074, 52) } else { (fraction | 1 << 52, exponent - 1075, 52) }
}

fn binary(size: f64, single: bool) -> String {
    let (mantissa, exponent, _) = parts(size, single);
    format!("{mantissa}p{exponent:+}")
}

/// `0x1.hhhp±dd`
fn hexadecimal(size: f64, verb: u8, precision: Option<usize>, single: bool) -> String {
    let (mut mantissa, exponent, bits) = parts(size, single);
    let mut exponent = if mantissa == 0 { 0 } else { exponent + bits as i32 };
    // The first digit 1 at bit 60, so that fifteen digits follow it.
    if mantissa != 0 {
        mantissa <<= 60 - bits;
        while mantissa >> 60 == 0 {
            mantissa <<= 1;
            exponent -= 1;
        }
    }
    if let Some(digits) = precision.filter(|digits| *digits < 15) {
        let shift = 60 - 4 * digits as u32;
        let (rest, half) = (mantissa & ((1 << shift) - 1), 1u64 << (shift - 1));
        mantissa >>= shift;
        if rest > half || (rest == half && mantissa & 1 == 1) {
            mantissa += 1;
        }
        mantissa <<= shift;
        if mantissa >> 61 != 0 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let all = format!("{:015x}", mantissa & ((1 << 60) - 1));
    let fraction = match precision {
        None => all.trim_end_matches('0').to_owned(),
        Some(digits) => format!("{all:0<digits$}")[..digits].to_owned(),
    };
    let point = if fraction.is_empty() { "" } else { "." };
    let sign = if exponent < 0 { '-' } else { '+' };
    let text = format!("0x{}{point}{fraction}p{sign}{:02}", mantissa >> 60, exponent.abs());
    if verb == b'X' { text.to_uppercase() } else { text }
}

/// The text of a number without its underscores; none if one of them doesn't stand between two digits, or between a
/// prefix and a digit.
pub(super) fn without_underscores(text: &str) -> Option<String> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let prefixed = digits.get(..2).is_some_and(|prefix| prefix.eq_ignore_ascii_case("0x"));
    let is_digit = |letter: char| if prefixed { letter.is_ascii_hexdigit() } else { letter.is_ascii_digit() };
    // A prefix counts as a digit.
    let mut before_is_digit = prefixed;
    let mut letters = digits.chars().skip(if prefixed { 2 } else { 0 }).peekable();
    while let Some(letter) = letters.next() {
        let after_is_digit = letters.peek().is_some_and(|next| is_digit(*next));
        if letter == '_' && !(before_is_digit && after_is_digit) {
            return None;
        }
        before_is_digit = is_digit(letter);
    }
    Some(text.replace('_', ""))
}

/// The float of `0x1.8p3`, rounded to the nearest, halves to even; infinite if it is too large. It needs its exponent.
pub(super) fn parse_hexadecimal(text: &str, single: bool) -> Option<f64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = digits.get(2..)?.split_once(['p', 'P'])?;
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all = format!("{whole}{fraction}");
    if all.is_empty() || !all.bytes().all(|digit| digit.is_ascii_hexdigit()) || !is_exponent(exponent) {
        return None;
    }
    // Exponents beyond these, and beyond all digits that a text has, are the same as those.
    let exponent = exponent.parse::<i64>().unwrap_or(if exponent.starts_with('-') { i64::MIN } else { i64::MAX });
    let exponent = exponent.clamp(-1 << 40, 1 << 40) - 4 * i64::try_from(fraction.len()).ok()?;
    let size = scaled(&all, exponent, if single { SINGLE } else { DOUBLE });
    Some(if negative { -size } else { size })
}

fn is_exponent(text: &str) -> bool {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    !digits.is_empty() && digits.bytes().all(|digit| digit.is_ascii_digit())
}

/// A format of binary floats (IEEE 754): the bits of its mantissa, and the powers of two of its least and its greatest
/// bit.
#[derive(Clone, Copy)]
struct Format {
    bits: u32,
    least: i64,
    greatest: i64,
}

const SINGLE: Format = Format { bits: 24, least: -149, greatest: 127 };
const DOUBLE: Format = Format { bits: 53, least: -1074, greatest: 1023 };

/// Hexadecimal digits times a power of two, rounded to a format.
fn scaled(digits: &str, exponent: i64, format: Format) -> f64 {
    // Sixty bits of the mantissa, and one that says whether anything was left over.
    let (mut mantissa, mut exponent) = (0u64, exponent);
    for digit in digits.chars().filter_map(|letter| letter.to_digit(16)) {
        if mantissa >> 58 == 0 {
            mantissa = mantissa << 4 | u64::from(digit);
        } else {
            mantissa |= u64::from(digit != 0);
            exponent += 4;
        }
    }
    if mantissa == 0 {
        return 0.0;
    }
    let highest = exponent + i64::from(u64::BITS - 1 - mantissa.leading_zeros());
    // The power of two of the last bit that stays.
    let last = (highest - i64::from(format.bits - 1)).max(format.least);
    let lost = last - exponent;
    if lost > 0 {
        let shift = u32::try_from(lost).unwrap_or(u32::MAX);
        let (kept, rest) = match shift {
            0..=63 => (mantissa >> shift, mantissa & ((1 << shift) - 1)),
            _ => (0, 1),
        };
        let half = if shift <= 63 { 1u64 << (shift - 1) } else { u64::MAX };
        mantissa = kept + u64::from(rest > half || (rest == half && kept & 1 == 1));
        exponent = last;
    }
    if mantissa == 0 {
        return 0.0;
    }
    if exponent + i64::from(u64::BITS - 1 - mantissa.leading_zeros()) > format.greatest {
        return f64::INFINITY;
    }
    // Both steps are exact: the mantissa fits, and the last bit is within the format.
    let (low, high) = (exponent.max(-1000), exponent.min(-1000) + 1000);
    mantissa as f64 * 2f64.powi(low as i32) * 2f64.powi(high as i32)
}
