//! Times as text, by a layout.

use super::calendar::Moment;
use super::layout::{self, Element, MONTHS, Offset, Padding, WEEKDAYS};

/// Writes a time as the layout would have it.
pub(super) fn format(moment: &Moment, layout: &str) -> String {
    let mut out = String::new();
    let mut rest = layout;
    loop {
        let (text, element, after) = layout::next(rest);
        out.push_str(text);
        let Some(element) = element else { return out };
        out.push_str(&written(moment, element));
        rest = after;
    }
}

/// A number with zeros before it; a minus doesn't count.
fn padded(value: i64, width: usize) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{:0width$}", value.unsigned_abs())
}

fn number(value: u32, two: bool) -> String {
    if two { format!("{value:02}") } else { value.to_string() }
}

fn written(moment: &Moment, element: Element) -> String {
    let (civil, clock) = (moment.civil(), moment.clock());
    let month = MONTHS[(civil.month as usize).saturating_sub(1) % 12];
    let weekday = WEEKDAYS[moment.weekday() % 7];
    match element {
        Element::LongYear => padded(civil.year, 4),
        Element::Year => padded(civil.year.max(0) % 100, 2),
        Element::LongMonth => month.to_owned(),
        Element::ShortMonth => month[..3].to_owned(),
        Element::Month { padded } => number(civil.month, padded),
        Element::LongWeekday => weekday.to_owned(),
        Element::ShortWeekday => weekday[..3].to_owned(),
        Element::Day(Padding::Space) => format!("{:2}", civil.day),
        Element::Day(padding) => number(civil.day, padding == Padding::Zero),
        Element::DayOfYear { zeros: true } => format!("{:03}", moment.day_of_year()),
        Element::DayOfYear { zeros: false } => format!("{:3}", moment.day_of_year()),
        Element::Hour => number(clock.hour, true),
        Element::Hour12 { padded } => number((clock.hour + 11) % 12 + 1, padded),
        Element::Minute { padded } => number(clock.minute, padded),
        Element::Second { padded } => number(clock.second, padded),
        Element::Fraction { separator, trimmed, digits } => fraction(moment.nanoseconds, separator, trimmed, digits),
        Element::Noon { upper } => match (clock.hour >= 12, upper) {
            (true, true) => "PM".to_owned(),
            (true, false) => "pm".to_owned(),
            (false, true) => "AM".to_owned(),
            (false, false) => "am".to_owned(),
        },
        // A zone has a name only if it is UTC.
        Element::ZoneName if moment.offset == 0 => "UTC".to_owned(),
        Element::ZoneName => offset(moment.offset, Offset { z: false, colons: false, pairs: 2 }),
        Element::Offset(style) => offset(moment.offset, style),
    }
}

fn fraction(nanoseconds: u32, separator: char, trimmed: bool, digits: usize) -> String {
    let all = format!("{nanoseconds:09}");
    let cut = format!("{:0<digits$}", all.get(..digits).unwrap_or(&all));
    let shown = if trimmed { cut.trim_end_matches('0') } else { &cut };
    if shown.is_empty() { String::new() } else { format!("{separator}{shown}") }
}

fn offset(seconds: i32, style: Offset) -> String {
    if style.z && seconds == 0 {
        return "Z".to_owned();
    }
    let size = seconds.unsigned_abs();
    let pairs = [size / 3600, size / 60 % 60, size % 60].map(|pair| format!("{pair:02}"));
    // The sign is that of the offset in minutes.
    let sign = if seconds / 60 < 0 { "-" } else { "+" };
    let between = if style.colons { ":" } else { "" };
    format!("{sign}{}", pairs[..style.pairs.min(3)].join(between))
}
