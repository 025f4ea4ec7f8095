//! Whether what lies on this machine is what a release says: the files of its folder, and the records of its instances.
//! Files are looked at by size, inode and times; contents are read when those are not the ones of the last reading, and
//! no more than some at a time.
//!
//! Not here: what is done about it (`mending`, `engine::keep`).

use std::{
    collections::{BTreeMap, HashMap},
    fs::{self, Metadata},
    io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use shipway_core::{
    artifact::{TreeEntry, TreeNode},
    drift::{DIFFERENCES_MAX, Difference, DriftChange, Drifted},
    id::ReleaseId,
    ports::{Artifacts, Fault, FaultKind, Launch},
    release::{Release, variable},
};

use crate::{driver::LocalDriver, launch::Intent, program, staging, users};

/// What is read of a release's files in one look, in bytes; the rest is read by the next ones.
const READ_BYTES_MAX: u64 = 128 * 1024 * 1024;
/// Releases whose files are remembered; those that are forgotten are read again.
const RELEASES_MAX: usize = 1000;

/// A file as it was when its content was read last and found right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(metadata: &Metadata) -> Self {
        Self {
            inode: metadata.ino(),
            bytes: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            // Nobody sets this one back, but for who sets the clock.
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// Files that were read and found right, by release and path.
#[derive(Default)]
pub(crate) struct Proven(Mutex<HashMap<ReleaseId, HashMap<String, Stamp>>>);

impl Proven {
    fn take(&self, release: &ReleaseId) -> HashMap<String, Stamp> {
        // What is lost by a panic elsewhere is only read again.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(release).unwrap_or_default()
    }

    fn put(&self, release: &ReleaseId, stamps: HashMap<String, Stamp>) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= RELEASES_MAX {
            all.clear();
        }
        all.insert(release.clone(), stamps);
    }
}

/// What lies in a folder, by its path there; folders only when they are empty.
pub(crate) type Found = BTreeMap<String, Metadata>;

impl LocalDriver {
    /// Everything that differs: of the release's files, and of the records of these instances of it.
    pub(crate) async fn differences(&self, release: &Release, launches: &[Launch]) -> Result<Vec<Difference>, Fault> {
        let mut differences = self.file_differences(release).await?;
        for launch in launches {
            differences.extend(self.launch_differences(launch));
        }
        differences.sort();
        differences.truncate(DIFFERENCES_MAX);
        Ok(differences)
    }

    /// The files of a release that are not what its artifact says.
    pub(crate) async fn file_differences(&self, release: &Release) -> Result<Vec<Difference>, Fault> {
        let tree = self.artifacts.tree(&release.artifact).await?;
        let folder = staging::folder(&self.data, &release.id);
        let mut found = list(&folder).await?;
        for name in &release.serve.data {
            found.remove(name.trim_matches('/'));
        }
        let look = Look { artifacts: &*self.artifacts, folder: &folder, proven: self.proven.take(&release.id) };
        let (differences, proven) = look.compare(&tree.entries, found).await?;
        self.proven.put(&release.id, proven);
        Ok(differences)
    }

    /// What of an instance's record is not what its release says.
    fn launch_differences(&self, launch: &Launch) -> Vec<Difference> {
        let part = |part: &str| {
            let of = Drifted::Launch { instance: launch.instance.clone(), part: part.to_owned() };
            Difference { of, change: DriftChange::Changed }
        };
        let intent = match Intent::read(&self.folder(&launch.instance)) {
            Ok(Some(intent)) => intent,
            // It has ended, and was forgotten; that is no drift.
            Ok(None) => return Vec::new(),
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return vec![part("record")],
            Err(_) => return Vec::new(),
        };
        let release = &launch.release;
        // What was reloaded runs from the folder that it was started in.
        let reloaded = intent.reloaded.as_ref().filter(|reloaded| **reloaded == release.id);
        let started = if reloaded.is_some() { &intent.release } else { &release.id };
        let (execution, folder) = (&intent.execution, staging::folder(&self.data, started));
        let words = release.serve.run.as_ref().map(|run| run.words()).unwrap_or_default();
        let path = execution.variables.get("PATH").map_or(program::PATH_DEFAULT, String::as_str);
        let program = release.serve.run.as_ref().and_then(|run| program::resolve(run, &folder, path).ok());
        let user = users::resolve(release.serve.run_as.as_deref());
        let parts = [
            ("release", *intent.reloaded.as_ref().unwrap_or(&intent.release) != release.id),
            ("configuration", !self.configured.is_right(&launch.instance, release)),
            ("folder", execution.folder != folder),
            ("program", program.is_some_and(|program| program != execution.program)),
            ("argument list", !execution.arguments.iter().eq(words.iter().skip(1))),
            ("user", user.is_ok_and(|user| user != execution.user)),
            ("stop", intent.stop != release.serve.stop),
        ];
        let mut differences: Vec<_> =
            parts.iter().filter(|(_, differs)| *differs).map(|(name, _)| part(name)).collect();
        differences.extend(self.variable_differences(launch, &execution.variables));
        differences
    }

    fn variable_differences(&self, launch: &Launch, recorded: &BTreeMap<String, String>) -> Vec<Difference> {
        let differs = |name: &str, change| {
            let of = Drifted::Variable { instance: launch.instance.clone(), name: name.to_owned() };
            Difference { of, change }
        };
        let expected = self.variables(launch);
        let mut differences = Vec::new();
        for (name, value) in recorded {
            let is_own = launch.variables.contains_key(name) || name.starts_with("SHIPWAY_");
            match expected.get(name) {
                // What the server's own environment said then says nothing of the release.
                Some(wanted) if is_own && !same(name, wanted, value) => {
                    differences.push(differs(name, DriftChange::Changed))
                }
                None if !is_given(name) => differences.push(differs(name, DriftChange::Added)),
                _ => {}
            }
        }
        let gone = launch.release.serve.variables.keys().filter(|name| !recorded.contains_key(*name));
        differences.extend(gone.map(|name| differs(name, DriftChange::Missing)));
        differences
    }
}

/// Names that a driver or another version of Shipway gives besides a release's own.
fn is_given(name: &str) -> bool {
    name == variable::PORT || name.starts_with("SHIPWAY_")
}

/// Whether two values mean the same: a server that moved gives other addresses of itself and its proxy.
fn same(name: &str, wanted: &str, found: &str) -> bool {
    if name == variable::FLAGS {
        let path = |url: &str| {
            url.split_once("://").and_then(|(_, rest)| rest.split_once('/')).map(|(_, path)| path.to_owned())
        };
        return path(wanted) == path(found);
    }
    if name.starts_with(variable::URL_PREFIX) {
        let host = |url: &str| url.rsplit_once(':').map(|(host, _)| host.to_owned());
        return host(wanted) == host(found);
    }
    wanted == found
}

struct Look<'a> {
    artifacts: &'a dyn Artifacts,
    folder: &'a Path,
    proven: HashMap<String, Stamp>,
}

impl Look<'_> {
    async fn compare(
        mut self,
        entries: &[TreeEntry],
        mut found: Found,
    ) -> Result<(Vec<Difference>, HashMap<String, Stamp>), Fault> {
        let (mut differences, mut proven, mut read_bytes) = (Vec::new(), HashMap::new(), 0_u64);
        for entry in entries {
            let path = &entry.path;
            let Some(metadata) = found.remove(path) else {
                differences.push(Difference::file(path, DriftChange::Missing));
                continue;
            };
            let known = self.proven.remove(path);
            let stamp = Stamp::of(&metadata);
            let right = match &entry.node {
                TreeNode::File { size_bytes, executable, .. } if !fits(&metadata, *size_bytes, *executable) => false,
                TreeNode::File { .. } if known == Some(stamp) => true,
                // Another look reads it.
                TreeNode::File { .. } if known.is_none() && read_bytes >= READ_BYTES_MAX => continue,
                TreeNode::File { hash, .. } => {
                    read_bytes = read_bytes.saturating_add(stamp.bytes);
                    self.holds(path, hash).await?
                }
                TreeNode::Link { target } => {
                    fs::read_link(self.folder.join(path)).is_ok_and(|link| link.as_path() == Path::new(target))
                }
                TreeNode::EmptyFolder => metadata.is_dir(),
            };
            match right {
                true => drop(proven.insert(path.clone(), stamp)),
                false => differences.push(Difference::file(path, DriftChange::Changed)),
            }
        }
        // A folder that is empty because what it should hold is missing was added by nobody.
        let is_parent = |folder: &str| {
            entries.iter().any(|entry| entry.path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/')))
        };
        let added = found.into_iter().filter(|(path, metadata)| !(metadata.is_dir() && is_parent(path)));
        differences.extend(added.map(|(path, _)| Difference::file(path, DriftChange::Added)));
        Ok((differences, proven))
    }

    async fn holds(&self, path: &str, hash: &str) -> Result<bool, Fault> {
        match self.artifacts.hash(&self.folder.join(path)).await {
            Ok(found) => Ok(found == hash),
            Err(fault) if fault.kind == FaultKind::NotFound => Ok(false),
            Err(fault) => Err(fault),
        }
    }
}

fn fits(metadata: &Metadata, size_bytes: u64, executable: bool) -> bool {
    let may_run = metadata.permissions().mode() & 0o100 != 0;
    metadata.is_file() && metadata.len() == size_bytes && may_run == executable
}

/// Everything that lies in a folder; one that is gone holds nothing.
async fn list(folder: &Path) -> Result<Found, Fault> {
    let folder = folder.to_path_buf();
    let listing = tokio::task::spawn_blocking(move || {
        let mut found = Found::new();
        list_below(&folder, &folder, &mut found)
            .map_err(|error| Fault::io(format_args!("looking through {}", folder.display()), &error))?;
        Ok(found)
    });
    listing.await.map_err(|error| Fault::unavailable(format!("looking through a release was cut off: {error}")))?
}

fn list_below(root: &Path, folder: &Path, found: &mut Found) -> io::Result<()> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    let mut empty = true;
    for entry in entries {
        let path: PathBuf = entry?.path();
        empty = false;
        match fs::symlink_metadata(&path)? {
            metadata if metadata.is_dir() => list_below(root, &path, found)?,
            metadata => drop(found.insert(below(root, &path), metadata)),
        }
    }
    if empty && folder != root {
        found.insert(below(root, folder), fs::symlink_metadata(folder)?);
    }
    Ok(())
}

fn below(root: &Path, path: &Path) -> String {
    path.strip_prefix(root).unwrap_or(path).to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_moved_is_no_drift() {
        let cases = [
            (variable::FLAGS, "http://127.0.0.1:1/flags/k", "http://127.0.0.2:9/flags/k", true),
            (variable::FLAGS, "http://127.0.0.1:1/flags/k", "http://127.0.0.1:1/flags/x", false),
            ("SHIPWAY_URL_API", "http://127.3.4.5:7081", "http://127.3.4.5:9", true),
            ("SHIPWAY_URL_API", "http://127.3.4.5:7081", "http://127.3.4.6:7081", false),
            ("LEVEL", "a", "a", true),
            ("LEVEL", "a", "b", false),
        ];
        for (name, wanted, found, expected) in cases {
            assert_eq!(same(name, wanted, found), expected, "{name} {wanted} {found}");
        }
    }
}
