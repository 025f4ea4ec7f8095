//! A short call asks for a lot: it is refused before the memory is taken, whichever function it is.

use shipway_cue::data::Data;

use super::{call, i, l, s};

/// The calls are refused as unsupported, by the part of a message.
fn refused(calls: &[(&str, &str, Vec<Data>, &str)]) {
    for (path, name, args, part) in calls {
        let error = call(path, name, args).expect_err(name);
        assert!(error.unsupported && error.message.contains(part), "{path}.{name}: {}", error.message);
    }
}

#[test]
fn texts_that_multiply() {
    let (many, long) = (s(&"a".repeat(1 << 16)), s(&"b".repeat(1 << 16)));
    let texts = l(&vec![s(""); 1 << 16]);
    let too_long = "texts of more than 67108864 bytes";
    refused(&[
        ("strings", "Repeat", vec![many.clone(), i(i64::MAX)], too_long),
        ("strings", "Replace", vec![many.clone(), s("a"), long.clone(), i(-1)], too_long),
        ("strings", "Join", vec![texts, long.clone()], too_long),
        ("regexp", "ReplaceAllLiteral", vec![s("a"), many.clone(), long.clone()], too_long),
        ("regexp", "ReplaceAll", vec![s("a"), many, long], too_long),
    ]);
}

#[test]
fn arguments_that_hold_one_text_many_times() {
    let text = s(&"a".repeat(1 << 20));
    let list = l(&vec![text.clone(); 200]);
    let too_much = "arguments of more than 134217728 bytes";
    refused(&[
        ("encoding/json", "Marshal", vec![list.clone()], too_much),
        ("encoding/yaml", "Marshal", vec![list.clone()], too_much),
        ("encoding/csv", "Encode", vec![l(std::slice::from_ref(&list))], too_much),
        ("text/tabwriter", "Write", vec![list.clone()], too_much),
        ("path", "Join", vec![list, s("unix")], too_much),
    ]);
}

#[test]
fn lists_of_many_elements() {
    let text = s(&"a ".repeat(2_000_001));
    let too_long = "lists of more than 2000000 elements";
    refused(&[
        ("strings", "Split", vec![text.clone(), s("")], too_long),
        ("strings", "Runes", vec![text.clone()], too_long),
        ("list", "Repeat", vec![l(&vec![i(1); 3]), i(1_000_000)], too_long),
        ("encoding/toml", "Unmarshal", vec![s(&"#\n".repeat(3 << 20))], "longer than 4194304 bytes"),
    ]);
}

#[test]
fn templates_that_write_much() {
    let template = |text: &str| ("text/template", "Execute", vec![s(text), l(&vec![i(1); 2000])]);
    let cases = [
        ("{{range 1000000000}}{{end}}", "run so long"),
        ("{{$x := printf `%99999d` 1}}{{range 20}}{{$x = print $x $x}}{{end}}", "write so much"),
        (
            "{{$x := printf `%99999d` 1}}{{range $}}{{$y := print $x 1}}{{end}}{{range $}}{{$y := html $x}}{{end}}",
            "write so much",
        ),
        ("{{range $}}{{printf `%99999d` 1}}{{end}}", "write so much"),
        ("{{printf `%99999d` .}}", "texts of more than"),
        ("{{define `a`}}{{template `a`}}{{end}}{{template `a`}}", "levels of templates"),
    ];
    for (text, part) in cases {
        let (path, name, args) = template(text);
        refused(&[(path, name, args, part)]);
    }
}

#[test]
fn what_is_large_and_allowed() {
    let text = "a".repeat(1 << 20);
    let joined = call("strings", "Join", &[l(&vec![s(&text); 64]), s("")]);
    assert!(matches!(joined, Ok(Data::String(text)) if text.len() == 1 << 26));
    let split = call("strings", "SplitN", &[s(&"a".repeat(3_000_000)), s(""), i(2)]);
    assert!(matches!(split, Ok(Data::List(pieces)) if pieces.len() == 2));
}
