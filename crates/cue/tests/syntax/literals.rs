//! Literals: strings of all kinds and their escapes, numbers.

use super::tree::expr;
use shipway_cue::syntax::literal::unquote;

fn text(literal: &str) -> String {
    let bytes = unquote(literal).unwrap_or_else(|error| panic!("{literal}: {error:?}"));
    String::from_utf8(bytes).expect("these literals are text")
}

#[test]
fn strings_of_all_kinds() {
    let table = [
        (r#""""#, ""),
        (r#""a""#, "a"),
        (r#""\a\b\f\n\r\t\v\/\\\"""#, "\u{7}\u{8}\u{c}\n\r\t\u{b}/\\\""),
        (r#""\u65e5\U0000672c""#, "日本"),
        (r#""\ud83d\ude00""#, "😀"),
        (r##"#"a\nb"#"##, "a\\nb"),
        (r##"#"a\#nb"#"##, "a\nb"),
        (r###"##"a"#b\#n\##n"##"###, "a\"#b\\#n\n"),
        (r##"#"""#"##, "\""),
        (r##"#"""a"""#"##, "\"\"a\"\""),
        (r##"#"\#ud83d\#ude00"#"##, "😀"),
        ("\"\"\"\n\"\"\"", ""),
        ("\"\"\"\n\n\"\"\"", ""),
        ("\"\"\"\n\ta\n\n\t  b\n\t\"\"\"", "a\n\n  b"),
        ("\"\"\"\n\ta \"\"\" b\n\t\"\"\"", "a \"\"\" b"),
        ("\"\"\"\r\n\ta\r\n\tb\r\n\t\"\"\"", "a\nb"),
        ("#\"\"\"\n\ta\\nb\n\t\"\"\"#", "a\\nb"),
        ("'''\n  a\n  '''", "a"),
    ];
    for (literal, value) in table {
        assert_eq!(text(literal), value, "{literal}");
    }
}

#[test]
fn byte_strings_hold_any_byte() {
    let table: [(&str, &[u8]); 4] =
        [(r"'\xff\x00'", &[255, 0]), (r"'\377\000'", &[255, 0]), (r"'\u00ff'", &[0xc3, 0xbf]), (r#"'\'"'"#, b"'\"")];
    for (literal, value) in table {
        assert_eq!(unquote(literal).as_deref(), Ok(value), "{literal}");
    }
}

#[test]
fn bad_literals_are_refused_where_they_are_bad() {
    let table = [
        (r#""a\q""#, 2),
        (r#""\x41""#, 1),
        (r#""\101""#, 1),
        (r#""\'""#, 1),
        (r#"'\"'"#, 1),
        (r#""\u12""#, 1),
        (r#""\U00110000""#, 1),
        (r#""\ud800""#, 1),
        (r#""\ude00""#, 1),
        (r"'\400'", 1),
        ("\"\"\"\n\t\ta\n\tb\n\t\t\"\"\"", 8),
        ("\"\"\"\n    a\n\t\"\"\"", 4),
    ];
    for (literal, at) in table {
        assert_eq!(unquote(literal).map_err(|error| error.at), Err(at), "{literal}");
    }
}

#[test]
fn numbers_are_read() {
    let table = [
        ("0", "0"),
        ("1_000", "1000"),
        ("0x1F", "31"),
        ("0o17", "15"),
        ("0b101", "5"),
        ("1.5", "1.5"),
        (".25", "0.25"),
        ("1e3", "1E+3"),
        ("072.40", "72.40"),
        ("4Ki", "4096"),
        ("1.5G", "1500000000"),
        ("0M", "0"),
    ];
    for (literal, value) in table {
        assert_eq!(expr(literal), value, "{literal}");
    }
}
