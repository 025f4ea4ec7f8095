//! Gates: what a deployment waits for before anything moves: approvals, change windows, freezes, a rate, a time; and
//! what its releases have to be. Pure: the facts are handed in, and the answer says which gate holds it, why, until
//! when, and who can open it.
//!
//! Rollbacks are never asked. Not here: waiting (`engine::gates`), where the zones' rules come from (`ports::Clock`).

pub mod approval;
pub mod declared;
pub mod rate;
pub mod recurrence;
#[cfg(test)]
mod tests;
pub mod window;
pub mod zone;

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::{
    approval::Approval,
    declared::{ApprovalsSpec, GatesSpec, RateSpec, WindowSpec},
    window::Window,
    zone::Zones,
};
use crate::{
    id::{Actor, Role, ServiceName},
    time::{Span, Timestamp},
};

/// Sorts of gates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum GateKind {
    /// People have to say yes.
    Approval,
    /// Change windows.
    Window,
    /// A freeze.
    Freeze,
    /// Too many deployments in a time.
    Rate,
    /// The time that the deployment itself asked for.
    Schedule,
    /// An artifact is too old.
    ArtifactAge,
    /// The branch is not allowed.
    Branch,
    /// A required check is not asked.
    RequiredCheck,
}

impl GateKind {
    /// Its name on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Approval => "approval",
            Self::Window => "window",
            Self::Freeze => "freeze",
            Self::Rate => "rate",
            Self::Schedule => "schedule",
            Self::ArtifactAge => "artifact-age",
            Self::Branch => "branch",
            Self::RequiredCheck => "required-check",
        }
    }

    /// Whether waiting can open it; else only another deployment can, or breaking the glass.
    pub fn may_open(self) -> bool {
        !matches!(self, Self::ArtifactAge | Self::Branch | Self::RequiredCheck)
    }
}

impl fmt::Display for GateKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A gate that holds a deployment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// Which gate.
    pub gate: GateKind,
    /// Why it is shut.
    pub why: String,
    /// When it opens by itself; absent when it doesn't, or when nobody can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Who can open it, and how.
    pub who: String,
}

/// Gates that were understood.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Gates {
    approvals: Option<ApprovalsSpec>,
    windows: Vec<Window>,
    freezes: Vec<Window>,
    rate: Option<RateSpec>,
    artifact_max_age: Option<Span>,
    branches: Vec<String>,
    required_checks: Vec<String>,
}

/// What is wrong with gates as they are declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GateFault {
    /// The list that it is in: `windows` or `freezes`.
    pub list: &'static str,
    /// Its place there, from 0.
    pub number: usize,
    /// The key that it is about.
    pub key: &'static str,
    /// What is wrong.
    pub message: String,
    /// What to write.
    pub advice: String,
}

/// What the gates are asked about.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    /// The time.
    pub now: Timestamp,
    /// Who asked for the deployment.
    pub actor: &'a Actor,
    /// Not before this time, by the request's own word.
    pub not_before: Option<Timestamp>,
    /// The hash of the plan that approvals bind to.
    pub hash: &'a str,
    /// Every yes so far.
    pub approvals: &'a [Approval],
    /// When other deployments to the environment began to move.
    pub begun: &'a [Timestamp],
    /// What comes, by service; empty when nothing does.
    pub coming: &'a BTreeMap<ServiceName, Coming>,
    /// The checks and interactions that the plan asks, by name.
    pub checks: &'a BTreeSet<String>,
}

/// A release that comes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coming {
    /// When its artifact was built first; none when nobody knows.
    pub built_at: Option<Timestamp>,
    /// The branch of its source; none when it came from none.
    pub branch: Option<String>,
}

impl Gates {
    /// Understands gates, with the zones that they name.
    ///
    /// # Errors
    /// Everything that is wrong with them; a zone that is not among the zones is.
    pub fn read(spec: &GatesSpec, zones: &Zones) -> Result<Self, Vec<GateFault>> {
        let mut faults = Vec::new();
        let open = windows("windows", &spec.windows, zones, &mut faults);
        let freezes = windows("freezes", &spec.freezes, zones, &mut faults);
        if !faults.is_empty() {
            return Err(faults);
        }
        let GatesSpec { approvals, rate, artifact_max_age, branches, required_checks, .. } = spec.clone();
        Ok(Self { approvals, windows: open, freezes, rate, artifact_max_age, branches, required_checks })
    }

    /// Who has to say yes, when somebody has to.
    pub fn approvals(&self) -> Option<&ApprovalsSpec> {
        self.approvals.as_ref()
    }

    /// When the change windows that are open now close, or a freeze begins: the first of all.
    pub fn closes_next(&self, actor: &Actor, now: Timestamp) -> Option<Timestamp> {
        let open = self.windows.iter().filter_map(|window| window.closes_next(now)).max();
        let held = |freeze: &&Window| freeze.is_for(actor);
        let freeze = self.freezes.iter().filter(held).filter_map(|freeze| freeze.opens_next(now)).min();
        open.into_iter().chain(freeze).min()
    }
}

impl GateFault {
    /// The field below the environment's `gates`: `windows[0].every`.
    pub fn field(&self) -> String {
        format!("{}[{}].{}", self.list, self.number, self.key)
    }
}

fn windows(list: &'static str, specs: &[WindowSpec], zones: &Zones, faults: &mut Vec<GateFault>) -> Vec<Window> {
    let mut read = Vec::new();
    for (number, spec) in specs.iter().enumerate() {
        let Some(zone) = zones.find(&spec.zone) else {
            faults.push(unknown_zone(list, number, &spec.zone));
            continue;
        };
        match Window::read(spec, zone) {
            Ok(window) => read.push(window),
            Err(fault) => {
                faults.push(GateFault { list, number, key: fault.key, message: fault.message, advice: fault.advice })
            }
        }
    }
    read
}

fn unknown_zone(list: &'static str, number: usize, zone: &str) -> GateFault {
    GateFault {
        list,
        number,
        key: "zone",
        message: format!("the time zone `{zone}` can't be read on the server's machine"),
        advice: "write a name of the zone database (`Europe/Berlin`), or install it; or write the zone's rules out, \
                 `CET-1CEST,M3.5.0,M10.5.0/3`"
            .into(),
    }
}

/// Which gates hold a deployment. None of them: it may go.
pub fn ask(gates: &Gates, facts: &Facts<'_>) -> Vec<Held> {
    let mut held: Vec<Held> = schedule(facts).into_iter().collect();
    held.extend(gates.approval(facts));
    held.extend(gates.window(facts));
    held.extend(gates.freezes.iter().filter_map(|freeze| frozen(freeze, facts)));
    held.extend(gates.rate(facts));
    held.extend(gates.age(facts));
    held.extend(gates.branch(facts));
    held.extend(gates.checks(facts));
    held
}

/// Whoever may break the glass opens it.
const GLASS: &str = "an admin: `shipway break-glass ID --reason WHY`";

fn schedule(facts: &Facts<'_>) -> Option<Held> {
    let at = facts.not_before.filter(|at| *at > facts.now)?;
    let why = format!("it was asked for at {at}");
    Some(Held { gate: GateKind::Schedule, why, until: Some(at), who: format!("nobody before its time but {GLASS}") })
}

impl Gates {
    fn approval(&self, facts: &Facts<'_>) -> Option<Held> {
        let spec = self.approvals.as_ref()?;
        let standing = approval::standing(spec, facts.approvals, facts.hash, facts.now);
        if standing.len() >= spec.count as usize {
            return None;
        }
        let by = match standing.len() {
            0 => String::new(),
            _ => format!(": {} did", standing.into_keys().collect::<Vec<_>>().join(", ")),
        };
        let (count, roles) = (spec.count, approval::names(&spec.roles));
        let people = if count == 1 { "1 approval".to_owned() } else { format!("{count} approvals") };
        let author = if facts.actor.is_automation() { "whose change it is" } else { &facts.actor.name };
        let why = format!("it takes {people} by others than {author}{by}");
        let who = format!("{}: `shipway approve ID`", roles.replace(", ", " or "));
        Some(Held { gate: GateKind::Approval, why, until: None, who })
    }

    fn window(&self, facts: &Facts<'_>) -> Option<Held> {
        let free = |window: &Window| !window.is_for(facts.actor) || window.is_open(facts.now);
        if self.windows.is_empty() || self.windows.iter().any(free) {
            return None;
        }
        let opens = |window: &Window| Some((window.opens_next(facts.now)?, window.name.clone()));
        let next = self.windows.iter().filter_map(opens).min();
        let (until, why) = match next {
            Some((at, name)) => (Some(at), format!("no change window is open; the next is `{name}`")),
            None => (None, "no change window is open, and none opens again".to_owned()),
        };
        let except = self.windows.iter().flat_map(|window| &window.except).copied().collect();
        Some(Held { gate: GateKind::Window, why, until, who: exempt(&except) })
    }

    fn rate(&self, facts: &Facts<'_>) -> Option<Held> {
        let spec = self.rate.as_ref()?;
        let until = rate::opens(spec, facts.begun, facts.now)?;
        let why = format!("{} in {} is as much as there may be", deployments(spec.max), spec.per);
        Some(Held { gate: GateKind::Rate, why, until: Some(until), who: GLASS.into() })
    }

    fn age(&self, facts: &Facts<'_>) -> Option<Held> {
        let max = self.artifact_max_age?;
        let old = facts.coming.iter().find(|(_, one)| {
            // What nobody knows the age of may be of any.
            one.built_at.is_none_or(|built| facts.now.since_ms(built) > max.ms)
        });
        let (service, one) = old?;
        let age = one.built_at.map_or("nobody knows when".to_owned(), |at| format!("at {at}"));
        let why = format!("the artifact of {service} was built {age}, and may be no older than {max}");
        Some(Held { gate: GateKind::ArtifactAge, why, until: None, who: for_good("build it anew") })
    }

    fn branch(&self, facts: &Facts<'_>) -> Option<Held> {
        if self.branches.is_empty() {
            return None;
        }
        let allowed =
            |one: &Coming| one.branch.as_ref().is_some_and(|name| self.branches.iter().any(|b| fits(b, name)));
        let (service, one) = facts.coming.iter().find(|(_, one)| !allowed(one))?;
        let from = one.branch.as_ref().map_or("no branch".to_owned(), |branch| format!("the branch `{branch}`"));
        let why = format!("{service} comes from {from}, and only {} may come here", self.branches.join(", "));
        Some(Held { gate: GateKind::Branch, why, until: None, who: for_good("deploy from one of these") })
    }

    fn checks(&self, facts: &Facts<'_>) -> Option<Held> {
        if facts.coming.is_empty() {
            return None;
        }
        let missing: Vec<_> = self.required_checks.iter().filter(|name| !facts.checks.contains(*name)).collect();
        let first = missing.first()?;
        let why = format!("`{first}` is required here, and none of the checks and interactions that it asks");
        Some(Held { gate: GateKind::RequiredCheck, why, until: None, who: for_good("declare the check in the spec") })
    }
}

fn frozen(freeze: &Window, facts: &Facts<'_>) -> Option<Held> {
    if !freeze.is_for(facts.actor) || !freeze.is_open(facts.now) {
        return None;
    }
    let until = freeze.closes_next(facts.now);
    let why = format!("the freeze `{}` holds", freeze.name);
    Some(Held { gate: GateKind::Freeze, why, until, who: exempt(&freeze.except) })
}

fn exempt(roles: &BTreeSet<Role>) -> String {
    if roles.is_empty() {
        return GLASS.into();
    }
    format!("it doesn't hold deployments of {}; else {GLASS}", approval::names(roles).replace(", ", " or "))
}

fn for_good(advice: &str) -> String {
    format!("{advice}; or an admin, with a deployment of their own: `--break-glass --reason WHY`")
}

fn deployments(count: u32) -> String {
    if count == 1 { "1 deployment".into() } else { format!("{count} deployments") }
}

/// Whether a name fits a pattern in which `*` stands for anything, also for nothing.
fn fits(pattern: &str, name: &str) -> bool {
    let Some((head, mut rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(head) else { return false };
    while let Some((middle, after)) = rest.split_once('*') {
        let Some(at) = name.find(middle) else { return false };
        name = &name[at + middle.len()..];
        rest = after;
    }
    name.ends_with(rest)
}
