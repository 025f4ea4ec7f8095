//! Letters in upper, lower and title case, one character for one.
//!
//! Source: the *simple* case mappings of Unicode (UnicodeData.txt), which Go's `unicode.ToUpper` and its kin apply:
//! `ß` stays what it is. Rust's standard library has the full mappings; where those give more than one character,
//! the simple one is the character itself, but for the few below.

/// The upper-case letter of a character, or the character.
pub(super) fn upper(letter: char) -> char {
    let mut full = letter.to_uppercase();
    match (full.next(), full.next()) {
        (Some(single), None) => single,
        _ => upper_with_iota(letter),
    }
}

/// Greek letters with iota below: in full they become two letters, simply they become one.
fn upper_with_iota(letter: char) -> char {
    let shift = match letter {
        '\u{1F80}'..='\u{1F87}' | '\u{1F90}'..='\u{1F97}' | '\u{1FA0}'..='\u{1FA7}' => 8,
        '\u{1FB3}' | '\u{1FC3}' | '\u{1FF3}' => 9,
        _ => 0,
    };
    char::from_u32(u32::from(letter) + shift).unwrap_or(letter)
}

/// The lower-case letter of a character, or the character.
pub(super) fn lower(letter: char) -> char {
    // The one letter that becomes two: İ.
    letter.to_lowercase().next().unwrap_or(letter)
}

/// The letter with which a word in title case starts.
pub(super) fn title(letter: char) -> char {
    match letter {
        '\u{01C4}'..='\u{01C6}' => '\u{01C5}',
        '\u{01C7}'..='\u{01C9}' => '\u{01C8}',
        '\u{01CA}'..='\u{01CC}' => '\u{01CB}',
        '\u{01F1}'..='\u{01F3}' => '\u{01F2}',
        // Georgian has capitals, but no titles.
        '\u{10D0}'..='\u{10FA}' | '\u{10FD}'..='\u{10FF}' => letter,
        _ => upper(letter),
    }
}

/// The text with a function on the first letter of each word; words are parted by white space.
pub(super) fn at_word_starts(text: &str, change: fn(char) -> char) -> String {
    let mut before = ' ';
    let changed = |letter: char| {
        let starts = before.is_whitespace();
        before = letter;
        if starts { change(letter) } else { letter }
    };
    text.chars().map(changed).collect()
}
