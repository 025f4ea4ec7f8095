//! Each thing that can be wrong with a spec, and what is said about it.

mod support;

use shipway_config::read;
use shipway_core::finding::{Category, Severity};

use crate::support::{expect_one, found};

/// The first line of what a case adds to the service `web`.
const ADDED: u32 = 10;

/// A spec without a finding; a case's lines go into the service `web`.
fn spec(added: &str) -> String {
    let text = r#"[project]
name = "shop"
[environments.staging]
type = "staging"
[services.web]
kind = "process"
run = "bin/web"
routes = [{ host = "shop.localhost" }]
health.startup.tcp = true
"#;
    format!("{text}{added}\n")
}

/// Every case says exactly one thing, at one line.
fn expect_each(severity: Severity, cases: &[(&str, u32, &str, &str)]) {
    for (added, line, field, message) in cases {
        expect_one(severity, &spec(added), ADDED + line, field, message);
    }
}

#[test]
fn the_base_of_the_cases_has_no_finding() {
    assert_eq!(found(&spec("")), []);
    assert_eq!(found(include_str!("../../../examples/shop/shipway.toml")), []);
}

#[test]
fn what_is_not_toml_is_told_by_line_and_column() {
    let found = found("[project]\nname = shop\n");
    let first = &found[0];
    assert_eq!((first.line, first.severity), (Some(2), Severity::Critical));
    assert!(first.message.starts_with("shipway.toml:2:8: this is not TOML: "), "{}", first.message);
    assert_eq!(first.details.as_deref(), Some("name = shop\n       ^"));
}

#[test]
fn several_faults_of_syntax_are_told_at_once() {
    let lines: Vec<Option<u32>> = found("a = \nb = 1\nb = 2\n[c\n").iter().map(|finding| finding.line).collect();
    for line in [1, 3, 4] {
        assert!(lines.contains(&Some(line)), "{lines:?}");
    }
}

#[test]
fn numbers_out_of_range_and_huge_files_are_refused() {
    assert!(found("a = nan")[0].message.contains("the number nan is out of range"));
    let huge = " ".repeat(read::TEXT_BYTES_MAX + 1);
    assert!(found(&huge)[0].message.contains("larger than 1048576 bytes"));
}

#[test]
fn keys_and_types() {
    expect_each(
        Severity::Critical,
        &[
            ("helth.startup.tcp = true", 0, "services.web.helth", "unknown key `helth`: did you mean `health`?"),
            ("instance = 2", 0, "services.web.instance", "unknown key `instance`: did you mean `instances`?"),
            ("depends-on = []", 0, "services.web.depends-on", "unknown key `depends-on`: did you mean `depends_on`?"),
            ("memory_mb = 5", 0, "services.web.memory_mb", "unknown key `memory_mb`: it belongs into `limits`"),
            ("\ncolour = 5", 1, "services.web.colour", "unknown key `colour`"),
            (
                "instances = \"two\"",
                0,
                "services.web.instances",
                "`instances` is a text (`\"two\"`): it must be a whole number from 1 to 64",
            ),
            (
                "instances = 1.5",
                0,
                "services.web.instances",
                "`instances` is a number with a fraction (1.5): it must be a whole number from 1 to 64",
            ),
            ("instances = 0", 0, "services.web.instances", "`instances` is 0: it must be from 1 to 64"),
            ("limits.cpu = 0", 0, "services.web.limits.cpu", "`cpu` is 0: it must be 0.01 or more"),
            ("on_failure = \"stopp\"", 0, "services.web.on_failure", "`on_failure` is `stopp`: did you mean `stop`?"),
            (
                "on_failure = \"explode\"",
                0,
                "services.web.on_failure",
                "`on_failure` is `explode`: it may be `rollback` or `stop`",
            ),
            (
                "depends_on = \"web\"",
                0,
                "services.web.depends_on",
                "`depends_on` is a text (`\"web\"`): it must be a list",
            ),
            ("data = [5]", 0, "services.web.data[0]", "`data[0]` is a whole number (5): it must be a text"),
            (
                "variables.RETRIES = 5",
                0,
                "services.web.variables.RETRIES",
                "`RETRIES` is a whole number (5): it must be a text",
            ),
            ("stop = \"TERM\"", 0, "services.web.stop", "`stop` is a text (`\"TERM\"`): it must be a table"),
            (
                "[[services.web.checks]]\nname = \"c\"\nhttp = \"/\"",
                0,
                "services.web.checks[0].phase",
                "`phase` is missing in `services.web.checks[0]`",
            ),
        ],
    );
}

#[test]
fn values_with_a_form_of_their_own() {
    expect_each(
        Severity::Critical,
        &[
            (
                "bake = \"5 minutes\"",
                0,
                "services.web.bake",
                "`bake`: `5 minutes` is not a length of time: write it like `30s`, `5m` or `1h30m`",
            ),
            ("bake = 5", 0, "services.web.bake", "`bake` is a whole number (5): it must be a length of time"),
            (
                "build = \"make 'open\"",
                0,
                "services.web.build",
                "`build`: a ' is opened and never closed in `make 'open`",
            ),
            ("build = []", 0, "services.web.build", "`build`: a command needs at least the program"),
            (
                "build = 5",
                0,
                "services.web.build",
                "`build` is a whole number (5): it must be a command: a text, or a list of texts",
            ),
            ("strategy = \"canari\"", 0, "services.web.strategy", "`strategy` is `canari`: did you mean `canary`?"),
            (
                "strategy = 5",
                0,
                "services.web.strategy",
                "`strategy` is a whole number (5): it must be `blue-green`, `rolling`, `canary` or `recreate`, or a table",
            ),
            (
                "strategy = { kind = \"rolling\", bach = 2 }",
                0,
                "services.web.strategy.bach",
                "unknown key `bach`: did you mean `batch`?",
            ),
            (
                "strategy = { kind = \"rollin\" }",
                0,
                "services.web.strategy.kind",
                "`kind` is `rollin`: did you mean `rolling`?",
            ),
            (
                "strategy = { batch = 2 }",
                0,
                "services.web.strategy.kind",
                "`kind` is missing in `services.web.strategy`",
            ),
            (
                "strategy = { kind = \"canary\", steps = \"50% 1s, 20% 1s, 100%\" }",
                0,
                "services.web.strategy.steps",
                "`steps`: the shares of a canary must grow from step to step: `50% 1s, 20% 1s, 100%`",
            ),
        ],
    );
}

#[test]
fn a_slip_in_a_needed_key_is_told_once() {
    let text = "[project]\nname = \"p\"\n[environments.e]\ntype = \"testing\"\n[services.web]\nkind = \"static\"\n";
    assert_eq!(found(text).len(), 0);
    expect_one(
        Severity::Critical,
        &text.replace("kind", "kin"),
        6,
        "services.web.kin",
        "unknown key `kin`: did you mean `kind`?",
    );
    let text = spec("").replace("run =", "runn =");
    expect_one(Severity::Critical, &text, 7, "services.web.runn", "unknown key `runn`: did you mean `run`?");
}

#[test]
fn what_the_kind_of_a_service_asks_for() {
    let process = spec("").replace("run = \"bin/web\"\n", "");
    expect_one(Severity::Critical, &process, 5, "services.web.run", "`web` is a process without a command");
    let site = spec("").replace("\"process\"", "\"static\"").replace("health.startup.tcp = true\n", "");
    expect_one(Severity::Critical, &site, 7, "services.web.run", "`web` is a static site: there is nothing to run");
    let site = site.replace("run = \"bin/web\"", "instances = 2");
    expect_one(
        Severity::Warning,
        &site,
        7,
        "services.web.instances",
        "`instances` means nothing for the static site `web`: the proxy serves its files",
    );
    let blind = spec("").replace("health.startup.tcp = true", "");
    expect_one(
        Severity::Info,
        &blind,
        5,
        "services.web.health",
        "`web` has no health probe: an open port counts as healthy",
    );
}

#[test]
fn probes_and_checks() {
    expect_each(
        Severity::Critical,
        &[
            ("health.liveness.timeout_ms = 5", 0, "services.web.health.liveness", "`liveness` asks nothing"),
            (
                "health.liveness = { tcp = true, http = \"/\" }",
                0,
                "services.web.health.liveness",
                "`liveness` asks 2 things: `http` and `tcp`",
            ),
            (
                "health.liveness.tcp = false",
                0,
                "services.web.health.liveness.tcp",
                "`tcp` is `false`: that asks nothing",
            ),
            (
                "checks = [{ name = \"c\", phase = \"test\", http = \"healthz\" }]",
                0,
                "services.web.checks[0].http",
                "`http` must begin with `/`: `healthz`",
            ),
            (
                "checks = [{ name = \"c\", phase = \"test\", http = \"/\", expect.status = 999 }]",
                0,
                "services.web.checks[0].expect.status",
                "`status` is 999: an answer of HTTP has one from 100 to 599",
            ),
            (
                "[[services.web.checks]]\nname = \"c\"\nphase = \"test\"\nhttp = \"/\"\n\
                 [[services.web.checks]]\nname = \"c\"\nphase = \"verify\"\nhttp = \"/\"",
                5,
                "services.web.checks[1].name",
                "two checks of `web` are called `c`",
            ),
        ],
    );
}

#[test]
fn variables_and_folders() {
    expect_each(
        Severity::Critical,
        &[
            (
                "variables.PORT = \"80\"",
                0,
                "services.web.variables.PORT",
                "`PORT` is Shipway's: each instance is given a port of its own",
            ),
            (
                "variables.SHIPWAY_X = \"\"",
                0,
                "services.web.variables.SHIPWAY_X",
                "`SHIPWAY_X` is Shipway's: names that begin with `SHIPWAY_` are given by Shipway",
            ),
            ("variables.\"A=B\" = \"\"", 0, "services.web.variables.\"A=B\"", "the variable's name `A=B` holds a `=`"),
            (
                "build = \"b\"\nbuild_pass = [\"SHIPWAY_TOKEN\"]",
                1,
                "services.web.build_pass[0]",
                "`SHIPWAY_TOKEN` is the server's own: a build may not see it",
            ),
            ("data = [\"../etc\"]", 0, "services.web.data[0]", "`data[0]` leads out with `..`: `../etc`"),
            ("data = [\"/etc\"]", 0, "services.web.data[0]", "`data[0]` is absolute: `/etc`"),
            ("source = \"../web\"", 0, "services.web.source", "`source` leads out with `..`: `../web`"),
            ("build = \"b\"\noutput = \"/\"", 1, "services.web.output", "`output` is absolute: `/`"),
            ("node_version = \"v20\"", 0, "services.web.node_version", "`v20` is not a version of Node.js"),
        ],
    );
}

#[test]
fn commands_that_only_a_shell_understands() {
    expect_each(
        Severity::Warning,
        &[
            (
                "build = \"make && make install\"",
                0,
                "services.web.build",
                "`build` holds `&&`, which means nothing: no shell reads a command",
            ),
            (
                "build = \"serve $PORT\"",
                0,
                "services.web.build",
                "`build` holds `$PORT`, which is not replaced: no shell reads a command",
            ),
        ],
    );
    assert_eq!(found(&spec("build = [\"sh\", \"-c\", \"a && b $C\"]")), []);
}

#[test]
fn builds_that_make_no_sense() {
    let text = spec("install = \"npm ci\"\noutput = \"dist\"");
    let message = "there is an `install` and an `output`, but no `build` that would make the output";
    expect_one(Severity::Warning, &text, 5, "services.web.build", message);
    let message = "`build_pass` means nothing: there is no `install` and no `build`";
    expect_one(Severity::Warning, &spec("build_pass = [\"HOME\"]"), ADDED, "services.web.build_pass", message);
    let message = "nothing is built, so `dist` must be in the source as it is";
    expect_one(Severity::Info, &spec("output = \"dist\""), ADDED, "services.web.output", message);
}

#[test]
fn traffic() {
    expect_each(
        Severity::Warning,
        &[
            ("success.min_requests = 5", 0, "services.web.success", "`min_requests` without a limit judges nothing"),
            (
                "success.p99_ms_max = 5",
                0,
                "services.web.success",
                "`success` is never asked: there is neither a canary nor a bake",
            ),
            (
                "strategy = { kind = \"rolling\", max_surge = 0, max_unavailable = 1 }",
                0,
                "services.web.strategy",
                "all 1 instances may be missing at a time: nobody would answer",
            ),
            (
                "strategy = { kind = \"recreate\", hold_ms_max = 0 }",
                0,
                "services.web.strategy",
                "nothing is held during the gap: every request in it fails",
            ),
            (
                "strategy = { kind = \"canary\", steps = \"5% 1h, 100%\" }",
                0,
                "services.web.strategy",
                "the canary's steps and the bake take 3600 s, but a deployment may take 1800 s",
            ),
            (
                "timeouts.drain_s = 0",
                0,
                "services.web.timeouts.drain_s",
                "`drain_s` is 0: requests in flight at an old instance are cut",
            ),
            ("run_as = \"root\"", 0, "services.web.run_as", "`web` is built and runs as root"),
        ],
    );
    let message = "`build_s` is 900, longer than the whole deployment may take (600)";
    expect_one(Severity::Warning, &spec("deadline_s = 600"), 5, "services.web.timeouts.build_s", message);
    let stuck = "strategy = { kind = \"rolling\", max_surge = 0, max_unavailable = 0 }";
    let message = "a rolling deployment can't move: there may be neither one instance more nor one fewer";
    let told = found(&spec(stuck));
    assert!(
        told.iter().any(|finding| finding.message == message && finding.severity == Severity::Critical),
        "{told:?}"
    );
}

#[test]
fn routes() {
    let with = |route: &str| spec("").replace("{ host = \"shop.localhost\" }", route);
    let cases = [
        ("{ host = \"http://shop\" }", "host", "the host `http://shop` begins like a URL"),
        ("{ host = \"shop:80\" }", "host", "the host `shop:80` holds a port: the proxy listens on one of its own"),
        ("{ host = \"shop/api\" }", "host", "the host `shop/api` holds a path: that belongs into `path`"),
        ("{ host = \"{env}.shop\" }", "host", "the host `{env}.shop` holds a placeholder that is not `{environment}`"),
        ("{ host = \"Shop\" }", "host", "the host `Shop` holds capitals: hosts are compared in lower case"),
        ("{ host = \"a..b\" }", "host", "the host `a..b` has an empty part between dots"),
        ("{ host = \"a_b\" }", "host", "the host `a_b` may hold only a-z, 0-9, `-` and dots"),
        ("{ host = \"-a\" }", "host", "the host `-a` has a part that begins or ends with `-`: `-a`"),
        ("{ host = \"a\", path = \"api\" }", "path", "the path `api` must begin with `/`"),
        (
            "{ host = \"a\", path = \"/a?b\" }",
            "path",
            "the path `/a?b` holds a `?` or `#`: only the path itself is matched",
        ),
        ("{ host = \"a\", path = \"/a/../b\" }", "path", "the path `/a/../b` holds a `.` or `..` segment"),
    ];
    for (route, key, message) in cases {
        expect_one(Severity::Critical, &with(route), 8, &format!("services.web.routes[0].{key}"), message);
    }
    assert_eq!(found(&with("{ host = \"{environment}.shop.localhost\" }")), []);
    assert_eq!(found(&with("{ host = \"Shop\" }"))[0].category, Category::Network);
}

#[test]
fn two_services_at_one_place() {
    let other = "[services.api]\nkind = \"static\"\nroutes = [{ host = \"SHOP.localhost\", path = \"/\" }]";
    let text = spec(&other.replace("SHOP", "shop"));
    let message = "`api` and `web` both take the route `shop.localhost/`";
    expect_one(Severity::Critical, &text, 8, "services.web.routes[0]", message);
    // Only the environment tells the two hosts apart.
    let text = text.replace("[{ host = \"shop.localhost\", path", "[{ host = \"shop.{environment}\", path");
    assert_eq!(found(&text), []);
    let text = text.replace("\"shop.localhost\"", "\"shop.staging\"");
    assert_eq!(found(&text).len(), 1);
}

#[test]
fn dependencies() {
    let message = "there is no service `catalogue`: did you mean `catalog`?";
    let catalog = "[services.catalog]\nkind = \"static\"";
    let text = spec(&format!("depends_on = [\"catalogue\"]\n{catalog}"));
    expect_one(Severity::Critical, &text, ADDED, "services.web.depends_on[0]", message);
    let text = spec("depends_on = [\"web\"]");
    let message = "services wait for each other in a circle: web -> web";
    expect_one(Severity::Critical, &text, ADDED, "services.web.depends_on", message);
    let two = "depends_on = [\"checkout\"]\n[services.checkout]\nkind = \"static\"\ndepends_on = [\"catalog\"]\n\
               [services.catalog]\nkind = \"static\"\ndepends_on = [\"web\"]";
    let message = "services wait for each other in a circle: catalog -> web -> checkout -> catalog";
    expect_one(Severity::Critical, &spec(two), ADDED + 6, "services.catalog.depends_on", message);
}

#[test]
fn names_and_groups() {
    let text = "[project]\nname = \"My Shop\"\n[environments.e_1]\ntype = \"testing\"\n[services.2]\nkind = \"static\"\n\
                [groups.g]\nservices = [\"x\"]\n";
    let told: Vec<(Option<u32>, String)> =
        found(text).into_iter().map(|finding| (finding.line, finding.message)).collect();
    let expected = [
        (2, "the project's name `My Shop` must start with a letter from a to z"),
        (3, "the environment's name `e_1` may hold only a-z, 0-9 and '-'"),
        (5, "the service's name `2` must start with a letter from a to z"),
        (8, "there is no service `x`"),
    ];
    assert_eq!(told, expected.map(|(line, message)| (Some(line), message.to_owned())));
}

#[test]
fn a_file_without_services_or_environments() {
    let message = |text: &str| found(text).into_iter().map(|finding| finding.message).collect::<Vec<_>>();
    let told = message("[project]\nname = \"p\"\n[services]\n[environments]\n");
    assert_eq!(told, ["the file has no services", "the file has no environments"]);
    let told = message("");
    assert_eq!(told.len(), 3);
    assert!(told.contains(&"`project` is missing in the file".to_owned()), "{told:?}");
}

#[test]
fn notifications() {
    let with = |notify: &str| {
        format!(
            "{}[project]\nname = \"shop\"\nnotify = [{notify}]\n",
            spec("").replace("[project]\nname = \"shop\"\n", "")
        )
    };
    let cases = [
        ("{ on = [\"failed\"] }", Severity::Critical, "", "this entry notifies nobody"),
        (
            "{ webhook = \"http://a\", secret_variable = \"K\", command = \"c\" }",
            Severity::Critical,
            "",
            "this entry notifies in 2 ways: `webhook` and `command`",
        ),
        (
            "{ webhook = \"example.com\", secret_variable = \"K\" }",
            Severity::Critical,
            ".webhook",
            "the webhook `example.com` is no URL of http or https",
        ),
        (
            "{ webhook = \"http://a\" }",
            Severity::Info,
            "",
            "the webhook is not signed: its receiver can't tell who sent it",
        ),
        (
            "{ command = \"c\", secret_variable = \"K\" }",
            Severity::Warning,
            ".secret_variable",
            "`secret_variable` means nothing without a `webhook`",
        ),
        (
            "{ email = { server = \"mail\", from = \"a@b\", to = [\"c@d\"] } }",
            Severity::Critical,
            ".email.server",
            "the mail server must begin with `smtp://` or `smtps://`",
        ),
        (
            "{ email = { server = \"smtp://mail\", from = \"a@b\", to = [\"team\"] } }",
            Severity::Critical,
            ".email.to[0]",
            "`team` is no address of e-mail",
        ),
        (
            "{ command = \"c\", on = [\"faild\"] }",
            Severity::Critical,
            ".on[0]",
            "`on[0]` is `faild`: did you mean `failed`?",
        ),
    ];
    for (notify, severity, below, message) in cases {
        expect_one(severity, &with(notify), 11, &format!("project.notify[0]{below}"), message);
    }
}

#[test]
fn production_wants_more() {
    let text = spec("on_failure = \"stop\"");
    assert_eq!(found(&text), []);
    let message = "a failed deployment of `web` stays as it is, in production, until a person decides";
    let production = text.replace("\"staging\"", "\"production\"");
    expect_one(Severity::Warning, &production, ADDED, "services.web.on_failure", message);
}

#[test]
fn an_environments_word_is_told_at_the_environment() {
    let with = |lines: &str| spec(&format!("[environments.production]\ntype = \"production\"\n{lines}"));
    let cases = [
        (
            "services.web.instances = 99",
            "environments.production.services.web.instances",
            "`instances` is 99: it must be from 1 to 64",
        ),
        (
            "services.web.routes = [{ host = \"A\" }]",
            "environments.production.services.web.routes[0].host",
            "the host `A` holds capitals: hosts are compared in lower case",
        ),
        (
            "services.wep.instances = 2",
            "environments.production.services.wep",
            "there is no service `wep`: did you mean `web`?",
        ),
        (
            "variables.PORT = \"80\"",
            "environments.production.variables.PORT",
            "`PORT` is Shipway's: each instance is given a port of its own",
        ),
        (
            "services.web.instanses = 2",
            "environments.production.services.web.instanses",
            "unknown key `instanses`: did you mean `instances`?",
        ),
    ];
    for (lines, field, message) in cases {
        expect_one(Severity::Critical, &with(lines), ADDED + 2, field, message);
    }
}

/// Three checks of which the environment says two; the places in its list are not those in the whole.
const NAMED: &str = r#"[[services.web.checks]]
name = "first"
phase = "verify"
http = "/first"
[[services.web.checks]]
name = "second"
phase = "verify"
http = "/second"
[[environments.staging.services.web.checks]]
name = "second"
http = "/other"
[[environments.staging.services.web.checks]]
name = "third"
phase = "verify"
http = "/third""#;

#[test]
fn an_item_of_a_list_that_merges_by_name_is_told_where_it_is_written() {
    assert_eq!(found(&spec(NAMED)), []);
    let cases = [
        ("/first", "services.web.checks[0].http", 3),
        ("/other", "environments.staging.services.web.checks[0].http", 10),
        ("/third", "environments.staging.services.web.checks[1].http", 14),
    ];
    for (path, field, line) in cases {
        let text = spec(&NAMED.replace(path, path.trim_start_matches('/')));
        let found = found(&text);
        let told: Vec<_> = found.iter().map(|one| (one.field.as_deref(), one.line)).collect();
        assert_eq!(told, [(Some(field), Some(ADDED + line))], "{found:?}");
    }
    // What is missing in the whole is missing where the item is.
    let nameless = spec(&NAMED.replace("http = \"/third\"", ""));
    let told: Vec<_> = found(&nameless).into_iter().map(|one| (one.field, one.line)).collect();
    assert_eq!(told, [(Some("environments.staging.services.web.checks[1]".to_owned()), Some(ADDED + 11))]);
}

#[test]
fn one_fault_keeps_no_other_from_being_seen() {
    let text = spec(
        "instances = \"two\"\nhealth.startup.http = 5\ndepends_on = [\"nobody\"]\n\
         [[services.web.checks]]\nname = \"c\"\nhttp = \"/\"\n[services.broken]\n",
    );
    let told: Vec<String> = found(&text).into_iter().map(|finding| finding.message).collect();
    for message in [
        "`instances` is a text (`\"two\"`): it must be a whole number from 1 to 64",
        "`http` is a whole number (5): it must be a text",
        "there is no service `nobody`",
        "`phase` is missing in `services.web.checks[0]`",
        "`kind` is missing in `services.broken`",
    ] {
        assert!(told.contains(&message.to_owned()), "{message}\n{told:#?}");
    }
    assert_eq!(told.len(), 5, "{told:#?}");
}

#[test]
fn advice_is_something_to_write() {
    let advice = |added: &str| found(&spec(added)).remove(0).recommendation.expect("advice");
    assert_eq!(advice("variables.N = 5"), "for instance `N = \"5\"`");
    assert_eq!(advice("deadline_s = \"x\""), "for instance `deadline_s = 1800`");
    assert_eq!(advice("instances = 100"), "for instance `instances = 64`");
    assert_eq!(advice("rutes = []"), "write `routes` instead of `rutes`");
    let text = spec("").replace("kind = \"process\"\n", "");
    assert_eq!(found(&text)[0].recommendation.as_deref(), Some("add `kind = \"process\"` or `kind = \"static\"`"));
}
