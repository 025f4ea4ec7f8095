//! Where values come from: configuration and explanation side by side.

use shipway_cue::load::{Memory, Options, load};
use shipway_cue::provenance::{Role, json, text};
use shipway_cue::syntax::parse_expr;
use shipway_cue::{Limits, encode};

/// The explanation of an expression in files that are written one after another, a line `-- name --` before each.
fn why(files: &str, asked: &str, as_json: bool) -> String {
    let mut memory = Memory::default();
    let mut names = Vec::new();
    for part in files.split("-- ").skip(1) {
        let (name, text) = part.split_once(" --\n").expect("a file starts with `-- name --`");
        memory = memory.with(format!("/w/{name}"), text);
        names.extend((!name.contains('/')).then(|| name.to_owned()));
    }
    let options = Options { folder: "/w".into(), ..Options::default() };
    let mut build = load(&memory, &options, &names).expect("it loads");
    let id = build.sources.add("-e", asked);
    let (expr, _) = parse_expr(id, asked);
    let instance = build.instance(build.instances[0], &[], Limits::default()).expect("names are bound");
    let found = instance.why((!asked.is_empty()).then_some(&expr), asked).expect("there is something to explain");
    match as_json {
        true => encode::json(&json(&found, &build.sources), "  ", false),
        false => text(&found, &build.sources),
    }
}

fn check(files: &str, table: &[(&str, &str)]) {
    for (asked, expected) in table {
        assert_eq!(why(files, asked, false), *expected, "{asked} in {files}");
    }
}

#[test]
fn the_layer_that_decides_is_marked() {
    let files = "-- base.cue --\napp: {replicas: int & >0, port: *8080 | int}\n\
                 -- prod.cue --\napp: replicas: 3\n-- same.cue --\napp: replicas: 3\n";
    check(
        files,
        &[
            (
                "app.replicas",
                "app.replicas = 3\n  → prod.cue:1:16  3\n  → same.cue:1:16  3\n    base.cue:1:17  int & >0\n",
            ),
            ("app.port", "app.port = 8080\n  → base.cue:1:33  *8080 | int  (default)\n"),
            ("app", &[why(files, "app.replicas", false), why(files, "app.port", false)].join("\n")),
        ],
    );
}

#[test]
fn the_way_is_told() {
    let files = "-- x.cue --\n#A: {n: int}\n#B: #A & {m: *1 | int}\nb: #B & {n: c.d}\nc: d: 2\nl: n: #Level\n#Level: >0\nl: n: 5\n";
    check(
        files,
        &[
            ("b.n", "b.n = 2\n  → x.cue:4:7  2    (via c.d)\n    x.cue:1:9  int  (via #B › #A)\n"),
            ("b.m", "b.m = 1\n  → x.cue:2:14  *1 | int  (default, via #B)\n"),
            ("l.n", "l.n = 5\n  → x.cue:7:7  5\n    x.cue:6:9  >0  (via #Level)\n"),
        ],
    );
}

#[test]
fn patterns_and_rounds_are_told() {
    let files = "-- x.cue --\napps: {\n\tfor name, n in {shop: 1, mail: 2} {\n\t\t(name): replicas: n\n\t}\n\
                 \t[=~\"^s\"]: zone: \"eu\"\n\tif debug {mail: log: \"all\"}\n}\ndebug: true\nl: [for i in [7] {v: i}]\n";
    check(
        files,
        &[
            (
                "apps.mail.replicas",
                "apps.mail.replicas = 2\n  → x.cue:2:33  2  (via for name, n in {shop: 1, mail: 2} with name = \"mail\", n = 2 › n)\n",
            ),
            ("apps.shop.zone", "apps.shop.zone = \"eu\"\n  → x.cue:5:18  \"eu\"  (via [=~\"^s\"])\n"),
            ("apps.mail.log", "apps.mail.log = \"all\"\n  → x.cue:6:23  \"all\"  (via if debug)\n"),
            ("l", "l[0].v = 7\n  → x.cue:9:15  7  (via for i in [7] with i = 7 › i)\n"),
        ],
    );
}

#[test]
fn what_was_computed_has_inputs() {
    let files =
        "-- x.cue --\nimage: \"\\(repo):\\(tag)\"\nrepo: \"r/\" + name\nname: *\"shop\" | string\ntag: \"1.0\"\n";
    let expected = "image = \"r/shop:1.0\"\n  → x.cue:1:8  \"\\(repo):\\(tag)\"\n      repo = \"r/shop\"\n\
                    \x20       → x.cue:2:7  \"r/\" + name\n            name = \"shop\"\n\
                    \x20             → x.cue:3:7  *\"shop\" | string  (default)\n\
                    \x20     tag = \"1.0\"\n        → x.cue:4:6  \"1.0\"\n";
    check(files, &[("image", expected)]);
}

#[test]
fn elements_that_functions_move_come_from_their_lists() {
    let files =
        "-- x.cue --\nimport \"list\"\na: [{n: \"A\"}]\nb: [{n: \"B\"}]\nc: list.Concat([a, [for x in b {x}]])\n";
    check(
        files,
        &[
            ("c[0].n", "c[0].n = \"A\"\n  → x.cue:2:9  \"A\"\n"),
            ("c[1].n", "c[1].n = \"B\"\n  → x.cue:3:9  \"B\"  (via x)\n"),
        ],
    );
}

#[test]
fn alternatives_that_fell_say_why() {
    let files = "-- x.cue --\na: \"x\" | *\"y\"\na: !=\"y\"\nb: {k: 1, v: 2} | {k: 2, v: 3}\nb: k: 2\nc: 1 | 2\n";
    check(
        files,
        &[
            (
                "a",
                "a = \"x\"\n  → x.cue:1:4  \"x\" | *\"y\"  (all that is left)\n      not \"y\": invalid value \"y\" (out of bound !=\"y\")\n    x.cue:2:4  !=\"y\"\n",
            ),
            (
                "b",
                "b = {\"k\":2,\"v\":3}\n  → x.cue:3:4  {k: 1, v: 2} | {k: 2, v: 3}  (all that is left)\n      not {k: 1, v: 2}: conflicting values 1 and 2\n\n\
                 b.k = 2\n  → x.cue:4:7   2\n  → x.cue:3:23  2\n\nb.v = 3\n  → x.cue:3:29  3\n",
            ),
            ("c", "c has no value: unresolved disjunction 1 | 2\n    x.cue:5:4  1 | 2\n"),
        ],
    );
}

#[test]
fn what_contradicts_is_marked() {
    let files = "-- a.cue --\nx: 1\n-- b.cue --\nx: 2\n-- c.cue --\nx: int\ny: string\n";
    check(
        files,
        &[
            (
                "x",
                "x has no value: conflicting values 2 and 1\n  ✗ a.cue:1:4  1\n  ✗ b.cue:1:4  2\n    c.cue:1:4  int\n",
            ),
            ("y", "y has no value: incomplete value string\n    c.cue:2:4  string\n"),
        ],
    );
}

#[test]
fn what_goes_into_a_function_is_told() {
    let files = "-- x.cue --\nimport \"list\"\nhosts: list.SortStrings([for n, _ in apps if n != skip for d in domains {\"\\(n).\\(d)\\(end)\"}])\n\
                 apps: {b: {}, a: {}}\ndomains: [\"x\"]\nskip: \"a\"\nend: \"!\"\n";
    let expected = "hosts[0] = \"b.x!\"\n  → x.cue:2:8  list.SortStrings([for n, _ in apps if n != skip for d in domains {\"\\(n).…\n\
                    \x20     apps = {\"b\":{},\"a\":{}}\n      skip = \"a\"\n        → x.cue:5:7  \"a\"\n\
                    \x20     domains = [\"x\"]\n      end = \"!\"\n        → x.cue:6:6  \"!\"\n";
    check(files, &[("hosts[0]", expected)]);
}

#[test]
fn what_stands_in_no_configuration_is_told() {
    let memory = Memory::default()
        .with("/w/x.cue", "@extern(embed)\n\npackage x\n\nfrom: _ @embed(file=e.json)\ntag: string @tag(version)\nport: int\nnext: port + 1\n")
        .with("/w/e.json", "{\"a\": [7]}")
        .with("/w/cue.mod/module.cue", "module: \"a.b/m\"\nlanguage: version: \"v0.17.0\"\n")
        .with("/w/d.yaml", "port: 80\n");
    let options = Options { folder: "/w".into(), tags: vec!["version=1.0".to_owned()], ..Options::default() };
    let build = load(&memory, &options, &[".".to_owned(), "d.yaml".to_owned()]).expect("it loads");
    let values: Vec<_> = build.data.iter().flat_map(|file| file.values.clone()).collect();
    let instance = build.instance(build.instances[0], &values, Limits::default()).expect("names are bound");
    let found = text(&instance.why(None, "").expect("there is something to explain"), &build.sources);
    assert_eq!(
        found,
        "from.a[0] = 7\n  → e.json:1:8  7\n\n\
         tag = \"1.0\"\n  → x.cue:6:13  @tag(version)\n    x.cue:6:6   string\n\n\
         port = 80\n  → d.yaml:1:7  80\n    x.cue:7:7   int\n\n\
         next = 81\n  → x.cue:8:7  port + 1\n      port = 80\n        → d.yaml:1:7  80\n"
    );
}

#[test]
fn imported_packages_are_layers_too() {
    let files = "-- cue.mod/module.cue --\nmodule: \"a.b/m\"\nlanguage: version: \"v0.17.0\"\n-- lib/l.cue --\npackage lib\n#App: tag: *\"latest\" | string\n\
                 -- env.cue --\nimport \"a.b/m/lib\"\nshop: lib.#App & {tag: \"1.0\"}\nmail: lib.#App\n";
    check(
        files,
        &[
            (
                "shop.tag",
                "shop.tag = \"1.0\"\n  → env.cue:2:24    \"1.0\"\n    lib/l.cue:2:12  *\"latest\" | string  (via lib.#App)\n",
            ),
            ("mail.tag", "mail.tag = \"latest\"\n  → lib/l.cue:2:12  *\"latest\" | string  (default, via lib.#App)\n"),
        ],
    );
}

#[test]
fn programs_read_the_same() {
    let found = why("-- x.cue --\na: *b | 2\nb: 1\na: <5\n", "a", true);
    let value: serde_json::Value = serde_json::from_str(&found).expect("it is JSON");
    let said = &value[0]["said"];
    assert_eq!(value[0]["path"], "a");
    assert_eq!(value[0]["value"], 1);
    assert_eq!(said[0]["role"], Role::Decides.name());
    assert_eq!(said[0]["via"][0]["sort"], "alternative");
    assert_eq!(said[0]["via"][1]["text"], "b");
    assert_eq!((&said[0]["line"], &said[0]["column"]), (&2.into(), &4.into()));
    assert_eq!(said[1]["alternatives"][0]["fate"], "taken");
    assert_eq!(said[1]["alternatives"][1]["fate"], "left");
    assert_eq!(said[2]["text"], "<5");
}
