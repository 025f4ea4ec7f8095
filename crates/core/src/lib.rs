//! The domain of Shipway: types and decisions.
//!
//! Not here, and never to come: IO, a clock, randomness, an async runtime. Time and ids are passed in, so every
//! function of this crate can be called a thousand times in a test and says the same each time.

pub mod access;
pub mod archive;
pub mod artifact;
pub mod audit;
pub mod breaker;
pub mod command;
pub mod command_line;
pub mod compare;
pub mod compatibility;
pub mod config;
pub mod deployment;
pub mod drift;
pub mod environment;
pub mod event;
pub mod explain;
pub mod finding;
pub mod flag;
pub mod gate;
pub mod headroom;
pub mod history;
pub mod id;
pub mod instance;
pub mod lease;
pub mod phase;
pub mod plan;
pub mod policy;
pub mod ports;
pub mod progress;
pub mod project;
pub mod promotion;
pub mod quota;
pub mod release;
pub mod retention;
pub mod risk;
pub mod route;
pub mod schedule;
pub mod secret;
pub mod slot;
pub mod spec;
pub mod store;
pub mod strategy;
pub mod time;
pub mod utilization;
