//! A spec in CUE is the same spec: same tree, same environments, findings with the line of the file, and errors of CUE
//! with line and column. Not here: what a spec means (`resolving.rs`, `findings.rs`).

use shipway_config::{
    Target, findings,
    read::{self, Source},
    reference::REFERENCE,
    resolve,
    schema::cue_schema,
};
use shipway_core::finding::Finding;
use shipway_cue::{
    Limits,
    load::{Memory, Options, load},
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
    // What a comprehension makes is told where the nearest thing around it is written.
    let found = findings(&read_cue(&CUE.replace("\"static\"", "\"statc\"")), &[]);
    assert!(found.iter().all(|finding| matches!(finding.line, Some(14 | 16))) && found.len() == 2, "{found:#?}");
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
        .with("/spec.cue", format!("import \"shop.example/schema:shipway\"\n\nshipway & {spec}\n"));
    let options = Options { folder: "/".into(), ..Options::default() };
    let build = load(&files, &options, &["/spec.cue".into()]).expect("both can be read");
    let main = build.instances[0];
    build.instance(main, &[], Limits::default()).and_then(|instance| instance.data(None)).is_ok()
}

#[test]
fn the_schema_in_cue_allows_every_key_of_the_reference_and_no_other() {
    let (_, spec) = reference_in_cue();
    assert!(vets(&spec));
    for (right, wrong) in
        [("\"project\":", "\"projetc\":"), ("\"source\":", "\"sorce\":"), ("\"process\"", "\"proces\"")]
    {
        assert!(spec.contains(right), "{right}");
        assert!(!vets(&spec.replacen(right, wrong, 1)), "{wrong}");
    }
}
