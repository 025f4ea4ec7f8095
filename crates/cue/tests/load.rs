//! What is loaded for which arguments, and what is said where nothing is.

use proptest::prelude::*;
use shipway_cue::decode::expr_to_data;
use shipway_cue::encode::json_compact;
use shipway_cue::load::{Build, Failed, Memory, Options, Target, Variables, load};
use shipway_cue::syntax::ast::{Decl, Expr, ExprKind};

/// Files written one after another: a line `-- name --` starts each.
fn tree(text: &str) -> Memory {
    let mut files = Memory::default();
    for part in text.split("-- ").skip(1) {
        let (name, content) = part.split_once(" --\n").expect("a file starts with `-- name --`");
        files = files.with(format!("/w/{name}"), content);
    }
    files
}

fn options() -> Options {
    Options { folder: "/w".into(), ..Options::default() }
}

fn run(files: &Memory, arguments: &str, options: &Options) -> Result<Build, Failed> {
    let arguments: Vec<String> = arguments.split_whitespace().map(str::to_owned).collect();
    load(files, options, &arguments)
}

/// Packages with their files and imports, instances marked with `*`; or the errors with their places.
fn summary(result: Result<Build, Failed>) -> String {
    let build = match result {
        Ok(build) => build,
        Err(failed) => {
            let line = |error: &shipway_cue::error::Error| {
                let places: Vec<_> = error.labels.iter().map(|label| failed.sources.place(label.span)).collect();
                format!("{error} [{}]", places.join(" "))
            };
            return failed.errors.iter().map(line).collect::<Vec<_>>().join("\n");
        }
    };
    let mut lines = Vec::new();
    for (index, package) in build.packages.iter().enumerate() {
        let mark = if build.instances.contains(&index) { "*" } else { "" };
        let file = |file: &shipway_cue::load::PackageFile| {
            let name = build.sources.file(file.tree.id).map(|file| file.name.to_string()).unwrap_or_default();
            let import = |import: &shipway_cue::load::Import| match &import.target {
                Target::Standard(path) => format!("{}={path}", import.name),
                Target::Package(index) => format!("{}={}", import.name, build.packages[*index].path),
            };
            let imports: Vec<_> = file.imports.iter().map(import).collect();
            if imports.is_empty() { name } else { format!("{name}({})", imports.join(", ")) }
        };
        let files: Vec<_> = package.files.iter().map(file).collect();
        lines.push(format!("{mark}{} {}", package.path, files.join(" ")));
    }
    for data in &build.data {
        let values: Vec<_> = data.values.iter().map(shown).collect();
        lines.push(format!("{} {}", data.name, values.join(" ")));
    }
    lines.join("\n")
}

fn shown(expr: &Expr) -> String {
    match (expr_to_data(expr), &expr.kind) {
        (Some(data), _) => json_compact(&data, false),
        (None, ExprKind::Binary { left, right, .. }) => format!("{} & {}", shown(left), shown(right)),
        (None, ExprKind::Paren(of)) => shown(of),
        (None, ExprKind::Ident(name)) => name.name.to_string(),
        (None, ExprKind::Top) => "_".to_owned(),
        (None, ExprKind::Struct(of)) => format!("{{{}}}", fields(&of.decls)),
        _ => "?".to_owned(),
    }
}

fn fields(decls: &[Decl]) -> String {
    let field = |decl: &Decl| match decl {
        Decl::Field(field) => Some(shown(&field.value)),
        _ => None,
    };
    decls.iter().filter_map(field).collect::<Vec<_>>().join(", ")
}

/// The values of the fields of the last package's first file.
fn values(result: Result<Build, Failed>) -> String {
    match result {
        Ok(build) => fields(&build.packages.last().expect("a package").files[0].tree.decls),
        Err(failed) => summary(Err(failed)),
    }
}

fn check(text: &str, table: &[(&str, &str)]) {
    let files = tree(text);
    for (arguments, expected) in table {
        assert_eq!(summary(run(&files, arguments, &options())), *expected, "arguments: {arguments:?}");
    }
}

const MODULE: &str = "-- cue.mod/module.cue --\nmodule: \"example.com/app@v0\"\nlanguage: version: \"v0.17.0\"\n";

#[test]
fn files_are_one_instance_whatever_their_package() {
    let files = "-- b.cue --\nb: 1\n-- a.cue --\npackage x\n-- c.cue --\npackage y\n-- sub/d.cue --\nd: 1\n\
                 -- bad.cue --\na: }\n-- x_test.cue --\npackage x\n";
    check(
        files,
        &[
            ("b.cue a.cue", "*:x a.cue b.cue"),
            ("./sub/d.cue b.cue", "*: b.cue sub/d.cue"),
            ("a.cue c.cue", "the files are of several packages: `x` and `y` [c.cue:1:9]"),
            ("none.cue", "`none.cue` can't be read: entity not found []"),
            ("x_test.cue", "every file among the arguments is left out by its conditions []"),
            ("sub.d", "what `sub.d` holds can't be told by its name []"),
        ],
    );
    assert!(summary(run(&tree(files), "bad.cue", &options())).contains("[bad.cue:1:4"));
}

#[test]
fn data_files_are_read_by_name_or_qualifier() {
    let files = "-- a.json --\n{\"a\": 1}\n-- b.yaml --\na: 1\n---\na: 2\n-- c.toml --\na = 1\n-- d.txt --\nhi\n\
                 -- e.data --\na: 1\n-- f.jsonl --\n1\n2\n-- s.json --\n\
                 {\"$schema\": \"http://json-schema.org/draft-07/schema#\"}\n-- o.json --\n{\"openapi\": \"3.0.0\"}\n-- bad.json --\n{a: 1}\n";
    check(
        files,
        &[
            ("a.json b.yaml", "*: \na.json {\"a\":1}\nb.yaml {\"a\":1} {\"a\":2}"),
            ("c.toml d.txt f.jsonl", "*: \nc.toml {\"a\":1}\nd.txt \"hi\\n\"\nf.jsonl 1 2"),
            ("yaml: e.data text: a.json d.txt", "*: \ne.data {\"a\":1}\na.json \"{\\\"a\\\": 1}\\n\"\nd.txt \"hi\\n\""),
            ("e.data", "what `e.data` holds can't be told by its name []"),
            ("yaml:", "no file follows the qualifier `yaml:` []"),
            ("xml: a.json", "the qualifier `xml:` of `a.json` is not supported []"),
            ("yaml:e.data", "the argument `yaml:e.data` joins a qualifier and a file []"),
            ("json: s.json", "*: \ns.json {\"$schema\":\"http://json-schema.org/draft-07/schema#\"}"),
            ("s.json", "*: s.json as CUE"),
            ("jsonschema: a.json", "*: a.json as CUE"),
            ("o.json", "an OpenAPI document is not supported [o.json:1:1]"),
            ("bad.json", "this is not valid JSON: a key in double quotes should stand here [bad.json:1:2]"),
        ],
    );
    let with_input = tree(files).with_input("a: 1");
    assert_eq!(summary(run(&with_input, "-", &options())), "*: -");
    assert_eq!(summary(run(&with_input, "yaml: -", &options())), "*: \n- {\"a\":1}");
}

#[test]
fn a_package_is_the_files_of_its_name_up_to_the_root() {
    let files = "-- cue.mod/module.cue --\nmodule: \"example.com/app@v0\"\nlanguage: version: \"v0.17.0\"\n\
                 -- top.cue --\npackage x\n-- other.cue --\npackage other\n-- a/b/x.cue --\npackage x\n\
                 -- a/x.cue --\npackage x\n-- a/b/none.cue --\na: 1\n-- a/b/_x.cue --\npackage x\n\
                 -- a/b/.x.cue --\npackage x\n-- a/b/x_tool.cue --\npackage x\n-- a/b/x_test.cue --\npackage x\n\
                 -- a/b/d.json --\n{}\n-- empty/none.cue --\na: 1\n-- a/b/off.cue --\n@ignore()\npackage x\n\
                 -- y/y.cue --\npackage y\n-- y/z/x.cue --\npackage x\n";
    check(
        files,
        &[
            ("./a/b", "*example.com/app/a/b@v0:x top.cue a/x.cue a/b/x.cue"),
            ("./a/b:x", "*example.com/app/a/b@v0:x top.cue a/x.cue a/b/x.cue"),
            ("./y/z", "*example.com/app/y/z@v0:x top.cue y/z/x.cue"),
            ("example.com/app/y", "*example.com/app/y@v0:y y/y.cue"),
            (".:other", "*example.com/app@v0:other other.cue"),
            ("", "the folder holds several packages: `other` (other.cue) and `x` [top.cue:1:9]"),
            ("./empty", "there is no file with a package clause in `empty` []"),
            ("./a/b:other", "there is no file of package `other` with a package clause in `a/b` []"),
            ("./none", "there is no folder `none` []"),
            ("./y/...", "*example.com/app/y@v0:y y/y.cue\n*example.com/app/y/z@v0:x top.cue y/z/x.cue"),
            ("./empty/...", "the pattern `./empty/...` matches no package []"),
            ("./y y.cue", "the CUE file `y.cue` can't be combined with a package []"),
        ],
    );
    let named = Options { package: Some("other".to_owned()), ..options() };
    assert_eq!(summary(run(&tree(files), ".", &named)), "*example.com/app@v0:other other.cue");
}

#[test]
fn of_several_packages_in_a_folder_some_are_chosen() {
    let files = format!(
        "{MODULE}-- a.cue --\npackage app\n-- b.cue --\npackage b\n-- s/a.cue --\npackage x\n-- s/s.cue --\npackage s\n\
         -- s/none.cue --\nn: 1\n-- t/t.cue --\npackage t\n-- t/off.cue --\n@if(on)\npackage u\n\
         -- v/off.cue --\n@if(on)\npackage v\n-- v/v_tool.cue --\npackage w\n"
    );
    let with = |package: &str| Options { package: Some(package.to_owned()), ..options() };
    let (s, t) = ("*example.com/app/s@v0", "*example.com/app/t@v0");
    let all = [
        "*example.com/app@v0:app a.cue".to_owned(),
        "*example.com/app@v0:b b.cue".to_owned(),
        format!("{s}:x s/a.cue"),
        format!("{s}:_ s/none.cue"),
        format!("{s}:s s/s.cue"),
        format!("{t}:t t/t.cue"),
    ];
    let table: [(&str, Options, String); 12] = [
        ("", options(), all[0].clone()),
        ("./s", options(), all[4].clone()),
        ("./s:x", options(), all[2].clone()),
        ("./s:*", options(), all[2..5].join("\n")),
        ("./s", with("*"), all[2..5].join("\n")),
        ("./s", with("_"), all[3].clone()),
        ("./s:_", options(), "`_` in `./s:_` is not the name of a package []".to_owned()),
        ("./...", with("*"), all.join("\n")),
        ("./...:*", options(), all.join("\n")),
        ("./...", with("s"), all[4].clone()),
        ("./t/...", options(), all[5].clone()),
        ("./v/...", options(), "the pattern `./v/...` matches no package []".to_owned()),
    ];
    for (arguments, options, expected) in table {
        assert_eq!(summary(run(&tree(&files), arguments, &options)), expected, "{arguments} {:?}", options.package);
    }
    check(
        &files,
        &[(
            "./...",
            "the folder holds several packages: `app` (a.cue) and `b` [b.cue:1:9]\n\
        the folder holds several packages: `x` (a.cue) and `s` [s/s.cue:1:9]",
        )],
    );
    let no_module = "-- s/a.cue --\npackage x\n-- s/s.cue --\npackage s\n";
    check(no_module, &[("./s", "*:s s/s.cue")]);
}

#[test]
fn without_a_module_a_package_is_one_folder() {
    let files =
        "-- x.cue --\npackage x\n-- a/x.cue --\npackage x\n-- a/i.cue --\npackage i\nimport \"example.com/b\"\n";
    check(
        files,
        &[("./a:x", "*:x a/x.cue"), ("./a:i", "`example.com/b` can't be imported outside of a module [a/i.cue:2:8]")],
    );
}

#[test]
fn imports_are_bound() {
    let files = format!(
        "{MODULE}-- m.cue --\npackage m\nimport (\n\t\"list\"\n\tx \"text/template\"\n\t\"example.com/app/lib\"\n\
         \tq \"example.com/app/lib@v0:other\"\n\t\"vendored.org/v\"\n)\n-- lib/a.cue --\npackage lib\n\
         -- lib/b.cue --\npackage other\nimport \"example.com/app/lib\"\n\
         -- cue.mod/pkg/vendored.org/v/v.cue --\npackage v\n-- cue.mod/gen/vendored.org/v/g.cue --\npackage v\n"
    );
    check(
        &files,
        &[(
            "",
            "example.com/app/lib@v0:lib lib/a.cue\n\
         example.com/app/lib@v0:other lib/b.cue(lib=example.com/app/lib@v0:lib)\n\
         vendored.org/v:v cue.mod/gen/vendored.org/v/g.cue cue.mod/pkg/vendored.org/v/v.cue\n\
         *example.com/app@v0:m m.cue(list=list, x=text/template, lib=example.com/app/lib@v0:lib, \
         q=example.com/app/lib@v0:other, v=vendored.org/v:v)",
        )],
    );
}

#[test]
fn imports_that_lead_nowhere_are_errors_with_their_places() {
    let table = [
        ("\"nothing\"", "there is no standard package `nothing` [m.cue:2:8]"),
        ("\"tool/exec\"", "the package `tool/exec` is for `cue cmd`, which is not supported [m.cue:2:8]"),
        ("\"./lib\"", "an import by a path in the file system is not allowed: `./lib` [m.cue:2:8]"),
        (
            "\"example.com/app/none\"",
            "there is no package `example.com/app/none` in the module, and no dependency holds it [m.cue:2:8]",
        ),
        ("\"example.com/app/a-b\"", "the name of the package can't be told from `example.com/app/a-b` [m.cue:2:8]"),
        (
            "\"example.com/app/lib@v0.1.0\"",
            "the version in `example.com/app/lib@v0.1.0` is not a major one [m.cue:2:8]",
        ),
        (
            "\"example.com/app/lib@v1\"",
            "there is no package `example.com/app/lib@v1` in the module, and no dependency holds it [m.cue:2:8]",
        ),
        ("\"example.com/app/lib:x\"", "there is no file of package `x` with a package clause in `lib` [m.cue:2:8]"),
        ("\"example.com/app/lib:_\"", "the name of the package can't be told from `example.com/app/lib:_` [m.cue:2:8]"),
        (
            "\"example.com/app/nested\"",
            "there is no package `example.com/app/nested` in the module, and no dependency holds it [m.cue:2:8]",
        ),
        (
            "\"dep.org/d/x\"",
            "`dep.org/d/x` is of the module dep.org/d v0.2.0, which is not here: registries are not read [m.cue:2:8]",
        ),
        (
            "\"dep.org/d/y\"",
            "the import of `dep.org/d/y` is ambiguous: cue.mod/pkg/dep.org/d/y, the module dep.org/d v0.2.0 [m.cue:2:8]",
        ),
    ];
    for (import, expected) in table {
        let files = format!(
            "-- cue.mod/module.cue --\nmodule: \"example.com/app\"\nlanguage: version: \"v0.9.0\"\n\
             deps: \"dep.org/d@v0\": v: \"v0.2.0\"\n-- m.cue --\npackage m\nimport {import}\n-- lib/l.cue --\npackage lib\n\
             -- nested/cue.mod/module.cue --\nmodule: \"nested.org\"\n-- nested/n.cue --\npackage nested\n\
             -- cue.mod/pkg/dep.org/d/y/y.cue --\npackage y\n"
        );
        check(&files, &[("", expected)]);
    }
}

#[test]
fn packages_that_import_each_other_are_an_error() {
    let files = format!(
        "{MODULE}-- a/a.cue --\npackage a\nimport \"example.com/app/b\"\n\
         -- b/b.cue --\npackage b\nimport \"example.com/app/a\"\n"
    );
    check(&files, &[("./a", "the packages import each other in a circle: a → b [b/b.cue:2:8]")]);
    let long: String = (0..300).fold(MODULE.to_owned(), |text, at| {
        format!("{text}-- p{at}/p.cue --\npackage p{at}\nimport \"example.com/app/p{}\"\n", at + 1)
    });
    check(&long, &[("./p0", "imports lead through more than 200 packages [p199/p.cue:2:8]")]);
}

#[test]
fn a_folder_may_stand_for_a_dependency() {
    let files = "-- cue.mod/module.cue --\nmodule: \"example.com/app@v0\"\nlanguage: version: \"v0.17.0\"\n\
                 deps: \"dep.org/d@v1\": v: \"v1.2.0\"\n-- m.cue --\npackage m\nimport \"dep.org/d/x@v1\"\n\
                 -- cue.mod/local-module.cue --\ndeps: \"dep.org/d@v1\": {v: \"v1.2.0\", replaceWith: \"./dep\"}\n\
                 -- dep/x/x.cue --\npackage x\nimport \"dep.org/d/y\"\n-- dep/y/y.cue --\npackage y\n\
                 -- dep/cue.mod/module.cue --\nmodule: \"dep.org/d@v1\"\nlanguage: version: \"v0.9.0\"\n";
    check(
        files,
        &[(
            "",
            "dep.org/d/y@v1:y dep/y/y.cue\ndep.org/d/x@v1:x dep/x/x.cue(y=dep.org/d/y@v1:y)\n\
         *example.com/app@v0:m m.cue(x=dep.org/d/x@v1:x)",
        )],
    );
    let other = files.replace("module: \"dep.org/d@v1\"", "module: \"dep.org/e@v1\"");
    let place = "[/w/cue.mod/local-module.cue:1:1]";
    check(&other, &[("", &format!("the folder that replaces `dep.org/d` holds the module `dep.org/e` {place}"))]);
}

#[test]
fn module_files_are_checked() {
    let table = [
        ("module: \"example.com\"", "the module file doesn't say which version of the language it is for", "1:1"),
        (
            "language: version: \"v1.0.0\"",
            "the module is for language version v1.0.0; the newest known here is v0.17.1",
            "1:1",
        ),
        ("language: version: \"new\"", "`new` is not a version, such as `v0.17.1`", "1:1"),
        (
            "language: version: \"v0.9.0\"\nmodule: \"example.com@v0.1\"",
            "the module's version `v0.1` is not a major one, such as `v0`",
            "2:1",
        ),
        ("language: version: \"v0.9.0\"\nx: 1", "a module file has no field `x`", "2:1"),
        ("language: version: \"v0.9.0\"\nmodule: 1", "`module` is a string, such as `example.com/app`", "2:1"),
        ("language: version: \"v0.9.0\"\nmodule: \"\"", "the module's path is empty", "2:1"),
        ("language: version: \"v0.9.0\"\nmodule: string", "a module file holds plain values only, each once", "1:1"),
        (
            "language: version: \"v0.9.0\"\ndeps: \"a.org@v0\": {v: \"v0.1.0\", replaceWith: \"./a\"}",
            "`replaceWith` of `a.org@v0` belongs into `cue.mod/local-module.cue`",
            "2:1",
        ),
    ];
    for (text, expected, place) in table {
        let files = format!("-- cue.mod/module.cue --\n{text}\n-- m.cue --\npackage m\n");
        check(&files, &[("", &format!("{expected} [/w/cue.mod/module.cue:{place}]"))]);
    }
}

#[test]
fn conditions_choose_files() {
    let files = "-- a.cue --\n@if(a && !b)\npackage x\n-- b.cue --\n@if(b || (c))\npackage x\n-- c.cue --\npackage x\n\
                 -- d.cue --\n@if(a)\n@if(b)\npackage y\n-- e.cue --\n@if(a + b)\npackage z\n";
    let with = |tags: &[&str]| Options { tags: tags.iter().map(|tag| (*tag).to_owned()).collect(), ..options() };
    let table: &[(&str, &[&str], &str)] = &[
        ("a.cue b.cue c.cue", &[], "*:x c.cue"),
        ("a.cue b.cue c.cue", &["a"], "*:x a.cue c.cue"),
        ("a.cue b.cue c.cue", &["a", "b"], "*:x b.cue c.cue"),
        ("a.cue b.cue c.cue", &["c"], "*:x b.cue c.cue"),
        ("a.cue", &["z"], "every file among the arguments is left out by its conditions []"),
        ("c.cue", &["z"], "no file and no field has a use for `-t z` []"),
        ("d.cue", &[], "a file has one `@if` at most [d.cue:2:1 d.cue:1:1]"),
        ("e.cue", &[], "an `@if` is made of tags, `!`, `&&`, `||` and parentheses [e.cue:1:1]"),
    ];
    for (arguments, tags, expected) in table {
        assert_eq!(summary(run(&tree(files), arguments, &with(tags))), *expected, "{arguments} {tags:?}");
    }
}

#[test]
fn tags_are_filled() {
    let file = "-- x.cue --\na: string @tag(a, short=one|two)\nb: int @tag(b, type=int)\n\
                c: d: bool @tag(c,type=bool)\ne: _ @tag(a,short=two)\nf: number @tag(f, type=number)\ng: _ @tag(g, var=os)\n";
    let fill = |tags: &str, variables: Option<&[(&str, &str)]>| {
        let tags = tags.split_whitespace().map(str::to_owned).collect();
        let variables = variables.map(|list| {
            Variables(list.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
        });
        values(run(&tree(file), "x.cue", &Options { tags, variables, ..options() }))
    };
    let table = [
        ("", "string, int, {bool}, _, number, _"),
        ("a=x", "string & \"x\", int, {bool}, _ & \"x\", number, _"),
        ("two b=-12", "string & \"two\", int & -12, {bool}, _ & \"two\", number, _"),
        ("c=1 f=1.5", "string, int, {bool & true}, _, number & 1.5, _"),
        ("a=", "string & \"\", int, {bool}, _ & \"\", number, _"),
        ("b=x", "`x` is not an integer, which the tag `b` takes [x.cue:2:8]"),
        ("b=1.5", "`1.5` is not an integer, which the tag `b` takes [x.cue:2:8]"),
        ("c=yes", "`yes` is not a truth value, which the tag `c` takes [x.cue:3:12]"),
        ("z=1", "no field has the tag `z` of `-t z=1` []"),
        ("three", "no file and no field has a use for `-t three` []"),
    ];
    for (tags, expected) in table {
        assert_eq!(fill(tags, None), expected, "{tags}");
    }
    assert_eq!(fill("", Some(&[("os", "linux")])), "string, int, {bool}, _, number, _ & \"linux\"");
    assert_eq!(fill("g=x", Some(&[("os", "linux")])), "string, int, {bool}, _, number, _ & \"x\"");
    assert_eq!(fill("", Some(&[("now", "then")])), "there is no variable `os` [x.cue:6:6]");
}

#[test]
fn tags_stand_on_plain_fields_only() {
    let table = [
        ("a?: _ @tag(x)", "a tag is not allowed within a field that is only a constraint [x.cue:1:7]"),
        ("[string]: _ @tag(x)", "a tag is not allowed within a field that is only a constraint [x.cue:1:13]"),
        ("a: [{b: _ @tag(x)}]", "a tag is not allowed within a list [x.cue:1:11]"),
        ("if true {b: _ @tag(x)}", "a tag is not allowed within a comprehension [x.cue:1:15]"),
        ("a: [...{b: _ @tag(x)}]", "a tag is not allowed within a list [x.cue:1:14]"),
        (
            "@experiment(try)\nif true {} else {b: _ @tag(x)}",
            "a tag is not allowed within a comprehension [x.cue:2:23]",
        ),
        ("a: _ @tag()", "a tag has a name; `` is none [x.cue:1:6]"),
        ("a: _ @tag(x, type=list)", "a tag can't be of type `list` [x.cue:1:6]"),
    ];
    for (text, expected) in table {
        check(&format!("-- x.cue --\n{text}\n"), &[("x.cue", expected)]);
    }
}

fn embed(field: &str) -> String {
    let files = format!(
        "{MODULE}-- sub/x.cue --\n@extern(embed)\n\npackage x\n\n{field}\n-- sub/a.json --\n{{\"k\": 1}}\n\
         -- sub/b.yaml --\n- 1\n-- sub/docs.yaml --\n1\n---\n2\n-- sub/t.txt --\nhi\n-- sub/raw --\nxy\n\
         -- sub/d/1.json --\n1\n-- sub/d/2.json --\n2\n-- sub/d/.3.json --\n3\n-- sub/d/deep/4.json --\n4\n\
         -- sub/m/cue.mod/module.cue --\nmodule: \"m.org\"\n-- sub/m/a.json --\n1\n-- up.json --\n1\n"
    );
    values(run(&tree(&files), "./sub", &options()))
}

#[test]
fn files_are_embedded() {
    let table = [
        ("a: _ @embed(file=a.json)", "_ & {\"k\":1}"),
        ("a: _ @embed(file=\"b.yaml\")", "_ & [1]"),
        ("a: string @embed(file=a.json, type=text)", "string & \"{\\\"k\\\": 1}\\n\""),
        ("a: _ @embed(file=raw,type=binary)", "_ & \"eHkK\""),
        ("a: _ @embed(glob=d/*.json)", "_ & {\"d/1.json\":1,\"d/2.json\":2}"),
        ("a: _ @embed(glob=d/[2-9].json)", "_ & {\"d/2.json\":2}"),
        ("a: _ @embed(glob=*/*/*.json)", "_ & {\"d/deep/4.json\":4}"),
        ("a: _ @embed(glob=d/.*.json)", "_ & {\"d/.3.json\":3}"),
        ("a: _ @embed(glob=z/*.json, allowEmptyGlob)", "_ & {}"),
        ("a: b: {@embed(file=t.txt), _}", "{{} & \"hi\\n\"}"),
        ("a: _ @embed(file=none.json)", "there is no file `none.json` [sub/x.cue:5:6]"),
        ("a: _ @embed(file=raw)", "the type of `raw` can't be told by its name [sub/x.cue:5:6]"),
        ("a: _ @embed(file=docs.yaml)", "`docs.yaml` holds several values [sub/x.cue:5:6]"),
        (
            "a: _ @embed(file=\"../up.json\")",
            "only files below the folder of this file can be embedded [sub/x.cue:5:6]",
        ),
        ("a: _ @embed(file=./a.json)", "the path `./a.json` is not in its plain form [sub/x.cue:5:6]"),
        ("a: _ @embed(file=m/a.json)", "`m/a.json` is in another module [sub/x.cue:5:6]"),
        ("a: _ @embed(file=d)", "`d` is a folder [sub/x.cue:5:6]"),
        ("a: _ @embed(glob=d/*)", "the type of the files can't be told from the pattern [sub/x.cue:5:6]"),
        ("a: _ @embed(glob=z/*.json)", "no file matches `z/*.json` [sub/x.cue:5:6]"),
        ("a: _ @embed(glob=\"[.json\")", "the pattern `[.json` is not well-formed [sub/x.cue:5:6]"),
        ("a: _ @embed(glob=**/*.json)", "`**` in a pattern is not supported [sub/x.cue:5:6]"),
        ("a: _ @embed(file=a.json, type=openapi)", "a file of type `openapi` can't be embedded [sub/x.cue:5:6]"),
        ("a: _ @embed(file=a.json, glob=a)", "`@embed` takes `file` or `glob`, not both [sub/x.cue:5:6]"),
        ("a: _ @embed()", "`@embed` takes `file=…` or `glob=…` [sub/x.cue:5:6]"),
        ("[string]: _ @embed(file=a.json)", "`@embed` is for fields with a plain label [sub/x.cue:5:13]"),
    ];
    for (field, expected) in table {
        assert_eq!(embed(field), expected, "{field}");
    }
}

#[test]
fn embedding_is_switched_on_by_a_file_in_a_module() {
    let off = format!("{MODULE}-- x.cue --\npackage x\na: _ @embed(file=none.json)\n");
    assert_eq!(values(run(&tree(&off), "", &options())), "_");
    let outside = "-- x.cue --\n@extern(embed)\npackage x\na: _ @embed(file=x.json)\n";
    check(outside, &[("", "files can't be embedded outside of a module [x.cue:1:1]")]);
    let late = format!("{MODULE}-- x.cue --\npackage x\n@extern(embed)\na: _ @embed(file=x.json)\n");
    check(&late, &[("", "`@extern` stands before the package clause [x.cue:2:1]")]);
    let wasm = format!("{MODULE}-- x.cue --\n@extern(wasm)\npackage x\n");
    check(&wasm, &[("", "only `@extern(embed)` is supported [x.cue:1:1]")]);
}

#[test]
fn experiments_are_those_of_the_language() {
    let of = |attribute: &str, version: &str| {
        let files = format!(
            "-- cue.mod/module.cue --\nmodule: \"a.org\"\nlanguage: version: \"{version}\"\n\
             -- x.cue --\n{attribute}\npackage x\n"
        );
        match run(&tree(&files), "", &options()) {
            Ok(build) => ["try", "structcmp", "explicitopen"]
                .into_iter()
                .filter(|name| build.packages[0].files[0].experiments.has(name))
                .collect::<Vec<_>>()
                .join(" "),
            Err(failed) => summary(Err(failed)),
        }
    };
    assert_eq!(of("", "v0.17.0"), "structcmp");
    assert_eq!(of("", "v0.14.0"), "");
    assert_eq!(of("@experiment(try, explicitopen)", "v0.17.0"), "try structcmp explicitopen");
    assert_eq!(of("@experiment(structcmp)", "v0.14.0"), "structcmp");
    assert_eq!(of("@experiment(none)", "v0.17.0"), "there is no experiment `none` [x.cue:1:1]");
    assert_eq!(of("@experiment(try)", "v0.15.0"), "the experiment `try` needs language version v0.16.0 [x.cue:1:1]");
}

proptest! {
    #[test]
    fn no_arguments_or_texts_make_the_loader_panic(
        arguments in proptest::collection::vec("[a-z./:@_*-]{0,8}|\\.\\.\\.|\\./a|a.cue|-|json:", 0..4),
        text in "(@(if|tag|embed|extern|experiment)\\([^\n]{0,12}\\)\n|package a\n|import \"[a-z./@:]{0,9}\"\n|a: _ @tag\\([^\n]{0,9}\\)\n){0,5}",
    ) {
        let files = tree(&format!("{MODULE}-- a.cue --\n{}", text.replace("-- ", "")));
        let _ = load(&files, &options(), &arguments);
    }
}
