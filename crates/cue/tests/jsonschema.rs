//! JSON Schemas as CUE: what each keyword becomes, and which values fit the result.

use proptest::prelude::*;
use shipway_cue::decode;
use shipway_cue::error::Error;
use shipway_cue::jsonschema::to_cue;
use shipway_cue::load::{Memory, Options, load};
use shipway_cue::source::FileId;
use shipway_cue::syntax::parse_expr;
use shipway_cue::{Instance, Limits, PackageSource, Target, builtin};

fn convert(schema: &str) -> Result<String, Error> {
    let expr = decode::json(FileId(0), schema).expect("the table holds JSON");
    to_cue(&expr, None)
}

/// The text of a schema, or what is said instead.
fn text(schema: &str) -> String {
    match convert(schema) {
        Ok(text) => text.trim().to_owned(),
        Err(error) => format!("{:?}: {error}", error.code),
    }
}

/// Whether a value fits a schema, as the evaluator has it. References in the schema are from `#/$defs/root` on.
fn fits(schema: &str, value: &str) -> bool {
    let wrapped = format!(r#"{{"$defs": {{"root": {schema}}}}}"#);
    let files = Memory::default().with("/w/schema.cue", convert(&wrapped).expect("the schema is supported"));
    let build = load(&files, &Options { folder: "/w".into(), ..Options::default() }, &["schema.cue".to_owned()]);
    let build = build.unwrap_or_else(|failed| panic!("{schema}: {:?}", failed.errors));
    let file = build.packages[0].files[0].tree.clone();
    let import = |import: &shipway_cue::syntax::ast::Import| {
        let package = builtin::package(&import.path).expect("the package is there");
        (import.path.to_string(), Target::Standard(package))
    };
    let imports = file.imports.iter().map(import).collect();
    let package = PackageSource { name: String::new(), path: String::new(), files: vec![file], imports };
    let instance = Instance::build(vec![package], 0, Limits::default()).expect("names are bound");
    let (checked, errors) = parse_expr(FileId(9), &format!("#root & ({value})"));
    assert!(errors.is_empty(), "{errors:?}");
    instance.data(Some(&checked)).is_ok()
}

#[test]
fn keywords_become_constraints() {
    let table = [
        ("true", "_"),
        ("{}", ""),
        (r#"{"type": "string"}"#, "string"),
        (r#"{"type": ["string", "null"]}"#, "null | string"),
        (r#"{"type": ["integer", "number"]}"#, "number"),
        (r#"{"minimum": 3}"#, "null | bool | number & >=3 | string | [...] | {...}"),
        (r#"{"type": "integer", "exclusiveMinimum": 0, "maximum": 9}"#, "int & >0 & <=9"),
        (r#"{"type": "string", "pattern": "^a\\d$"}"#, r#"string & =~"^a\\d$""#),
        (r#"{"enum": ["a", 1, null]}"#, r#""a" | 1 | null"#),
        (r#"{"type": "string", "enum": ["a", 1]}"#, r#""a""#),
        (r#"{"const": {"a": [1]}}"#, r#"close({"a"!: [1]})"#),
        (r#"{"type": "string", "default": "x"}"#, r#"*"x" | string"#),
        (r#"{"enum": ["a", "b"], "default": "b"}"#, r#"*"b" | "a" | "b""#),
        (r#"{"type": "integer", "minimum": 3, "default": 1}"#, "int & >=3 & (*1 | _)"),
        (r#"{"type": "string", "default": 1}"#, "string & (*1 | _)"),
        (r#"{"anyOf": [{"type": "string"}, {"type": "null"}]}"#, "matchN(>=1, [string, null])"),
        (r#"{"oneOf": [{"type": "string"}]}"#, "string"),
        (r#"{"not": {"type": "string"}}"#, "matchN(0, [string])"),
        (r#"{"if": {"const": 1}, "else": {"const": 2}}"#, "matchIf(1, _, 2)"),
        (r#"{"type": "array", "items": {"type": ["string", "null"]}}"#, "[...(null | string)]"),
        (r#"{"type": "array", "items": {"minimum": 1, "type": "integer"}}"#, "[...int & >=1]"),
        (r#"{"type": "array", "items": false}"#, "[]"),
        (r#"{"type": "object"}"#, "{...}"),
        (
            r#"{"type": "object", "properties": {"a": {}, "b-c": false}, "required": ["a", "d"]}"#,
            "a!:     _\n\"b-c\"?: _|_\n\"d\"!:   _\n...",
        ),
        (
            r#"{"type": "object", "properties": {"a": {}}, "additionalProperties": {"type": "string"}}"#,
            "a?:          _\n[!~\"^(a)$\"]: string",
        ),
        (
            r##"{"$ref": "#/$defs/a b", "$defs": {"a b": {"type": "string", "title": "One"}}}"##,
            "#a_b\n\n// One\n#a_b: string",
        ),
    ];
    for (schema, expected) in table {
        assert_eq!(text(schema), expected, "{schema}");
    }
}

#[test]
fn imports_and_comments_are_written() {
    let schema = r#"{"title": "T", "description": "two\nlines", "type": "array", "uniqueItems": true,
                     "items": {"type": "string", "minLength": 2}}"#;
    let expected = "// T\n//\n// two\n// lines\n\nimport (\n\t\"list\"\n\t\"strings\"\n)\n\n\
                    [...string & strings.MinRunes(2)] & list.UniqueItems()";
    assert_eq!(text(schema), expected);
}

#[test]
fn fields_do_not_hide_what_is_referred_to() {
    let schema = r#"{"properties": {"string": {"type": "string"}, "list": {"uniqueItems": true, "type": "array"}},
                     "type": "object"}"#;
    assert!(text(schema).contains("\"string\"?: string"), "{}", text(schema));
    assert!(fits(schema, r#"{"string": "a", "list": [1, 2]}"#));
    assert!(!fits(schema, r#"{"string": 1}"#));
    assert!(!fits(schema, r#"{"list": [1, 1]}"#));
}

#[test]
fn drafts_differ() {
    let four = "http://json-schema.org/draft-04/schema#";
    let seven = "http://json-schema.org/draft-07/schema#";
    let latest = "https://json-schema.org/draft/2020-12/schema";
    let table = [
        (
            format!(r#"{{"$schema": "{four}", "type": "number", "minimum": 1, "exclusiveMinimum": true}}"#),
            "number & >1",
        ),
        (
            format!(
                r##"{{"$schema": "{seven}", "definitions": {{"a": {{"type": "string"}}}},
                      "$ref": "#/definitions/a", "minLength": 3}}"##
            ),
            "#a\n\n#a: string",
        ),
        (
            format!(r#"{{"$schema": "{seven}", "type": "array", "items": [{{"type": "string"}}]}}"#),
            "[...] & matchN(>=1, [[], [string, ...]])",
        ),
        (
            format!(
                r#"{{"$schema": "{latest}", "type": "array", "prefixItems": [{{"type": "string"}}], "items": false}}"#
            ),
            "[...] & matchN(>=1, [[], [string]])",
        ),
    ];
    for (schema, expected) in table {
        assert_eq!(text(&schema), expected, "{schema}");
    }
    let both = format!(
        r##"{{"$schema": "{latest}", "$defs": {{"a": {{"type": "string"}}}}, "$ref": "#/$defs/a",
                            "type": "string", "pattern": "b"}}"##
    );
    assert_eq!(text(&both), "#a & string & =~\"b\"\n\n#a: string");
}

#[test]
fn what_has_no_counterpart_is_refused_by_name() {
    let table = [
        (
            r#"{"unevaluatedProperties": false}"#,
            "Unsupported: the keyword `unevaluatedProperties` of JSON Schema is not supported",
        ),
        (
            r#"{"$ref": "https://other.org/x.json"}"#,
            "Unsupported: the reference `https://other.org/x.json` to another document of JSON Schema is not supported",
        ),
        (
            r##"{"$ref": "#anchor"}"##,
            "Unsupported: the reference `#anchor` to an anchor of JSON Schema is not supported",
        ),
        (r##"{"$ref": "#/none"}"##, "Reference: the reference `#/none` leads to nothing"),
        (
            r#"{"$schema": "http://json-schema.org/draft-03/schema#"}"#,
            "Unsupported: the version `http://json-schema.org/draft-03/schema#` of JSON Schema is not known",
        ),
        (r#"{"not": {"$id": "x"}}"#, "Unsupported: an `$id` below the root of JSON Schema is not supported"),
        (
            r#"{"type": "text"}"#,
            "Syntax: `type` of JSON Schema takes null, boolean, integer, number, string, array, object, or an array of them",
        ),
        (r#"{"minLength": -1}"#, "Syntax: `minLength` of JSON Schema takes a whole number that is not negative"),
        (r#"{"properties": []}"#, "Syntax: `properties` of JSON Schema takes an object"),
        ("3", "Syntax: `a schema` of JSON Schema takes an object or a truth value"),
        (
            r#"{"propertyNames": {"maxLength": 3}}"#,
            "Unsupported: `propertyNames` with anything but a `pattern` of JSON Schema is not supported",
        ),
    ];
    for (schema, expected) in table {
        assert_eq!(text(schema), expected, "{schema}");
    }
    assert!(text(r#"{"pattern": "(?=a)"}"#).starts_with("Unsupported: the pattern `(?=a)`"));
    let deep = format!("{}true{}", r#"{"not": "#.repeat(200), "}".repeat(200));
    assert_eq!(text(&deep), "Limit: the schema is nested deeper than 100 levels");
}

#[test]
fn values_fit_exactly_where_the_schema_says_so() {
    let table: &[(&str, &[&str], &[&str])] = &[
        (r#"{"minimum": 3}"#, &["3", "\"a\"", "null", "[]", "{}"], &["2", "2.9"]),
        (r#"{"minLength": 2}"#, &["\"ab\"", "1", "\"éé\""], &["\"é\""]),
        (r#"{"type": "integer", "multipleOf": 5}"#, &["10", "0"], &["3", "\"x\""]),
        (r#"{"enum": ["a", [1], null]}"#, &["\"a\"", "[1]", "null"], &["\"b\"", "[1, 2]", "[]"]),
        (
            r#"{"type": "array", "items": {"type": "string"}, "maxItems": 1}"#,
            &["[]", "[\"a\"]"],
            &["[1]", "[\"a\", \"b\"]"],
        ),
        (r#"{"type": "array", "contains": {"const": 1}}"#, &["[2, 1]"], &["[]", "[2]"]),
        (
            r#"{"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}], "items": false}"#,
            &["[]", "[\"a\"]", "[\"a\", 1]"],
            &["[1]", "[\"a\", 1, 2]"],
        ),
        (
            r#"{"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": false}"#,
            &["{}", "{\"a\": \"x\"}"],
            &["{\"a\": 1}", "{\"b\": 1}", "[]"],
        ),
        (
            r#"{"type": "object", "properties": {"a": {}}, "patternProperties": {"^x": {"type": "integer"}},
            "additionalProperties": {"type": "string"}}"#,
            &["{\"a\": [], \"x1\": 1, \"c\": \"d\"}"],
            &["{\"x1\": \"a\"}", "{\"c\": 1}"],
        ),
        (r#"{"type": "object", "maxProperties": 1}"#, &["{}", "{\"a\": 1}"], &["{\"a\": 1, \"b\": 2}"]),
        (r#"{"propertyNames": {"pattern": "^a"}}"#, &["{\"ab\": 1}", "3"], &["{\"b\": 1}"]),
        (r#"{"anyOf": [{"type": "string"}, {"minimum": 2}]}"#, &["\"a\"", "3"], &["1"]),
        (
            r#"{"oneOf": [{"multipleOf": 2, "type": "integer"}, {"multipleOf": 3, "type": "integer"}]}"#,
            &["2", "3"],
            &["6", "5"],
        ),
        (r#"{"allOf": [{"minimum": 1}, {"maximum": 3}]}"#, &["2"], &["0", "4"]),
        (r#"{"not": {"type": "string"}}"#, &["1"], &["\"a\""]),
        (
            r#"{"if": {"type": "string"}, "then": {"minLength": 2}, "else": {"type": "integer"}}"#,
            &["\"ab\"", "1"],
            &["\"a\"", "1.5"],
        ),
        (
            r##"{"$ref": "#/$defs/root/$defs/node", "$defs": {"node": {"type": "object",
            "properties": {"v": {"type": "integer"}, "next": {"$ref": "#/$defs/root/$defs/node"}}, "required": ["v"]}}}"##,
            &["{\"v\": 1}", "{\"v\": 1, \"next\": {\"v\": 2}}"],
            &["{\"v\": \"a\"}", "{\"v\": 1, \"next\": {\"v\": \"b\"}}"],
        ),
        (
            r##"{"type": "object", "properties": {"child": {"$ref": "#/$defs/root"}}}"##,
            &["{\"child\": {\"child\": {}}}"],
            &["{\"child\": 1}", "{\"child\": {\"child\": 1}}"],
        ),
        (r#"{"type": "object", "dependentRequired": {"a": ["b"]}}"#, &["{}", "{\"a\": 1, \"b\": 2}"], &["{\"a\": 1}"]),
        (
            r#"{"anyOf": [{"required": ["a"]}, {"required": ["b"]}]}"#,
            &["{\"a\": 1}", "{\"b\": 1}", "3"],
            &["{\"c\": 1}"],
        ),
        (r#"{"oneOf": [{"required": ["a"]}, {"required": ["b"]}]}"#, &["{\"a\": 1}"], &["{\"a\": 1, \"b\": 1}", "{}"]),
        (r#"{"not": {"type": "object", "required": ["a"]}}"#, &["{\"b\": 1}", "1"], &["{\"a\": 1}"]),
        (r#"{"type": "integer", "minimum": 3, "default": 1}"#, &["3"], &["1", "2"]),
        (r#"{"type": "integer", "minimum": 3, "default": 4}"#, &["3", "4"], &["2", "\"a\""]),
        (r#"{"format": "date"}"#, &["\"2024-02-29\"", "1"], &["\"2024-2-30\""]),
    ];
    for (schema, good, bad) in table {
        for value in *good {
            assert!(fits(schema, value), "{value} should fit {schema}:\n{}", text(schema));
        }
        for value in *bad {
            assert!(!fits(schema, value), "{value} should not fit {schema}:\n{}", text(schema));
        }
    }
}

/// JSON with the look of a schema, right and wrong.
fn any_schema() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("true".to_owned()),
        Just("false".to_owned()),
        Just("{}".to_owned()),
        Just("-1".to_owned()),
        "\"(string|object|#|#/properties/a|\\^a|a b|\\$|x)\"",
        "[1-9][0-9]{0,2}",
    ];
    leaf.prop_recursive(5, 40, 4, |inner| {
        let keyword = proptest::sample::select(vec![
            "type",
            "enum",
            "const",
            "properties",
            "required",
            "additionalProperties",
            "patternProperties",
            "items",
            "prefixItems",
            "contains",
            "minItems",
            "uniqueItems",
            "minimum",
            "multipleOf",
            "minLength",
            "pattern",
            "format",
            "allOf",
            "anyOf",
            "oneOf",
            "not",
            "if",
            "then",
            "else",
            "$ref",
            "$defs",
            "definitions",
            "default",
            "title",
            "description",
            "a",
            "a b",
            "string",
            "dependencies",
            "propertyNames",
            "maxProperties",
        ]);
        let object = proptest::collection::btree_map(keyword, inner.clone(), 0..5).prop_map(|fields| {
            let fields: Vec<_> = fields.iter().map(|(name, value)| format!("\"{name}\": {value}")).collect();
            format!("{{{}}}", fields.join(", "))
        });
        let array = proptest::collection::vec(inner, 0..4).prop_map(|values| format!("[{}]", values.join(", ")));
        prop_oneof![3 => object, 1 => array]
    })
}

proptest! {
    #[test]
    fn any_document_is_written_or_refused(schema in any_schema()) {
        let expr = decode::json(FileId(0), &schema);
        prop_assert!(expr.is_ok(), "{schema}");
        if let Err(error) = to_cue(&expr.expect("checked"), Some("p")) {
            prop_assert!(!error.message.contains("can't be written as CUE"), "{schema}: {error}");
        }
    }
}
