//! Who a process runs as. Not here: users that only a name service knows; the numeric id names those.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use rustix::process::{getegid, geteuid};
use serde::{Deserialize, Serialize};
use shipway_core::ports::Fault;

/// The word for the user that the server itself runs as.
const SERVER: &str = "@server";

/// A user by numbers, as the kernel knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct User {
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

/// The user to change to; none when the server's own user is right already.
pub(crate) fn resolve(run_as: Option<&str>) -> Result<Option<User>, Fault> {
    let name = match run_as {
        None | Some(SERVER) => return Ok(None),
        Some(name) => name,
    };
    let passwd = fs::read_to_string("/etc/passwd").map_err(|error| Fault::io("reading /etc/passwd", &error))?;
    let user = find(&passwd, name).ok_or_else(|| {
        Fault::invalid(format!("there is no user `{name}` on this machine"))
            .with_hint("create the user, name another in `run_as`, or give its number")
    })?;
    let own = User { uid: geteuid().as_raw(), gid: getegid().as_raw() };
    if user.uid == own.uid {
        return Ok(None);
    }
    if own.uid != 0 {
        return Err(Fault::invalid(format!("the server can't run anything as `{name}`, for it isn't root"))
            .with_hint("start the server as root, or set `run_as = \"@server\"`"));
    }
    Ok(Some(user))
}

/// Gives a folder with all that is in it to a user; links are given, not what they point to.
pub(crate) fn hand_over(folder: &Path, run_as: &str) -> Result<(), Fault> {
    match resolve(Some(run_as))? {
        Some(user) => {
            give(folder, user).map_err(|error| Fault::io(format_args!("giving {} away", folder.display()), &error))
        }
        None => Ok(()),
    }
}

fn give(path: &Path, user: User) -> io::Result<()> {
    if fs::symlink_metadata(path)?.is_dir() {
        for entry in fs::read_dir(path)? {
            give(&entry?.path(), user)?;
        }
    }
    std::os::unix::fs::lchown(path, Some(user.uid), Some(user.gid))
}

fn find(passwd: &str, name: &str) -> Option<User> {
    let number: Option<u32> = name.parse().ok();
    let known = passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (entry, uid, gid) = (fields.next()?, fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?);
        (entry == name || Some(uid) == number).then_some(User { uid, gid })
    });
    known.or(number.map(|id| User { uid: id, gid: id }))
}

/// The first folder on the way to `path` that the user may not pass through; none when the way is free.
pub(crate) fn barrier(user: User, path: &Path) -> io::Result<Option<PathBuf>> {
    use std::os::unix::fs::MetadataExt;
    let mut way: Vec<&Path> = path.ancestors().filter(|folder| !folder.as_os_str().is_empty()).collect();
    way.reverse();
    for folder in way {
        let metadata = fs::metadata(folder)?;
        let bit = match () {
            () if metadata.uid() == user.uid => 0o100,
            () if metadata.gid() == user.gid => 0o010,
            () => 0o001,
        };
        if metadata.is_dir() && metadata.mode() & bit == 0 {
            return Ok(Some(folder.to_path_buf()));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_name_and_number() {
        let passwd = "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34:web:/srv:/bin/false\n";
        assert_eq!(find(passwd, "web"), Some(User { uid: 33, gid: 34 }));
        assert_eq!(find(passwd, "33"), Some(User { uid: 33, gid: 34 }));
        assert_eq!(find(passwd, "4000"), Some(User { uid: 4000, gid: 4000 }));
        assert_eq!(find(passwd, "nobody-here"), None);
    }
}
