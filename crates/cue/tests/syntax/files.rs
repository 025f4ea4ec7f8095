//! The preamble: attributes, the package clause, imports.

use shipway_cue::source::FileId;
use shipway_cue::syntax::ast::File;
use shipway_cue::syntax::parse_file;

fn file(text: &str) -> File {
    let (file, errors) = parse_file(FileId(0), text);
    assert!(errors.is_empty(), "{text}: {errors:?}");
    file
}

fn imports(text: &str) -> Vec<(Option<String>, String)> {
    let name = |import: &shipway_cue::syntax::ast::Import| import.name.as_ref().map(|name| name.name.to_string());
    file(text).imports.iter().map(|import| (name(import), import.path.to_string())).collect()
}

#[test]
fn the_package_is_read() {
    let package = |text: &str| file(text).package.map(|name| name.name.to_string());
    assert_eq!(package("package a\n\nb: 1"), Some("a".to_owned()));
    assert_eq!(package("// c\n\n@if(x)\npackage a, b: 1"), Some("a".to_owned()));
    assert_eq!(package("package _"), Some("_".to_owned()));
    assert_eq!(package("b: 1"), None);
}

#[test]
fn imports_are_read() {
    let table = [
        ("import \"strings\"", vec![(None, "strings")]),
        ("import s \"strings\"\nimport \"list\"", vec![(Some("s"), "strings"), (None, "list")]),
        ("import (\n\t\"a.b/c\"\n\td \"e@v0:f\", \"g\"\n)", vec![(None, "a.b/c"), (Some("d"), "e@v0:f"), (None, "g")]),
        ("import ()\na: 1", vec![]),
        ("import _h \"h\"", vec![(Some("_h"), "h")]),
    ];
    for (text, expected) in table {
        let expected: Vec<_> =
            expected.into_iter().map(|(name, path)| (name.map(str::to_owned), path.to_owned())).collect();
        assert_eq!(imports(text), expected, "{text}");
    }
}

#[test]
fn attributes_before_and_after_the_package_are_the_files() {
    let read = file("@if(prod)\npackage a\n@extern(embed)\n\nimport \"list\"\n\n@other(x)\nb: 1");
    let names: Vec<&str> = read.attributes.iter().map(|attribute| &*attribute.name).collect();
    assert_eq!(names, ["if", "extern"]);
    assert_eq!(read.decls.len(), 2, "the attribute after the imports is a declaration");
}

#[test]
fn spans_count_bytes() {
    let read = file("a: \"é\", b: [1]");
    let spans: Vec<(u32, u32)> = read.decls.iter().map(|decl| (decl.span().start, decl.span().end)).collect();
    assert_eq!(spans, [(0, 7), (9, 15)]);
}
