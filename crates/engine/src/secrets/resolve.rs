//! From a spec to the versions that a release names, and from a release to the values that its instances are given.

use shipway_core::{
    finding::{Category, Finding},
    id::{EnvironmentName, ProjectId, ServiceName, SlotKey},
    ports::Fault,
    release::Release,
    secret::{GivenSecrets, Secret, SecretAddress, SecretPin, SecretPins, SecretText},
    spec::{EnvironmentPlan, SecretUse, ServeSpec},
};

use crate::Engine;

/// The validator that this room's findings name.
const VALIDATOR: &str = "secrets";

/// The name of the secret that a key of `secrets` means.
fn name_of<'a>(key: &'a str, wanted: &'a SecretUse) -> &'a str {
    wanted.secret.as_deref().unwrap_or(key)
}

/// The secret of that name that is nearest to a slot, and has a version that may be given.
async fn nearest(engine: &Engine, slot: &SlotKey, name: &str) -> Result<Option<Secret>, Fault> {
    for place in SecretAddress::places(slot, name) {
        let found: Option<Secret> = engine.ports.store.find(&place.to_string()).await?;
        if let Some(found) = found.filter(|secret| secret.newest().is_some()) {
            return Ok(Some(found));
        }
    }
    Ok(None)
}

/// The newest versions of all that a service wants.
pub(crate) async fn pins(engine: &Engine, slot: &SlotKey, serve: &ServeSpec) -> Result<SecretPins, Fault> {
    let mut pins = SecretPins::new();
    for (key, wanted) in &serve.secrets {
        let name = name_of(key, wanted);
        let secret = nearest(engine, slot, name).await?;
        let newest = secret.as_ref().and_then(|secret| Some((secret, secret.newest()?)));
        let Some((secret, version)) = newest else { return Err(is_missing(slot, name)) };
        pins.insert(key.clone(), SecretPin { secret: secret.address.clone(), version: version.number });
    }
    Ok(pins)
}

fn is_missing(slot: &SlotKey, name: &str) -> Fault {
    let SlotKey { environment, service, .. } = slot;
    Fault::invalid(format!("{service} wants the secret {name}, and {environment} has none of that name"))
        .with_hint(format!("set it: `shipway secret set {name} -e {environment}`"))
}

/// Secrets that services want and the environment does not have, or whose master key isn't there.
pub(crate) async fn missing(
    engine: &Engine,
    project: &ProjectId,
    plan: &EnvironmentPlan,
    services: &[ServiceName],
) -> Result<Vec<Finding>, Fault> {
    let mut findings = Vec::new();
    for (service, spec) in &plan.services {
        if !services.is_empty() && !services.contains(service) {
            continue;
        }
        let slot = SlotKey { project: project.clone(), environment: plan.name.clone(), service: service.clone() };
        for (key, wanted) in &spec.serve.secrets {
            let field = format!("services.{service}.secrets.{key}");
            findings.extend(trouble(engine, &slot, name_of(key, wanted)).await?.map(|found| found.field(field)));
        }
    }
    Ok(findings)
}

async fn trouble(engine: &Engine, slot: &SlotKey, name: &str) -> Result<Option<Finding>, Fault> {
    let fault = match nearest(engine, slot, name).await? {
        None => is_missing(slot, name),
        Some(secret) => match opened(engine, &secret, secret.last) {
            Ok(_) => return Ok(None),
            Err(fault) => fault,
        },
    };
    let finding = Finding::critical(VALIDATOR, Category::Configuration, fault.message);
    Ok(Some(fault.hint.into_iter().fold(finding, Finding::recommendation)))
}

/// The value that a pinned version resolves to, with the number of the version that gave it.
fn opened(engine: &Engine, secret: &Secret, number: u32) -> Result<(u32, SecretText), Fault> {
    let version = secret.resolve(number).ok_or_else(|| {
        let SecretAddress { name, .. } = &secret.address;
        let options = secret.address.options();
        Fault::unavailable(format!("{}@{number} is revoked, and no other version is there", secret.address))
            .with_hint(format!("set a new one: `shipway secret set {name}{options}`"))
    })?;
    let value = engine.ports.secrets.open(&secret.about(version.number), &version.envelope)?;
    Ok((version.number, value))
}

/// What an instance of a release is given, and which of it in other versions than the release names.
pub(crate) async fn of_release(engine: &Engine, release: &Release) -> Result<(GivenSecrets, SecretPins), Fault> {
    let (mut given, mut substituted) = (GivenSecrets::default(), SecretPins::new());
    for (key, pin) in &release.secrets {
        let stored: Option<Secret> = engine.ports.store.find(&pin.secret.to_string()).await?;
        let secret = stored.unwrap_or_else(|| Secret::new(pin.secret.clone()));
        let (number, value) = opened(engine, &secret, pin.version)?;
        if number != pin.version {
            substituted.insert(key.clone(), SecretPin { version: number, ..pin.clone() });
        }
        match release.serve.secrets.get(key).and_then(|wanted| wanted.file.clone()) {
            Some(file) => given.files.insert(file, value),
            None => given.variables.insert(key.clone(), value),
        };
    }
    Ok((given, substituted))
}

/// The newest value of an environment's secret, or the project's; none when there is none of that name.
pub(crate) async fn of_environment(
    engine: &Engine,
    project: &ProjectId,
    environment: &EnvironmentName,
    name: &str,
) -> Result<Option<SecretText>, Fault> {
    for environment in [Some(environment.clone()), None] {
        let address = SecretAddress { project: project.clone(), environment, service: None, name: name.into() };
        let found: Option<Secret> = engine.ports.store.find(&address.to_string()).await?;
        if let Some(found) = found.filter(|secret| secret.newest().is_some()) {
            return opened(engine, &found, found.last).map(|(_, value)| Some(value));
        }
    }
    Ok(None)
}

/// Which secrets were given in other versions, in words.
pub(crate) fn substituted_words(release: &Release, substituted: &SecretPins) -> String {
    let words = substituted.iter().map(|(key, given)| {
        let pinned = release.secrets.get(key).map(|pin| pin.version).unwrap_or_default();
        format!("{}@{} for the revoked {}@{pinned}", given.secret.name, given.version, given.secret.name)
    });
    words.collect::<Vec<_>>().join(", ")
}
