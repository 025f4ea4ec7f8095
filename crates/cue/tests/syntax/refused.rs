//! What is no CUE is refused, at its place.

use shipway_cue::source::SourceMap;
use shipway_cue::syntax::parse_file;

/// `line:column message` of each error.
fn errors(text: &str) -> Vec<String> {
    let mut sources = SourceMap::default();
    let id = sources.add("x", text);
    let (_, errors) = parse_file(id, text);
    let place = |error: &shipway_cue::error::Error| {
        let place = error.labels.first().map(|label| sources.place(label.span)).unwrap_or_default();
        place.trim_start_matches("x:").to_owned()
    };
    errors.iter().map(|error| format!("{} {}", place(error), error.message)).collect()
}

#[test]
fn each_mistake_is_told_at_its_place() {
    let table = [
        ("a b: 1", "1:3 expected ',' or a new line after the declaration, but there is b here"),
        ("a: 1 b: 2", "1:6 expected ',' or a new line after the declaration, but there is b here"),
        ("a: ", "1:4 expected a value, but the file ends here"),
        ("a: {", "1:5 expected '}' at the end of the struct, but the file ends here"),
        ("a: [1 2]", "1:7 expected ',' or ']' after the element, but there is 2 here"),
        ("a: }", "1:4 expected a value, but there is } here"),
        ("a: (1", "1:6 expected ')' after the expression, but the line ends here"),
        ("a: f(1 2)", "1:8 expected ',' or ')' after the argument, but there is 2 here"),
        ("1: 2", "1:1 this can't be the label of a field"),
        ("_: 2", "1:1 this can't be the label of a field"),
        ("'a': 2", "1:1 this can't be the label of a field"),
        ("a.b: 2", "1:1 this can't be the label of a field"),
        ("[a, b]: 2", "1:1 the brackets of a pattern hold exactly one expression"),
        ("[for x in y {x}]: 2", "1:1 the brackets of a pattern hold exactly one expression"),
        ("a: [X=string, 1]", "1:5 an alias in brackets names the label of a pattern, as in [X=string]: …"),
        ("X=3", "1:1 an alias names a field or its value, not an embedded expression"),
        ("__a: 1", "1:1 the name __a is reserved, as all that begin with two underscores"),
        ("let __a = 1", "1:5 the name __a is reserved, as all that begin with two underscores"),
        ("let _ = 1", "1:5 _ stands for any value and can't be given another"),
        ("package #a", "1:9 #a can't be the name of a package"),
        ("import #a \"b\"", "1:8 a package can't be imported under the name of a definition"),
        ("import . \"b\"", "1:8 expected the path of a package, as a string, but there is . here"),
        ("import \"\"", "1:8 \"\" is not the path of a package"),
        ("import \"a b\"", "1:8 \"a b\" is not the path of a package"),
        ("a: {...int}", "1:8 expected ',' or a new line after the declaration, but there is int here"),
        ("a: [...int, 1]", "1:13 expected ',' or ']' after the element, but there is 1 here"),
        ("a~X: 1", "1:2 an alias after its label needs @experiment(aliasv2) at the top of the file"),
        ("a: b...", "1:5 '...' after a value needs @experiment(explicitopen) at the top of the file"),
        ("a: b.c?", "1:7 '?' after a reference needs @experiment(try) at the top of the file"),
        ("if a {} else {}", "1:9 'else' needs @experiment(try) at the top of the file"),
        ("a: 5 div 2", "1:6 'div' between its operands is not supported"),
        ("if a b: 1", "1:6 expected '{' after the clauses, but there is b here"),
        ("for x y {}", "1:7 expected 'in' after the names, but there is y here"),
        ("a: \"b", "1:4 the string has no closing quote on its line"),
        ("a: \"\"\"b\"\"\"", "1:4 a string with three quotes begins on the line after them"),
        ("a: \"\\(b\"", "1:4 this interpolation has no ')'"),
        (
            "a: \"\"\"\n\tx\\\n\ty\n\t\"\"\"",
            "2:3 a backslash can't join lines, as in CUE itself; write \\\\ for a backslash",
        ),
        ("a: \"\\q\"", "1:5 there is no escape \\q; write \\\\ for a backslash"),
        ("a: 012", "1:4 a whole number can't begin with 0; octal numbers are written 0o17"),
        ("a: 1__0", "1:4 an underscore in a number stands between two digits"),
        ("a: 1e", "1:5 an exponent needs digits"),
        ("a: 0x", "1:4 a number needs digits after its prefix"),
        ("a: <-1", "1:4 '<-' is no operator; put a space between '<' and '-'"),
        ("a: 1; b: 2", "1:5 ';' is no part of the language; declarations are separated by commas or new lines"),
        ("a: 1 /* b */", "1:6 comments are written // to the end of the line"),
        ("a: 1 @x", "1:6 an attribute needs '(' and ')' after its name, as in @name()"),
        ("a: 1 @x(", "1:6 the attribute has no closing bracket"),
        ("a: 1 % 2", "1:6 '%' is no part of the language outside of strings and comments"),
        ("a: \u{0}", "1:4 a NUL character; CUE files are text"),
        ("a: x.'b'", "1:6 expected the name of a field after '.', but there is 'b' here"),
        ("a: x[1\n\tb: 2", "2:2 expected ']' after the index, but there is b here"),
        ("@experiment(aliasv2)\nX=a: 1", "2:1 with @experiment(aliasv2) an alias stands after its label, as in a~X: …"),
    ];
    for (text, expected) in table {
        assert_eq!(errors(text).first().map(String::as_str), Some(expected), "{text}");
    }
}

#[test]
fn aliases_before_labels_are_refused_where_the_file_says_so() {
    for text in ["X=a: 1", "a: X={}", "[X=string]: 1", "a: X=b: 1"] {
        let errors = errors(&format!("@experiment(aliasv2)\n{text}"));
        assert!(errors.iter().any(|error| error.contains("an alias stands after its label")), "{text}: {errors:?}");
    }
}

#[test]
fn several_mistakes_are_told_at_once() {
    let text = "a: 1 2\nb: [1,\n\t,\n]\nc: \"x\nd: {e: )}\nf: 1\n";
    let places: Vec<String> =
        errors(text).iter().map(|error| error.split(' ').next().unwrap_or("").to_owned()).collect();
    assert_eq!(places, ["1:6", "3:2", "5:4", "6:8"]);
}

#[test]
fn one_mistake_is_told_once() {
    let table: [(&str, &[&str]); 4] = [
        ("a: (1 +\n\t2\n)\nb: )", &["2:3", "4:4"]),
        ("a: x[1:2\n]\nb: )", &["1:9", "3:4"]),
        ("a: \u{0}\nb: )", &["1:4", "2:4"]),
        ("a: \"\u{0}\"\nb: )", &["1:5", "2:4"]),
    ];
    for (text, expected) in table {
        let errors = errors(text);
        let places: Vec<&str> = errors.iter().map(|error| error.split(' ').next().unwrap_or("")).collect();
        assert_eq!(places, expected, "{errors:?}");
    }
}

#[test]
fn a_missing_bracket_shows_the_one_it_belongs_to() {
    let mut sources = SourceMap::default();
    let text = "a: {\n\tb: [1,\n\t2\n";
    let id = sources.add("x", text);
    let (_, errors) = parse_file(id, text);
    let places: Vec<String> = errors
        .iter()
        .flat_map(|error| error.labels.iter().map(|label| format!("{} {}", sources.place(label.span), label.text)))
        .collect();
    assert_eq!(places, ["x:4:1 ", "x:2:5 opened here"]);
}
