//! Whether a value accepts all that another one is: schema, value and answer side by side, and laws.

use shipway_cue::error::Code;
use shipway_cue::{Context, Value};

/// `Some` of the answer; `None` where it can't be told.
fn subsumes(schema: &Value, value: &Value) -> Option<bool> {
    match schema.subsumes(value) {
        Ok(answer) => Some(answer),
        Err(failed) => {
            assert!(failed.errors.iter().all(|error| error.code == Code::Unsupported), "{failed}");
            None
        }
    }
}

fn check(table: &[(&str, &str, Option<bool>)]) {
    for (schema, value, answer) in table {
        let context = Context::default();
        let build = |text: &str| context.compile_text(&format!("x: {text}")).and_then(|value| value.lookup("x"));
        let (a, b) = (build(schema).expect(schema), build(value).expect(value));
        assert_eq!(subsumes(&a, &b), *answer, "{schema} accepts {value}");
    }
}

const YES: Option<bool> = Some(true);
const NO: Option<bool> = Some(false);

#[test]
fn scalars_and_constraints() {
    check(&[
        ("_", "{a: 1}", YES),
        ("_", "string", YES),
        ("string", "_", NO),
        ("1", "1", YES),
        ("1", "2", NO),
        ("1", "1.0", NO),
        ("number", "1.0", YES),
        ("number", "int", YES),
        ("int", "number", NO),
        ("int", "1", YES),
        ("int", "\"1\"", NO),
        ("1", "int", NO),
        (">0", "1", YES),
        (">0", "0", NO),
        (">0", ">1", YES),
        (">1", ">0", NO),
        (">=1", ">0", NO),
        (">=1", "int & >0", YES),
        (">0", ">=1", YES),
        ("<=9", "int & <10", YES),
        ("<9", "int & <10", NO),
        (">0 & <10", ">2 & <3", YES),
        (">0 & <10", ">2", NO),
        ("uint8", "int & >=0 & <=255", YES),
        ("uint8", "uint16", NO),
        ("int8", "5", YES),
        ("!=1", "2", YES),
        ("!=1", "1", NO),
        ("!=1", ">1", YES),
        ("!=1", "int", NO),
        ("!=\"a\"", "string & !=\"a\" & !=\"b\"", YES),
        ("=~\"^a\"", "\"abc\"", YES),
        ("=~\"^a\"", "\"b\"", NO),
        ("=~\"^a\"", "string", NO),
        ("=~\"^a\"", "=~\"^a\"", YES),
        ("=~\"^a\"", "=~\"^ab\"", None),
        ("string", "string & =~\"^ab\"", YES),
        ("string", "=~\"^ab\"", None),
        ("=~\"\"", "string", None),
    ]);
}

#[test]
fn disjunctions() {
    check(&[
        ("1 | 2 | 3", "1 | 3", YES),
        ("1 | 3", "1 | 2 | 3", NO),
        ("int | string", "1 | \"a\"", YES),
        ("*1 | int", "2", YES),
        ("1", "*1 | int", NO),
        ("*1 | int", "int", YES),
        ("*1 | int", "*2 | int", YES),
        ("\"a\" | \"b\"", "string", NO),
        ("{a: 1} | {a: 2}", "{a: 1 | 2}", None),
        ("{a: 1} | {a: 2}", "{a: 3}", None),
        ("{a: 1} | {a: 2}", "close({a: 3})", NO),
        ("{a: 1} | {a: 2}", "{a: 1, b: 2}", YES),
        ("<5 | >=5", "number", None),
        ("<5 | >5", "number", NO),
    ]);
}

#[test]
fn structs() {
    check(&[
        ("{}", "{a: 1}", YES),
        ("{a: int}", "{a: 1}", YES),
        ("{a: int}", "{b: 1}", NO),
        ("{a: int}", "{a: 1, b: 2}", YES),
        ("{a: int}", "{a: \"x\"}", NO),
        ("{a: int}", "{a?: 1}", NO),
        ("{a: int}", "{a!: 1}", NO),
        ("{a!: int}", "{a: 1}", YES),
        ("{a!: int}", "{a!: 1}", YES),
        ("{a!: int}", "{}", NO),
        ("{a?: int}", "{a: 1}", YES),
        ("{a?: int}", "{a: \"x\"}", NO),
        ("{a?: int}", "{a?: 1}", YES),
        ("{a?: int}", "{}", NO),
        ("{a?: int}", "close({})", YES),
        ("{a?: _}", "{}", YES),
        ("{a: int}", "5", NO),
        ("close({a: int})", "close({a: 1})", YES),
        ("close({a: int})", "{a: 1}", NO),
        ("{a: int}", "close({a: 1})", YES),
        ("close({a: int})", "close({a: 1, b: 1})", NO),
        ("close({a: int})", "close({a: 1, b?: 1})", NO),
        ("close({a: int})", "close({a: 1, b?: _|_})", YES),
        ("close({a: int, b?: int})", "close({a: 1})", YES),
        ("close({}) & {a?: int}", "close({a?: 1})", NO),
        ("close({}) & {a?: int}", "close({})", YES),
        ("close({})", "close({}) & {a?: int}", YES),
        ("close({}) & {a!: int}", "close({a: 1})", NO),
        ("{[string]: int}", "close({a: 1})", YES),
        ("{[string]: int}", "close({a: \"x\"})", NO),
        ("{[string]: int}", "{a: 1}", NO),
        ("{[string]: int}", "{[string]: 1}", YES),
        ("{[string]: 1}", "{[string]: int}", NO),
        ("{[string]: int}", "{[=~\"^a\"]: 1}", NO),
        ("{[=~\"^a\"]: int}", "{[=~\"^a\"]: 1}", YES),
        ("{[=~\"^a\"]: int}", "{[=~\"^b\"]: 1}", None),
        ("{[=~\"^a\"]: int}", "close({b: \"x\", a: 1})", YES),
        ("{[=~\"^a\"]: int}", "close({b: \"x\", a: \"y\"})", NO),
        ("{[N=string]: {n: N}}", "{[N=string]: {n: N, m: 1}}", None),
        ("{a: b: int}", "{a: {b: 1, c: 2}}", YES),
        ("{#d: int, 5}", "{#d: 1, 5}", YES),
        ("{#d: int, 5}", "5", NO),
        ("{a: int} & {b: int}", "{a: 1, b: 1}", YES),
    ]);
}

#[test]
fn definitions_are_closed() {
    let context = Context::default();
    let text = "#A: {n: int, m?: string}\n#B: #A & {n: >0}\n#C: {#A, k?: 1}\nok: #A & {n: 1}\nopen: {n: 1}\n#R: {next?: #R, v: int}\n#S: {next?: #S, v: 1}";
    let root = context.compile_text(text).expect("it is CUE");
    let at = |path: &str| root.lookup(path).expect(path);
    for (schema, value, answer) in [
        ("#A", "#B", YES),
        ("#B", "#A", NO),
        ("#A", "#C", NO),
        ("#C", "#A", YES),
        ("#A", "ok", YES),
        ("#A", "open", NO),
        ("#R", "#R", YES),
        ("#S", "#R", NO),
        ("#R", "#S", None),
    ] {
        assert_eq!(subsumes(&at(schema), &at(value)), answer, "{schema} accepts {value}");
    }
}

#[test]
fn lists() {
    check(&[
        ("[...]", "[1, 2]", YES),
        ("[...int]", "[1, 2]", YES),
        ("[...int]", "[1, \"a\"]", NO),
        ("[...int]", "[...1]", YES),
        ("[...1]", "[...int]", NO),
        ("[...int]", "[...]", NO),
        ("[int, ...string]", "[1]", YES),
        ("[int, ...string]", "[]", NO),
        ("[int, ...string]", "[1, \"a\", ...]", NO),
        ("[int, ...string]", "[1, \"a\", ...string]", YES),
        ("[int]", "[1]", YES),
        ("[int]", "[1, 2]", NO),
        ("[int]", "[1, ...]", NO),
        ("[_, ...]", "[...]", NO),
    ]);
}

#[test]
fn contradictions_and_what_waits() {
    check(&[
        ("1", "1 & 2", YES),
        ("{a: 1}", "{a: 1 & 2}", YES),
        ("1 & 2", "1", NO),
        ("string", "\"\\(y)\"\ny: string", None),
        ("_", "\"\\(y)\"\ny: string", YES),
    ]);
    let schema =
        "import \"strings\"\na: strings.MinRunes(3)\nb: strings.MinRunes(3)\nc: strings.MinRunes(2)\nd: \"abcd\"\n";
    let root = Context::default().compile_text(schema).expect("it is CUE");
    let at = |path: &str| root.lookup(path).expect(path);
    assert_eq!(subsumes(&at("a"), &at("b")), YES);
    assert_eq!(subsumes(&at("a"), &at("d")), YES);
    assert_eq!(subsumes(&at("c"), &at("a")), None);
}

/// Values that the laws are tried with.
const VALUES: [&str; 40] = [
    "_",
    "int",
    "number",
    "string",
    "bool",
    "null",
    "1",
    "2",
    "1.5",
    "\"a\"",
    "\"abc\"",
    "true",
    ">0",
    ">=1",
    "int & >0",
    "<3",
    ">0 & <3",
    "!=1",
    "=~\"^a\"",
    "1 | 2",
    "*1 | int",
    "string | int",
    "{}",
    "close({})",
    "{a: 1}",
    "{a: int}",
    "{a?: int}",
    "{a!: int}",
    "{a: 1, b: \"x\"}",
    "close({a: 1})",
    "close({a: 1, b: \"x\"})",
    "close({a?: int})",
    "{[string]: int}",
    "{[=~\"^a\"]: 1}",
    "{a: 1} | {b: 2}",
    "[]",
    "[1]",
    "[1, 2]",
    "[...int]",
    "[int, ...]",
];

fn all(context: &Context) -> Vec<Value> {
    let build =
        |text: &&str| context.compile_text(&format!("x: {text}")).and_then(|value| value.lookup("x")).expect(text);
    VALUES.iter().map(build).collect()
}

#[test]
fn it_accepts_itself_and_what_it_is_narrowed_to() {
    let context = Context::default();
    let (ones, others) = (all(&context), all(&context));
    let mut decided = 0;
    for (i, a) in ones.iter().enumerate() {
        let itself = subsumes(a, &others[i]);
        assert!(itself != NO, "{} accepts itself", VALUES[i]);
        for (j, b) in others.iter().enumerate() {
            let both = a.unify(b).expect("one context");
            let narrowed = subsumes(a, &both);
            assert!(narrowed != NO, "{0} accepts {0} & {1}", VALUES[i], VALUES[j]);
            decided += usize::from(narrowed.is_some()) + usize::from(itself.is_some());
        }
    }
    assert!(decided * 10 > VALUES.len() * VALUES.len() * 2 * 8, "only {decided} are decided");
}

#[test]
fn it_agrees_with_unification() {
    let context = Context::default();
    let values = all(&context);
    let is_one = |text: &str| text.starts_with("close(") && !text.contains('?') || "1\"tn".contains(&text[..1]);
    let concrete =
        (0..values.len()).filter(|at| is_one(VALUES[*at]) && values[*at].is_concrete() && !VALUES[*at].contains('|'));
    let concrete: Vec<usize> = concrete.filter(|at| VALUES[*at] != "number").collect();
    assert!(concrete.len() > 8, "{concrete:?}");
    for (i, a) in values.iter().enumerate() {
        for j in &concrete {
            let (b, data) = (&values[*j], values[*j].to_data().expect("it is concrete"));
            let together = a.unify(b).expect("one context").to_data().is_ok_and(|both| both == data);
            if let Some(answer) = subsumes(a, b) {
                assert_eq!(answer, together, "{} accepts {}", VALUES[i], VALUES[*j]);
            }
        }
    }
}

#[test]
fn what_accepts_it_accepts_all_below_it() {
    let context = Context::default();
    let values = all(&context);
    let table: Vec<Vec<Option<bool>>> =
        values.iter().map(|a| values.iter().map(|b| subsumes(a, b)).collect()).collect();
    for a in 0..values.len() {
        for b in (0..values.len()).filter(|b| table[a][*b] == YES) {
            for c in (0..values.len()).filter(|c| table[b][*c] == YES) {
                assert!(table[a][c] != NO, "{} accepts {}, it accepts {}", VALUES[a], VALUES[b], VALUES[c]);
            }
        }
    }
}

#[test]
fn what_is_closed_agrees_with_unification() {
    let schemas = "#A: {n: int, m?: string}\n#B: {#A, k?: 1}\n#C: #A & {n: 1}\n#D: {#A | {o: 1}}\n#E: {n: int, ...}\n\
                   #F: {[=~\"^[nm]\"]: _}\n#G: {#A, [=~\"^k\"]: int}\na: {#A, k?: 1}\nb: {#A, k: 1}\nc: #A | #B\n\
                   d: {in: #A}.in\ne: {in: {#A, k?: 1}}.in\nf: close({n: int}) & {m?: 1}\n#H: in: {n: 1, k?: int}\nh: #H.in\n\
                   i: [#A, #B][1]\n#J: {n: int} | *{k: int}";
    let paths = ["#A", "#B", "#C", "#D", "#E", "#F", "#G", "a", "b", "c", "d", "e", "f", "#H.in", "h", "i", "#J"];
    let data = [
        "{n: 1}",
        "{n: 2}",
        "{n: 1, m: \"x\"}",
        "{n: 1, k: 1}",
        "{n: 1, k: 2}",
        "{k: 1}",
        "{n: 1, z: 1}",
        "{o: 1}",
        "{}",
    ];
    let root = Context::default().compile_text(schemas).expect("it is CUE");
    let mut decided = 0;
    for path in paths {
        let schema = root.lookup(path).expect(path);
        for text in data {
            let value = root.evaluate(&format!("close({text})")).expect(text);
            let together = schema.unify(&value).and_then(|both| both.to_data());
            let answer = subsumes(&schema, &value);
            let is_open =
                |failed: &shipway_cue::Failed| failed.errors.iter().any(|one| one.message.contains("disjunction"));
            if together.as_ref().is_err_and(is_open) {
                continue;
            }
            let expected = together.is_ok_and(|both| both == value.to_data().expect(text));
            assert!(answer.is_none() || answer == Some(expected), "{path} accepts {text}: {answer:?}");
            decided += usize::from(answer.is_some());
        }
    }
    assert!(decided > 120, "only {decided} are decided");
    for (one, one_path) in paths[..10].iter().map(|path| (root.lookup(path).expect(path), path)) {
        for (other, other_path) in paths.iter().map(|path| (root.lookup(path).expect(path), path)) {
            let both = one.unify(&other).expect("one context");
            assert!(subsumes(&one, &both) != NO, "{one_path} accepts {one_path} & {other_path}");
            let accepted = subsumes(&one, &other) == YES;
            for text in data.iter().filter(|_| accepted) {
                let value = root.evaluate(&format!("close({text})")).expect(text);
                let taken = |schema: &Value| schema.unify(&value).is_ok_and(|both| both.to_data().is_ok());
                assert!(!taken(&other) || taken(&one), "{one_path} accepts {other_path}, which takes {text}");
            }
        }
    }
}
