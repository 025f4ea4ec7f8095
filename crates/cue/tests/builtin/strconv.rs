//! `strconv`

use proptest::prelude::*;

use super::{call, check, i, n, s};
use shipway_cue::data::Data;

#[test]
fn booleans() {
    check(
        "strconv",
        &[
            ("ParseBool", &[s("T")], "true"),
            ("ParseBool", &[s("false")], "false"),
            ("ParseBool", &[s("yes")], r#"!parsing "yes": invalid syntax"#),
            ("FormatBool", &[Data::Bool(true)], r#""true""#),
        ],
    );
}

#[test]
fn integers_are_read() {
    check(
        "strconv",
        &[
            ("Atoi", &[s("-12")], "-12"),
            ("Atoi", &[s("+12")], "12"),
            ("Atoi", &[s("0x10")], "!invalid syntax"),
            ("Atoi", &[s("1_000")], "!invalid syntax"),
            ("Atoi", &[s("")], "!invalid syntax"),
            ("Atoi", &[s("-")], "!invalid syntax"),
            ("Atoi", &[s("99999999999999999999")], "99999999999999999999"),
            ("ParseInt", &[s("-0x1F"), i(0), i(64)], "-31"),
            ("ParseInt", &[s("017"), i(0), i(64)], "15"),
            ("ParseInt", &[s("0b101"), i(0), i(64)], "5"),
            ("ParseInt", &[s("0O17"), i(0), i(64)], "15"),
            ("ParseInt", &[s("1_000"), i(0), i(64)], "1000"),
            ("ParseInt", &[s("0x_ff"), i(0), i(64)], "255"),
            ("ParseInt", &[s("1__0"), i(0), i(64)], "!invalid syntax"),
            ("ParseInt", &[s("08"), i(0), i(64)], "!invalid syntax"),
            ("ParseInt", &[s("0"), i(0), i(64)], "0"),
            ("ParseInt", &[s("0x"), i(0), i(64)], "!invalid syntax"),
            ("ParseInt", &[s("zZ"), i(36), i(0)], "1295"),
            ("ParseInt", &[s("zZ"), i(62), i(0)], "2231"),
            ("ParseInt", &[s("2"), i(2), i(0)], "!invalid syntax"),
            ("ParseInt", &[s("é"), i(10), i(0)], "!invalid syntax"),
            ("ParseInt", &[s("1"), i(1), i(0)], "!there is no base 1"),
            ("ParseInt", &[s("127"), i(10), i(8)], "127"),
            ("ParseInt", &[s("128"), i(10), i(8)], "!value out of range"),
            ("ParseInt", &[s("-128"), i(10), i(8)], "-128"),
            ("ParseInt", &[s("-129"), i(10), i(8)], "!value out of range"),
            ("ParseInt", &[s("1"), i(10), i(-1)], "!value out of range"),
            ("ParseUint", &[s("255"), i(10), i(8)], "255"),
            ("ParseUint", &[s("256"), i(10), i(8)], "!value out of range"),
            ("ParseUint", &[s("-1"), i(10), i(8)], "!value out of range"),
            ("ParseUint", &[s("ffffffffffffffffff"), i(16), i(0)], "4722366482869645213695"),
        ],
    );
}

#[test]
fn integers_are_written() {
    check(
        "strconv",
        &[
            ("FormatInt", &[i(-255), i(16)], r#""-ff""#),
            ("FormatInt", &[i(0), i(2)], r#""0""#),
            ("FormatInt", &[i(61), i(62)], r#""Z""#),
            ("FormatInt", &[i(1), i(63)], "!there is no base 63"),
            ("FormatUint", &[n("1180591620717411303424"), i(10)], r#""1180591620717411303424""#),
        ],
    );
}

#[test]
fn floats_are_read() {
    check(
        "strconv",
        &[
            ("ParseFloat", &[s("3.25"), i(64)], "3.25"),
            ("ParseFloat", &[s("-1e-7"), i(64)], "-1E-7"),
            ("ParseFloat", &[s(".5"), i(64)], "0.5"),
            ("ParseFloat", &[s("0.1"), i(32)], "0.10000000149011612"),
            ("ParseFloat", &[s("1e400"), i(64)], "!value out of range"),
            ("ParseFloat", &[s("inf"), i(64)], "!the value inf"),
            ("ParseFloat", &[s("1_0.2_5e1_0"), i(64)], "1.025E+11"),
            ("ParseFloat", &[s("1__0"), i(64)], "!invalid syntax"),
            ("ParseFloat", &[s("_1"), i(64)], "!invalid syntax"),
            ("ParseFloat", &[s("1_e5"), i(64)], "!invalid syntax"),
            ("ParseFloat", &[s("0x1p-2"), i(64)], "0.25"),
            ("ParseFloat", &[s("-0X_1.8_0P+3"), i(64)], "-12.0"),
            ("ParseFloat", &[s("0x.8p0"), i(64)], "0.5"),
            ("ParseFloat", &[s("0x0p0"), i(64)], "0.0"),
            // Halves go to the even neighbour, and the smallest bit of all counts.
            ("ParseFloat", &[s("0x1.00000000000008p0"), i(64)], "1.0"),
            ("ParseFloat", &[s("0x1.00000000000018p0"), i(64)], "1.0000000000000004"),
            ("ParseFloat", &[s("0x1.000000000000080000000000001p0"), i(64)], "1.0000000000000002"),
            ("ParseFloat", &[s("0x1.000001p0"), i(32)], "1.0"),
            ("ParseFloat", &[s("0x1.000003p0"), i(32)], "1.000000238418579"),
            ("ParseFloat", &[s("0x1p-1074"), i(64)], "5E-324"),
            ("ParseFloat", &[s("0x1p-1075"), i(64)], "0.0"),
            ("ParseFloat", &[s("0x1.8p-1075"), i(64)], "5E-324"),
            ("ParseFloat", &[s("0x1p-9999999999999999999999"), i(64)], "0.0"),
            ("ParseFloat", &[s("0x1.fffffffffffff7p1023"), i(64)], "1.7976931348623157E+308"),
            ("ParseFloat", &[s("0x1.fffffffffffff8p1023"), i(64)], "!value out of range"),
            ("ParseFloat", &[s("0x1p9999999999999999999999"), i(64)], "!value out of range"),
            ("ParseFloat", &[s("0x1p128"), i(32)], "!value out of range"),
            ("ParseFloat", &[s("0x1"), i(64)], "!invalid syntax"),
            ("ParseFloat", &[s("0xp1"), i(64)], "!invalid syntax"),
            ("ParseFloat", &[s("0x1p"), i(64)], "!invalid syntax"),
            ("ParseFloat", &[s("0x1_p1"), i(64)], "!invalid syntax"),
            ("ParseFloat", &[s("1e"), i(64)], "!invalid syntax"),
            ("ParseNumber", &[s("1.5Mi")], "1572864"),
            ("ParseNumber", &[s("0b11")], "3"),
            ("ParseNumber", &[s("1.50")], "1.50"),
            ("ParseNumber", &[s("x")], "!invalid syntax"),
        ],
    );
}

#[test]
fn floats_are_written() {
    let f = |value: &str, verb: &str, precision: i64| [n(value), s(verb), i(precision), i(64)];
    check(
        "strconv",
        &[
            ("FormatFloat", &f("3.25", "f", -1), r#""3.25""#),
            ("FormatFloat", &f("100", "f", -1), r#""100""#),
            ("FormatFloat", &f("1e21", "f", -1), r#""1000000000000000000000""#),
            ("FormatFloat", &f("0.00001", "f", -1), r#""0.00001""#),
            ("FormatFloat", &f("2.5", "f", 0), r#""2""#),
            ("FormatFloat", &f("3.5", "f", 0), r#""4""#),
            ("FormatFloat", &f("-1.005", "f", 2), r#""-1.00""#),
            ("FormatFloat", &f("0", "e", -1), r#""0e+00""#),
            ("FormatFloat", &f("123456", "e", 3), r#""1.235e+05""#),
            ("FormatFloat", &f("1e-100", "E", -1), r#""1E-100""#),
            ("FormatFloat", &f("1", "e", 2), r#""1.00e+00""#),
            ("FormatFloat", &f("100000", "g", -1), r#""100000""#),
            ("FormatFloat", &f("1000000", "g", -1), r#""1e+06""#),
            ("FormatFloat", &f("123456789", "g", -1), r#""1.23456789e+08""#),
            ("FormatFloat", &f("0.0001", "g", -1), r#""0.0001""#),
            ("FormatFloat", &f("0.00001", "G", -1), r#""1E-05""#),
            ("FormatFloat", &f("123456", "g", 3), r#""1.23e+05""#),
            ("FormatFloat", &f("100", "g", 3), r#""100""#),
            ("FormatFloat", &f("100", "g", 2), r#""1e+02""#),
            ("FormatFloat", &f("100", "g", 10), r#""100""#),
            ("FormatFloat", &f("0", "g", -1), r#""0""#),
            ("FormatFloat", &f("1", "b", -1), r#""4503599627370496p-52""#),
            ("FormatFloat", &f("1", "x", -1), r#""0x1p+00""#),
            ("FormatFloat", &f("-10.5", "x", -1), r#""-0x1.5p+03""#),
            ("FormatFloat", &f("1.9999", "X", 1), r#""0X1.0P+01""#),
            ("FormatFloat", &f("0.15625", "x", 4), r#""0x1.4000p-03""#),
            ("FormatFloat", &f("0", "x", -1), r#""0x0p+00""#),
            ("FormatFloat", &f("1", "y", -1), "!there is no format 'y'"),
            ("FormatFloat", &f("1", "", -1), "!must be a single character"),
            ("FormatFloat", &f("1e400", "e", -1), "!doesn't fit"),
            ("FormatFloat", &f("1", "f", 1_000_000), "!a precision of 1000000 digits"),
            ("FormatFloat", &[n("0.1"), i(103), i(-1), i(32)], r#""0.1""#),
            ("FormatFloat", &[n("0.1"), i(103), i(20), i(32)], r#""0.10000000149011611938""#),
            ("FormatFloat", &[n("0.1"), i(300), i(-1), i(64)], "!out of range [0, 255]"),
            ("FormatFloat", &[n("0.1"), n("1.0"), i(-1), i(64)], "!must be a string or an int, not float"),
            ("FormatFloat", &[n("0.1"), i(103), i(-1), i(16)], "!there is no float of 16 bits"),
        ],
    );
}

#[test]
fn literals_are_unquoted() {
    check(
        "strconv",
        &[
            ("Unquote", &[s(r#""a\tb\u00e9""#)], r#""a\tbé""#),
            ("Unquote", &[s(r##"#"a\b"#"##)], r#""a\\b""#),
            ("Unquote", &[s("'a\\x62'")], r#""ab""#),
            ("Unquote", &[s("\"\"\"\n  a\n  b\n  \"\"\"")], r#""a\nb""#),
            ("Unquote", &[s(r"'\xff'")], "!not UTF-8"),
            ("Unquote", &[s("a")], "!invalid literal"),
            ("Unquote", &[s("\"a")], "!invalid literal"),
            ("Unquote", &[s(" \"a\"")], "!invalid literal"),
            ("Unquote", &[s(r#""a" + "b""#)], "!more than a literal"),
            ("Unquote", &[s(r#""\(1)""#)], "!more than a literal"),
            ("Unquote", &[s("")], "!invalid literal"),
        ],
    );
}

#[test]
fn quotes() {
    check(
        "strconv",
        &[
            ("Quote", &[s("a\t\"é☺\u{7f}\u{0}\\'")], r##""\"a\\t\\\"é☺\\x7f\\x00\\\\'\"""##),
            ("Quote", &[s("\u{a0}\u{200b}\u{feff}\u{10ffff}")], r##""\"\\u00a0\\u200b\\ufeff\\U0010ffff\"""##),
            ("QuoteToASCII", &[s("é😀")], r##""\"\\u00e9\\U0001f600\"""##),
            ("QuoteToGraphic", &[s("\u{a0}☺\n")], r##""\"\u{a0}☺\\n\"""##),
            ("QuoteRune", &[i(0x263a)], r#""'☺'""#),
            ("QuoteRune", &[i(39)], r#""'\\''""#),
            ("QuoteRune", &[i(0xd800)], "\"'\u{fffd}'\""),
            ("QuoteRuneToASCII", &[i(0x263a)], r#""'\\u263a'""#),
            ("QuoteRuneToGraphic", &[i(9)], r#""'\\t'""#),
            ("QuoteRune", &[i(1 << 40)], "!doesn't fit into 32 bits"),
            ("IsPrint", &[i(32)], "true"),
            ("IsPrint", &[i(0xa0)], "false"),
            ("IsPrint", &[i(-1)], "false"),
            ("IsGraphic", &[i(0xa0)], "true"),
            ("IsGraphic", &[i(7)], "false"),
        ],
    );
}

proptest! {
    #[test]
    fn formats_read_back(value in any::<f64>().prop_filter("finite", |value| value.is_finite()), verb in "[efgEG]") {
        let number = shipway_cue::number::Number::from_f64(value).expect("finite");
        let text = call("strconv", "FormatFloat", &[Data::Number(number), s(&verb), i(-1), i(64)]).expect("formats");
        let Data::String(text) = text else { panic!("text") };
        prop_assert_eq!(text.parse::<f64>().expect("a float"), value);
    }

    #[test]
    fn integers_read_back(value in any::<i64>(), base in 2i64..=62) {
        let text = call("strconv", "FormatInt", &[i(value), i(base)]).expect("formats");
        prop_assert_eq!(call("strconv", "ParseInt", &[text, i(base), i(0)]), Ok(i(value)));
    }
}
