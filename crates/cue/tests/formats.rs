//! Other formats, read and written: what comes out of a text, how data is printed, and that what was printed is read
//! back as the same data.

use std::sync::Arc;

use indexmap::IndexMap;
use proptest::prelude::*;
use shipway_cue::data::Data;
use shipway_cue::error::{Code, Error};
use shipway_cue::number::Number;
use shipway_cue::source::{FileId, SourceMap};
use shipway_cue::syntax::ast::{Decl, Expr, ExprKind, Struct};
use shipway_cue::{decode, encode};

const FILE: FileId = FileId(0);

fn compact(expr: &Expr) -> String {
    match decode::expr_to_data(expr) {
        Some(data) => encode::json_compact(&data, false),
        None => "not a literal".to_owned(),
    }
}

/// What reading gives, as JSON on one line, or the error with its place.
fn read(result: Result<Vec<Expr>, Error>, text: &str) -> String {
    match result {
        Ok(values) => values.iter().map(compact).collect::<Vec<_>>().join(" "),
        Err(error) => {
            let mut sources = SourceMap::default();
            sources.add("in", text);
            let place = error.labels.first().map(|label| sources.place(label.span)).unwrap_or_default();
            format!("{place}: {error}")
        }
    }
}

fn json(text: &str) -> String {
    read(decode::json(FILE, text).map(|value| vec![value]), text)
}

fn yaml(text: &str) -> String {
    read(decode::yaml(FILE, text), text)
}

fn toml(text: &str) -> String {
    read(decode::toml(FILE, text).map(|value| vec![value]), text)
}

#[test]
fn json_is_read() {
    let table = [
        ("null", "null"),
        (" [1, -2.50, 1e3, true] ", "[1,-2.50,1E+3,true]"),
        (r##"{"a": {"b": []}, "_c": "#D"}"##, r##"{"a":{"b":[]},"_c":"#D"}"##),
        (r#""\u00e9\n\ud83d\ude00\/""#, "\"é\\n😀/\""),
        (r#"{"a": 1, "a": 1}"#, r#"{"a":1}"#),
        ("\u{feff}{}", "{}"),
        ("12345678901234567890123", "12345678901234567890123"),
    ];
    for (text, expected) in table {
        assert_eq!(json(text), expected, "{text}");
    }
}

#[test]
fn what_is_only_cue_is_not_json() {
    let table = [
        ("", "in:1:1: this is not valid JSON: it ends where a value should stand"),
        ("{a: 1}", "in:1:2: this is not valid JSON: a key in double quotes should stand here"),
        ("[1,]", "in:1:4: this is not valid JSON: a value should stand here"),
        ("01", "in:1:1: this is not valid JSON: a number doesn't start with a zero"),
        ("1K", "in:1:2: this is not valid JSON: after the value there is more"),
        (".5", "in:1:1: this is not valid JSON: a value should stand here"),
        ("1.", "in:1:3: this is not valid JSON: a digit should stand here"),
        ("+1", "in:1:1: this is not valid JSON: a value should stand here"),
        ("\"\\", "in:1:2: this is not valid JSON: JSON has no such escape"),
        ("\"\\x41\"", "in:1:2: this is not valid JSON: JSON has no such escape"),
        ("\"\\ud800\"", "in:1:2: this is not valid JSON: half of a surrogate pair is no character"),
        ("\"a\nb\"", "in:1:3: this is not valid JSON: a control character in a string is written as an escape"),
        ("// x\n1", "in:1:1: this is not valid JSON: a value should stand here"),
        ("{\"a\" 1}", "in:1:6: this is not valid JSON: `:` should stand here"),
        ("[1 2]", "in:1:4: this is not valid JSON: `,` or `]` should stand here"),
    ];
    for (text, expected) in table {
        assert_eq!(json(text), expected, "{text}");
    }
}

#[test]
fn a_key_that_contradicts_itself_is_left_to_the_evaluator() {
    assert_eq!(json(r#"{"a": 1, "a": 2}"#), "not a literal");
    assert_eq!(yaml("a: 1\na: 2\n"), "not a literal");
}

#[test]
fn json_lines_are_read() {
    let values = decode::json_lines(FILE, "{\"a\":1}\n{\"a\":2}\n");
    assert_eq!(read(values, ""), r#"{"a":1} {"a":2}"#);
}

#[test]
fn nesting_is_bounded() {
    let deep = |open: &str, close: &str, levels: usize| open.repeat(levels) + &close.repeat(levels);
    assert!(json(&deep("[", "]", 500)).starts_with("[["));
    assert!(json(&deep("[", "]", 501)).contains("deeper than 500 levels"));
    assert!(json(&"[".repeat(100_000)).contains("deeper than 500 levels"));
    assert!(yaml(&deep("[", "]", 100_000)).starts_with("in:1:"));
    assert!(toml(&format!("a = {}", deep("[", "]", 100_000))).starts_with("in:1:"));
}

#[test]
fn scalars_of_yaml_are_read() {
    let table = [
        ("~", "null"),
        ("", "not a literal"),
        ("# nothing\n", "not a literal"),
        ("yes", "\"yes\""),
        ("True", "true"),
        ("0777", "511"),
        ("0o17", "15"),
        ("0778", "\"0778\""),
        ("0x1F", "31"),
        ("1_000", "1000"),
        ("+12", "12"),
        ("-12", "-12"),
        (".5", "0.5"),
        ("1e3", "1E+3"),
        ("1.50", "1.50"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
        ("1e999", "\"1e999\""),
        ("1Gi", "\"1Gi\""),
        ("1.2.3", "\"1.2.3\""),
        ("12:30:45", "\"12:30:45\""),
        ("2024-01-02", "\"2024-01-02\""),
        ("-", "[null]"),
        ("'12'", "\"12\""),
        ("\"\\x41\\u00e9\"", "\"Aé\""),
        ("!!str 12", "\"12\""),
        ("!!str", "\"\""),
        ("!!int '12'", "12"),
        ("!!float 12", "12"),
        ("!!bool 'true'", "true"),
        ("!!binary aGVsbG8=", "\"aGVsbG8=\""),
        ("!!null ~", "null"),
    ];
    for (text, expected) in table {
        assert_eq!(yaml(text), expected, "{text}");
    }
}

#[test]
fn collections_of_yaml_are_read() {
    let table = [
        ("a: 1\nb:\n- x\n- y: z\n", r#"{"a":1,"b":["x",{"y":"z"}]}"#),
        ("a: |\n  one\n  two\nb: >-\n  one\n  two\n", r#"{"a":"one\ntwo\n","b":"one two"}"#),
        ("{a: [1, 2], b: {c: d}}", r#"{"a":[1,2],"b":{"c":"d"}}"#),
        ("--- 1\n--- 2\n...\n--- 3\n", "1 2 3"),
        ("---\n---\na: 1\n", r#"null {"a":1}"#),
        ("1: a\ntrue: b\nnull: c\n010: d\n1.5: e\n", r#"{"1":"a","true":"b","null":"c","0o10":"d","1.5":"e"}"#),
        ("a: &x {k: 1}\nb: *x\n", r#"{"a":{"k":1},"b":{"k":1}}"#),
        ("a: &x {k: 1, l: 2}\nb:\n  <<: *x\n  l: 3\n", r#"{"a":{"k":1,"l":2},"b":{"k":1,"l":3}}"#),
        ("b:\n  <<: [{k: 1}, {k: 2, l: 3}]\n", r#"{"b":{"k":1,"l":3}}"#),
        ("b: {k: 1, k: 1, <<: {k: 2, m: 3}, m: 4}\n", "not a literal"),
        ("b: {<<: {k: 2, m: 3}, m: 4, k: 5}\n", r#"{"b":{"k":5,"m":4}}"#),
        ("a: !custom {b: 1}\n", r#"{"a":{"b":1}}"#),
        ("'<<': 1\n", r#"{"<<":1}"#),
    ];
    for (text, expected) in table {
        assert_eq!(yaml(text), expected, "{text}");
    }
}

#[test]
fn comments_of_yaml_become_comments_of_cue() {
    let text = "# top\n\n# of a\na: 1 # behind\nb: # of b\n  # of c\n  c: \"x # no\"\n  d: |\n    # text\n# of l\nl:\n\
                # of one\n- 1 # one\n- k: v # two\n  m: w\n# of e\ne: [1, 2] # e\nf: {g: 1} # f\n# end\n";
    let expected = "// top\n// of a\na: 1 // behind\nb: {// of b\n\t// of c\n\tc: \"x # no\"\n\td: \"\"\"\n\t\t# text\n\n\t\t\"\"\"\n}\n\
                    // of l\nl: [\n\t// of one\n\t1, // one\n\t{\n\t\tk: \"v\" // two\n\t\tm: \"w\"\n\t},\n]\n\
                    // of e\ne: [1, 2] // e\nf: {\n\tg: 1 // f\n}\n// end\n";
    let written = decode::yaml_as_cue(FILE, text).expect("it is YAML");
    assert_eq!(written, [expected]);
    let written = decode::yaml_as_cue(FILE, "# one\n1\n---\n# two\na: 2\n# end\n").expect("it is YAML");
    assert_eq!(written, ["// one\n1\n", "// two\na: 2\n// end\n"]);
}

#[test]
fn what_cue_has_no_value_for_is_an_error() {
    let table = [
        (".inf", "in:1:1: this is not valid YAML for CUE: CUE has no number for `.inf`"),
        ("a: .nan", "in:1:4: this is not valid YAML for CUE: CUE has no number for `.nan`"),
        ("a: !x 1", "in:1:7: a scalar of YAML with the tag `!x` is not supported"),
        ("a: 1__0", "in:1:4: this is not valid YAML for CUE: `1__0` can't be read as a number"),
        ("-1: a", "in:1:1: this is not valid YAML for CUE: a key is a single string, number, truth value or null"),
        ("[a]: b", "in:1:1: this is not valid YAML for CUE: a key is a single string, number, truth value or null"),
        ("<<: 1", "in:1:5: a merge key `<<` takes a mapping or a list of mappings"),
        ("a: &x [*x]", "in:1:8: this alias stands inside the value that it names"),
    ];
    for (text, expected) in table {
        assert_eq!(yaml(text), expected, "{text}");
    }
    assert!(yaml("a: *nobody").starts_with("in:1:4: this is not valid YAML: "));
    assert!(yaml("a: [1\nb: 2").starts_with("in:"));
}

#[test]
fn aliases_do_not_grow_without_bound() {
    let mut bomb = String::from("a0: &a0 [x, x]\n");
    for level in 1..40 {
        let before = level - 1;
        bomb.push_str(&format!("a{level}: &a{level} [*a{before}, *a{before}]\n"));
    }
    assert!(yaml(&bomb).contains("stand for more than 50000 values"), "{}", yaml(&bomb));
    let mut chain = String::from("a0: &a0 [x]\n");
    for level in 1..20_000 {
        chain.push_str(&format!("a{level}: &a{level} [*a{}]\n", level - 1));
    }
    assert!(yaml(&chain).contains("deeper than 500 levels"));
}

#[test]
fn toml_is_read() {
    let text = "b = 1\na = -0x1F\nt = 1979-05-27T07:32:00Z\n[z]\ny = [1.5, 'x']\n[[z.w]]\nk = true\n[[z.w]]\n";
    let expected = r#"{"b":1,"a":-31,"t":"1979-05-27T07:32:00Z","z":{"y":[1.5,"x"],"w":[{"k":true},{}]}}"#;
    assert_eq!(toml(text.replace("-0x1F", "0x1F").as_str()), expected.replace("-31", "31"));
    assert!(toml("a = inf").starts_with("in:1:5: CUE has no number"));
    assert!(toml("a = 1\na = 2").starts_with("in:2:1: this is not valid TOML"), "{}", toml("a = 1\na = 2"));
}

fn value(text: &str) -> Data {
    let expr = decode::json(FILE, text).expect("the table holds JSON");
    decode::expr_to_data(&expr).expect("JSON is literal")
}

#[test]
fn json_is_written_as_cue_writes_it() {
    let data = value(r#"{"a": {}, "b": [], "c": [1, {"d": "<&>\u2028\u0001\b"}], "e": 1.50}"#);
    let expected = "{\n    \"a\": {},\n    \"b\": [],\n    \"c\": [\n        1,\n        {\n            \
                    \"d\": \"<&>\\u2028\\u0001\\b\"\n        }\n    ],\n    \"e\": 1.50\n}";
    assert_eq!(encode::json(&data, "    ", false), expected);
    assert_eq!(
        encode::json_compact(&value(r#"["<&>"]"#), true),
        r#"["\u003c\u003e\u0026"]"#.replace("\\u003e\\u0026", "\\u0026\\u003e")
    );
    let bytes = Data::Bytes(Arc::from(&b"hello"[..]));
    assert_eq!(encode::json_compact(&bytes, false), "\"aGVsbG8=\"");
}

#[test]
fn yaml_is_written_as_cue_writes_it() {
    let table = [
        (
            r#"{"a": 1, "b": {"c": [1, {"d": 2, "e": [[3, 4], []]}]}, "g": {}}"#,
            "a: 1\nb:\n  c:\n    - 1\n    - d: 2\n      e:\n        - - 3\n          - 4\n        - []\ng: {}\n",
        ),
        (
            r#"["yes", "12", "1.5", "null", "", "2024-01-02", "0x1f", "12:30", "0778"]"#,
            "- \"yes\"\n- \"12\"\n- \"1.5\"\n- \"null\"\n- \"\"\n- \"2024-01-02\"\n- \"0x1f\"\n- \"12:30\"\n- \"0778\"\n",
        ),
        (
            r##"["a b", "a: b", "# a", "a #b", "a#b", " a", "-a", "- a", "it's", "'a'", "{a", "a{", "a,b", "x:y"]"##,
            "- a b\n- 'a: b'\n- '# a'\n- 'a #b'\n- a#b\n- ' a'\n- -a\n- '- a'\n- it's\n- '''a'''\n- '{a'\n- a{\n- a,b\n- x:y\n",
        ),
        (
            r#"{"k": "one\ntwo\n", "l": "one\n\ntwo", "m": "one\n\n", "p": " one\ntwo", "o": "a \nb"}"#,
            "k: |\n  one\n  two\nl: |-\n  one\n\n  two\nm: |+\n  one\n\np: |2-\n   one\n  two\no: \"a \\nb\"\n",
        ),
        (
            r#"["a\tb", "é", "😀", "\u0000", "a\r\nb"]"#,
            "- \"a\\tb\"\n- é\n- \"\\U0001F600\"\n- \"\\0\"\n- \"a\\r\\nb\"\n",
        ),
        (r#""one\ntwo""#, "|-\n  one\n  two\n"),
        (r#"["=", "a=b", "<<"]"#, "- =\n- a=b\n- \"<<\"\n"),
        (r#"{"true": 1, "a\nb": 2}"#, "\"true\": 1\n\"a\\nb\": 2\n"),
        ("1.50", "1.50\n"),
    ];
    for (text, expected) in table {
        assert_eq!(encode::yaml(&value(text)), expected, "{text}");
    }
    let bytes = |bytes: &[u8]| encode::yaml(&Data::Bytes(Arc::from(bytes)));
    assert_eq!((bytes(b""), bytes(b"hi")), ("!!binary\n".to_owned(), "!!binary aGk=\n".to_owned()));
    assert_eq!(encode::yaml_stream(&[value("1"), value("{\"a\": 2}")]), "1\n---\na: 2\n");
}

#[test]
fn toml_is_written() {
    let data = value(r#"{"t": {"x": [1, 2]}, "s": "a", "f": 1.5}"#);
    assert_eq!(encode::toml(&data).expect("it fits TOML"), "f = 1.5\ns = 'a'\n\n[t]\nx = [1, 2]\n");
    let error = encode::toml(&value(r#"{"a": {"b": [1, null]}}"#)).expect_err("TOML has no null");
    assert_eq!(error.message, "can't write this as TOML: TOML has no null at `a.b[1]`");
    assert_eq!(error.code, Code::Conflict);
}

#[test]
fn text_takes_strings_only() {
    assert_eq!(encode::text(&value("\"a\"")), Ok("a".to_owned()));
    assert_eq!(
        encode::text(&value("1")).map_err(|e| e.message),
        Err("can't write this as text: it takes a string or bytes, not int".to_owned())
    );
    assert_eq!(encode::binary(&Data::Bytes(Arc::from(&[255u8][..]))), Ok(vec![255]));
}

fn any_data() -> impl Strategy<Value = Data> {
    let text = prop_oneof![
        "[ -~]{0,8}",
        "[a-z\\n :#'\"\\t-]{0,12}",
        "\\PC{0,4}",
        any::<String>(),
        Just("0o7".to_owned()),
        Just("~".to_owned()),
        Just("<<".to_owned()),
        "[-+]?[0-9_.xeob]{1,6}",
    ];
    let number = "-?(0|[1-9][0-9]{0,25})(\\.[0-9]{1,5})?".prop_map(|text| {
        let digits = Number::parse(text.trim_start_matches('-')).expect("a literal");
        Data::Number(if text.starts_with('-') { digits.neg() } else { digits })
    });
    let leaf = prop_oneof![
        Just(Data::Null),
        any::<bool>().prop_map(Data::Bool),
        number.clone(),
        number.prop_map(|data| match data {
            Data::Number(number) => Data::Number(number.into_float()),
            other => other,
        }),
        text.clone().prop_map(Data::string),
        proptest::collection::vec(any::<u8>(), 0..6).prop_map(|bytes| Data::Bytes(bytes.into())),
    ];
    leaf.prop_recursive(4, 24, 4, move |inner| {
        let key = text.clone().prop_map(Arc::<str>::from);
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Data::List),
            proptest::collection::vec((key, inner), 0..4)
                .prop_map(|fields| Data::Struct(Box::new(fields.into_iter().collect::<IndexMap<_, _>>()))),
        ]
    })
}

/// Bytes come back as the base64 that JSON has for them.
fn bytes_as_text(data: &Data) -> Data {
    match data {
        Data::Bytes(_) => value(&encode::json_compact(data, false)),
        Data::List(values) => Data::List(values.iter().map(bytes_as_text).collect()),
        Data::Struct(fields) => {
            Data::Struct(Box::new(fields.iter().map(|(k, v)| (k.clone(), bytes_as_text(v))).collect()))
        }
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn what_is_written_as_yaml_is_read_back(data in any_data()) {
        let text = encode::yaml(&data);
        let values = decode::yaml(FILE, &text);
        prop_assert!(values.is_ok(), "{text}\n{values:?}");
        let values: Vec<_> = values.expect("checked").iter().map(decode::expr_to_data).collect();
        prop_assert_eq!(values, vec![Some(data)], "{}", text);
    }

    #[test]
    fn yaml_as_cue_is_the_same_data(data in any_data(), comment in "[a-z #\"']{0,5}") {
        // A comment at the end of each line but those of block scalars and quoted keys.
        let text = encode::yaml(&data);
        let is_plain = |line: &str| !line.contains(['|', '\"', '\'', '?']);
        let text = if text.lines().all(is_plain) { text.replace('\n', &format!(" #{comment}\n#{comment}\n")) } else { text };
        let written = decode::yaml_as_cue(FILE, &text);
        prop_assert!(written.is_ok(), "{text}\n{written:?}");
        let written = written.expect("checked").concat();
        let (file, errors) = shipway_cue::syntax::parse_file(FILE, &written);
        prop_assert!(errors.is_empty(), "{written}\n{errors:?}");
        let span = file.span;
        let whole = match file.decls.as_slice() {
            [Decl::Embed(only)] => (**only).clone(),
            _ => {
                let of = Struct { decls: file.decls.clone(), braces: true, span };
                Expr { kind: ExprKind::Struct(of), span }
            }
        };
        prop_assert_eq!(decode::expr_to_data(&whole), Some(data), "{}", written);
    }

    #[test]
    fn what_is_written_as_json_is_read_back(data in any_data(), escape in any::<bool>()) {
        let expected = Some(bytes_as_text(&data));
        for text in [encode::json(&data, "\t", escape), encode::json_compact(&data, escape)] {
            let value = decode::json(FILE, &text);
            prop_assert!(value.is_ok(), "{text}\n{value:?}");
            prop_assert_eq!(&decode::expr_to_data(&value.expect("checked")), &expected, "{}", text);
        }
    }

    #[test]
    fn data_is_the_literal_that_it_is_written_as(data in any_data()) {
        let span = shipway_cue::source::Span::new(FILE, 0, 0);
        prop_assert_eq!(decode::expr_to_data(&decode::data_to_expr(&data, span)), Some(data));
    }

    #[test]
    fn no_text_makes_a_reader_panic(text in prop_oneof![any::<String>(), "[\\[\\]{}:,\"'\\\\&*!|>?#%@` a0-9.\\n\\t-]{0,40}"]) {
        let _ = (json(&text), yaml(&text), toml(&text));
        let _ = decode::json_lines(FILE, &text);
    }
}
