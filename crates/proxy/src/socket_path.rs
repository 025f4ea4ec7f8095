//! Unix sockets in folders of any depth. Their addresses hold 108 bytes, so the way leads through an open folder.

use std::{
    fs::{self, File},
    io,
    os::{fd::AsRawFd, unix::fs::PermissionsExt, unix::net::UnixListener, unix::net::UnixStream},
    path::{Path, PathBuf},
};

use crate::file_write::beside;

/// A short path to a name in a folder; good as long as this is kept.
#[derive(Debug)]
pub(crate) struct ShortPath {
    _folder: File,
    path: PathBuf,
}

impl ShortPath {
    pub(crate) fn new(folder: &Path, name: &str) -> io::Result<Self> {
        let folder = File::open(folder)?;
        let path = PathBuf::from(format!("/proc/self/fd/{}", folder.as_raw_fd())).join(name);
        Ok(Self { _folder: folder, path })
    }

    pub(crate) fn as_path(&self) -> &Path {
        &self.path
    }
}

/// Listens at a name, for this user only, in place of whatever was there.
pub(crate) fn listen(folder: &Path, name: &str) -> io::Result<UnixListener> {
    let short = ShortPath::new(folder, name)?;
    let beside = beside(short.as_path());
    let _ = fs::remove_file(&beside);
    let listener = UnixListener::bind(&beside)?;
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o600))?;
    // It listens before it can be found, so a client is never refused.
    fs::rename(&beside, short.as_path())?;
    Ok(listener)
}

/// Connects to a name.
pub(crate) fn connect(folder: &Path, name: &str) -> io::Result<UnixStream> {
    UnixStream::connect(ShortPath::new(folder, name)?.as_path())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deep_folders_work_and_the_old_socket_gives_way() {
        let folder = tempfile::tempdir().expect("a folder");
        let deep = folder.path().join("x".repeat(120));
        fs::create_dir(&deep).expect("a deep folder");
        let old = listen(&deep, "a.sock").expect("the first");
        let new = listen(&deep, "a.sock").expect("the second");
        drop(old);
        let client = connect(&deep, "a.sock").expect("a client");
        new.accept().expect("it came to the second");
        drop(client);
        let mode = fs::metadata(deep.join("a.sock")).expect("it is there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(fs::read_dir(&deep).expect("read").count(), 1);
    }
}
