//! What commands give.

use std::sync::Arc;

use shipway_core::{
    access::{AccessToken, TokenText},
    config::remote::RemoteStanding,
    deployment::Deployment,
    flag::Flag,
    project::{EnvironmentLayer, Project},
    promotion::Combination,
    schedule::Schedule,
    secret::Secret,
};

use crate::{retention::Swept, secrets::Rekeyed};

/// What a command gives.
#[derive(Clone, Debug)]
pub enum Reply {
    /// The deployment as it is now.
    Deployment(Arc<Deployment>),
    /// The project as it is now.
    Project(Box<Project>),
    /// A combination that has a name now.
    Combination(Box<Combination>),
    /// The schedule as it is now, or was.
    Schedule(Box<Schedule>),
    /// What remotes said.
    Remotes(Vec<RemoteStanding>),
    /// The layer as it is now.
    Layer(Box<EnvironmentLayer>),
    /// The feature flag as it is now.
    Flag(Box<Flag>),
    /// An access token, and its text, which is shown this once.
    Token(Box<AccessToken>, TokenText),
    /// An access token that is no more.
    RevokedToken(Box<AccessToken>),
    /// The secret as it is now, sealed.
    Secret(Box<Secret>),
    /// Another master key seals now.
    Rekeyed(Rekeyed),
    /// What was removed of an environment's past.
    Swept(Swept),
    /// Nothing more to say.
    Done,
}
