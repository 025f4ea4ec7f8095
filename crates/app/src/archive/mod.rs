//! Archives of deployments as files: a tar of one file for each, with a list of them and of their hashes at its end; or
//! a folder of such files, as a server writes them. Not here: what a deployment's own file holds (`core::archive`).

mod read;
mod write;

use serde::{Deserialize, Serialize};

pub use self::{
    read::{Found, read},
    write::Writing,
};

/// The list at the end of a tar.
const MANIFEST: &str = "manifest.json";
/// The form of the list.
const FORMAT: u32 = 1;
/// Before the end of a deployment's file.
const ENDING: &str = ".jsonl";

/// What an archive should hold.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    deployments: Vec<Listed>,
}

/// A file of an archive.
#[derive(Debug, Serialize, Deserialize)]
struct Listed {
    file: String,
    blake3: String,
}
