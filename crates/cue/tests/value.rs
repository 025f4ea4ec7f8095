//! Values as a library gives them: built in a context, asked, unified, decoded.

use serde::Deserialize;
use shipway_cue::error::Code;
use shipway_cue::kind::Kind;
use shipway_cue::label::Sort;
use shipway_cue::load::{Memory, Options};
use shipway_cue::syntax::ast::Presence;
use shipway_cue::{Context, Failed, Limits, Style, Validation, Value};

const APP: &str = r##"
name: "shop"
replicas: *2 | >0
_secret: "s"
"#quoted": true
note?: string
owner!: string
ports: [80, 443, ...int]
env: [string]: string
#Image: {tag: string, digest?: string}
image: #Image & {tag: "1.0"}
size: len(name) + replicas
open: int
either: {kind: "a"} | {kind: "b"}
"##;

fn build(text: &str) -> Value {
    Context::default().compile_text(text).expect("it is CUE")
}

fn first(failed: Failed) -> String {
    failed.errors.first().map(ToString::to_string).unwrap_or_default()
}

#[test]
fn paths_lead_to_values() {
    let app = build(APP);
    for (path, json) in [
        ("name", "\"shop\""),
        ("replicas", "2"),
        ("_secret", "\"s\""),
        ("\"#quoted\"", "true"),
        ("ports[1]", "443"),
        ("image.tag", "\"1.0\""),
        ("size", "6"),
    ] {
        let data = app.lookup(path).and_then(|value| value.to_data()).expect(path);
        assert_eq!(shipway_cue::encode::json_compact(&data, false), json, "{path}");
        assert_eq!(app.lookup(path).expect(path).path(), path);
    }
    for (path, error) in [
        ("nope", "undefined field: nope"),
        ("name.first", "invalid operand: found string, want struct to select first"),
        ("ports[9]", "index out of range [9] with length 2"),
        ("note", "cannot reference optional field: note"),
        ("owner", "owner: field is required but not present"),
        ("a +", "`a +` is not a path to a field"),
    ] {
        assert_eq!(first(app.lookup(path).expect_err(path)), error, "{path}");
    }
}

#[test]
fn kinds_are_told() {
    let app = build(APP);
    for (path, kind, incomplete) in [
        ("name", Kind::STRING, Kind::STRING),
        ("replicas", Kind::INT, Kind::NUMBER),
        ("open", Kind::BOTTOM, Kind::INT),
        ("ports", Kind::LIST, Kind::LIST),
        ("either", Kind::BOTTOM, Kind::STRUCT),
        ("env", Kind::STRUCT, Kind::STRUCT),
    ] {
        let value = app.lookup(path).expect(path);
        assert_eq!((value.kind(), value.incomplete_kind()), (kind, incomplete), "{path}");
    }
    let wrong = build("a: 1 & 2").lookup("a").map(|value| (value.kind(), value.incomplete_kind()));
    assert!(wrong.is_err() || wrong.is_ok_and(|kinds| kinds == (Kind::BOTTOM, Kind::BOTTOM)));
}

#[test]
fn defaults_can_be_asked_for() {
    let app = build(APP);
    let default = app.lookup("replicas").expect("it is there").default().expect("it has one");
    assert_eq!(default.decode::<u8>().expect("it is a number"), 2);
    for path in ["name", "open", "either"] {
        assert!(app.lookup(path).expect(path).default().is_none(), "{path}");
    }
}

#[test]
fn fields_and_elements_are_gone_through() {
    let app = build(APP);
    let fields = app.fields().expect("it has fields");
    let told: Vec<_> = fields.iter().map(|field| (&*field.name, field.sort, field.presence)).take(6).collect();
    assert_eq!(
        told,
        [
            ("name", Sort::Regular, Presence::Regular),
            ("replicas", Sort::Regular, Presence::Regular),
            ("_secret", Sort::Hidden, Presence::Regular),
            ("#quoted", Sort::Regular, Presence::Regular),
            ("note", Sort::Regular, Presence::Optional),
            ("owner", Sort::Regular, Presence::Required),
        ]
    );
    assert_eq!(fields[4].value.incomplete_kind(), Kind::STRING);
    let ports = app.lookup("ports").expect("it is there");
    let numbers = ports.elements().expect("it has elements");
    let numbers: Vec<u16> = numbers.iter().map(|port| port.decode().expect("they are numbers")).collect();
    assert_eq!(numbers, [80, 443]);
    let sizes = ["ports", "name", "image", "env", "open"].map(|path| app.lookup(path).expect(path).len());
    assert_eq!(sizes, [None, Some(4), Some(1), Some(0), None]);
    assert_eq!(app.lookup("env").expect("it is there").is_empty(), Some(true));
}

#[test]
fn values_of_one_context_are_unified() {
    let context = Context::default();
    let schema = context.compile_text("#App: {name: string, replicas: *1 | >0}\nopen: name: string").expect("CUE");
    let app = schema.lookup("#App").expect("it is there");
    let table = [
        ("name: \"a\"", "{\"name\":\"a\",\"replicas\":1}"),
        ("name: \"a\", replicas: 3", "{\"name\":\"a\",\"replicas\":3}"),
        ("name: 3", "name: conflicting values string and 3"),
        ("name: \"a\", other: 1", "other: field not allowed in #App"),
        ("replicas: 0, name: \"a\"", "replicas: none of the 2 alternatives fits"),
    ];
    for (text, expected) in table {
        let both = app.unify(&context.compile_text(text).expect(text)).expect("they are of one context");
        let told = match both.to_data() {
            Ok(data) => shipway_cue::encode::json_compact(&data, false),
            Err(failed) => first(failed),
        };
        assert_eq!(told, expected, "{text}");
    }
    let open = schema.lookup("open").expect("it is there");
    let more = open.unify(&context.compile_text("name: \"a\", other: 1").expect("CUE")).expect("one context");
    assert!(more.is_concrete());
    assert_eq!(more.to_cue(Style::RESULT).expect("it has a value"), "name:  \"a\"\nother: 1\n");
}

#[test]
fn values_of_two_contexts_are_not() {
    assert_eq!(first(build("a: 1").unify(&build("b: 1")).expect_err("two")), "values of two contexts can't be unified");
}

#[test]
fn values_become_types() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Image {
        tag: String,
        digest: Option<String>,
    }
    let app = build(APP);
    let image: Image = app.lookup("image").and_then(|image| image.decode()).expect("it fits");
    assert_eq!(image, Image { tag: "1.0".to_owned(), digest: None });
    let failed = app.lookup("name").and_then(|name| name.decode::<u8>()).expect_err("text is no number");
    assert!(failed.to_string().contains(" --> input.cue:2:7"), "{failed}");
    let failed = app.lookup("open").and_then(|open| open.decode::<u8>()).expect_err("it is open");
    assert_eq!(failed.errors[0].code, Code::Incomplete);
}

#[test]
fn values_are_validated() {
    let app = build(APP);
    assert!(app.validate(Validation::default()).is_ok() && app.error().is_none() && !app.is_concrete());
    let missing = app.validate(Validation { concrete: true }).expect_err("it is open");
    let paths: Vec<&str> = missing.errors.iter().map(|error| error.path.as_str()).collect();
    assert_eq!(paths, ["owner", "open", "either"]);
    let wrong = build("a: b: {\n\tc: 1\n\tc: 2\n}");
    assert_eq!(wrong.error().expect("it is wrong").path, "a.b.c");
    assert!(wrong.validate(Validation::default()).expect_err("it is wrong").to_string().contains("input.cue:3:5"));
}

#[test]
fn expressions_are_evaluated_in_the_package() {
    let app = build(APP);
    let sum: u8 = app.evaluate("replicas * len(ports[0:2]) + 1").and_then(|sum| sum.decode()).expect("a number");
    assert_eq!(sum, 5);
    assert_eq!(first(app.evaluate("1 +").expect_err("no expression")).split(' ').next(), Some("expected"));
    assert!(app.evaluate("nothing.here").is_err());
}

#[test]
fn packages_are_loaded_together() {
    let files = Memory::default()
        .with("/w/cue.mod/module.cue", "module: \"example.com/m\"\nlanguage: version: \"v0.17.0\"\n")
        .with("/w/lib/lib.cue", "package lib\n#Port: uint16\n_hidden: 1\n")
        .with("/w/app/app.cue", "package app\nimport \"example.com/m/lib\"\nport: lib.#Port & 80\nother: lib.#Port\n");
    let options = Options { folder: "/w".into(), ..Options::default() };
    let context = Context::default();
    let values = context.load(&files, &options, &["./...".to_owned()]).expect("they load");
    assert_eq!(values.len(), 2);
    let told = values.iter().map(|value| value.to_cue(Style::RESULT).expect("they have values"));
    assert_eq!(told.collect::<Vec<_>>(), ["port:  80\nother: uint16\n", "#Port: uint16\n"]);
    let again = context.load(&files, &options, &["./app".to_owned()]).expect("it loads again");
    assert_eq!(again[0].lookup("port").and_then(|port| port.decode::<u16>()).expect("a number"), 80);
}

#[test]
fn what_is_refused_has_no_answer() {
    let limits = Limits { max_vertices: 50, ..Limits::default() };
    let context = Context::new(limits);
    let list: String = (0..100).map(|number| format!("{number}, ")).collect();
    let value = context.compile_text(&format!("a: [{list}]\nb: 1")).expect("it is CUE");
    assert_eq!(value.error().expect("it is too much").code, Code::Limit);
    assert_eq!((value.kind(), value.len(), value.is_concrete()), (Kind::BOTTOM, None, false));
    let part = value.lookup("b").and_then(|part| part.decode::<u8>());
    assert_eq!(part.expect("a part is not too much"), 1);
}

#[test]
fn values_go_from_thread_to_thread() {
    fn can_go<T: Send + Sync + 'static>(_: &T) {}
    let app = build(APP);
    can_go(&app);
    let copies: Vec<Value> = (0..4).map(|_| app.clone()).collect();
    let sizes = copies.into_iter().map(|copy| std::thread::spawn(move || copy.lookup("size")?.decode::<u8>()));
    for size in sizes {
        assert_eq!(size.join().expect("it ends").expect("it has a value"), 6);
    }
}
