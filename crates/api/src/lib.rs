//! The wire: types, error body, typed client, OpenAPI.
//!
//! Times are RFC 3339 in UTC, names are camelCase. Not here: logic, and the server (`app`).

mod access;
mod client;
mod configuration;
mod flags;
mod gates;
mod openapi;
mod problem;
mod quota;
mod secrets;
mod standing;
mod types;
mod view;

pub use self::{
    access::*,
    client::{Client, ClientError},
    configuration::*,
    flags::*,
    gates::*,
    openapi::{ENDPOINTS, Endpoint, openapi},
    problem::Problem,
    quota::*,
    secrets::*,
    standing::*,
    types::*,
    view::{deployment_view, planned_steps, summary_view},
};
