//! The standard packages: each function, by a table of calls and what comes out.

mod bounds;
mod crypto;
mod encoding;
mod list;
mod math;
mod net;
mod path;
mod regexp;
mod strconv;
mod strings;
mod template;
mod time;

use indexmap::IndexMap;
use proptest::prelude::*;
use shipway_cue::builtin::{self, CallError};
use shipway_cue::data::Data;
use shipway_cue::kind::Kind;
use shipway_cue::number::Number;

/// Calls a function as the evaluator does: the arguments must fit the parameters.
fn call(path: &str, name: &str, args: &[Data]) -> Result<Data, CallError> {
    let package = builtin::package(path).unwrap_or_else(|| panic!("{path} is a package"));
    let function = package.functions.iter().find(|function| function.name == name);
    let function = function.unwrap_or_else(|| panic!("{path} has {name}"));
    assert!(args.len() <= function.params.len(), "{path}.{name}: too many arguments");
    assert!(args.len() + function.optional >= function.params.len(), "{path}.{name}: too few arguments");
    for (param, arg) in function.params.iter().zip(args) {
        assert!(param.holds(kind(arg)), "{path}.{name}: {arg:?} doesn't fit {param}");
    }
    let result = function.run(args);
    if let Ok(data) = &result {
        assert!(function.result.holds(kind(data)), "{path}.{name}: {data:?} is no {}", function.result);
    }
    result
}

fn kind(data: &Data) -> Kind {
    match data {
        Data::Null => Kind::NULL,
        Data::Bool(_) => Kind::BOOL,
        Data::Number(number) if number.is_int() => Kind::INT,
        Data::Number(_) => Kind::FLOAT,
        Data::String(_) => Kind::STRING,
        Data::Bytes(_) => Kind::BYTES,
        Data::List(_) => Kind::LIST,
        Data::Struct(_) => Kind::STRUCT,
    }
}

/// A line of a table: a call, and the result as JSON text, or `!` and a part of the error.
type Line<'a> = (&'a str, &'a [Data], &'a str);

fn check(path: &str, table: &[Line<'_>]) {
    for (name, args, expected) in table {
        let found = match call(path, name, args) {
            Ok(data) => show(&data),
            Err(error) => format!("!{}", error.message),
        };
        match expected.strip_prefix('!') {
            Some(part) => assert!(found.starts_with('!') && found.contains(part), "{name}{args:?}: {found}"),
            None => assert_eq!(&found, expected, "{name}{args:?}"),
        }
    }
}

/// Data as text that shows kinds: floats with their point, bytes as `'…'`.
fn show(data: &Data) -> String {
    match data {
        Data::Null => "null".to_owned(),
        Data::Bool(value) => value.to_string(),
        Data::Number(number) => number.literal(),
        Data::String(text) => format!("{text:?}"),
        Data::Bytes(bytes) => format!("'{}'", bytes.escape_ascii()),
        Data::List(elements) => format!("[{}]", elements.iter().map(show).collect::<Vec<_>>().join(", ")),
        Data::Struct(fields) => {
            let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}: {}", show(value))).collect();
            format!("{{{}}}", fields.join(", "))
        }
    }
}

fn s(text: &str) -> Data {
    Data::string(text)
}

fn n(literal: &str) -> Data {
    Data::Number(Number::parse(literal).unwrap_or_else(|| panic!("{literal} is a number")))
}

fn i(value: i64) -> Data {
    Data::Number(Number::int(value))
}

fn b(bytes: &[u8]) -> Data {
    Data::Bytes(bytes.into())
}

fn l(elements: &[Data]) -> Data {
    Data::List(elements.to_vec())
}

fn o(fields: &[(&str, Data)]) -> Data {
    let fields: IndexMap<_, _> = fields.iter().map(|(name, value)| ((*name).into(), value.clone())).collect();
    Data::Struct(Box::new(fields))
}

/// Values of all kinds, those at the ends of what is possible among them.
fn any_value() -> impl Strategy<Value = Data> {
    let numbers =
        ["0", "1", "-1", "2.5", "1e100000", "-1e-100000", "9223372036854775807", "-9223372036854775808", "1e40"];
    let texts = ["", "a", "é😀", "%", "{{", "1.2.3.4/8", "2020-01-01T00:00:00Z", "[1, {}]", "\0", "unix", "(a|b)*"];
    let leaf = prop_oneof![
        Just(Data::Null),
        any::<bool>().prop_map(Data::Bool),
        proptest::sample::select(numbers.to_vec()).prop_map(n),
        any::<i64>().prop_map(i),
        proptest::sample::select(texts.to_vec()).prop_map(s),
        "\\PC{0,8}".prop_map(|text| s(&text)),
        any::<[u8; 3]>().prop_map(|bytes| b(&bytes)),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Data::List),
            proptest::collection::vec(inner, 0..3).prop_map(|values| o(&[("a", l(&values))])),
        ]
    })
}

fn functions() -> Vec<(&'static str, &'static builtin::Builtin)> {
    let named = |package: &'static builtin::Package| package.functions.iter().map(move |f| (package.path, f));
    builtin::packages().iter().flat_map(|package| named(package)).collect()
}

#[test]
fn names_are_there_once() {
    let functions = functions();
    for (index, (path, function)) in functions.iter().enumerate() {
        let again = functions[index + 1..].iter().any(|(other, same)| other == path && same.name == function.name);
        assert!(!again, "{path}.{} is there twice", function.name);
        assert!(function.optional < function.params.len().max(1), "{path}.{}", function.name);
        assert!(function.takes(function.params.len()) && !function.takes(function.params.len() + 1));
    }
}

proptest! {
    /// A call gives a value or an error, of whatever arguments; `call` checks the kind of the value.
    #[test]
    fn any_call_is_answered(which in any::<proptest::sample::Index>(), values in proptest::collection::vec(any_value(), 24)) {
        let functions = functions();
        let (path, function) = which.get(&functions);
        // Each parameter looks from another place on, so that two of a kind get different values.
        let fitting = |(at, param): (usize, &Kind)| {
            values.iter().cycle().skip(at * 7).take(values.len()).find(|value| param.holds(kind(value))).cloned()
        };
        if let Some(args) = function.params.iter().enumerate().map(fitting).collect::<Option<Vec<Data>>>() {
            let _ = call(path, function.name, &args);
        }
    }
}

#[test]
fn kinds_are_shown() {
    let data = o(&[("a", l(&[n("1.0"), i(1), Data::Null])), ("b", b(b"\xff"))]);
    assert_eq!(show(&data), r"{a: [1.0, 1, null], b: '\xff'}");
}
