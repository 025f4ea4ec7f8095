//! Deployments as they are stored: a record that changes with every step, and the course that was decided for it, which
//! is large and changes rarely. They are written apart and read together.
//!
//! Not here: what they hold (`deployment`).

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Body, Commit, Document, DocumentKind, Listing, Store, corrupt};
use crate::{
    deployment::{Course, Deployment},
    history::Entry,
    id::DeploymentId,
    ports::Fault,
};

/// How often a deployment is read again whose course was replaced in between.
const COURSE_TRIES_MAX: u32 = 5;

/// A deployment as a disk gives it: of its course it has the number alone.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
struct Record(Deployment);

fn course_key(deployment: &DeploymentId, number: u64) -> String {
    format!("{deployment}/{number}")
}

fn scope(deployment: &Deployment) -> String {
    format!("{}/{}", deployment.request.project, deployment.request.environment)
}

/// A deployment from what is stored of it: its own body, and that of its course, by the course's key.
///
/// # Errors
/// One of them can't be read, or the course is missing.
pub fn read_deployment(body: &Body, course: impl FnOnce(&str) -> Option<Body>) -> Result<Arc<Deployment>, Fault> {
    match Found::read(body)? {
        Found::Whole(whole) => Ok(whole),
        Found::Record(record) => {
            let course = course(&course_key(&record.0.id, record.0.course.number));
            with_course(&record, &course.ok_or_else(|| without_course(&record.0.id))?)
        }
    }
}

/// The key of the course of a stored deployment; none when nothing was decided of it yet.
///
/// # Errors
/// The body can't be read.
pub fn course_of(body: &Body) -> Result<Option<String>, Fault> {
    let key = |deployment: &Deployment| {
        (deployment.course.number > 0).then(|| course_key(&deployment.id, deployment.course.number))
    };
    Ok(match Found::read(body)? {
        Found::Whole(whole) => key(&whole),
        Found::Record(record) => key(&record.0),
    })
}

/// What the history says of a stored deployment.
///
/// # Errors
/// The body can't be read.
pub fn entry_of(body: &Body) -> Result<Entry, Fault> {
    Ok(match Found::read(body)? {
        Found::Whole(whole) => Entry::of(&whole),
        Found::Record(record) => Entry::of(&record.0),
    })
}

/// What a body gives.
enum Found {
    Whole(Arc<Deployment>),
    Record(Arc<Record>),
}

impl Found {
    fn read(body: &Body) -> Result<Self, Fault> {
        if let Some(whole) = body.written() {
            return Ok(Self::Whole(whole));
        }
        let record: Arc<Record> = body.read(DocumentKind::Deployment)?;
        Ok(match record.0.course.number {
            0 => Self::Whole(Arc::new(record.0.clone())),
            _ => Self::Record(record),
        })
    }
}

fn with_course(record: &Record, course: &Body) -> Result<Arc<Deployment>, Fault> {
    let course = course.read(DocumentKind::Course)?;
    Ok(Arc::new(Deployment { course, ..record.0.clone() }))
}

fn without_course(deployment: &DeploymentId) -> Fault {
    corrupt(&format!("the course of deployment {deployment} is missing"))
}

impl Commit {
    /// Writes a deployment, and its course when it is another one than before: it gets the next number then. Gives the
    /// deployment as it is written.
    #[must_use]
    pub fn put_deployment(mut self, mut deployment: Deployment, before: &Arc<Course>) -> (Self, Arc<Deployment>) {
        if !Arc::ptr_eq(&deployment.course, before) {
            deployment.course_mut().number = before.number + 1;
            let key = course_key(&deployment.id, deployment.course.number);
            let (scope, order) = (scope(&deployment), deployment.created_at.0);
            let body = Body::of(deployment.course.clone());
            self.puts.push(Document { kind: DocumentKind::Course, key, scope, order, body });
            if before.number > 0 {
                self.deletes.push((DocumentKind::Course, course_key(&deployment.id, before.number)));
            }
        }
        let written = Arc::new(deployment);
        (self.put_record(&written), written)
    }

    /// Writes a deployment whose course stays as it is stored.
    #[must_use]
    pub fn put_record(mut self, deployment: &Arc<Deployment>) -> Self {
        let (key, scope, order) = (deployment.id.to_string(), scope(deployment), deployment.created_at.0);
        let body = Body::of(deployment.clone());
        self.puts.push(Document { kind: DocumentKind::Deployment, key, scope, order, body });
        self
    }
}

impl dyn Store + '_ {
    /// A deployment.
    pub async fn deployment(&self, id: &str) -> Result<Option<Arc<Deployment>>, Fault> {
        for _ in 0..COURSE_TRIES_MAX {
            let Some(body) = self.get(DocumentKind::Deployment, id).await? else { return Ok(None) };
            if let Some(whole) = self.whole(&body).await? {
                return Ok(Some(whole));
            }
        }
        Err(without_course(&DeploymentId::new(id)))
    }

    /// Deployments of a listing, only to be looked at.
    pub async fn deployments(&self, listing: Listing) -> Result<Vec<Arc<Deployment>>, Fault> {
        let bodies = self.list(DocumentKind::Deployment, listing).await?;
        let mut all = Vec::with_capacity(bodies.len());
        for body in bodies {
            match self.whole(&body).await? {
                Some(whole) => all.push(whole),
                None => {
                    let record: Arc<Record> = body.read(DocumentKind::Deployment)?;
                    all.extend(self.deployment(record.0.id.as_str()).await?);
                }
            }
        }
        Ok(all)
    }

    /// The deployment of a body; none when its course was replaced since the body was read.
    async fn whole(&self, body: &Body) -> Result<Option<Arc<Deployment>>, Fault> {
        let record = match Found::read(body)? {
            Found::Whole(whole) => return Ok(Some(whole)),
            Found::Record(record) => record,
        };
        let course = self.get(DocumentKind::Course, &course_key(&record.0.id, record.0.course.number)).await?;
        course.map(|course| with_course(&record, &course)).transpose()
    }
}
