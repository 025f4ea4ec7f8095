//! CUE in Rust: parse, evaluate, explain, format and edit configurations written in CUE (the language specification
//! of CUE v0.17).
//!
//! The way of a configuration through this crate: files become packages ([`load`]), text becomes tokens and a tree
//! ([`syntax`]), names in the tree are bound to what they mean (`compile`), the bound tree is evaluated lazily as a
//! graph of vertices (`eval`), and the result is read as a [`Value`], or as plain [`data`] that is written ([`encode`]).
//! A [`Context`] goes this way at once:
//!
//! ```
//! let context = shipway_cue::Context::default();
//! let value = context.compile_text("replicas: *1 | >0\nreplicas: 3")?;
//! assert_eq!(value.lookup("replicas")?.decode::<u32>()?, 3);
//! # Ok::<(), shipway_cue::Failed>(())
//! ```
//!
//! Not here: deployments, or anything else that Shipway knows; a network. What is not supported is refused by name,
//! with the position ([`error::Code::Unsupported`]): a wrong value is never the answer.

pub mod builtin;
#[cfg(feature = "command-line")]
pub mod command;
mod compile;
pub mod data;
pub mod decode;
pub mod edit;
pub mod encode;
pub mod error;
mod eval;
pub mod format;
mod hash;
pub mod jsonschema;
pub mod kind;
pub mod label;
pub mod lint;
pub mod load;
mod nearest;
pub mod number;
pub mod pattern;
pub mod provenance;
pub mod report;
pub mod source;
pub mod syntax;
mod value;

pub use compile::{PackageSource, Target};
pub use eval::{Limits, Style};
pub use load::Failed;
pub use value::{Context, Field, Instance, Validation, Value};

/// The examples of the documents are run as tests.
#[cfg(doctest)]
mod documents {
    #[doc = include_str!("../../../docs/CUE.md")]
    mod the_whole {}
    #[doc = include_str!("../README.md")]
    mod readme {}
}
