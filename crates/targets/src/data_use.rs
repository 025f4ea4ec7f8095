//! How much the data folders of a service take on the disk. It is measured, not held: a limit by the file system would
//! need quotas that not every one has.

use std::{
    collections::BTreeSet,
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use shipway_core::ports::Fault;

/// What the operating system counts blocks in, in bytes.
const BLOCK_BYTES: u64 = 512;
/// Files and folders that are looked at; whoever has more of them is told so, not half of it.
const FILES_MAX: usize = 2_000_000;

/// The bytes below a folder, as the disk holds them; 0 when there is none. A file with several names counts once.
pub(crate) async fn bytes(folder: PathBuf) -> Result<u64, Fault> {
    let measured = tokio::task::spawn_blocking(move || measure(&folder)).await;
    measured.map_err(|error| Fault::unavailable(format!("measuring data folders was cut off: {error}")))?
}

fn measure(folder: &Path) -> Result<u64, Fault> {
    let (mut bytes, mut seen) = (0, 0);
    let mut linked = BTreeSet::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            // The application works in there meanwhile.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(Fault::unavailable(format!("{} can't be read: {error}", folder.display()))),
        };
        for entry in entries.flatten() {
            let Ok(metadata) = entry.metadata() else { continue };
            seen += 1;
            if seen > FILES_MAX {
                let message = format!("{} holds more than {FILES_MAX} files: they are not counted", folder.display());
                return Err(Fault::invalid(message));
            }
            if metadata.nlink() < 2 || metadata.is_dir() || linked.insert((metadata.dev(), metadata.ino())) {
                bytes += metadata.blocks() * BLOCK_BYTES;
            }
            if metadata.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_below_counts_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        assert_eq!(measure(&at("none")).expect("it is measured"), 0);
        fs::create_dir(at("below")).expect("a folder");
        fs::write(at("below/file"), vec![7; 1 << 20]).expect("a file");
        let once = measure(folder.path()).expect("it is measured");
        assert!((1 << 20..2 << 20).contains(&once), "{once}");
        fs::hard_link(at("below/file"), at("again")).expect("a link");
        std::os::unix::fs::symlink(at("below/file"), at("pointer")).expect("a pointer");
        let linked = measure(folder.path()).expect("it is measured");
        assert!(linked < once + (1 << 16), "{linked}");
    }
}
