//! `text/template`

use proptest::prelude::*;
use shipway_cue::data::Data;

use super::{b, call, check, i, l, n, o, s};

fn data() -> Data {
    o(&[
        ("name", s("x<y")),
        ("n", i(3)),
        ("f", n("1.5")),
        ("yes", Data::Bool(true)),
        ("nil", Data::Null),
        ("list", l(&[s("a"), s("b")])),
        ("empty", l(&[])),
        ("with", l(&[Data::Null])),
        ("map", o(&[("z", i(1)), ("a", o(&[("k", s("v"))]))])),
        ("bytes", b(b"hi")),
    ])
}

/// Templates and what they write, or `!` and a part of the error.
fn written(cases: &[(&str, &str)]) {
    for (template, expected) in cases {
        let found = match call("text/template", "Execute", &[s(template), data()]) {
            Ok(Data::String(text)) => text.to_string(),
            Ok(other) => panic!("{other:?}"),
            Err(error) => format!("!{}", error.message),
        };
        match expected.strip_prefix('!') {
            Some(part) => assert!(found.starts_with('!') && found.contains(part), "{template}: {found}"),
            None => assert_eq!(&found, expected, "{template}"),
        }
    }
}

#[test]
fn values() {
    written(&[
        ("a{{.name}}b", "ax<yb"),
        ("{{.n}} {{.f}} {{.yes}}", "3 1.5 true"),
        ("{{.list}} {{.map}} {{.bytes}}", "[a b] map[a:map[k:v] z:1] [104 105]"),
        ("{{.map.a.k}} {{(.map).a.k}}", "v v"),
        ("{{.missing}} {{.nil}} {{.missing.x}}", "<no value> <no value> <no value>"),
        ("{{.nil.x}}", "!nil pointer evaluating the field x"),
        ("{{.n.x}}", "!can't evaluate field x in type int"),
        ("{{$.n}} {{$x := .n}}{{$x}} {{$x = 4}}{{$x}}", "3 3 4"),
        ("{{\"a\\tb\\\"\\u00e9\"}}{{`r\\n`}}{{'a'}}", "a\tb\"ér\\n97"),
        ("{{0x10}} {{1_000}} {{1e3}} {{-2}} {{+.5}} {{1.25}}", "16 1000 1000 -2 0.5 1.25"),
        ("{{true}} {{not true}}", "true false"),
        ("{{print .nil 1 2 \"a\" 3 .f}}", "<nil> 1 2a3 1.5"),
        ("{{println 1 \"a\"}}", "1 a\n"),
    ]);
}

#[test]
fn spaces_and_comments() {
    written(&[
        ("a \n{{- .n -}} \n b", "a3b"),
        ("a {{- /* c */ -}} b", "ab"),
        ("a{{/* }} */}}b", "ab"),
        ("{{-3}}", "-3"),
        ("{{ .n }}", "3"),
        ("{{\n.n\n}}", "3"),
        ("{{/* x */ .n}}", "!must be all of its action"),
        ("{{/* x", "!a comment doesn't end"),
        ("{{.n", "!doesn't end"),
        ("{{\"}}\"}}", "}}"),
        ("{{}}", "!missing value"),
    ]);
}

#[test]
fn control() {
    written(&[
        ("{{if .yes}}y{{else}}n{{end}}", "y"),
        ("{{if .empty}}y{{else if .n}}m{{else}}n{{end}}", "m"),
        ("{{if .missing}}y{{end}}", ""),
        ("{{if and .n .empty}}y{{else}}n{{end}} {{or .empty .n}} {{and .n .name}}", "n 3 x<y"),
        ("{{if or .yes .nil.x}}short{{end}}", "short"),
        ("{{with .map.a}}{{.k}}{{$.n}}{{else}}no{{end}}", "v3"),
        ("{{with .empty}}a{{else with .n}}{{.}}{{else}}no{{end}}", "3"),
        ("{{with $x := .n}}{{$x}}{{end}}", "3"),
        ("{{range .list}}<{{.}}>{{end}}", "<a><b>"),
        ("{{range $i, $e := .list}}{{$i}}{{$e}}{{end}}", "0a1b"),
        ("{{range $e := .list}}{{$e}}{{end}}", "ab"),
        ("{{range $k, $v := .map}}{{$k}}={{$v}};{{end}}", "a=map[k:v];z=1;"),
        ("{{range .empty}}x{{else}}none{{end}}", "none"),
        ("{{range .missing}}x{{else}}none{{end}}", "none"),
        ("{{range 3}}{{.}}{{end}}{{range $i := .n}}{{$i}}{{end}}", "012012"),
        ("{{range .list}}{{if eq . \"b\"}}{{break}}{{end}}{{.}}{{end}}", "a"),
        ("{{range .list}}{{if eq . \"a\"}}{{continue}}{{end}}{{.}}{{end}}", "b"),
        ("{{$x := 1}}{{range .list}}{{$x = 2}}{{$y := 3}}{{end}}{{$x}}", "2"),
        ("{{$e := 0}}{{range $e = .list}}{{end}}{{$e}}", "b"),
        ("{{range .name}}{{end}}", "!range can't iterate over a string"),
        ("{{range $i, $e := 3}}{{end}}", "!more than one variable"),
        ("{{range 9000000000}}{{end}}", "!run so long"),
        ("{{break}}", "!outside of a range"),
        ("{{if .n}}", "!doesn't end"),
        ("{{end}}", "!too many"),
        ("{{if .n}}{{else}}{{else}}{{end}}", "!doesn't end"),
        ("{{range .n}}{{$x}}{{end}}", "!undefined variable $x"),
        ("{{if .n}}{{$x := 1}}{{end}}{{$x}}", "!undefined variable $x"),
    ]);
}

#[test]
fn templates_in_templates() {
    written(&[
        ("{{define \"t\"}}<{{.}}>{{end}}{{template \"t\" .n}}{{template \"t\"}}", "<3><<no value>>"),
        ("{{block \"b\" .n}}[{{.}}]{{end}}", "[3]"),
        ("{{define \"a\"}}{{template \"b\" .}}{{end}}{{define \"b\"}}b{{.n}}{{end}}{{template \"a\" .}}", "b3"),
        ("{{template \"none\"}}", "!template \"none\" not defined"),
        ("{{define \"a\"}}1{{end}}{{define \"a\"}}2{{end}}", "!defined twice"),
        ("{{define \"a\"}}1{{end}}{{define \"a\"}} {{end}}{{template \"a\"}}", "1"),
        ("{{if .n}}{{define \"a\"}}{{end}}{{end}}", "!unexpected {{define}}"),
        ("{{define \"r\"}}{{template \"r\"}}{{end}}{{template \"r\"}}", "!levels of templates"),
        ("{{$x := 1}}{{define \"a\"}}{{$x}}{{end}}", "!undefined variable"),
    ]);
}

#[test]
fn functions() {
    written(&[
        ("{{len .list}} {{len .name}} {{len .map}} {{.list | len}}", "2 3 2 2"),
        ("{{len 3}}", "!len of type int"),
        ("{{index .list 1}} {{index .map \"a\" \"k\"}} {{index .map \"q\"}} {{index .name 0}}", "b v <no value> 120"),
        ("{{index .list 2}}", "!index out of range"),
        ("{{index .map 1}}", "!should be string"),
        ("{{slice .list 1}} {{slice .name 0 1}} {{slice .name}}", "[b] x x<y"),
        ("{{slice .name 2 1}}", "!invalid slice index"),
        ("{{.name | html}} {{html .name .n}} {{html \"a'b\"}}", "x&lt;y x&lt;y3 a&#39;b"),
        ("{{js \"it's <a=\\\"b\\\">\\n\\u2028\"}}", r#"it\'s \u003Ca\u003D\"b\"\u003E\u000A\u2028"#),
        ("{{urlquery \"a b&c\"}}", "a+b%26c"),
        ("{{eq .n 3}} {{eq .n 1 2 3}} {{eq .name \"x\"}} {{eq .nil nil}} {{eq .f 1.5}}", "true true false true true"),
        ("{{eq .n 3.0}}", "!incompatible types"),
        ("{{eq .list .list}}", "!non-comparable"),
        ("{{ne 1 2}} {{lt 1 2}} {{le 2 2}} {{gt \"b\" \"a\"}} {{ge 1.5 2.5}}", "true true true true false"),
        ("{{lt .yes true}}", "!invalid type for comparison"),
        ("{{lt 1 \"a\"}}", "!incompatible"),
        ("{{.n | printf \"%d-%s\" 5}}", "5-%!s(int=3)"),
        ("{{printf \"%v\" (len .list)}}", "2"),
        ("{{(index .map \"a\").k}}", "v"),
        ("{{.n 1}}", "!can't give an argument"),
        ("{{1 | .n}}", "!can't give an argument"),
        ("{{1 | 2}}", "!only functions can stand after"),
        ("{{nope}}", "!function \"nope\" not defined"),
        ("{{nil}}", "!nil is not a command"),
        ("{{not}}", "!wrong arguments for not"),
        ("{{\"a\".b}}", "!a literal has no fields"),
        ("{{.a@}}", "!unexpected"),
        ("{{(1}}", "!doesn't close"),
        ("{{1)}}", "!unexpected"),
    ]);
}

#[test]
fn verbs() {
    written(&[
        (r#"{{printf "%d|%5d|%-5d|%05d|%+d|% d|%.3d" 7 7 7 7 7 7 7}}"#, "7|    7|7    |00007|+7| 7|007"),
        (r#"{{printf "%x %X %o %b %#x %c %q %U" 255 255 8 5 255 97 97 97}}"#, "ff FF 10 101 0xff a 'a' U+0061"),
        (
            r#"{{printf "%f|%.2f|%8.3f|%e|%g|%v|%-7.1f|%07.2f" 1.5 1.5 1.5 1.5 1.5 1.5 1.5 -1.5}}"#,
            "1.500000|1.50|   1.500|1.500000e+00|1.5|1.5|1.5    |-001.50",
        ),
        (
            r#"{{printf "%s|%5s|%-5s|%.1s|%q|%x|% x|%X" "ab" "ab" "ab" "ab" "a\"b" "ab" "ab" "ab"}}"#,
            r#"ab|   ab|ab   |a|"a\"b"|6162|61 62|6162"#,
        ),
        (r#"{{printf "%t|%v|%T %T %T %T" true nil 1 1.5 "a" .list}}"#, "true|<nil>|int float64 string []interface {}"),
        (r#"{{printf "%v %d %s %s" .list .bytes .bytes .map}}"#, "[a b] [104 105] hi map[a:map[k:v] z:%!s(int=1)]"),
        (r#"{{printf "%d%%" 5}} {{printf "%*d|%-*d|" 4 1 4 1}}"#, "5%    1|1   |"),
        (
            r#"{{printf "%d"}} {{printf "%d" "x"}} {{printf "a" 1 nil}} {{printf "%"}} {{printf "%d" nil}}"#,
            "%!d(MISSING) %!d(string=x) a%!(EXTRA int=1, <nil>) %!(NOVERB) %!d(<nil>)",
        ),
        (r#"{{printf "%9999999999d" 1}}"#, "!widths of more than"),
        (r#"{{printf "%#v" 1}}"#, "!%#v in printf"),
        (r#"{{printf "%[2]s-%[1]s-%s" "a" "b"}}"#, "b-a-b"),
        (r#"{{printf "%[1]d %[1]x|%[3]*.[2]*[1]f" 1.5 2 6}}"#, "%!d(float64=1.5) 0x1.8p+00|  1.50"),
        (r#"{{printf "%[3]d|%[x]d|%[0]d|%[2" 1}}"#, "%!d(BADINDEX)|%!d(BADINDEX)|%!d(BADINDEX)|%!(NOVERB)"),
        (r#"{{printf "%[1]2d|%.[1]2d" 1}}"#, "%!d(BADINDEX)|%!d(BADINDEX)"),
        (r#"{{printf "%+v %+d" .map 1}} {{printf "%s %d" .with .with}}"#, "map[a:map[k:v] z:1] +1 [<nil>] [<nil>]"),
        (
            r#"{{printf "%5d|%-4t|" "a" 1}} {{printf "%" 1}}"#,
            "%!d(string=    a)|%!t(int=1   )| %!(NOVERB)%!(EXTRA int=1)",
        ),
        (
            r#"{{html}}|{{html .nil}}|{{js .nil 1}}|{{urlquery nil "x"}}"#,
            "|&lt;no value&gt;|\\u003Cno value\\u003E1|%3Cno+value%3Ex",
        ),
        (r#"{{printf 1}}"#, "!wrong arguments for printf"),
    ]);
}

#[test]
fn escapes() {
    check(
        "text/template",
        &[
            ("HTMLEscape", &[s("<a \"b\" 'c' &\0>")], "\"&lt;a &#34;b&#34; &#39;c&#39; &amp;\u{fffd}&gt;\""),
            ("JSEscape", &[s("<é>'\\")], r#""\\u003Cé\\u003E\\'\\\\""#),
            ("Execute", &[s("{{.}}-{{.}}"), s("foo")], r#""foo-foo""#),
            ("Execute", &[s("{{.}}{{.x}}"), Data::Null], r#""<no value><no value>""#),
            ("Execute", &[s("{{printf \"%v\" .}} {{.}}"), n("1000000.0")], r#""1e+06 1e+06""#),
        ],
    );
}

#[test]
fn depth_has_bounds() {
    let deep = "{{if .}}".repeat(10_000);
    let chain = format!("{{{{if .}}}}{}{{{{end}}}}", "{{else if .}}".repeat(10_000));
    let parentheses = format!("{{{{{}1{}}}}}", "(".repeat(10_000), ")".repeat(10_000));
    for template in [deep, chain, parentheses] {
        let error = call("text/template", "Execute", &[s(&template), i(1)]).expect_err("is too deep");
        assert!(error.unsupported, "{}", error.message);
    }
}

proptest! {
    #[test]
    fn text_without_actions_stays(text in "\\PC{0,12}") {
        prop_assume!(!text.contains("{{"));
        prop_assert_eq!(call("text/template", "Execute", &[s(&text), i(1)]), Ok(s(&text)));
    }

    #[test]
    fn any_template_is_run_or_refused(words in proptest::collection::vec(
        "\\{\\{|\\}\\}|-|if|range|end|else|with|define|\"a\"|\\$x|:=|=|\\.|\\.n|\\.list|\\(|\\)|\\||,|print|index|1|'a'| |nil|/\\*|\\*/|é", 0..14
    )) {
        let _ = call("text/template", "Execute", &[s(&words.concat()), data()]);
    }

    #[test]
    fn any_format_is_written_or_refused(format in "[%+# 0-9.*dsvqxXtTefgbcoOUé-]{0,10}") {
        let template = format!("{{{{printf `{format}` .n .f .name .list .bytes .yes .nil}}}}");
        let _ = call("text/template", "Execute", &[s(&template), data()]);
    }
}
