//! `encoding/…`

use proptest::prelude::*;
use shipway_cue::data::Data;

use super::{b, call, check, i, l, n, o, s};

#[test]
fn base64() {
    let null = || Data::Null;
    check(
        "encoding/base64",
        &[
            ("Encode", &[null(), s("hi!?")], r#""aGkhPw==""#),
            ("Encode", &[null(), b(b"\xff\xff")], r#""//8=""#),
            ("Encode", &[s("url"), s("")], "!the encoding must be null, not string"),
            ("Decode", &[null(), s("aGkh\r\nPw==")], "'hi!?'"),
            ("Decode", &[null(), s("//9=")], r"'\xff\xff'"),
            ("Decode", &[null(), s("//8")], "!illegal base64"),
            ("Decode", &[null(), s("_-8=")], "!illegal base64"),
            ("EncodedLen", &[null(), i(4)], "8"),
            ("EncodedLen", &[null(), i(i64::MAX)], "!out of range"),
            ("DecodedLen", &[null(), i(8)], "6"),
        ],
    );
}

#[test]
fn hex() {
    check(
        "encoding/hex",
        &[
            ("Encode", &[b(b"\x00\xffA")], r#""00ff41""#),
            ("Encode", &[s("A")], r#""41""#),
            ("Decode", &[s("00fF41")], r"'\x00\xffA'"),
            ("Decode", &[s("0")], "!is odd"),
            ("Decode", &[s("0g")], "!'g' is no hexadecimal digit"),
            ("EncodedLen", &[i(3)], "6"),
            ("DecodedLen", &[i(7)], "3"),
            ("Dump", &[s("")], r#""""#),
            (
                "Dump",
                &[s("0123456789abcdef\n~")],
                r#""00000000  30 31 32 33 34 35 36 37  38 39 61 62 63 64 65 66  |0123456789abcdef|\n00000010  0a 7e                                             |.~|\n""#,
            ),
        ],
    );
}

#[test]
fn csv() {
    let row = |fields: &[&str]| l(&fields.iter().map(|field| s(field)).collect::<Vec<_>>());
    check(
        "encoding/csv",
        &[
            (
                "Encode",
                &[l(&[row(&["a", "b,c"]), row(&["d\"e", "", " f", "g\nh", r"\."])])],
                r#""a,\"b,c\"\n\"d\"\"e\",,\" f\",\"g\nh\",\"\\.\"\n""#,
            ),
            (
                "Encode",
                &[l(&[l(&[i(1), n("1.50"), Data::Null, Data::Bool(true), l(&[s("x")])])])],
                r#""1,1.50,null,true,\"[\"\"x\"\"]\"\n""#,
            ),
            ("Encode", &[l(&[s("x")])], "!row 0 must be a list, not string"),
            ("Decode", &[s("a,b\r\n\n\"c,\"\"\nd\",e\n")], r#"[["a", "b"], ["c,\"\nd", "e"]]"#),
            ("Decode", &[s("a,")], r#"[["a", ""]]"#),
            ("Decode", &[s("a\r")], r#"[["a"]]"#),
            ("Decode", &[s(" a ,b")], r#"[[" a ", "b"]]"#),
            ("Decode", &[s("")], "[]"),
            ("Decode", &[s("a,b\nc")], "!record 2: wrong number of fields"),
            ("Decode", &[s("a\"b")], "!record 1: a quote in a field that isn't quoted"),
            ("Decode", &[s("\"a\"b")], "!after a quoted field there is more"),
            ("Decode", &[s("\"a")], "!a quoted field doesn't end"),
            ("Decode", &[b(b"\xff")], "!argument 1 is not UTF-8"),
        ],
    );
}

#[test]
fn json_values() {
    let value = o(&[("b", n("1.50")), ("a", l(&[Data::Null, s("<&>\u{2028}"), b(b"\x01")]))]);
    check(
        "encoding/json",
        &[
            ("Marshal", std::slice::from_ref(&value), r#""{\"b\":1.50,\"a\":[null,\"<&>\\u2028\",\"AQ==\"]}""#),
            ("Marshal", &[n("1e3")], r#""1E+3""#),
            ("MarshalStream", &[l(&[i(1), o(&[("a", i(2))])])], r#""1\n{\"a\":2}\n""#),
            ("Unmarshal", &[s(r#" {"b": 1.50, "a": [1e3, "\u00e9"]} "#)], r#"{b: 1.50, a: [1E+3, "é"]}"#),
            ("Unmarshal", &[b(b"null")], "null"),
            ("Unmarshal", &[s("{a: 1}")], "!invalid JSON"),
            ("Unmarshal", &[s("1 2")], "!invalid JSON"),
            ("Unmarshal", &[s(r#"{"a": 1, "a": 2}"#)], "!a key stands twice"),
            ("UnmarshalStream", &[s("1\n{\"a\": 2} [3]")], "[1, {a: 2}, [3]]"),
            ("UnmarshalStream", &[s("")], "[]"),
            ("UnmarshalStream", &[s("1 }")], "!JSON"),
        ],
    );
}

#[test]
fn json_texts() {
    check(
        "encoding/json",
        &[
            ("Compact", &[s(" { \"a b\" : [ 1 , \"\\\" \" ] }\n")], r#""{\"a b\":[1,\"\\\" \"]}""#),
            ("Compact", &[s("{")], "!invalid JSON"),
            (
                "Indent",
                &[s(r#" {"a":[1,{}, [] ],"b : ,":{"c":null}} "#), s("> "), s("  ")],
                r#""{\n>   \"a\": [\n>     1,\n>     {},\n>     []\n>   ],\n>   \"b : ,\": {\n>     \"c\": null\n>   }\n> } ""#,
            ),
            ("Indent", &[s("[1]\n"), s(""), s("\t")], r#""[\n\t1\n]\n""#),
            ("Indent", &[s("[1"), s(""), s("")], "!invalid JSON"),
            ("HTMLEscape", &[s("\"<a>&\u{2028}\"")], r#""\"\\u003ca\\u003e\\u0026\\u2028\"""#),
        ],
    );
}

#[test]
fn json_is_valid_or_not() {
    let valid =
        ["1", "-0.5e+3", "\"a\\u00e9\\n\"", " [ ] ", "{}", "[1,[2,{\"a\":[]}]]", "true", "null", "\"\\ud800\"", "0"];
    let invalid = [
        "",
        " ",
        "01",
        "1.",
        ".5",
        "+1",
        "1e",
        "-",
        "tru",
        "nul",
        "'a'",
        "\"a",
        "\"\n\"",
        "\"\\x\"",
        "\"\\u00g0\"",
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{\"a\":1,}",
        "[1}",
        "{\"a\":1]",
        "1 2",
        "]",
        "[",
        "\u{feff}1",
        "NaN",
        "1,",
    ];
    for (texts, expected) in [(&valid[..], "true"), (&invalid[..], "false")] {
        for text in texts {
            check("encoding/json", &[("Valid", &[s(text)], expected)]);
        }
    }
    check("encoding/json", &[("Valid", &[s(&"[".repeat(20_000))], "false"), ("Valid", &[b(b"\"\xff\"")], "true")]);
}

#[test]
fn yaml() {
    let value = o(&[("b", i(1)), ("a", l(&[s("x"), s("yes"), n("1.0")]))]);
    check(
        "encoding/yaml",
        &[
            ("Marshal", std::slice::from_ref(&value), r#""b: 1\na:\n  - x\n  - \"yes\"\n  - 1.0\n""#),
            ("MarshalStream", &[l(&[o(&[("a", i(1))]), i(2)])], r#""a: 1\n---\n2\n""#),
            ("Unmarshal", &[s("a: 1\nb: [x, 1.5]")], r#"{a: 1, b: ["x", 1.5]}"#),
            ("Unmarshal", &[s("")], "null"),
            ("Unmarshal", &[s("1\n---\n2")], "!expected a single YAML document"),
            ("Unmarshal", &[s("}")], "!YAML"),
            ("UnmarshalStream", &[b(b"1\n---\n---\n2")], "[1, null, 2]"),
            ("UnmarshalStream", &[s("")], "[null]"),
        ],
    );
}

#[test]
fn toml() {
    let value = o(&[
        ("z", i(1)),
        ("a b", s("it's")),
        ("s", l(&[o(&[("x", i(1))]), o(&[("t", o(&[("y", n("2.0"))]))])])),
        ("n", l(&[i(1), o(&[("k", o(&[]))]), s("q\"")])),
        ("t", o(&[("u", o(&[("v", Data::Bool(true))]))])),
        ("e", o(&[])),
        ("", s("")),
    ]);
    let text = concat!(
        "'' = ''\n'a b' = \"it's\"\nn = [1, {k = {}}, 'q\"']\nz = 1\n\n[e]\n\n",
        "[[s]]\nx = 1\n\n[[s]]\n[s.t]\ny = 2.0\n\n[t]\n[t.u]\nv = true\n"
    );
    check(
        "encoding/toml",
        &[
            ("Marshal", std::slice::from_ref(&value), &format!("{text:?}")),
            ("Marshal", &[o(&[])], r#""""#),
            ("Marshal", &[o(&[("a", n("1.25")), ("b", s("x\u{1}\t\n"))])], r#""a = 1.25\nb = \"x\\u0001\\t\\n\"\n""#),
            ("Marshal", &[o(&[("a", Data::Null)])], "!TOML has no null"),
            ("Marshal", &[o(&[("a", b(b"x"))])], "!TOML has no bytes"),
            ("Marshal", &[o(&[("a", n("1e400"))])], "!too large"),
            ("Marshal", &[o(&[("a", n("99999999999999999999"))])], "!too large"),
            ("Marshal", &[s("x")], "!TOML of a value of type string"),
            ("Unmarshal", &[s("a.b = 1\n[[t]]\nx = 'y'")], r#"{a: {b: 1}, t: [{x: "y"}]}"#),
            ("Unmarshal", &[s("= 1")], "!TOML"),
        ],
    );
}

fn any_data() -> impl Strategy<Value = Data> {
    let leaf = prop_oneof![
        Just(Data::Null),
        any::<bool>().prop_map(Data::Bool),
        any::<i64>().prop_map(i),
        (any::<i32>(), -8i32..8).prop_map(|(digits, places)| n(&format!("{digits}e{places}"))),
        "\\PC{0,6}|[ \\n\\t'\"\\\\:#,\\[\\]{}-]{0,4}".prop_map(|text| s(&text)),
    ];
    leaf.prop_recursive(3, 16, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Data::List),
            proptest::collection::btree_map("[a-c \"]{1,3}", inner, 0..4).prop_map(|fields| Data::Struct(Box::new(
                fields.into_iter().map(|(name, value)| (name.into(), value)).collect()
            ))),
        ]
    })
}

proptest! {
    #[test]
    fn json_reads_back(data in any_data()) {
        let text = call("encoding/json", "Marshal", std::slice::from_ref(&data)).expect("writes");
        prop_assert_eq!(call("encoding/json", "Valid", std::slice::from_ref(&text)), Ok(Data::Bool(true)));
        prop_assert_eq!(call("encoding/json", "Unmarshal", std::slice::from_ref(&text)), Ok(data));
        let indented = call("encoding/json", "Indent", &[text.clone(), s(""), s(" ")]).expect("indents");
        prop_assert_eq!(call("encoding/json", "Compact", &[indented]), Ok(text));
    }

    #[test]
    fn yaml_reads_back(data in any_data()) {
        let text = call("encoding/yaml", "Marshal", std::slice::from_ref(&data)).expect("writes");
        prop_assert_eq!(call("encoding/yaml", "Unmarshal", &[text]).expect("reads"), data);
    }

    #[test]
    fn toml_reads_back(fields in proptest::collection::btree_map("[a-c '\"]{0,3}", any_data(), 0..4)) {
        let data = Data::Struct(Box::new(fields.into_iter().map(|(name, value)| (name.into(), value)).collect()));
        if let Ok(text) = call("encoding/toml", "Marshal", std::slice::from_ref(&data)) {
            prop_assert_eq!(call("encoding/toml", "Unmarshal", &[text]).expect("reads"), data);
        }
    }

    #[test]
    fn csv_reads_back(rows in proptest::collection::vec(proptest::array::uniform2("[a, \"\\n]{0,4}"), 0..4)) {
        let data = l(&rows.iter().map(|row| l(&[s(&row[0]), s(&row[1])])).collect::<Vec<_>>());
        let text = call("encoding/csv", "Encode", std::slice::from_ref(&data)).expect("writes");
        prop_assert_eq!(call("encoding/csv", "Decode", &[text]), Ok(data));
    }

    #[test]
    fn bytes_read_back(bytes in any::<Vec<u8>>()) {
        for (path, null) in [("encoding/base64", &[Data::Null][..]), ("encoding/hex", &[])] {
            let text = call(path, "Encode", &[null, &[b(&bytes)]].concat()).expect("encodes");
            prop_assert_eq!(call(path, "Decode", &[null, &[text]].concat()), Ok(b(&bytes)));
        }
    }
}
