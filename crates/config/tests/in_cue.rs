//! A spec in CUE is the same spec: same tree, same environments, findings with the line of the file, and errors of CUE
//! with line and column. Not here: what a spec means (`resolving.rs`, `findings.rs`).

use std::path::Path;

use shipway_config::{
    Target, findings,
    read::{self, Source, gather},
    reference::REFERENCE,
    resolve,
    schema::cue_schema,
};
use shipway_core::finding::Finding;
use shipway_cue::{
    Limits,
    load::{Files, Memory, Options, load},
};

const TOML: &str = r#"
[project]
name = "shop"

[services.catalog]
kind = "static"
source = "catalog"
routes = [{ host = "shop.{environment}.localhost", path = "/catalog" }]

[services.web]
kind = "static"
source = "web"
routes = [{ host = "shop.{environment}.localhost", path = "/web" }]
variables = { LEVEL = "info" }

[environments.staging]
type = "staging"

[environments.production]
type = "production"

[environments.production.services.web.variables]
LEVEL = { unset = true }
"#;

const CUE: &str = r#"
import "strings"

#Site: {
	_name: string
	kind:  "static"
	source: string | *_name
	routes: [{host: "shop.{environment}.localhost", path: "/\(_name)"}]
	variables?: [string]: string
}

project: name: strings.ToLower("SHOP")

services: {
	for name in ["catalog", "web"] {(name): #Site & {_name: name}}
	web: variables: LEVEL: "info"
}

environments: staging: type:    "staging"
environments: production: type: "production"
environments: production: services: web: variables: LEVEL: {unset: true}
"#;

fn cue(text: &str) -> Result<Source, Vec<Finding>> {
    read::parse("shipway.cue", text)
}

fn read_cue(text: &str) -> Source {
    cue(text).unwrap_or_else(|found| panic!("{found:#?}"))
}

#[test]
fn both_say_the_same() {
    let (toml, cue) = (read::parse("shipway.toml", TOML).expect("TOML"), read_cue(CUE));
    assert_eq!(toml.tree, cue.tree);
    assert_eq!(resolve::environments(&toml), resolve::environments(&cue), "also in order");
    assert_eq!(findings(&cue, &Target::all(&cue)), []);
    for environment in ["staging", "production"] {
        let plan = |source| resolve::environment(source, environment, &[]).expect("a plan");
        assert_eq!(plan(&toml), plan(&cue));
    }
}

/// A module of several packages: the spec's folder has two files of one package, one of another, and data.
fn module() -> Memory {
    let spec = r#"@extern(embed)

package shop

import "shop.example/kit:kit"

project: name: _project
services: web: kit.#Site & {#name: "web"}
services: web: variables: MOTTO: _ @embed(file=motto.txt)
"#;
    let kit = r#"package kit

#Site: {
	#name:  string
	kind:   "static"
	source: string | *#name
	routes: [{host: "shop.{environment}.localhost", path: "/\(#name)"}]
	variables?: [string]: string
}
"#;
    Memory::default()
        .with("/work/cue.mod/module.cue", "module: \"shop.example\"\nlanguage: version: \"v0.17.0\"\n")
        .with("/work/defaults.cue", "package shop\n\n_project: \"shop\"\n")
        .with("/work/kit/kit.cue", kit)
        .with("/work/deploy/shipway.cue", spec)
        .with("/work/deploy/motto.txt", "fresh")
        .with("/work/deploy/staging.cue", "package shop\n\nenvironments: staging: type: \"staging\"\n")
        .with("/work/deploy/other.cue", "package other\n\nenvironments: elsewhere: type: \"testing\"\n")
}

fn gathered(files: &Memory) -> String {
    let text = files.read(Path::new("/work/deploy/shipway.cue")).expect("the spec");
    let text = String::from_utf8(text).expect("text");
    gather(files, Path::new("/work/deploy"), "shipway.cue", text).unwrap_or_else(|found| panic!("{found:#?}"))
}

#[test]
fn a_spec_of_several_files_is_one_text() {
    let text = gathered(&module());
    let source = read_cue(&text);
    assert_eq!(findings(&source, &Target::all(&source)), []);
    assert_eq!(source.tree["project"]["name"], "shop", "a file of the package in a folder above");
    assert_eq!(source.tree["services"]["web"]["source"], "web", "an imported package");
    assert_eq!(source.tree["services"]["web"]["variables"]["MOTTO"], "fresh", "an embedded file");
    let names: Vec<String> = resolve::environments(&source).iter().map(ToString::to_string).collect();
    assert_eq!(names, ["staging"], "files of the package, and of no other");
    let again = gather(&Memory::default(), Path::new("/elsewhere"), "shipway.cue", text.clone());
    assert_eq!(again.as_ref(), Ok(&text), "what is gathered is whole");
}

#[test]
fn one_file_alone_is_its_own_text() {
    let files = Memory::default().with("/work/deploy/shipway.cue", CUE).with("/work/deploy/more.cue", "package more\n");
    assert_eq!(gathered(&files), CUE);
}

#[test]
fn what_is_wrong_is_told_in_the_file_that_says_it() {
    let table = [
        ("deploy/staging.cue", "package shop\n\nenvironments: staging: type: \"stagin\"\n", "staging.cue", 3),
        ("defaults.cue", "package shop\n\n\n_project: \"shop\" & \"other\"\n", "../defaults.cue", 4),
        ("deploy/staging.cue", "package shop\n\nenvironments: {\n", "staging.cue", 4),
        ("kit/kit.cue", "package kit\n\n#Sit: {}\n", "shipway.cue", 8),
        ("kit/kit.cue", "package kit\n\n#Site: {\n\tkind: \"statc\"\n\t...\n}\n", "../kit/kit.cue", 4),
        ("cue.mod/module.cue", "module: \"shop.example\"\nlanguage: 1\n", "../cue.mod/module.cue", 2),
    ];
    for (path, text, file, line) in table {
        let text = gathered(&module().with(Path::new("/work").join(path), text));
        let found = match cue(&text) {
            Ok(source) => findings(&source, &Target::all(&source)),
            Err(found) => found,
        };
        let places: Vec<_> = found.iter().map(|finding| (finding.file.as_deref(), finding.line)).collect();
        assert!(places.contains(&(Some(file), Some(line))), "{path}: {found:#?}");
    }
}

#[test]
fn only_text_is_gathered() {
    let files = module().with("/work/deploy/motto.txt", [0xff, 0xfe]);
    let text = "@extern(embed)\n\npackage shop\n\nx: _ @embed(file=motto.txt)\n".to_owned();
    let found = gather(&files, Path::new("/work/deploy"), "shipway.cue", text.clone()).expect_err("not text");
    assert!(found[0].message.contains("motto.txt is not text"), "{found:#?}");
    let files = module().with("/work/deploy/motto.txt", "x".repeat(2 << 20));
    let found = gather(&files, Path::new("/work/deploy"), "shipway.cue", text).expect_err("too large");
    assert!(found[0].message.contains("larger than"), "{found:#?}");
}

#[test]
fn advice_is_in_the_language_of_the_file() {
    let advice = |source: &Source| -> Vec<String> {
        findings(source, &Target::all(source)).into_iter().filter_map(|finding| finding.recommendation).collect()
    };
    let cue = advice(&read_cue(
        "project: name: \"shop\"\nservices: web: kind: \"process\"\nenvironments: a: type: \"testing\"",
    ));
    let toml = "project.name = \"shop\"\nservices.web.kind = \"process\"\nenvironments.a.type = \"testing\"";
    let toml = advice(&read::parse("shipway.toml", toml).expect("TOML"));
    assert!(toml.iter().any(|text| text.contains("run = \"bin/web\"")), "{toml:#?}");
    assert!(cue.iter().any(|text| text.contains("run: \"bin/web\"")), "{cue:#?}");
    assert!(!cue.iter().any(|text| text.contains(" = ") || text.contains("`[")), "{cue:#?}");
}

/// The tree of the reference as a struct of CUE: JSON is CUE.
fn reference_in_cue() -> (serde_json::Value, String) {
    let tree = read::parse("reference.toml", REFERENCE).expect("TOML").tree;
    let text = tree.to_string().replace("null", "{\"unset\":true}");
    (tree, text)
}

#[test]
fn every_key_of_the_reference_is_read() {
    let (tree, text) = reference_in_cue();
    let source = read_cue(&text);
    assert_eq!(source.tree, tree);
    assert_eq!(findings(&source, &Target::all(&source)), []);
}

#[test]
fn findings_have_the_line_of_the_file() {
    let wrong = CUE.replace("\"staging\"\n", "\"stagin\"\n");
    let source = read_cue(&wrong);
    let found = findings(&source, &[]);
    let [finding] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!((finding.file.as_deref(), finding.line), (Some("shipway.cue"), Some(19)), "{finding:#?}");
    assert_eq!(finding.field.as_deref(), Some("environments.staging.type"));
    // A value is told where it is written, whatever way it came.
    let found = findings(&read_cue(&CUE.replace("\"static\"", "\"statc\"")), &[]);
    assert!(found.iter().all(|finding| finding.line == Some(6)) && found.len() == 2, "{found:#?}");
    // A table that a comprehension makes has no line: the nearest thing around it is written somewhere.
    let found = findings(&read_cue(&CUE.replace("\tkind:  \"static\"\n", "")), &[]);
    assert!(found.iter().all(|finding| matches!(finding.line, Some(13 | 15))) && found.len() == 2, "{found:#?}");
}

#[test]
fn what_is_wrong_as_cue_has_a_place() {
    let table = [
        ("project: name: ", "shipway.cue:1:16: ", 1),
        ("project: {\n\tname: \"a\"\n\tname: \"b\"\n}", "project.name: conflicting values", 3),
        ("project: name: string", "shipway.cue:1:16: project.name: incomplete value string", 1),
        ("a: 1\nproject: name: nobody", "shipway.cue:2:16: ", 2),
        ("import \"tool/http\"\nx: http.Get", "shipway.cue:1:", 1),
        ("import \"example.com/elsewhere\"\nx: elsewhere.y", "shipway.cue:1:", 1),
        ("a: 1\nproject: name: null", "`project.name` is null", 2),
        ("project: name: '\\xff'", "`project.name` is bytes", 1),
        ("project: {\n\tname: 99999999999999999999999999999999999999999999\n}", "out of range", 2),
        ("[1, 2]", "a spec is a struct, not list", 1),
    ];
    for (text, message, line) in table {
        let found = cue(text).expect_err(text);
        let finding = found.first().expect("at least one");
        assert!(finding.message.contains(message), "{text}\n{finding:#?}");
        assert_eq!(finding.line, Some(line), "{text}\n{finding:#?}");
        assert!(finding.recommendation.as_deref().is_some_and(|advice| !advice.is_empty()), "{finding:#?}");
    }
}

#[test]
fn what_would_not_end_is_refused() {
    let doubling: String = (1..40).map(|n| format!("a{n}: \"\\(a{0})\\(a{0})\"\n", n - 1)).collect();
    let deep = format!("a: {}1{}", "[".repeat(150), "]".repeat(150));
    for text in [format!("a0: \"ha\"\n{doubling}"), deep, format!("a: {}", "[".repeat(100_000))] {
        assert!(cue(&text).is_err_and(|found| !found.is_empty()), "{}", &text[..40]);
    }
}

/// Whether a spec fits the schema that is written in CUE, as a package that a file imports.
fn vets(spec: &str) -> bool {
    let files = Memory::default()
        .with("/cue.mod/module.cue", "module: \"shop.example\"\nlanguage: version: \"v0.17.0\"\n")
        .with("/schema/schema.cue", cue_schema().expect("the schema can be said in CUE"))
        .with("/spec.cue", format!("import \"shop.example/schema:shipway\"\n\nshipway.#Spec & {spec}\n"));
    let options = Options { folder: "/".into(), ..Options::default() };
    let build = load(&files, &options, &["/spec.cue".into()]).expect("both can be read");
    let main = build.instances[0];
    build.instance(main, &[], Limits::default()).and_then(|instance| instance.data(None)).is_ok()
}

fn is_refused_by_the_schema(right: &str, wrong: &str) -> bool {
    let (_, spec) = reference_in_cue();
    assert!(spec.contains(right), "{right}");
    !vets(&spec.replacen(right, wrong, 1))
}

#[test]
fn the_schema_in_cue_allows_every_key_of_the_reference_and_no_other() {
    assert!(vets(&reference_in_cue().1));
    assert!(is_refused_by_the_schema("\"project\":", "\"projetc\":"));
    assert!(is_refused_by_the_schema("\"process\"", "\"proces\""));
}

#[test]
fn the_schema_in_cue_allows_no_other_key_below_its_root() {
    assert!(is_refused_by_the_schema("\"source\":", "\"sorce\":"));
}
