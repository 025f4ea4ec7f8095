//! Configuration in layers: what each layer says about a value, who wins, and what the values must be together.
//!
//! The weakest layer first: global, environment, service, service in environment, remotes, settings made through the
//! API, the deployment's own. Tables merge, lists replace, lists of named things merge by name, and an unset takes away.
//!
//! Not here: reading files and lines (crate `config`), what is stored when (crate `engine`).

pub mod chain;
pub mod merge;
pub mod origin;
pub mod remote;
pub mod resolve;
pub mod rules;
pub mod template;
pub mod value;
pub mod version;

#[cfg(test)]
mod tests;
