//! Promotion: what an environment served together, proven, for how long, and whether it may go on to another one.
//! Everything is decided on what is stored; nothing is remembered beside it.
//!
//! Not here: reading the store, asking for the deployment, the clock that lets it go by itself (`engine::promotion`).

mod combination;
mod hold;
mod origin;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::{
    combination::{Combination, Member, Onward, Seen, ran_until, standing},
    hold::{Hold, refuse_held},
    origin::{Origin, PROMOTION},
};
use crate::{
    deployment::OnConflict,
    id::{EnvironmentName, ProjectId, ServiceName},
    time::{Span, Timestamp},
};

/// What is asked for: the artifacts of one environment in another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Wish {
    /// The project.
    pub project: ProjectId,
    /// Where they ran; that of the named combination when absent.
    #[serde(default)]
    pub from: Option<EnvironmentName>,
    /// Where they go; what `from` promotes to when absent.
    #[serde(default)]
    pub to: Option<EnvironmentName>,
    /// Only these services; all when empty.
    #[serde(default)]
    pub services: Vec<ServiceName>,
    /// A named combination, in place of what runs now.
    #[serde(default)]
    pub combination: Option<String>,
    /// Leave out environments in between, and the rest of the soak; it takes a reason.
    #[serde(default)]
    pub skip_stage: bool,
    /// Why, for the record.
    #[serde(default)]
    pub reason: Option<String>,
    /// What to do when the same services are being deployed.
    #[serde(default)]
    pub on_conflict: OnConflict,
}

/// What stands against a promotion.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Obstacle {
    /// What it is, in one line.
    pub message: String,
    /// When it is over by itself; none when somebody must do something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
}

impl Obstacle {
    /// One that doesn't go by itself.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), until: None }
    }
}

/// What a promotion is decided on.
#[derive(Debug)]
pub struct Terms<'a> {
    /// What would go.
    pub combination: &'a Combination,
    /// Where to.
    pub to: &'a EnvironmentName,
    /// What is live there.
    pub live: &'a BTreeMap<ServiceName, Member>,
    /// What is held there.
    pub holds: &'a [Hold],
    /// How long it must have run.
    pub soak: Span,
    /// The services that were named; all when empty.
    pub services: &'a [ServiceName],
    /// Whether the rest of the soak is left out.
    pub skips_soak: bool,
    /// Now.
    pub now: Timestamp,
}

/// Which services of a combination go, or all that stands against it.
///
/// # Errors
/// What stands against it: each thing once, with the time at which it is over when that is known.
pub fn decide(terms: &Terms<'_>) -> Result<Vec<ServiceName>, Vec<Obstacle>> {
    let mut obstacles: Vec<_> = strangers(terms).chain(environment_hold(terms)).chain(soak(terms)).collect();
    let mut going = Vec::new();
    let named: BTreeSet<_> = terms.services.iter().collect();
    for (service, member) in &terms.combination.members {
        let is_meant = named.is_empty() || named.contains(service);
        if !is_meant || terms.live.get(service).is_some_and(|live| live.is_same(member)) {
            continue;
        }
        match hold_of(terms, service).filter(|hold| !hold.lets(member)) {
            // Nobody named it: it stays, as whoever holds it wants.
            Some(_) if named.is_empty() => {}
            Some(hold) => obstacles.push(Obstacle::new(hold.words())),
            None => going.push(service.clone()),
        }
    }
    if going.is_empty() && obstacles.is_empty() {
        obstacles.push(nothing_goes(terms));
    }
    if obstacles.is_empty() { Ok(going) } else { Err(obstacles) }
}

fn strangers<'a>(terms: &'a Terms<'_>) -> impl Iterator<Item = Obstacle> + 'a {
    let members = &terms.combination.members;
    let strangers = terms.services.iter().filter(|service| !members.contains_key(*service));
    strangers.map(|service| {
        let names = members.keys().map(ServiceName::as_str).collect::<Vec<_>>().join(", ");
        Obstacle::new(format!("{service} does not run in {}; what does is {names}", terms.combination.environment))
    })
}

fn environment_hold(terms: &Terms<'_>) -> Option<Obstacle> {
    let hold = terms.holds.iter().find(|hold| hold.service.is_none())?;
    let lets_all = terms.combination.members.values().all(|member| hold.lets(member));
    (!lets_all).then(|| Obstacle::new(hold.words()))
}

fn hold_of<'a>(terms: &'a Terms<'_>, service: &ServiceName) -> Option<&'a Hold> {
    terms.holds.iter().find(|hold| hold.service.as_ref() == Some(service))
}

fn soak(terms: &Terms<'_>) -> Option<Obstacle> {
    let Combination { environment, since, until, .. } = terms.combination;
    if terms.skips_soak || terms.soak.ms == 0 {
        return None;
    }
    let ran = until.unwrap_or(terms.now).since_ms(*since);
    let left = terms.soak.ms.checked_sub(ran).filter(|left| *left > 0)?;
    let soak = terms.soak;
    Some(match until {
        Some(_) => Obstacle::new(format!(
            "it ran in {environment} for {}, and it takes {soak}; it runs there no more",
            Span { ms: ran }
        )),
        None => Obstacle {
            message: format!(
                "{environment} has served it for {}, and it takes {soak}: {} are left",
                Span { ms: ran },
                Span { ms: left }
            ),
            until: Some(since.plus_ms(soak.ms)),
        },
    })
}

fn nothing_goes(terms: &Terms<'_>) -> Obstacle {
    let held: Vec<_> = terms.holds.iter().filter(|hold| hold.service.is_some()).map(Hold::words).collect();
    let same = format!("{} serves these very artifacts and versions already", terms.to);
    Obstacle::new(if held.is_empty() { same } else { format!("{same}, or {}", held.join("; ")) })
}

/// Which stages a promotion leaves out: nobody is asked when no environment promotes to the target, or the source does.
///
/// `promotes` is where each environment promotes to.
pub fn skipped_stages(
    promotes: &BTreeMap<EnvironmentName, EnvironmentName>,
    from: &EnvironmentName,
    to: &EnvironmentName,
) -> Vec<EnvironmentName> {
    let before: Vec<_> = promotes.iter().filter(|(_, next)| *next == to).map(|(name, _)| name.clone()).collect();
    if before.is_empty() || before.contains(from) {
        return Vec::new();
    }
    let mut between = Vec::new();
    let mut at = from;
    while let Some(next) = promotes.get(at).filter(|next| *next != to && !between.contains(*next)) {
        between.push(next.clone());
        at = next;
    }
    // Only the way that leads to the target says what lies between; another one leaves out what comes before it.
    if promotes.get(at) == Some(to) { between } else { before }
}

#[cfg(test)]
mod tests;
