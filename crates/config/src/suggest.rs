//! "Did you mean …?": the known word nearest to an unknown one. Not here: sentences about it.

const BEGINNING_CHARS_MIN: usize = 3;

/// The known word that was probably meant: a slip away, or begun and not ended.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = plain(word);
    let chars = word.chars().count();
    // A third of the letters may differ: enough for a slip, too little for another word.
    let distance_max = (chars / 3).max(1).min(chars.saturating_sub(1));
    let mut begun = None;
    let mut best: Option<(usize, &str)> = None;
    for candidate in known {
        let plain = plain(candidate);
        let distance = strsim::damerau_levenshtein(&word, &plain);
        if distance <= distance_max && best.is_none_or(|(least, _)| distance < least) {
            best = Some((distance, candidate));
        }
        if begun.is_none() && chars >= BEGINNING_CHARS_MIN && plain.starts_with(&word) {
            begun = Some(candidate);
        }
    }
    best.map(|(_, candidate)| candidate).or(begun)
}

/// The word without what people mix up: case, and `-` for `_`.
fn plain(word: &str) -> String {
    word.to_lowercase().replace('-', "_")
}

/// Words in a sentence: "`a`, `b` or `c`".
pub(crate) fn either<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    list(words, "or")
}

/// Words in a sentence: "`a`, `b` and `c`".
pub(crate) fn all<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    list(words, "and")
}

fn list<'a>(words: impl IntoIterator<Item = &'a str>, joint: &str) -> String {
    let quoted: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        None => "nothing".into(),
        Some((last, [])) => last.clone(),
        Some((last, front)) => format!("{} {joint} {last}", front.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_understood_and_other_words_are_not() {
        let known = ["health", "kind", "run", "run_as", "depends_on"];
        for (slip, meant) in [("helth", "health"), ("KIND", "kind"), ("depends-on", "depends_on"), ("ruN_as", "run_as")]
        {
            assert_eq!(nearest(slip, known), Some(meant));
        }
        assert_eq!(nearest("colour", known), None);
        assert_eq!(nearest("x", ["y"]), None);
        assert_eq!(nearest("prod", ["staging", "production"]), Some("production"));
    }

    #[test]
    fn words_make_a_sentence() {
        assert_eq!(either(["a", "b", "c"]), "`a`, `b` or `c`");
        assert_eq!(all(["a"]), "`a`");
        assert_eq!(all([]), "nothing");
    }
}
