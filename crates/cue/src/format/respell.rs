//! Tokens that are spelled anew: numbers, and strings with several lines, whose indentation follows the layout.
//!
//! Not here: labels (`marks` says which are spelled anew), escapes, which stay as they are.

/// The canonical spelling of a number: digits on both sides of the dot, a small `e`.
pub(super) fn number(text: &str) -> String {
    if text.starts_with("0x") || text.starts_with("0X") {
        return text.to_owned();
    }
    let mut spelled = text.replace('E', "e");
    if let Some(dot) = spelled.find('.') {
        if !spelled[dot + 1..].starts_with(|c: char| c.is_ascii_digit()) {
            spelled.insert(dot + 1, '0');
        }
        if dot == 0 {
            spelled.insert(0, '0');
        }
    }
    spelled
}

/// The white space before the closing quotes of a string with several lines; none if `piece` is not its end.
pub(super) fn closing_indent(piece: &str) -> Option<&str> {
    let last = piece.rsplit_once('\n')?.1;
    let mark = last.trim_start_matches([' ', '\t']);
    (mark.starts_with("\"\"\"") || mark.starts_with("'''")).then(|| &last[..last.len() - mark.len()])
}

/// A string, or a piece of one, whose lines begin with `from`, indented by so many tabs instead.
pub(super) fn reindent(piece: &str, from: &str, tabs: usize) -> String {
    let mut lines = piece.split('\n');
    let mut text = lines.next().unwrap_or("").trim_end_matches('\r').to_owned();
    for line in lines {
        text.push('\n');
        let line = line.strip_suffix('\r').unwrap_or(line);
        if let Some(rest) = line.strip_prefix(from).filter(|_| !line.is_empty()) {
            text.extend(std::iter::repeat_n('\t', tabs));
            text.push_str(rest);
        }
    }
    text
}
