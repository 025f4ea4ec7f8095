//! What a seed makes up: a project, and releases that go well or badly. Not here: what people do with it (`people`).

use std::{collections::BTreeSet, fmt::Write};

use crate::{machine::Behaviour, random::Random};

/// The name of the project, and of its only environment.
pub const PROJECT: &str = "shop";
/// The environment.
pub const ENVIRONMENT: &str = "prod";
/// Said of a scenario in which the old must stop before the new starts, so that a way back starts it again.
pub const GAP: &str = "gap";
/// Services at most.
const SERVICES_MAX: u64 = 5;

/// A project.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// The names of its services.
    pub services: Vec<String>,
    /// Its spec.
    pub text: String,
    /// Whether people often put data back.
    pub puts_data_back: bool,
    /// Whether a service of it asks for reloads.
    pub reloads: bool,
    /// How many automatic rollbacks its environment may have, when it is few.
    pub rollbacks_max: Option<usize>,
}

impl Scenario {
    /// Makes one up. It has what the sorts of steps need that are to be met.
    pub fn draw(random: &mut Random, met: &BTreeSet<&str>) -> Self {
        let count = match random.below(10) {
            0..=2 => 1,
            3..=6 => 2,
            7..=8 => 3,
            _ => random.between(4, SERVICES_MAX),
        };
        let services: Vec<_> = (0..count).map(|number| format!("s{number}")).collect();
        let mut text = format!("[project]\nname = \"{PROJECT}\"\n\n");
        let strategy = if met.contains(GAP) { "{ kind = \"recreate\" }".into() } else { strategy(random) };
        for number in 0..services.len() {
            let own = if random.per_mille(150) { self::strategy(random) } else { strategy.clone() };
            service(&mut text, &services, number, &own, met, random);
        }
        if met.contains("interact") || (count > 1 && random.per_mille(300)) {
            interaction(&mut text, &services, random);
        }
        if count == 2 {
            // Something comes from elsewhere, and changes by itself.
            let lines = "http = \"http://remote.test/\"\ninto = \"settings.remote\"\nif_unavailable = \"last-good\"";
            let _ = writeln!(text, "[remote.elsewhere]\n{lines}\n");
        }
        let _ = writeln!(text, "[environments.{ENVIRONMENT}]\ntype = \"production\"");
        let reloads = text.contains("reload = ");
        Self { services, text, puts_data_back: met.contains("restore data"), reloads, rollbacks_max: None }
    }

    /// The same in an environment that stops after so many automatic rollbacks.
    pub fn stops_after(mut self, rollbacks_max: usize) -> Self {
        let _ = writeln!(self.text, "rollback_limit = {{ max = {rollbacks_max}, per = \"1h\" }}");
        Self { rollbacks_max: Some(rollbacks_max), ..self }
    }
}

/// A strategy as the spec writes it.
pub fn strategy(random: &mut Random) -> String {
    match random.below(8) {
        0..=2 => "\"blue-green\"".into(),
        3..=4 => {
            let batch = random.between(1, 2);
            let surge = random.between(0, 2);
            let unavailable = if surge == 0 { 1 } else { random.between(0, 1) };
            format!("{{ kind = \"rolling\", batch = {batch}, max_surge = {surge}, max_unavailable = {unavailable} }}")
        }
        5..=6 => {
            let middle = match random.below(4) {
                0 => "50% manual, ",
                1 => "",
                _ => "60% 400ms, ",
            };
            format!("{{ kind = \"canary\", steps = \"20% 300ms, {middle}100%\" }}")
        }
        _ => "{ kind = \"recreate\", hold_ms_max = 5000 }".into(),
    }
}

fn service(
    text: &mut String,
    services: &[String],
    number: usize,
    strategy: &str,
    met: &BTreeSet<&str>,
    random: &mut Random,
) {
    let data = number == 0 && ["snapshot", "restore data", "migrate"].iter().any(|node| met.contains(node));
    let name = &services[number];
    let reloads = number == 0 && met.contains("reload") && !data;
    let is_static = random.per_mille(150) && !data && !reloads;
    let mut line = |words: String| {
        let _ = writeln!(text, "{words}");
    };
    line(format!("[services.{name}]\nstrategy = {strategy}"));
    match is_static {
        true => line("kind = \"static\"".into()),
        false => line(format!("kind = \"process\"\nrun = [\"bin/run\"]\ninstances = {}", random.between(1, 3))),
    }
    let needs: Vec<_> = services[..number].iter().filter(|_| random.per_mille(400)).collect();
    line(format!("depends_on = {needs:?}"));
    line(format!("routes = [{{ host = \"{name}.test\", path = \"/\" }}]"));
    line(format!("warm_for = \"{}ms\"", random.pick(&[0, 0, 500, 2000])));
    line(format!("bake = \"{}ms\"", random.pick(&[0, 0, 300])));
    line(format!("deadline_s = {}", random.pick(&[20, 60, 120])));
    if data || (!is_static && !reloads && random.per_mille(120)) {
        line(migration(data, random));
    }
    if reloads || (!is_static && random.per_mille(200)) {
        line("reload = { signal = \"HUP\" }".into());
    }
    if random.per_mille(80) {
        line("on_failure = \"stop\"".into());
    }
    if random.per_mille(300) {
        line("success = { error_rate_max = 0.2, min_requests = 0 }".into());
    }
    line("timeouts = { start_s = 2, check_s = 2, hook_s = 5, drain_s = 1, migrate_s = 5, rollback_s = 60 }\nstop = { grace_s = 1 }".into());
    line(String::new());
    if !is_static {
        health(text, name, random);
    }
    checks_and_hooks(text, name, is_static, met, random);
}

fn interaction(text: &mut String, services: &[String], random: &mut Random) {
    let (from, phase) = (random.pick(services), random.pick(&["test", "verify"]));
    let lines = format!("name = \"together\"\nphase = \"{phase}\"\nfrom = \"{from}\"\nhttp = \"/interact\"");
    let _ = writeln!(text, "[[interactions]]\n{lines}\n");
}

fn migration(copied: bool, random: &mut Random) -> String {
    let kind = random.pick(&["expand", "expand", "contract"]);
    let snapshot = copied || random.per_mille(600);
    format!("data = [\"db\"]\nmigrate = {{ command = [\"migrate\"], kind = \"{kind}\", snapshot = {snapshot} }}")
}

fn health(text: &mut String, name: &str, random: &mut Random) {
    if random.per_mille(800) {
        let _ = writeln!(text, "[services.{name}.health.startup]\nhttp = \"/health\"\n");
    }
    if random.per_mille(250) {
        let probe = "http = \"/health\"\ninterval_ms = 500\nfailure_threshold = 2";
        let _ = writeln!(text, "[services.{name}.health.readiness]\n{probe}\n");
    }
    if random.per_mille(200) {
        let probe = "http = \"/health\"\ninterval_ms = 700\nfailure_threshold = 3";
        let _ = writeln!(text, "[services.{name}.health.liveness]\n{probe}\n");
    }
}

fn checks_and_hooks(text: &mut String, name: &str, is_static: bool, met: &BTreeSet<&str>, random: &mut Random) {
    for (phase, path) in [("test", "/test"), ("verify", "/verify")] {
        if random.per_mille(400) {
            let retries = random.below(2);
            let check = format!("name = \"{phase}\"\nphase = \"{phase}\"\nhttp = \"{path}\"\nretries = {retries}");
            let _ = writeln!(text, "[[services.{name}.checks]]\n{check}\n");
        }
    }
    if is_static {
        return;
    }
    for when in ["before-test", "before-promotion", "after-completion", "on-rollback"] {
        if random.per_mille(if met.contains("hooks") { 600 } else { 130 }) {
            let _ = writeln!(text, "[[services.{name}.hooks]]\nwhen = \"{when}\"\ncommand = [\"hook\", \"{when}\"]\n");
        }
    }
}

/// What a release does that goes well.
pub fn good(random: &mut Random) -> Behaviour {
    let listen_ms = *random.pick(&[0, 10, 50, 200]);
    let healthy_ms = *random.pick(&[0, 0, 30, 300]);
    let ends_after_ms = random.per_mille(60).then(|| random.between(500, 10_000));
    let sick_after_ms = random.per_mille(40).then(|| random.between(500, 10_000));
    Behaviour { listen_ms, healthy_ms, ends_after_ms, sick_after_ms, ..Behaviour::default() }
}

/// What a release does that goes badly.
pub fn bad(random: &mut Random) -> Behaviour {
    let well = Behaviour { ends_after_ms: None, sick_after_ms: None, ..good(random) };
    match random.below(10) {
        0 => Behaviour { never_healthy: true, ..well },
        1 => Behaviour { ends_at_once: true, ..well },
        2 => Behaviour { ends_after_ms: Some(random.between(1, 800)), ..well },
        3 => Behaviour { fails_test: true, ..well },
        4 | 5 => Behaviour { fails_verify: true, ..well },
        6 => Behaviour { fails_requests: true, ..well },
        7 => Behaviour { fails_hooks: true, ..well },
        8 => Behaviour { fails_together: true, ..well },
        _ => Behaviour { fails_verify: true, stops_refused: u32::try_from(random.between(1, 7)).unwrap_or(1), ..well },
    }
}
