//! Which services a deployment takes, in which order, and which version and artifact of each: from words of a command
//! line to fields of a request. Not here: what they mean (`core::deployment::Request`).

use std::collections::BTreeMap;

use shipway_api::{DeploymentRequest, ReleaseView};
use shipway_core::{
    artifact::Provenance,
    deployment::Source,
    id::{ArtifactDigest, ServiceName},
    spec::{Order, OrderName},
};

use super::{
    deploy::pair,
    errors::CliError,
    remote::{Remote, with_query},
    scope::Scope,
};

/// What stands before the name of a group among services.
const GROUP_MARK: char = '@';
/// Digits of a whole digest.
const DIGEST_DIGITS: usize = 64;

/// Which services, and which version and artifact of each.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct MemberArgs {
    /// The services, or @GROUP for a group of the spec; all of the spec when absent
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,
    /// All services of the spec: what it is when nothing is named
    #[arg(long, conflicts_with_all = ["services", "group"])]
    all: bool,
    /// A group of the spec
    #[arg(long, value_name = "NAME", conflicts_with = "services")]
    group: Option<String>,
    /// Only services whose release would differ from the live one
    #[arg(long)]
    changed: bool,
    /// A service to leave out; may be repeated
    #[arg(long, value_name = "SERVICE")]
    exclude: Vec<String>,
    /// The order in which they are proven: parallel, sequential, or waves such as web,api/db; the group's when absent
    #[arg(long, value_name = "ORDER", value_parser = order)]
    order: Option<Order>,
    /// The version that people call it by; the artifact's short digest when absent. May be repeated for single services
    #[arg(long = "version", value_name = "[SERVICE=]TEXT")]
    versions: Vec<String>,
    /// A stored artifact instead of a build, by the beginning of its digest; may be repeated
    #[arg(long = "artifact", value_name = "SERVICE=DIGEST", value_parser = pair)]
    artifacts: Vec<(String, String)>,
}

impl MemberArgs {
    /// Whether every service that is meant is named, and comes from a stored artifact: then there is nothing to build.
    pub fn needs_no_source(&self) -> bool {
        let stored = |service: &String| self.artifacts.iter().any(|(name, _)| name == service);
        !self.services.is_empty() && self.services.iter().all(stored)
    }

    /// Refuses what contradicts itself, before anybody is asked.
    ///
    /// # Errors
    /// What contradicts what.
    pub fn check(&self) -> Result<(), CliError> {
        services(self.services.clone(), self.group.clone())?;
        versions(self.versions.clone()).map(|_| ())
    }

    /// Writes them into a request.
    ///
    /// # Errors
    /// They contradict each other, or an artifact is not to be found.
    pub async fn fill(
        self,
        remote: &Remote,
        scope: &Scope,
        request: DeploymentRequest,
    ) -> Result<DeploymentRequest, CliError> {
        let artifacts = artifacts(remote, scope, &self.artifacts).await?;
        let all_stored = request.source.is_none() && self.needs_no_source();
        let (services, group) = services(self.services, self.group)?;
        let (version, versions) = versions(self.versions)?;
        let stored = all_stored.then(|| Source::Artifact(artifacts.clone()));
        Ok(DeploymentRequest {
            services,
            group,
            exclude: self.exclude.iter().map(|name| ServiceName::new(name.as_str())).collect(),
            changed: self.changed,
            order: self.order,
            version,
            versions,
            source: request.source.or(stored),
            artifacts: if all_stored { BTreeMap::new() } else { artifacts },
            ..request
        })
    }
}

/// The services that are named, or the group.
fn services(words: Vec<String>, group: Option<String>) -> Result<(Vec<ServiceName>, Option<String>), CliError> {
    let Some(marked) = words.iter().find_map(|word| word.strip_prefix(GROUP_MARK)) else {
        return Ok((words.into_iter().map(ServiceName::new).collect(), group));
    };
    if words.len() > 1 {
        let message = format!("@{marked} names a group, and stands beside other names");
        return Err(CliError::usage(message, "name one group, or services; `--exclude SERVICE` leaves one out"));
    }
    Ok((Vec::new(), Some(marked.to_owned())))
}

/// One version for all, and those of single services.
fn versions(words: Vec<String>) -> Result<(Option<String>, BTreeMap<ServiceName, String>), CliError> {
    let (mut shared, mut single) = (None, BTreeMap::new());
    for word in words {
        let twice = match pair(&word) {
            Ok((service, version)) => single.insert(ServiceName::new(service), version).is_some(),
            Err(_) => shared.replace(word.clone()).is_some(),
        };
        if twice {
            let hint = "name one for all, and one for each service that differs: `--version 2 --version web=2.1`";
            return Err(CliError::usage(format!("--version {word} is one too many"), hint));
        }
    }
    Ok((shared, single))
}

/// A word, or waves: names with commas between them, waves with slashes.
fn order(text: &str) -> Result<Order, String> {
    match text {
        "parallel" => return Ok(Order::Named(OrderName::Parallel)),
        "sequential" => return Ok(Order::Named(OrderName::Sequential)),
        _ => {}
    }
    let waves: Vec<Vec<&str>> = text.split('/').map(|wave| wave.split(',').map(str::trim).collect()).collect();
    if waves.iter().flatten().any(|name| name.is_empty()) {
        return Err("write it like parallel, sequential, or web,api/db".into());
    }
    let named = |wave: &Vec<&str>| wave.iter().map(|name| ServiceName::new(*name)).collect();
    Ok(Order::Waves(waves.iter().map(named).collect()))
}

/// The artifacts by their whole digests.
async fn artifacts(
    remote: &Remote,
    scope: &Scope,
    named: &[(String, String)],
) -> Result<BTreeMap<ServiceName, ArtifactDigest>, CliError> {
    let mut found = BTreeMap::new();
    for (service, digest) in named {
        let whole = match digest.len() {
            DIGEST_DIGITS => ArtifactDigest::new(digest.as_str()),
            _ => whole_digest(remote, scope, service, digest).await?,
        };
        found.insert(ServiceName::new(service.as_str()), whole);
    }
    Ok(found)
}

async fn whole_digest(remote: &Remote, scope: &Scope, service: &str, digest: &str) -> Result<ArtifactDigest, CliError> {
    let of_service = [("service", Some(service.to_owned()))];
    let builds: Vec<Provenance> = remote.get(&with_query(&scope.path("/artifacts"), &of_service)).await?;
    // What several services have in common was built for one of them.
    let releases: Vec<ReleaseView> = remote.get(&with_query(&scope.path("/releases"), &of_service)).await?;
    let built = builds.into_iter().map(|build| build.artifact);
    let mut fits: Vec<_> = built.chain(releases.into_iter().map(|release| release.artifact)).collect();
    fits.retain(|artifact| artifact.as_str().starts_with(digest));
    fits.sort();
    fits.dedup();
    match (fits.pop(), fits.len()) {
        (Some(one), 0) => Ok(one),
        (Some(_), others) => {
            let message = format!("{digest} begins the digests of {} artifacts of {service}", others + 1);
            Err(CliError::usage(message, "write more of its digits"))
        }
        (None, _) => {
            let message = format!("no artifact of {service} begins with {digest}");
            Err(CliError::failed(message, "`shipway history --json` has the artifacts of earlier deployments"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_a_word_or_waves() {
        assert_eq!(order("sequential"), Ok(Order::Named(OrderName::Sequential)));
        let waves = vec![vec!["web".into(), "api".into()], vec!["db".into()]];
        assert_eq!(order("web,api/db"), Ok(Order::Waves(waves)));
        assert_eq!(order("web"), Ok(Order::Waves(vec![vec!["web".into()]])));
        for wrong in ["", "/", "web,/db", "web//db"] {
            assert!(order(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_version_is_for_all_or_for_one() {
        let words = |words: &[&str]| versions(words.iter().map(|word| (*word).to_owned()).collect());
        let (shared, single) = words(&["2", "web=2.1"]).unwrap();
        assert_eq!(shared.as_deref(), Some("2"));
        assert_eq!(single, BTreeMap::from([("web".into(), "2.1".into())]));
        assert!(words(&["2", "3"]).is_err() && words(&["web=1", "web=2"]).is_err());
    }

    #[test]
    fn a_group_stands_alone() {
        let words = |words: &[&str]| services(words.iter().map(|word| (*word).to_owned()).collect(), None);
        assert_eq!(words(&["@shop"]).unwrap(), (Vec::new(), Some("shop".into())));
        assert_eq!(words(&["web"]).unwrap(), (vec!["web".into()], None));
        assert!(words(&["@shop", "web"]).is_err());
    }
}
