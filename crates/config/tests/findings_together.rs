//! What can be wrong with how services work together: orders of groups, interactions, migrations, limits of rollbacks.

mod support;

use serde_json::json;
use shipway_config::{
    Target, findings, read,
    resolve::{self, Layer},
};
use shipway_core::{
    config::origin::Origin,
    finding::{Category, Severity},
    spec::{MigrateKind, Order, OrderName},
    time::Span,
};

use crate::support::{expect_one, found};

/// A spec without a finding. What a case adds stands behind it, from line `ADDED` on.
const SPEC: &str = r#"[project]
name = "shop"
[environments.staging]
type = "staging"
[services.api]
kind = "process"
run = "bin/api"
health.startup.tcp = true
data = ["rows"]
[services.mid]
kind = "process"
run = "bin/mid"
health.startup.tcp = true
depends_on = ["api"]
[services.web]
kind = "static"
depends_on = ["mid"]
"#;
const ADDED: u32 = 18;

fn with(added: &str) -> String {
    format!("{SPEC}{added}\n")
}

/// Every case says exactly one thing; its line counts from the first that it adds.
fn expect_each(severity: Severity, cases: &[(&str, u32, &str, &str)]) {
    for (added, line, field, message) in cases {
        expect_one(severity, &with(added), ADDED + line, field, message);
    }
}

fn interaction(lines: &str) -> String {
    format!("[[interactions]]\nname = \"i\"\nphase = \"test\"\n{lines}")
}

fn group(order: &str) -> String {
    format!("[groups.all]\nservices = [\"api\", \"mid\", \"web\"]\n{order}")
}

/// A migration of the service `api`.
fn migrate(lines: &str) -> String {
    format!("[services.api.migrate]\ncommand = \"bin/migrate\"\nkind = \"expand\"\n{lines}")
}

#[test]
fn what_can_be_said_is_said_without_a_finding() {
    for added in [
        "",
        &group("order = \"parallel\""),
        &group("order = \"sequential\""),
        &group("order = [[\"api\"], [\"mid\", \"web\"]]"),
        &group("order = [[\"api\"], [\"mid\"]]"),
        &interaction("from = \"api\"\nhttp = \"/\""),
        &interaction("from = \"api\"\nto = \"api\"\nhttp = \"/\""),
        &interaction("from = \"mid\"\nto = \"api\"\nhttp = \"/\"\nexpect = { status = 200 }\nretries = 3"),
        &interaction("from = \"web\"\nto = \"mid\"\ncommand = \"curl -f x\""),
        &migrate(""),
        &migrate("snapshot = true\nsnapshot_mb_max = 5"),
        "[services.api.migrate]\ncommand = [\"sh\", \"-c\", \"a && b\"]\nkind = \"contract\"",
        "[environments.production]\ntype = \"production\"\nrollback_limit = { max = 1, per = \"1ms\" }",
    ] {
        assert_eq!(found(&with(added)), [], "{added}");
    }
}

#[test]
fn slips_in_keys_and_words_are_understood() {
    expect_each(
        Severity::Critical,
        &[
            (
                "[[interaction]]\nname = \"i\"",
                0,
                "interaction",
                "unknown key `interaction`: did you mean `interactions`?",
            ),
            (
                &interaction("form = \"api\"\nhttp = \"/\""),
                3,
                "interactions[0].form",
                "unknown key `form`: did you mean `from`?",
            ),
            (
                &interaction("from = \"api\"\nhttp = \"/\"\nexpect = { stat = 200 }"),
                5,
                "interactions[0].expect.stat",
                "unknown key `stat`: did you mean `status`?",
            ),
            (
                "[[interactions]]\nname = \"i\"\nphase = \"tets\"\nfrom = \"api\"\nhttp = \"/\"",
                2,
                "interactions[0].phase",
                "`phase` is `tets`: did you mean `test`?",
            ),
            (&interaction("http = \"/\""), 0, "interactions[0].from", "`from` is missing in `interactions[0]`"),
            (&group("ordr = \"parallel\""), 2, "groups.all.ordr", "unknown key `ordr`: did you mean `order`?"),
            (
                &group("order = \"sequental\""),
                2,
                "groups.all.order",
                "`order` is `sequental`: did you mean `sequential`?",
            ),
            (
                &group("order = 5"),
                2,
                "groups.all.order",
                "`order` is a whole number (5): it must be `parallel` or `sequential`, or a list",
            ),
            (
                &group("order = [[\"api\"], \"mid\"]"),
                2,
                "groups.all.order[1]",
                "`order[1]` is a text (`\"mid\"`): it must be a list",
            ),
            (
                &migrate("snapshots = true"),
                3,
                "services.api.migrate.snapshots",
                "unknown key `snapshots`: did you mean `snapshot`?",
            ),
            (
                "[services.api.migrate]\ncommand = \"m\"\nkind = \"expnd\"",
                2,
                "services.api.migrate.kind",
                "`kind` is `expnd`: did you mean `expand`?",
            ),
            (
                "[services.api.migrate]\ncommand = \"m\"",
                0,
                "services.api.migrate.kind",
                "`kind` is missing in `services.api.migrate`",
            ),
            (
                &migrate("snapshot_mb_max = 0"),
                3,
                "services.api.migrate.snapshot_mb_max",
                "`snapshot_mb_max` is 0: it must be 1 or more",
            ),
            (
                "[services.api.timeouts]\nmigrat_s = 5",
                1,
                "services.api.timeouts.migrat_s",
                "unknown key `migrat_s`: did you mean `migrate_s`?",
            ),
            (
                "[services.api.timeouts]\nrollback_s = 0",
                1,
                "services.api.timeouts.rollback_s",
                "`rollback_s` is 0: it must be from 1 to 86400",
            ),
            (
                "[environments.qa]\ntype = \"testing\"\nrollback_limits.max = 1",
                2,
                "environments.qa.rollback_limits",
                "unknown key `rollback_limits`: did you mean `rollback_limit`?",
            ),
            (
                "[environments.qa]\ntype = \"testing\"\nrollback_limit.most = 1",
                2,
                "environments.qa.rollback_limit.most",
                "unknown key `most`",
            ),
            (
                "[environments.qa]\ntype = \"testing\"\nrollback_limit.max = 0",
                2,
                "environments.qa.rollback_limit.max",
                "`max` is 0: it must be from 1 to 1000",
            ),
        ],
    );
}

#[test]
fn interactions() {
    expect_each(
        Severity::Critical,
        &[
            (&interaction("from = \"api\""), 0, "interactions[0]", "`interactions[0]` asks nothing"),
            (
                &interaction("from = \"api\"\nhttp = \"/\"\ncommand = \"c\""),
                0,
                "interactions[0]",
                "`interactions[0]` asks 2 things: `http` and `command`",
            ),
            (
                &interaction("from = \"api\"\nhttp = \"items\""),
                4,
                "interactions[0].http",
                "`http` must begin with `/`: `items`",
            ),
            (
                &interaction("from = \"apy\"\nhttp = \"/\""),
                3,
                "interactions[0].from",
                "there is no service `apy`: did you mean `api`?",
            ),
            (
                &interaction("from = \"mid\"\nto = \"apy\"\nhttp = \"/\""),
                4,
                "interactions[0].to",
                "there is no service `apy`: did you mean `api`?",
            ),
            (
                &interaction("from = \"web\"\nto = \"api\"\nhttp = \"/\""),
                4,
                "interactions[0].to",
                "`web` can't call `api`: it doesn't depend on it",
            ),
            (
                &interaction("from = \"api\"\nhttp = \"/\"").replace("\"i\"", "\" \""),
                1,
                "interactions[0].name",
                "the interaction's name is empty",
            ),
            (
                &[interaction("from = \"api\"\nhttp = \"/\"\n"), interaction("from = \"mid\"\nhttp = \"/\"")].concat(),
                6,
                "interactions[1].name",
                "two interactions are called `i`",
            ),
        ],
    );
    expect_one(
        Severity::Warning,
        &with(&interaction("from = \"api\"\ntcp = true")),
        ADDED + 4,
        "interactions[0].tcp",
        "`tcp` proves nothing here: between services it is the proxy that accepts connections",
    );
    let shown = with(&interaction("from = \"web\"\ncommand = \"bin/look\""));
    let message = "`bin/look` is among the files of the static site `web`: anyone can fetch it";
    expect_one(Severity::Info, &shown, ADDED + 4, "interactions[0].command", message);
    assert_eq!(found(&shown)[0].category, Category::Security);
}

#[test]
fn an_interaction_needs_its_way_in_every_environment() {
    let called = interaction("from = \"mid\"\nto = \"api\"\nhttp = \"/\"");
    let apart = "[environments.production]\ntype = \"production\"\nservices.mid.depends_on = []\n";
    let message = "`mid` can't call `api`: it doesn't depend on it";
    expect_one(Severity::Critical, &with(&format!("{apart}{called}")), ADDED + 7, "interactions[0].to", message);
    // What can't be read is told once, not guessed at.
    let unread = with(&called).replace("depends_on = [\"api\"]", "depends_on = \"api\"");
    let message = "`depends_on` is a text (`\"api\"`): it must be a list";
    expect_one(Severity::Critical, &unread, 14, "services.mid.depends_on", message);
}

#[test]
fn orders_of_groups() {
    expect_each(
        Severity::Critical,
        &[
            (
                &group("order = [[\"api\"], [\"midd\"]]"),
                2,
                "groups.all.order[1][0]",
                "`midd` is no member of the group: did you mean `mid`?",
            ),
            (
                "[groups.two]\nservices = [\"api\", \"mid\"]\norder = [\n[\"api\"],\n[\"web\"],\n]",
                4,
                "groups.two.order[1][0]",
                "`web` is no member of the group",
            ),
            (
                &group("order = [[\"api\"], [\"mid\", \"api\"]]"),
                2,
                "groups.all.order[1][1]",
                "the order names `api` twice",
            ),
            (
                &group("order = [[\"mid\"], [\"api\"]]"),
                2,
                "groups.all.order[0][0]",
                "`mid` comes before `api`, for which it waits: mid -> api",
            ),
            (
                "[groups.two]\nservices = [\"api\", \"web\"]\norder = [[\"web\"], [\"api\"]]",
                2,
                "groups.two.order[0][0]",
                "`web` comes before `api`, for which it waits: web -> mid -> api",
            ),
            (
                "[groups.two]\nservices = [\"api\", \"mid\"]\norder = [[\"mid\"]]",
                2,
                "groups.two.order[0][0]",
                "`mid` comes before `api`, for which it waits: mid -> api",
            ),
        ],
    );
    expect_each(
        Severity::Warning,
        &[
            (&group("order = []"), 2, "groups.all.order", "the order has no waves, so it orders nothing"),
            (&group("order = [[\"api\"], []]"), 2, "groups.all.order[1]", "wave 2 is empty"),
        ],
    );
}

#[test]
fn an_order_among_services_that_wait_in_a_circle_ends() {
    let circle = with(&group("order = [[\"api\"], [\"mid\"], [\"web\"]]"))
        .replace("data = [\"rows\"]", "depends_on = [\"web\"]");
    let told: Vec<String> = found(&circle).into_iter().map(|finding| finding.message).collect();
    assert!(
        told.contains(&"services wait for each other in a circle: api -> web -> mid -> api".to_owned()),
        "{told:?}"
    );
    assert!(told.contains(&"`api` comes before `web`, for which it waits: api -> web".to_owned()), "{told:?}");
}

#[test]
fn migrations() {
    let on_files = "[services.web.migrate]\ncommand = \"m\"\nkind = \"expand\"";
    let message = "`web` is a static site: it has no data to change";
    expect_one(Severity::Critical, &with(on_files), ADDED, "services.web.migrate", message);
    expect_one(
        Severity::Critical,
        &with(&migrate("")).replace("bin/migrate", "../migrate"),
        ADDED + 1,
        "services.api.migrate.command",
        "the program of `command` leads out of the artifact: `../migrate`",
    );
    expect_one(
        Severity::Warning,
        &with(&migrate("")).replace("bin/migrate", "bin/migrate && bin/seed"),
        ADDED + 1,
        "services.api.migrate.command",
        "`command` holds `&&`, which means nothing: no shell reads a command",
    );
    let nothing = with(&migrate("snapshot = true")).replace("data = [\"rows\"]\n", "");
    let message = "there is nothing to copy before the migration: `api` has no data folders";
    expect_one(Severity::Warning, &nothing, ADDED + 2, "services.api.migrate.snapshot", message);
    let message = "`snapshot_mb_max` means nothing: no copy is taken";
    let unused = with(&migrate("snapshot_mb_max = 1024"));
    expect_one(Severity::Warning, &unused, ADDED + 3, "services.api.migrate.snapshot_mb_max", message);
}

#[test]
fn nothing_stands_by_a_contract_and_whoever_wrote_otherwise_is_told() {
    let contract = with(&migrate("")).replace("expand", "contract");
    assert_eq!(found(&contract), []);
    assert_eq!(found(&contract.replace("data = [\"rows\"]", "warm_for = \"0s\"")), []);
    let message = "old instances of `api` don't stand by: a `contract` runs when they have stopped";
    let warm = contract.replace("data = [\"rows\"]", "warm_for = \"1h\"");
    expect_one(Severity::Info, &warm, 9, "services.api.warm_for", message);
    assert_eq!(found(&warm.replace("contract", "expand")), []);
    let there = format!("{contract}[environments.qa]\ntype = \"testing\"\nservices.api.warm_for = \"5m\"\n");
    expect_one(Severity::Info, &there, ADDED + 6, "environments.qa.services.api.warm_for", message);
}

#[test]
fn times_that_contradict_each_other() {
    let message = "`migrate_s` is 7200, longer than the whole deployment may take (1800)";
    let long = with(&format!("{}\n[services.api.timeouts]\nmigrate_s = 7200", migrate("")));
    expect_one(Severity::Warning, &long, ADDED + 5, "services.api.timeouts.migrate_s", message);
    // Without a migration it bounds nothing.
    assert_eq!(found(&with("[services.api.timeouts]\nmigrate_s = 7200")), []);
    let message = "the way back may take 60 s, but starting and draining alone may take 90 s";
    let short = with("[services.api.timeouts]\nrollback_s = 60");
    expect_one(Severity::Warning, &short, ADDED + 1, "services.api.timeouts.rollback_s", message);
    // A static site starts nothing.
    assert_eq!(found(&with("[services.web.timeouts]\nrollback_s = 60")), []);
}

#[test]
fn limits_of_rollbacks() {
    let message = "`per` is no time at all: nothing would ever be counted";
    let none = with("[environments.qa]\ntype = \"testing\"\nrollback_limit = { max = 3, per = \"0s\" }");
    expect_one(Severity::Critical, &none, ADDED + 2, "environments.qa.rollback_limit.per", message);
}

#[test]
fn an_environments_word_on_a_migration_is_told_at_the_environment() {
    let there = |line: &str| {
        let added = format!("{}[environments.qa]\ntype = \"testing\"\n{line}", migrate(""));
        with(&added)
    };
    let message = "`kind` is `contrakt`: did you mean `contract`?";
    let field = "environments.qa.services.api.migrate.kind";
    expect_one(Severity::Critical, &there("services.api.migrate.kind = \"contrakt\""), ADDED + 5, field, message);
    let message = "`command` is missing in `services.mid.migrate`";
    let half = there("services.mid.migrate.kind = \"expand\"");
    expect_one(Severity::Critical, &half, ADDED + 5, "environments.qa.services.mid.migrate.command", message);
}

#[test]
fn what_is_said_of_groups_migrations_and_limits_is_planned() {
    let added = [
        group("order = [[\"api\"], [\"mid\"]]\n"),
        interaction("from = \"mid\"\nto = \"api\"\nhttp = \"/\"\n"),
        migrate("snapshot = true\n"),
        "[environments.qa]\ntype = \"testing\"\nrollback_limit = { max = 3, per = \"1h\" }\n".into(),
        "[environments.qa.services.api.migrate]\nkind = \"contract\"\nsnapshot_mb_max = 7\n".into(),
    ];
    let source = read::parse("shipway.toml", &with(&added.concat())).expect("TOML");
    let groups = resolve::groups(&source).expect("groups");
    assert_eq!(groups["all"].order, Some(Order::Waves(vec![vec!["api".into()], vec!["mid".into()]])));
    let staging = resolve::environment(&source, "staging", &[]).expect("a plan");
    let migrates = |plan: &shipway_core::spec::EnvironmentPlan| plan.services[&"api".into()].serve.migrate.clone();
    let expand = migrates(&staging).expect("a migration");
    assert_eq!((expand.kind, expand.snapshot, expand.snapshot_mb_max), (MigrateKind::Expand, true, 1024));
    assert_eq!((staging.rollback_limit.max, staging.rollback_limit.per), (10, Span::seconds(600)));
    let qa = resolve::environment(&source, "qa", &[]).expect("a plan");
    let contract = migrates(&qa).expect("a migration");
    assert_eq!((contract.kind, contract.snapshot, contract.snapshot_mb_max), (MigrateKind::Contract, true, 7));
    assert_eq!(contract.command.to_string(), "bin/migrate");
    assert_eq!((qa.rollback_limit.max, qa.rollback_limit.per), (3, Span::seconds(3600)));
    assert_eq!((qa.interactions.len(), qa.interactions[0].name.as_str()), (1, "i"));
}

#[test]
fn a_layer_takes_a_migration_away_or_changes_it() {
    let source = read::parse("shipway.toml", &with(&migrate(""))).expect("TOML");
    let layer = |tree| Layer::settings("settings".into(), tree, Origin::Default, Default::default());
    let without = [layer(json!({ "services": { "api": { "migrate": null } } }))];
    let plan = resolve::environment(&source, "staging", &without).expect("a plan");
    assert_eq!(plan.services[&"api".into()].serve.migrate, None);
    let wrong = layer(json!({ "services": { "api": { "migrate": { "kind": "contract" }, "warm_for": "1h" } } }));
    let target = Target { environment: "staging".into(), layers: vec![wrong] };
    let found = findings(&source, &[target]);
    let [told] = found.as_slice() else { panic!("one finding is expected: {found:#?}") };
    assert_eq!(told.file.as_deref(), Some("settings"));
    assert_eq!(told.field.as_deref(), Some("services.api.warm_for"));
}

#[test]
fn an_order_by_a_word_is_read() {
    let source = read::parse("shipway.toml", &with(&group("order = \"sequential\""))).expect("TOML");
    assert_eq!(resolve::groups(&source).expect("groups")["all"].order, Some(Order::Named(OrderName::Sequential)));
}
