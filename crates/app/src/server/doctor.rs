//! Whether everything agrees, over HTTP: what the engine sees, the database itself, and the contents of artifacts.

use axum::{Extension, Json, extract::rejection::JsonRejection};
use shipway_api::{ComplaintView, DoctorRequest, DoctorView};
use shipway_core::{
    command::{About, Meaning},
    id::Actor,
    policy::Act,
    ports::Fault,
};
use shipway_engine::Complaint;

use super::{State, answer::Answer, sight};

pub(super) async fn look(shared: State) -> Answer<DoctorView> {
    examine(&shared, false).await
}

pub(super) async fn repair(
    shared: State,
    Extension(actor): Extension<Actor>,
    body: Result<Json<DoctorRequest>, JsonRejection>,
) -> Answer<DoctorView> {
    let Json(DoctorRequest { repair }) = body?;
    match repair {
        true => shared.engine.permit(&Meaning::new("repair", Act::Administer, About::Server), &actor).await?,
        false => sight::whole(&shared, &actor).await?,
    }
    examine(&shared, repair).await
}

async fn examine(shared: &State, repair: bool) -> Answer<DoctorView> {
    let database = shared.store.faults().await?.into_iter().map(|message| ComplaintView {
        area: "database".into(),
        message,
        hint: "restore a backup: `shipway restore FOLDER --data NEW`".into(),
        repaired: false,
    });
    let mut complaints: Vec<_> = database.collect();
    complaints.extend(contents(shared).await?);
    complaints.extend(shared.engine.examine(repair).await?.into_iter().map(view));
    Ok(Json(DoctorView { sound: complaints.iter().all(|one| one.repaired), complaints }))
}

fn view(Complaint { area, message, hint, repaired }: Complaint) -> ComplaintView {
    ComplaintView { area: area.into(), message, hint, repaired }
}

/// Reads the contents of every artifact that is in use.
async fn contents(shared: &State) -> Result<Vec<ComplaintView>, Fault> {
    let digests = shared.engine.artifacts_in_use().await?;
    let artifacts = shared.artifacts.clone();
    let read = tokio::task::spawn_blocking(move || {
        // One whose list is missing or damaged is told by the engine.
        let damage = |digest| artifacts.damage(digest).unwrap_or_default().into_iter().map(move |file| (digest, file));
        let complaint = |(digest, file): (&shipway_core::id::ArtifactDigest, String)| ComplaintView {
            area: "artifacts".into(),
            message: format!("artifact {} is damaged: {file}", digest.short()),
            hint: "restore a backup; what runs goes on, and can't be started anew".into(),
            repaired: false,
        };
        digests.iter().flat_map(damage).map(complaint).collect()
    });
    read.await.map_err(|error| Fault::unavailable(format!("reading artifacts was cut off: {error}")))
}
