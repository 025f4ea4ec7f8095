//! Secrets over HTTP. A new value comes by PUT: what comes by POST is remembered by its hash (`idempotency`).

use axum::{
    Extension, Json,
    extract::{Path, rejection::JsonRejection},
};
use shipway_api::{
    MasterKeyView, RekeyRequest, RekeyView, SecretRemoval, SecretRevocation, SecretTroubleView, SecretUserView,
    SecretVersionView, SecretView, SecretWrite,
};
use shipway_core::{
    command::Command,
    id::{Actor, EnvironmentName, ProjectId, ServiceName},
    secret::{SecretAddress, SecretCommand},
};
use shipway_engine::{Reply, SecretStanding};

use super::{
    Shared, State,
    answer::{Answer, Rejected},
};

fn address(
    project: String,
    environment: Option<EnvironmentName>,
    service: Option<ServiceName>,
    name: String,
) -> SecretAddress {
    SecretAddress { project: ProjectId::new(project), environment, service, name }
}

pub(super) async fn list(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path(project): Path<String>,
) -> Answer<Vec<SecretView>> {
    let project = shared.engine.project(&ProjectId::new(project)).await?;
    let mut all = shared.engine.secrets(&project.id).await?;
    all.retain(|one| one.secret.address.environment.as_ref().is_none_or(|name| actor.sees(name)));
    for one in &mut all {
        one.users.retain(|user| actor.sees(&user.slot.environment));
    }
    Ok(Json(all.into_iter().map(view).collect()))
}

fn view(standing: SecretStanding) -> SecretView {
    let SecretStanding { secret, mut fingerprints, users } = standing;
    let newest = secret.newest().map(|version| version.number);
    let id = secret.address.to_string();
    let SecretAddress { environment, service, name, .. } = secret.address;
    let versions = secret.versions.into_iter().map(|version| SecretVersionView {
        number: version.number,
        by: version.by,
        at: version.at,
        reason: version.reason,
        revoked: version.revoked,
        fingerprint: fingerprints.remove(&version.number),
    });
    let used_by = users.into_iter().map(|user| SecretUserView {
        environment: user.slot.environment,
        service: user.slot.service,
        release: user.release,
        version: user.version,
        live: user.live,
    });
    SecretView { id, name, environment, service, versions: versions.collect(), newest, used_by: used_by.collect() }
}

async fn change(shared: &Shared, actor: Actor, command: SecretCommand) -> Answer<SecretView> {
    match ask(shared, actor, command).await? {
        Reply::Secret(secret) => Ok(Json(view(shared.engine.secret_standing(*secret).await?))),
        _ => Err(Rejected::not_found("the server did not say what became of the secret")),
    }
}

async fn ask(shared: &Shared, actor: Actor, command: SecretCommand) -> Result<Reply, Rejected> {
    Ok(shared.engine.execute(Command::Secret(Box::new(command)), actor).await?)
}

pub(super) async fn set(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path(project): Path<String>,
    body: Result<Json<SecretWrite>, JsonRejection>,
) -> Answer<SecretView> {
    let Json(SecretWrite { name, environment, service, value, rotate, reason }) = body?;
    let secret = address(project, environment, service, name);
    change(&shared, actor, SecretCommand::Set { secret, value, rotate, reason }).await
}

pub(super) async fn revoke(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path(project): Path<String>,
    body: Result<Json<SecretRevocation>, JsonRejection>,
) -> Answer<SecretView> {
    let Json(SecretRevocation { name, environment, service, version, reason }) = body?;
    let secret = address(project, environment, service, name);
    change(&shared, actor, SecretCommand::Revoke { secret, version, reason }).await
}

pub(super) async fn delete(
    shared: State,
    Extension(actor): Extension<Actor>,
    Path(project): Path<String>,
    body: Result<Json<SecretRemoval>, JsonRejection>,
) -> Answer<SecretView> {
    let Json(SecretRemoval { name, environment, service, force, reason }) = body?;
    let secret = address(project, environment, service, name);
    change(&shared, actor, SecretCommand::Delete { secret, force, reason }).await
}

pub(super) async fn master_key(shared: State) -> Answer<MasterKeyView> {
    let (keys, troubles) = shared.engine.master_keys().await?;
    let troubles = troubles.into_iter().map(|trouble| SecretTroubleView {
        secret: trouble.secret.to_string(),
        message: trouble.message,
        hint: trouble.hint,
    });
    Ok(Json(MasterKeyView { keys, troubles: troubles.collect() }))
}

pub(super) async fn rekey(
    shared: State,
    Extension(actor): Extension<Actor>,
    body: Result<Json<RekeyRequest>, JsonRejection>,
) -> Answer<RekeyView> {
    let Json(RekeyRequest { reason }) = body?;
    match ask(&shared, actor, SecretCommand::Rekey { reason }).await? {
        Reply::Rekeyed(done) => Ok(Json(RekeyView {
            master_key: done.master_key,
            source: done.source,
            made: done.made,
            secrets: done.secrets,
            old: done.old,
        })),
        _ => Err(Rejected::not_found("the server did not say what became of the master key")),
    }
}
