//! The wire: types, error body, typed client, OpenAPI.
//!
//! Times are RFC 3339 in UTC, names are camelCase. Not here: logic, and the server (`app`).

mod access;
mod backup;
mod client;
mod configuration;
mod deployments;
mod drift;
mod environments;
mod flags;
mod gates;
mod history;
mod openapi;
mod plans;
mod problem;
mod projects;
mod promotion;
mod quota;
mod retention;
mod secrets;
mod server;
mod standing;
mod view;

pub use self::{
    access::*,
    backup::*,
    client::{Client, ClientError},
    configuration::*,
    deployments::*,
    drift::*,
    environments::*,
    flags::*,
    gates::*,
    history::*,
    openapi::{ENDPOINTS, Endpoint, openapi},
    plans::*,
    problem::Problem,
    projects::*,
    promotion::*,
    quota::*,
    retention::*,
    secrets::*,
    server::*,
    standing::*,
    view::{deployment_view, planned_steps, summary_view},
};
