//! Times from text, by a layout.

use super::super::CallError;
use super::calendar::{Civil, Clock, Moment, days_in_month};
use super::layout::{self, Element, MONTHS, Offset, Padding, WEEKDAYS};

/// What was read so far.
#[derive(Default)]
struct Read {
    year: i64,
    month: Option<u32>,
    day: Option<u32>,
    day_of_year: Option<i64>,
    clock: [u32; 3],
    nanoseconds: u32,
    afternoon: Option<bool>,
    offset: i32,
}

fn expected(what: &str, value: &str) -> CallError {
    CallError::new(format!("{what} is expected at {value:?}"))
}

fn out_of_range(what: &str) -> CallError {
    CallError::new(format!("{what} is out of range"))
}

/// Reads a time that is written as the layout; what the layout leaves out is as early as can be, in UTC.
///
/// # Errors
/// For what isn't written so, and for days and hours that don't exist.
pub(super) fn parse(layout: &str, value: &str) -> Result<Moment, CallError> {
    let (mut layout, mut value) = (layout, value);
    let mut read = Read::default();
    loop {
        let (text, element, after) = layout::next(layout);
        value = skip(value, text)?;
        let Some(element) = element else { break };
        layout = after;
        value = read.element(element, value, layout)?;
    }
    if value.is_empty() { read.moment() } else { Err(CallError::new(format!("after the time there is {value:?}"))) }
}

/// Text of the layout must stand in the value; spaces may be more or fewer.
fn skip<'a>(value: &'a str, text: &str) -> Result<&'a str, CallError> {
    let (mut value, mut text) = (value, text);
    while let Some(first) = text.chars().next() {
        if first == ' ' {
            if !value.is_empty() && !value.starts_with(' ') {
                return Err(expected("a space", value));
            }
            text = text.trim_start_matches(' ');
            value = value.trim_start_matches(' ');
            continue;
        }
        value = value.strip_prefix(first).ok_or_else(|| expected(&format!("{first:?}"), value))?;
        text = &text[first.len_utf8()..];
    }
    Ok(value)
}

fn digit(value: &str, at: usize) -> Option<u32> {
    value.as_bytes().get(at).filter(|byte| byte.is_ascii_digit()).map(|byte| u32::from(byte - b'0'))
}

/// A number of one or two digits; of two, if they are all there must be.
fn number<'a>(value: &'a str, two: bool, what: &str) -> Result<(u32, &'a str), CallError> {
    match (digit(value, 0), digit(value, 1)) {
        (Some(tens), Some(ones)) => Ok((tens * 10 + ones, &value[2..])),
        (Some(single), None) if !two => Ok((single, &value[1..])),
        _ => Err(expected(what, value)),
    }
}

/// The index of a name at the start, whatever its case.
fn name<'a>(value: &'a str, names: &[&str], length: Option<usize>) -> Result<(usize, &'a str), CallError> {
    let found = names.iter().enumerate().find_map(|(index, name)| {
        let name = &name[..length.unwrap_or(name.len())];
        let start = value.get(..name.len())?;
        start.eq_ignore_ascii_case(name).then(|| (index, &value[name.len()..]))
    });
    found.ok_or_else(|| expected("a name of a day or month", value))
}

/// Nanoseconds after a point or a comma; digits after the ninth don't count.
fn nanoseconds(fraction: &str) -> u32 {
    fraction
        .bytes()
        .skip(1)
        .chain(std::iter::repeat(b'0'))
        .take(9)
        .fold(0, |sum, byte| sum * 10 + u32::from(byte - b'0'))
}

/// How long a fraction at the start is, its point or comma with it; 0 if there is none.
fn fraction_length(value: &str) -> usize {
    let digits = value.bytes().skip(1).take_while(u8::is_ascii_digit).count();
    if value.starts_with(['.', ',']) && digits > 0 { digits + 1 } else { 0 }
}

impl Read {
    /// Reads an element at the start of the value; what follows it is returned.
    fn element<'a>(&mut self, element: Element, value: &'a str, layout: &str) -> Result<&'a str, CallError> {
        match element {
            Element::LongYear | Element::Year => self.year(element, value),
            Element::LongMonth => self.month_name(value, None),
            Element::ShortMonth => self.month_name(value, Some(3)),
            Element::Month { padded } => {
                let (month, rest) = number(value, padded, "a month")?;
                self.month = Some(month);
                if (1..=12).contains(&month) { Ok(rest) } else { Err(out_of_range("the month")) }
            }
            Element::LongWeekday => name(value, &WEEKDAYS, None).map(|(_, rest)| rest),
            Element::ShortWeekday => name(value, &WEEKDAYS, Some(3)).map(|(_, rest)| rest),
            Element::Day(padding) => {
                let value = if padding == Padding::Space { value.strip_prefix(' ').unwrap_or(value) } else { value };
                let (day, rest) = number(value, padding == Padding::Zero, "a day")?;
                self.day = Some(day);
                Ok(rest)
            }
            Element::DayOfYear { zeros } => self.day_of_year(value, zeros),
            Element::Hour => self.clock_part(0, value, false, 23),
            Element::Hour12 { padded } => self.clock_part(0, value, padded, 12),
            Element::Minute { padded } => self.clock_part(1, value, padded, 59),
            Element::Second { padded } => self.second(value, padded, layout),
            Element::Fraction { trimmed, digits, .. } => self.fraction(value, trimmed, digits),
            Element::Noon { upper } => self.noon(value, upper),
            Element::ZoneName => zone_name(value),
            Element::Offset(style) => self.offset(value, style),
        }
    }

    fn year<'a>(&mut self, element: Element, value: &'a str) -> Result<&'a str, CallError> {
        let width = if element == Element::LongYear { 4 } else { 2 };
        let digits = value.get(..width).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
        let year: i64 = digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| expected("a year", value))?;
        self.year = match (width, year) {
            (2, 69..) => year + 1900,
            (2, _) => year + 2000,
            _ => year,
        };
        Ok(&value[width..])
    }

    fn month_name<'a>(&mut self, value: &'a str, length: Option<usize>) -> Result<&'a str, CallError> {
        let (index, rest) = name(value, &MONTHS, length)?;
        self.month = Some(index as u32 + 1);
        Ok(rest)
    }

    fn day_of_year<'a>(&mut self, value: &'a str, zeros: bool) -> Result<&'a str, CallError> {
        let spaces = value.bytes().take(2).take_while(|byte| *byte == b' ').count();
        let value = if zeros { value } else { &value[spaces..] };
        let count = value.bytes().take(3).take_while(u8::is_ascii_digit).count();
        if count == 0 || (zeros && count < 3) {
            return Err(expected("a day of the year", value));
        }
        self.day_of_year = value[..count].parse().ok();
        Ok(&value[count..])
    }

    fn clock_part<'a>(&mut self, part: usize, value: &'a str, two: bool, most: u32) -> Result<&'a str, CallError> {
        const NAMES: [&str; 3] = ["the hour", "the minute", "the second"];
        let (read, rest) = number(value, two, NAMES[part])?;
        self.clock[part] = read;
        if read > most { Err(out_of_range(NAMES[part])) } else { Ok(rest) }
    }

    /// A fraction may follow though the layout doesn't have one.
    fn second<'a>(&mut self, value: &'a str, two: bool, layout: &str) -> Result<&'a str, CallError> {
        let rest = self.clock_part(2, value, two, 59)?;
        let length = fraction_length(rest);
        if length == 0 || matches!(layout::next(layout).1, Some(Element::Fraction { .. })) {
            return Ok(rest);
        }
        self.nanoseconds = nanoseconds(&rest[..length]);
        Ok(&rest[length..])
    }

    fn fraction<'a>(&mut self, value: &'a str, trimmed: bool, digits: usize) -> Result<&'a str, CallError> {
        let length = fraction_length(value);
        if !trimmed && length <= digits {
            return Err(expected(&format!("a fraction of {digits} digits"), value));
        }
        let length = if trimmed { length } else { digits + 1 };
        if length > 0 {
            self.nanoseconds = nanoseconds(&value[..length]);
        }
        Ok(&value[length..])
    }

    fn noon<'a>(&mut self, value: &'a str, upper: bool) -> Result<&'a str, CallError> {
        let [before, after] = if upper { ["AM", "PM"] } else { ["am", "pm"] };
        let afternoon = value.starts_with(after);
        if !afternoon && !value.starts_with(before) {
            return Err(expected(&format!("{before} or {after}"), value));
        }
        self.afternoon = Some(afternoon);
        Ok(&value[2..])
    }

    fn offset<'a>(&mut self, value: &'a str, style: Offset) -> Result<&'a str, CallError> {
        if let Some(rest) = value.strip_prefix('Z').filter(|_| style.z) {
            return Ok(rest);
        }
        let wrong = || expected("an offset from UTC", value);
        let negative = value.starts_with('-');
        let mut rest = value.strip_prefix(['+', '-']).ok_or_else(wrong)?;
        let mut parts = [0u32; 3];
        for (index, part) in parts.iter_mut().enumerate().take(style.pairs) {
            if index > 0 && style.colons {
                rest = rest.strip_prefix(':').ok_or_else(wrong)?;
            }
            (*part, rest) = number(rest, true, "an offset from UTC")?;
        }
        // 24 hours, and 60 minutes, are written by some.
        if parts[0] > 24 || parts[1] > 60 || parts[2] > 60 {
            return Err(out_of_range("the offset from UTC"));
        }
        let seconds = ((parts[0] * 60 + parts[1]) * 60 + parts[2]) as i32;
        self.offset = if negative { -seconds } else { seconds };
        Ok(rest)
    }

    /// Puts the parts together, which must fit each other.
    fn moment(self) -> Result<Moment, CallError> {
        let (mut month, mut day) = (self.month, self.day);
        if let Some(day_of_year) = self.day_of_year {
            let civil =
                Civil::of_day_of_year(self.year, day_of_year).ok_or_else(|| out_of_range("the day of the year"))?;
            if month.is_some_and(|month| month != civil.month) || day.is_some_and(|day| day != civil.day) {
                return Err(CallError::new("the day of the year is another day"));
            }
            (month, day) = (Some(civil.month), Some(civil.day));
        }
        let civil = Civil { year: self.year, month: month.unwrap_or(1), day: day.unwrap_or(1) };
        if !(1..=days_in_month(civil.year, civil.month)).contains(&civil.day) {
            return Err(out_of_range("the day"));
        }
        let [hour, minute, second] = self.clock;
        let hour = match (self.afternoon, hour) {
            (Some(true), 0..=11) => hour + 12,
            (Some(false), 12) => 0,
            _ => hour,
        };
        Ok(Moment::new(civil, Clock { hour, minute, second }, self.nanoseconds, self.offset))
    }
}

/// A name of a zone says nothing about its offset: the time counts as one in UTC.
fn zone_name(value: &str) -> Result<&str, CallError> {
    zone_length(value).map(|length| &value[length..]).ok_or_else(|| expected("a zone", value))
}

/// How long the name of a zone at the start is: three to five letters, or an offset.
fn zone_length(value: &str) -> Option<usize> {
    if value.len() < 3 {
        return None;
    }
    if value.starts_with("ChST") || value.starts_with("MeST") {
        return Some(4);
    }
    if let Some(offset) = value.strip_prefix("GMT") {
        return Some(3 + signed_hours(offset).unwrap_or(0));
    }
    if value.starts_with(['+', '-']) {
        return signed_hours(value);
    }
    let letters = value.bytes().take(6).take_while(u8::is_ascii_uppercase).count();
    let ends_in_t = value.as_bytes().get(letters.saturating_sub(1)) == Some(&b'T');
    match letters {
        3 => Some(3),
        4 if ends_in_t || value.starts_with("WITA") => Some(4),
        5 if ends_in_t => Some(5),
        _ => None,
    }
}

/// How long a sign with up to 23 hours is.
fn signed_hours(value: &str) -> Option<usize> {
    let digits = value.strip_prefix(['+', '-'])?;
    let count = digits.bytes().take_while(u8::is_ascii_digit).count();
    let hours: u32 = digits[..count].parse().ok()?;
    (hours <= 23).then_some(count + 1)
}
