//! `time`

use proptest::prelude::*;

use super::{builtin, call, check, i, s};

/// The constant of a name, without its quotes.
fn layout(name: &str) -> String {
    let constants = builtin::package("time").expect("is a package").constants;
    let found = constants.iter().find(|constant| constant.name == name).expect("is a constant");
    found.cue.trim_matches('"').to_owned()
}

#[test]
fn durations() {
    check(
        "time",
        &[
            ("ParseDuration", &[s("1h15m30.918s")], "4530918000000"),
            ("ParseDuration", &[s("-1.5h")], "-5400000000000"),
            ("ParseDuration", &[s("+5us")], "5000"),
            ("ParseDuration", &[s("3µs")], "3000"),
            ("ParseDuration", &[s("3μs")], "3000"),
            ("ParseDuration", &[s(".5s")], "500000000"),
            ("ParseDuration", &[s("1.s")], "1000000000"),
            ("ParseDuration", &[s("0")], "0"),
            ("ParseDuration", &[s("0.3333333333333333333h")], "1200000000000"),
            ("ParseDuration", &[s("9223372036854775807ns")], "9223372036854775807"),
            ("ParseDuration", &[s("-9223372036854775808ns")], "-9223372036854775808"),
            ("ParseDuration", &[s("9223372036854775808ns")], "!invalid duration"),
            ("ParseDuration", &[s("3000000h")], "!invalid duration"),
            ("ParseDuration", &[s("")], "!invalid duration"),
            ("ParseDuration", &[s("-")], "!invalid duration"),
            ("ParseDuration", &[s("3")], "!missing unit"),
            ("ParseDuration", &[s(".s")], "!invalid duration"),
            ("ParseDuration", &[s("1d")], "!unknown unit \"d\""),
            ("ParseDuration", &[s("1 s")], "!unknown unit"),
            ("Duration", &[s("1m")], "true"),
            ("Duration", &[s("x")], "!invalid duration"),
            ("FormatDuration", &[i(0)], r#""0s""#),
            ("FormatDuration", &[i(1)], r#""1ns""#),
            ("FormatDuration", &[i(1_100)], r#""1.1µs""#),
            ("FormatDuration", &[i(2_200_000)], r#""2.2ms""#),
            ("FormatDuration", &[i(-3_300_000_000)], r#""-3.3s""#),
            ("FormatDuration", &[i(4 * 60_000_000_000 + 5_001_000_000)], r#""4m5.001s""#),
            ("FormatDuration", &[i(3_600_000_000_000)], r#""1h0m0s""#),
            ("FormatDuration", &[i(i64::MIN)], r#""-2562047h47m16.854775808s""#),
        ],
    );
}

#[test]
fn times_are_valid_or_not() {
    let valid = [
        "2019-01-02T15:04:05Z",
        "2019-01-02T15:04:05.999Z",
        "2019-01-02T15:04:05+01:00",
        "2020-02-29T00:00:00-23:59",
        "0000-01-01T00:00:00Z",
        "9999-12-31T23:59:59.999999999Z",
        "2019-01-02T5:04:05Z",
        "2019-01-02T15:04:05,5Z",
    ];
    let invalid = [
        "",
        "2019",
        "2019-01-02",
        "2019-02-29T00:00:00Z",
        "2019-13-01T00:00:00Z",
        "2019-01-32T00:00:00Z",
        "2019-01-00T00:00:00Z",
        "2019-01-02T24:00:00Z",
        "2019-01-02T23:60:00Z",
        "2019-01-02T23:59:60Z",
        "2019-01-02 15:04:05Z",
        "2019-01-02T15:04:05",
        "2019-01-02T15:04:05z",
        "2019-01-02T15:04:05+0100",
        "2019-01-02T15:04:05Zx",
        "19-01-02T15:04:05Z",
        "2019-1-02T15:04:05Z",
        "2019-01-02T15:4:05Z",
        "2019-01-02T15:04:05.Z",
        "2019-01-02T15:04:05+25:00",
        "é019-01-02T15:04:05Z",
    ];
    for value in valid {
        check("time", &[("Time", &[s(value)], "true")]);
    }
    for value in invalid {
        check("time", &[("Time", &[s(value)], "!invalid time")]);
    }
}

#[test]
fn layouts_are_written() {
    let value = s("2021-03-04T05:06:07.008009Z");
    let west = s("1999-12-31T13:00:59-07:30");
    let cases = [
        ("ANSIC", "Thu Mar  4 05:06:07 2021"),
        ("UnixDate", "Thu Mar  4 05:06:07 UTC 2021"),
        ("RubyDate", "Thu Mar 04 05:06:07 +0000 2021"),
        ("RFC822", "04 Mar 21 05:06 UTC"),
        ("RFC822Z", "04 Mar 21 05:06 +0000"),
        ("RFC850", "Thursday, 04-Mar-21 05:06:07 UTC"),
        ("RFC1123Z", "Thu, 04 Mar 2021 05:06:07 +0000"),
        ("RFC3339", "2021-03-04T05:06:07Z"),
        ("RFC3339Nano", "2021-03-04T05:06:07.008009Z"),
        ("RFC3339Date", "2021-03-04"),
        ("Kitchen", "5:06AM"),
        ("Kitchen24", "05:06"),
    ];
    for (name, text) in cases {
        check("time", &[("FormatString", &[s(&layout(name)), value.clone()], &format!("{text:?}"))]);
    }
    let more = [
        ("3:4:5pm Jan 2 06", &west, "1:0:59pm Dec 31 99"),
        ("03:04 PM January Monday", &west, "01:00 PM December Friday"),
        ("002 __2 Z07 Z0700 Z07:00:00 -07 MST", &west, "365 365 -07 -0730 -07:30:00 -07 -0730"),
        ("__2 002 Z0700", &value, " 63 063 Z"),
        (".000 ,999999 .00000000000", &value, ".008 ,008009 .00800900000"),
        ("_2006 Janet Mond 20060102", &west, "_1999 Janet Mond 19991231"),
    ];
    for (layout, value, text) in more {
        check("time", &[("FormatString", &[s(layout), value.clone()], &format!("{text:?}"))]);
    }
}

#[test]
fn layouts_are_read() {
    let parse = |layout: &str, value: &str| call("time", "Parse", &[s(layout), s(value)]);
    let cases = [
        ("2006-01-02", "2021-03-04", "2021-03-04T00:00:00Z"),
        ("15:04", "7:08", "0000-01-01T07:08:00Z"),
        ("3:04PM", "12:08AM", "0000-01-01T00:08:00Z"),
        ("3:04pm", "1:08pm", "0000-01-01T13:08:00Z"),
        ("Mon Jan _2 15:04:05 2006", "thu FEB  4 21:00:57.0123 2010", "2010-02-04T21:00:57.0123Z"),
        ("02 Jan 06 15:04 -0700", "04 Feb 69 21:00 +0130", "1969-02-04T19:30:00Z"),
        ("02 Jan 06 15:04 MST", "04 Feb 68 21:00 CEST", "2068-02-04T21:00:00Z"),
        ("MST", "GMT+3", "0000-01-01T00:00:00Z"),
        ("2006 002", "2020 366", "2020-12-31T00:00:00Z"),
        ("2006 __2", "2021  60", "2021-03-01T00:00:00Z"),
        ("05.000", "07.123", "0000-01-01T00:00:07.123Z"),
        ("5.99", "7.123456789123", "0000-01-01T00:00:07.123456789Z"),
        ("Z07", "-01", "0000-01-01T01:00:00Z"),
        ("-07:00:00", "+00:00:30", "-0001-12-31T23:59:30Z"),
        ("January 2", "December 24", "0000-12-24T00:00:00Z"),
    ];
    for (layout, value, expected) in cases {
        assert_eq!(parse(layout, value), Ok(s(expected)), "{layout} {value}");
    }
    let wrong = [
        ("2006-01-02", "2021-3-04"),
        ("2006-01-02", "2021-02-30"),
        ("15:04", "24:00"),
        ("3PM", "13PM"),
        ("PM", "pm"),
        ("Jan", "Foo"),
        ("2006 002", "2021 366"),
        ("2006 002", "2021 000"),
        ("2006 01 002", "2021 01 040"),
        ("05.000", "07.12"),
        ("MST", "abc"),
        ("MST", "ABCDEF"),
        ("-0700", "0100"),
        ("-07:00", "+0100"),
        ("x", "y"),
        ("2", "4 "),
        ("a b", "ab"),
        ("é", "e"),
    ];
    for (layout, value) in wrong {
        assert!(parse(layout, value).is_err(), "{layout} {value}");
    }
    check("time", &[("Format", &[s("7:08"), s("15:04")], "true"), ("Format", &[s("7"), s("15:04")], "!invalid time")]);
}

#[test]
fn unix_times() {
    check(
        "time",
        &[
            ("Unix", &[i(1_500_000_000), i(123)], r#""2017-07-14T02:40:00.000000123Z""#),
            ("Unix", &[i(0), i(-1)], r#""1969-12-31T23:59:59.999999999Z""#),
            ("Unix", &[i(0), i(2_000_000_000)], r#""1970-01-01T00:00:02Z""#),
            ("Unix", &[i(-62_167_219_200), i(0)], r#""0000-01-01T00:00:00Z""#),
            ("Unix", &[i(1 << 40), i(0)], r#""36812-02-20T00:36:16Z""#),
            ("Unix", &[i(-62_167_219_201), i(0)], r#""-0001-12-31T23:59:59Z""#),
            ("Unix", &[i(1 << 45), i(0)], "!more than a million years away"),
            ("Unix", &[i(i64::MAX), i(i64::MAX)], "!more than a million years away"),
            ("ToUnix", &[s("2017-07-14T04:40:00+02:00")], "1500000000"),
            ("ToUnix", &[s("x")], "!expected"),
            ("ToUnixNano", &[s("1970-01-01T00:00:01.5Z")], "1500000000"),
            ("ToUnixNano", &[s("0001-01-01T00:00:00Z")], "!beyond 64 bits"),
            (
                "Split",
                &[s("2020-02-29T23:59:58.5+02:00")],
                "{year: 2020, month: 2, day: 29, hour: 23, minute: 59, second: 58, nanosecond: 500000000}",
            ),
        ],
    );
}

proptest! {
    #[test]
    fn durations_read_back(nanoseconds in any::<i64>()) {
        let text = call("time", "FormatDuration", &[i(nanoseconds)]).expect("formats");
        let back = call("time", "ParseDuration", &[text]);
        // The fraction of a second is exact in a float; nothing is lost.
        prop_assert_eq!(back, Ok(i(nanoseconds)));
    }

    #[test]
    fn moments_read_back(seconds in -62_167_219_200i64..253_402_300_800, nanoseconds in 0i64..1_000_000_000) {
        let text = call("time", "Unix", &[i(seconds), i(nanoseconds)]).expect("formats");
        prop_assert_eq!(call("time", "ToUnix", std::slice::from_ref(&text)), Ok(i(seconds)));
        for name in ["RFC3339Nano", "RubyDate", "RFC1123Z", "ANSIC"] {
            let shown = call("time", "FormatString", &[s(&layout(name)), text.clone()]).expect("formats");
            let back = call("time", "Parse", &[s(&layout(name)), shown]).expect("parses");
            prop_assert_eq!(call("time", "ToUnix", &[back]), Ok(i(seconds)), "{}", name);
        }
    }

    #[test]
    fn any_layout_is_taken(layout in "[JanMonSTPMpmZ0-9:_., é-]{0,16}", value in "[JanMonSTPMZ0-9:., é+-]{0,16}") {
        let _ = call("time", "Parse", &[s(&layout), s(&value)]);
        call("time", "FormatString", &[s(&layout), s("2021-03-04T05:06:07.008009Z")]).expect("formats");
    }
}
