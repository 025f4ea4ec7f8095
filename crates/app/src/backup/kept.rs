//! Which copies stay: the newest so many. Objects that no copy names any more go with them.

use std::{collections::HashSet, fs, path::Path};

use shipway_core::ports::Fault;

use super::{copies, list, list::What, list_file, names, take::in_turn};

/// Removes all but the newest copies, and what only those held. Says how many went.
///
/// # Errors
/// The list of a copy that stays can't be read: then no object is removed.
pub fn prune(folder: &Path, keep: usize) -> Result<usize, Fault> {
    in_turn(folder, || {
        let mut old = names(folder)?;
        let stays = old.split_off(old.len().saturating_sub(keep.max(1)));
        for name in &old {
            let copy = copies(folder).join(name);
            // Half of a copy must not be taken for a copy.
            let going = copies(folder).join(format!(".new-gone-{name}"));
            let gone = fs::rename(&copy, &going).and_then(|()| fs::remove_dir_all(&going));
            gone.map_err(|error| Fault::io(format!("removing the copy {}", copy.display()), &error))?;
        }
        if !old.is_empty() {
            sweep(folder, &stays)?;
        }
        Ok(old.len())
    })
}

fn sweep(folder: &Path, stays: &[String]) -> Result<(), Fault> {
    let mut named: HashSet<String> = HashSet::new();
    for name in stays {
        list::read(&list_file(&copies(folder).join(name)), |entry| {
            if let What::File { hash, .. } = entry.what {
                named.insert(hash);
            }
            Ok(())
        })?;
    }
    for first in fs::read_dir(folder.join("objects")).into_iter().flatten().flatten() {
        for object in fs::read_dir(first.path()).into_iter().flatten().flatten() {
            let hash = format!("{}{}", first.file_name().to_string_lossy(), object.file_name().to_string_lossy());
            if !named.contains(&hash) {
                fs::remove_file(object.path())
                    .map_err(|error| Fault::io(format!("removing {}", object.path().display()), &error))?;
            }
        }
    }
    Ok(())
}
