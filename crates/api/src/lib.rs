//! The wire: types, error body, typed client, OpenAPI.
//!
//! Times are RFC 3339 in UTC, names are camelCase. Not here: logic, and the server (`app`).

mod access;
mod backup;
mod client;
mod configuration;
mod drift;
mod flags;
mod gates;
mod history;
mod openapi;
mod problem;
mod promotion;
mod quota;
mod retention;
mod secrets;
mod standing;
mod types;
mod view;

pub use self::{
    access::*,
    backup::*,
    client::{Client, ClientError},
    configuration::*,
    drift::*,
    flags::*,
    gates::*,
    history::*,
    openapi::{ENDPOINTS, Endpoint, openapi},
    problem::Problem,
    promotion::*,
    quota::*,
    retention::*,
    secrets::*,
    standing::*,
    types::*,
    view::{deployment_view, planned_steps, summary_view},
};
