//! The control plane without HTTP.
//!
//! The way of one deployment: `commands` permits and records it, `submission` takes it in, `deploy::life` carries it,
//! `make` turns source into releases (touching no environment), `deploy::moving` plans under leases and runs the plan,
//! `deploy::perform` is the one `match` from steps to ports, `traffic` publishes what the slots say, `deploy::back` plans
//! the way back. Beside it, `keep` makes the recorded state true all the time.
//!
//! Not here: HTTP (`app`), SQL (`store`), processes (`targets`), decisions that need no port (`core`).

mod archive;
mod audit;
mod authorization;
mod breakers;
mod commands;
mod compare;
mod compatibility;
mod configuration;
mod deploy;
mod disk_use;
mod doctor;
mod drift;
mod engine;
mod environments;
mod explain;
mod flags;
mod gates;
mod going_back;
mod history;
mod intake;
mod keep;
mod known;
mod leases;
mod make;
mod notify;
mod promotion;
mod quarantine;
mod queries;
mod quota;
mod refusal;
mod registration;
mod remote;
mod reply;
mod retention;
mod room;
mod schedules;
mod secrets;
mod servers;
mod spec;
mod standing;
mod steering;
mod submission;
mod sync;
mod tokens;
mod traffic;
mod unstick;
mod utilization;
mod validation;
mod world;

pub use self::{
    audit::AuditFilter,
    compare::Compared,
    doctor::{Complaint, stage_sites},
    engine::{CrashPoint, Engine, FlagAccess, Folders, Ports, Settings},
    gates::GatesStanding,
    make::BUILDS_MAX,
    queries::{Drawn, Remembered},
    quota::{QuotaUse, QuotasStanding},
    refusal::Refusal,
    reply::Reply,
    retention::{RetentionStanding, Swept},
    secrets::{KeyTrouble, Rekeyed, SecretStanding, SecretUser},
    standing::{BreakersStanding, HeldLease, LeasesStanding, WaitingClaim},
    sync::{Standing, SyncWish},
    utilization::{USAGE_INTERVAL_MS, USAGE_INTERVALS_MS, Used},
    validation::Validation,
};
