//! Durations as text: `1h15m30.918s`.

use super::super::CallError;

/// Units by name, in nanoseconds. The sign for micro is in Unicode twice.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Nanoseconds as text: in hours, minutes and seconds, or, below a second, in one smaller unit.
pub(super) fn format(nanoseconds: i64) -> String {
    let size = nanoseconds.unsigned_abs();
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let text = match size {
        0 => "0s".to_owned(),
        1..1_000 => format!("{size}ns"),
        1_000..1_000_000 => format!("{}µs", decimal(size, 3)),
        1_000_000..1_000_000_000 => format!("{}ms", decimal(size, 6)),
        _ => clock(size),
    };
    format!("{sign}{text}")
}

/// The value with so many decimals, without zeros at the end.
fn decimal(value: u64, places: u32) -> String {
    let unit = 10u64.pow(places);
    let fraction = format!("{:0width$}", value % unit, width = places as usize);
    let text = format!("{}.{fraction}", value / unit);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn clock(size: u64) -> String {
    let minutes = size / 60_000_000_000;
    let seconds = decimal(size % 60_000_000_000, 9);
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m{seconds}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

/// The nanoseconds of a duration.
///
/// # Errors
/// For what is none, and for more than 64 bits hold (290 years).
pub(super) fn parse(text: &str) -> Result<i64, CallError> {
    let wrong = || CallError::new(format!("invalid duration {text:?}"));
    let negative = text.starts_with('-');
    let mut rest = text.strip_prefix(['+', '-']).unwrap_or(text);
    if rest == "0" {
        return Ok(0);
    }
    if rest.is_empty() {
        return Err(wrong());
    }
    let mut sum: u64 = 0;
    while !rest.is_empty() {
        let (part, after) = term(rest, text)?;
        sum = sum.checked_add(part).filter(|sum| *sum <= 1 << 63).ok_or_else(wrong)?;
        rest = after;
    }
    match (negative, i64::try_from(sum)) {
        (false, Ok(sum)) => Ok(sum),
        (true, _) => Ok((sum as i64).wrapping_neg()),
        (false, Err(_)) => Err(wrong()),
    }
}

/// A number and its unit, in nanoseconds.
fn term<'a>(rest: &'a str, text: &str) -> Result<(u64, &'a str), CallError> {
    let wrong = || CallError::new(format!("invalid duration {text:?}"));
    let (whole, rest) = digits(rest);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(after) => digits(after),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return Err(wrong());
    }
    let end = rest.find(|letter: char| letter == '.' || letter.is_ascii_digit()).unwrap_or(rest.len());
    let (name, after) = rest.split_at(end);
    let unit = UNITS.iter().find(|(known, _)| *known == name).map(|(_, unit)| *unit);
    let unit = unit.ok_or_else(|| match name {
        "" => CallError::new(format!("missing unit in duration {text:?}")),
        _ => CallError::new(format!("unknown unit {name:?} in duration {text:?}")),
    })?;
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| wrong())? };
    let value = whole.checked_mul(unit).filter(|value| *value <= 1 << 63).ok_or_else(wrong)?;
    let value = value.checked_add(part_of(fraction, unit)).filter(|value| *value <= 1 << 63).ok_or_else(wrong)?;
    Ok((value, after))
}

/// A fraction of a unit; computed in binary floats, and cut, as Go does it. Digits beyond 63 bits don't count.
fn part_of(fraction: &str, unit: u64) -> u64 {
    let (mut digits, mut scale) = (0u64, 1.0f64);
    for digit in fraction.bytes() {
        let more = digits.checked_mul(10).and_then(|digits| digits.checked_add(u64::from(digit - b'0')));
        let Some(more) = more.filter(|more| *more <= 1 << 63) else { break };
        digits = more;
        scale *= 10.0;
    }
    (digits as f64 * (unit as f64 / scale)) as u64
}

fn digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len()))
}
