//! The wire: types, error body, typed client, OpenAPI.
//!
//! Times are RFC 3339 in UTC, names are camelCase. Not here: logic, and the server (`app`).

mod access;
mod backup;
mod client;
mod flags;
mod history;
mod openapi;
mod problem;
mod standing;
mod types;
mod view;

pub use self::{
    access::*,
    backup::*,
    client::{Client, ClientError},
    flags::*,
    history::*,
    openapi::{ENDPOINTS, Endpoint, openapi},
    problem::Problem,
    standing::*,
    types::*,
    view::{deployment_view, planned_steps, summary_view},
};
