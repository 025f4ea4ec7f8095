//! How one string of YAML is written: plain, in quotes, or as a block.
//!
//! Not here: where it stands.

use std::fmt::Write;
use std::sync::LazyLock;

use regex::Regex;

use crate::decode::reads_as_string;

/// Where a string stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Where {
    Key,
    Value,
}

/// Whether a string stays on its line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Layout {
    Line,
    /// The first line is the header, the others are content to be moved in.
    Block,
}

/// A string as YAML writes it.
pub(super) struct Written {
    pub(super) text: String,
    pub(super) layout: Layout,
}

/// What YAML 1.1 would read as something else, and this dialect's own oddity.
const LEGACY: &[&str] = &[
    "y", "Y", "yes", "Yes", "YES", "n", "N", "t", "T", "f", "F", "no", "No", "NO", "true", "True", "TRUE", "false",
    "False", "FALSE", "on", "On", "ON", "off", "Off", "OFF", ".Nan",
];

/// Dates, times, numbers to the base of 60 and hexadecimal ones, seen widely.
static LOOKS_LEGACY: LazyLock<Option<Regex>> =
    LazyLock::new(|| Regex::new(r"^[\-+0-9:\. \t]+([-:]|[tT])[\-+0-9:\. \t]+[zZ]?$|^0x[a-fA-F0-9]+$").ok());

/// A string as YAML.
pub(super) fn string(text: &str, stands: Where) -> Written {
    let seen = Seen::of(text);
    if seen.breaks && stands == Where::Value && seen.block_fits() {
        return Written { text: block(text), layout: Layout::Block };
    }
    let line = |text| Written { text, layout: Layout::Line };
    let is_legacy = LEGACY.contains(&text) || LOOKS_LEGACY.as_ref().is_none_or(|regex| regex.is_match(text));
    if seen.breaks || is_legacy || !reads_as_string(text) || !seen.single_quotes_fit() {
        return line(double_quoted(text));
    }
    line(if seen.plain_fits() { text.to_owned() } else { format!("'{}'", text.replace('\'', "''")) })
}

/// What a look over a string found.
#[derive(Default)]
struct Seen {
    indicators: bool,
    special: bool,
    tabs: bool,
    breaks: bool,
    other_breaks: bool,
    leading_space: bool,
    leading_break: bool,
    trailing_space: bool,
    trailing_break: bool,
    break_space: bool,
    space_break: bool,
}

impl Seen {
    fn of(text: &str) -> Self {
        let mut seen = Self { indicators: text.starts_with("---") || text.starts_with("..."), ..Self::default() };
        let mut before = None;
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            let next = chars.peek().copied();
            seen.indicators |= is_indicator(c, before, next);
            seen.tabs |= c == '\t';
            seen.special |= c != '\t' && !is_printable(c);
            seen.space(c, before, next);
            before = Some(c);
        }
        seen
    }

    fn space(&mut self, c: char, before: Option<char>, next: Option<char>) {
        if c == ' ' {
            self.leading_space |= before.is_none();
            self.trailing_space |= next.is_none();
            self.break_space |= before.is_some_and(is_break);
        } else if is_break(c) {
            self.breaks = true;
            self.other_breaks |= c != '\n';
            self.leading_break |= before.is_none();
            self.trailing_break |= next.is_none();
            self.space_break |= before == Some(' ');
        }
    }

    fn plain_fits(&self) -> bool {
        let at_the_ends = self.leading_space || self.leading_break || self.trailing_space || self.trailing_break;
        !(at_the_ends || self.breaks || self.indicators) && self.single_quotes_fit()
    }

    fn single_quotes_fit(&self) -> bool {
        !(self.break_space || self.space_break || self.tabs || self.special)
    }

    fn block_fits(&self) -> bool {
        !(self.trailing_space || self.space_break || self.special || self.other_breaks)
    }
}

/// Whether a character means something to YAML where it stands.
fn is_indicator(c: char, before: Option<char>, next: Option<char>) -> bool {
    let blank_follows = next.is_none_or(is_blank);
    match (c, before) {
        ('#' | ',' | '[' | ']' | '{' | '}' | '&' | '*' | '!' | '|' | '>' | '\'' | '"' | '%' | '@' | '`', None) => true,
        ('?' | ':' | '-', None) => blank_follows,
        (':', Some(_)) => blank_follows,
        ('#', Some(before)) => is_blank(before),
        _ => false,
    }
}

fn is_break(c: char) -> bool {
    matches!(c, '\n' | '\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t') || is_break(c)
}

/// What this dialect writes as itself: nothing beyond the first 65,536 code points.
fn is_printable(c: char) -> bool {
    matches!(c, '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}') && c != '\u{feff}'
}

/// A block scalar: `|`, what says how it ends, and its lines.
fn block(text: &str) -> String {
    let indentation = if text.starts_with(|c: char| c == ' ' || is_break(c)) { "2" } else { "" };
    let (chomping, body) = match text.strip_suffix('\n') {
        None => ("-", text),
        Some(body) if body.is_empty() || body.ends_with('\n') => ("+", body),
        Some(body) => ("", body),
    };
    format!("|{indentation}{chomping}\n{body}")
}

fn double_quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if is_printable(c) && !is_break(c) => out.push(c),
            c => escape(c, &mut out),
        }
    }
    out.push('"');
    out
}

fn escape(c: char, out: &mut String) {
    let short = match c {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ => {
            let code = u32::from(c);
            let _ = match code {
                0..=0xff => write!(out, "\\x{code:02X}"),
                0x100..=0xffff => write!(out, "\\u{code:04X}"),
                _ => write!(out, "\\U{code:08X}"),
            };
            return;
        }
    };
    out.push('\\');
    out.push(short);
}
