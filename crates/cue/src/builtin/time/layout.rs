//! Layouts: how the time `Mon Jan 2 15:04:05 MST 2006` would be written.
//!
//! Source: Go's `time.Layout`, whose elements these are.

pub(super) const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub(super) const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// How an offset from UTC is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Offset {
    /// UTC itself is a `Z`.
    pub(super) z: bool,
    /// There are colons.
    pub(super) colons: bool,
    /// How many pairs of digits: hours, minutes, seconds.
    pub(super) pairs: usize,
}

/// An element of a layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    LongYear,
    Year,
    LongMonth,
    ShortMonth,
    Month {
        padded: bool,
    },
    LongWeekday,
    ShortWeekday,
    Day(Padding),
    DayOfYear {
        zeros: bool,
    },
    Hour,
    Hour12 {
        padded: bool,
    },
    Minute {
        padded: bool,
    },
    Second {
        padded: bool,
    },
    /// `.000`, or `.999`, whose zeros at the end go; with so many digits.
    Fraction {
        separator: char,
        trimmed: bool,
        digits: usize,
    },
    Noon {
        upper: bool,
    },
    ZoneName,
    Offset(Offset),
}

/// What stands before a day of one digit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Padding {
    None,
    Space,
    Zero,
}

const fn offset(z: bool, colons: bool, pairs: usize) -> Element {
    Element::Offset(Offset { z, colons, pairs })
}

/// The elements by their text; of several that fit, the first counts.
const ELEMENTS: [(&str, Element); 34] = [
    ("January", Element::LongMonth),
    ("Monday", Element::LongWeekday),
    ("MST", Element::ZoneName),
    ("002", Element::DayOfYear { zeros: true }),
    ("01", Element::Month { padded: true }),
    ("02", Element::Day(Padding::Zero)),
    ("03", Element::Hour12 { padded: true }),
    ("04", Element::Minute { padded: true }),
    ("05", Element::Second { padded: true }),
    ("06", Element::Year),
    ("15", Element::Hour),
    ("1", Element::Month { padded: false }),
    ("2006", Element::LongYear),
    ("2", Element::Day(Padding::None)),
    ("__2", Element::DayOfYear { zeros: false }),
    ("_2", Element::Day(Padding::Space)),
    ("3", Element::Hour12 { padded: false }),
    ("4", Element::Minute { padded: false }),
    ("5", Element::Second { padded: false }),
    ("PM", Element::Noon { upper: true }),
    ("pm", Element::Noon { upper: false }),
    ("-070000", offset(false, false, 3)),
    ("-07:00:00", offset(false, true, 3)),
    ("-0700", offset(false, false, 2)),
    ("-07:00", offset(false, true, 2)),
    ("-07", offset(false, false, 1)),
    ("Z070000", offset(true, false, 3)),
    ("Z07:00:00", offset(true, true, 3)),
    ("Z0700", offset(true, false, 2)),
    ("Z07:00", offset(true, true, 2)),
    ("Z07", offset(true, false, 1)),
    ("Jan", Element::ShortMonth),
    ("Mon", Element::ShortWeekday),
    // A year after a line: the line is just that.
    ("_2006", Element::LongYear),
];

/// The text before the first element, the element, and the layout after it.
pub(super) fn next(layout: &str) -> (&str, Option<Element>, &str) {
    for (at, _) in layout.char_indices() {
        if let Some((skipped, element, length)) = element(&layout[at..]) {
            let start = at + skipped;
            return (&layout[..start], Some(element), &layout[start + length..]);
        }
    }
    (layout, None, "")
}

/// The element at the start, how much before it is plain text, and how long it is.
fn element(text: &str) -> Option<(usize, Element, usize)> {
    if text.starts_with("_2006") {
        return Some((1, Element::LongYear, 4));
    }
    if let Some(separator) = text.chars().next().filter(|first| ".,".contains(*first)) {
        return fraction(separator, &text[1..]).map(|(element, length)| (0, element, length));
    }
    let (name, element) = ELEMENTS.into_iter().find(|(name, _)| text.starts_with(name))?;
    let short = matches!(element, Element::ShortMonth | Element::ShortWeekday);
    // `Janet` is a name, not a month.
    let goes_on = text[name.len()..].starts_with(|next: char| next.is_ascii_lowercase());
    (!short || !goes_on).then_some((0, element, name.len()))
}

fn fraction(separator: char, text: &str) -> Option<(Element, usize)> {
    let first = text.chars().next().filter(|first| "09".contains(*first))?;
    let rest = text.trim_start_matches(first);
    if rest.starts_with(|next: char| next.is_ascii_digit()) {
        return None;
    }
    let digits = text.len() - rest.len();
    Some((Element::Fraction { separator, trimmed: first == '9', digits }, digits + 1))
}
