//! A copy of a folder that applications write to, for whoever keeps it elsewhere. Not here: how it is copied
//! (`copy_tree`), and copies that stay beside the data (`snapshots`).

use std::{path::Path, sync::atomic::AtomicBool};

use shipway_core::ports::Fault;

use crate::copy_tree::{self, CopyFault};

/// Copies a folder to where nothing is yet; says how many bytes of data the copy holds. Applications may write to it
/// meanwhile: each file is as it was at some time during the copy. It blocks.
///
/// # Errors
/// Something can't be read or written, or the disk has not the room; what was written stays, for the caller to remove.
pub fn copy_data(from: &Path, to: &Path) -> Result<u64, Fault> {
    let copied = copy_tree::copy(from, to, u64::MAX, &AtomicBool::new(false));
    copied.map_err(|fault| match fault {
        CopyFault::NoRoom { wanted_bytes, free_bytes } => {
            let message = format!("a copy of {} needs {wanted_bytes} bytes, and {free_bytes} are free", from.display());
            Fault::unavailable(message).with_hint("free some space; what was running goes on")
        }
        CopyFault::TooLarge | CopyFault::TooMany => {
            Fault::invalid(format!("{} holds too many files to be copied", from.display()))
                .with_hint("remove from it what nobody needs")
        }
        CopyFault::TooDeep(path) => {
            Fault::invalid(format!("folders lie too deep in each other to be copied: {}", path.display()))
                .with_hint("move what lies there nearer to the root")
        }
        CopyFault::GivenUp => Fault::unavailable(format!("the copy of {} was given up", from.display())),
        CopyFault::Io { doing, path, error } => Fault::io(format_args!("{doing} {}", path.display()), &error),
    })
}
