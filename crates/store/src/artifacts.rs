//! Artifacts in a folder: whole files by the hash of their content, and a list of entries for each tree.
//!
//! Layout: `objects/ab/cdef…` holds contents, `trees/DIGEST.json` the entries, `incoming` what has no name yet. Both
//! are written aside and renamed, so what is there is whole, and a tree is only there when its contents are durable.
//! Not here: retention.

use std::{
    fs::{self, File},
    io::{Read, Write},
    os::unix::fs::{PermissionsExt, symlink},
    path::{Component, Path, PathBuf},
};

use futures_util::{FutureExt, future::BoxFuture};
use shipway_core::{
    artifact::{Tree, TreeEntry, TreeNode},
    id::ArtifactDigest,
    ports::{Artifacts, Fault, FaultKind},
};

use crate::{
    batch::Batch,
    share::{Share, rest},
};

const FILES_MAX: usize = 500_000;
const COPY_BYTES: usize = 128 * 1024;

/// Artifacts in a folder.
#[derive(Clone)]
pub struct FolderArtifacts {
    folder: PathBuf,
    share: Share,
}

impl FolderArtifacts {
    /// Artifacts below a folder, which is made when it is first written.
    pub fn new(folder: PathBuf) -> Self {
        Self { folder, share: Share::default() }
    }

    /// The same with what its work may use of the processor.
    #[must_use]
    pub fn with_share(self, share: Share) -> Self {
        Self { share, ..self }
    }

    fn object(&self, hash: &str) -> PathBuf {
        let (first, rest) = hash.split_at(2.min(hash.len()));
        self.folder.join("objects").join(first).join(rest)
    }

    fn tree_path(&self, digest: &ArtifactDigest) -> PathBuf {
        self.folder.join("trees").join(format!("{digest}.json"))
    }

    fn put_now(&self, folder: &Path) -> Result<Tree, Fault> {
        let mut batch = Batch::new(&self.folder.join("incoming"));
        let tree = read_tree(folder, &mut |path, read| batch.add(path, read, self.object(&read.hash)))?;
        batch.settle()?;
        let digest = tree.digest();
        if self.tree_now(&digest).is_err() {
            let body = serde_json::to_vec(&tree).expect("a tree holds nothing that JSON can't");
            write_whole(&self.tree_path(&digest), &body)?;
        }
        Ok(tree)
    }

    fn tree_now(&self, digest: &ArtifactDigest) -> Result<Tree, Fault> {
        if !digest.as_str().bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let message = format!("the artifact {} is not stored: a digest is hexadecimal", digest.short());
            return Err(Fault::not_found(message)
                .with_hint("the digest is wrong: GET /api/projects/ID/artifacts lists those that are stored"));
        }
        let path = self.tree_path(digest);
        let body = fs::read(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Fault::not_found(format!("the artifact {} is not stored", digest.short()))
                .with_hint("it was removed, or the digest is wrong: deploy from source to build it again"),
            _ => Fault::io(format!("reading the artifact {}", digest.short()), &error),
        })?;
        let tree: Tree = serde_json::from_slice(&body).map_err(|error| damaged(digest, &error.to_string()))?;
        if tree.digest() != *digest {
            return Err(damaged(digest, "its list of files has another digest"));
        }
        Ok(tree)
    }

    /// What is wrong with a stored artifact: each file that is missing or holds something else. It reads all of it, and
    /// blocks.
    ///
    /// # Errors
    /// Its list of files is missing or damaged.
    pub fn damage(&self, digest: &ArtifactDigest) -> Result<Vec<String>, Fault> {
        let tree = self.tree_now(digest)?;
        let mut damage = Vec::new();
        for entry in &tree.entries {
            let TreeNode::File { hash, .. } = &entry.node else { continue };
            let object = self.object(hash);
            let read = open(&object).and_then(|mut file| copy_hashing(&mut file, &mut std::io::sink(), &object));
            match read {
                Ok(read) if read.hash == *hash => {}
                Ok(_) => damage.push(format!("{} ({}) holds something else", entry.path, object.display())),
                Err(fault) => damage.push(format!("{}: {fault}", entry.path)),
            }
        }
        Ok(damage)
    }

    fn unpack_now(&self, digest: &ArtifactDigest, folder: &Path) -> Result<(), Fault> {
        let tree = self.tree_now(digest)?;
        make_folder(folder)?;
        for entry in &tree.entries {
            rest();
            let path = folder.join(inside(&entry.path)?);
            if let Some(parent) = path.parent() {
                make_folder(parent)?;
            }
            match &entry.node {
                TreeNode::EmptyFolder => make_folder(&path)?,
                TreeNode::Link { target } => symlink(target, &path)
                    .map_err(|error| Fault::io(format!("making the link {}", entry.path), &error))?,
                TreeNode::File { hash, executable, .. } => self.unpack_file(digest, hash, *executable, &path)?,
            }
        }
        Ok(())
    }

    fn unpack_file(&self, digest: &ArtifactDigest, hash: &str, executable: bool, path: &Path) -> Result<(), Fault> {
        let object = self.object(hash);
        let mut content = match File::open(&object) {
            Ok(content) => content,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                self.forget(digest, &object);
                return Err(damaged(digest, &format!("the content of {} is gone", path.display())));
            }
            Err(error) => return Err(Fault::io(format!("reading the artifact {}", digest.short()), &error)),
        };
        let mut file = File::create(path).map_err(|error| Fault::io(format!("writing {}", path.display()), &error))?;
        let found = copy_hashing(&mut content, &mut file, path)?;
        if found.hash != hash {
            self.forget(digest, &object);
            return Err(damaged(digest, &format!("the content of {} has another hash", path.display())));
        }
        let mode = if executable { 0o755 } else { 0o644 };
        fs::set_permissions(path, fs::Permissions::from_mode(mode))
            .map_err(|error| Fault::io(format!("setting the rights of {}", path.display()), &error))
    }

    /// Takes a damaged artifact out of the store, so that storing the same tree again makes it whole. What can't be
    /// removed is found damaged once more.
    fn forget(&self, digest: &ArtifactDigest, object: &Path) {
        let _ = fs::remove_file(self.tree_path(digest));
        let _ = fs::remove_file(object);
    }
}

fn damaged(digest: &ArtifactDigest, why: &str) -> Fault {
    Fault::new(FaultKind::Corrupt, format!("the stored artifact {} is damaged: {why}", digest.short()))
        .with_hint("deploy from source to build it again, or restore a backup of the data folder")
}

pub(crate) fn open(path: &Path) -> Result<File, Fault> {
    File::open(path).map_err(|error| Fault::io(format!("reading {}", path.display()), &error))
}

pub(crate) fn make_folder(path: &Path) -> Result<(), Fault> {
    fs::create_dir_all(path).map_err(|error| Fault::io(format!("making the folder {}", path.display()), &error))
}

/// A path of a tree as a path below a folder. A stored list could have been tampered with.
fn inside(path: &str) -> Result<PathBuf, Fault> {
    let path = PathBuf::from(path);
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    if plain && path.components().next().is_some() {
        return Ok(path);
    }
    Err(Fault::new(FaultKind::Corrupt, format!("the path {} leaves its folder", path.display())))
}

/// Writes beside and renames, so that the path never holds half a file, and makes both durable.
fn write_whole(path: &Path, body: &[u8]) -> Result<(), Fault> {
    let parent = path.parent().unwrap_or(Path::new("."));
    make_folder(parent)?;
    let (beside, mut file) = tempfile_in(parent)?;
    let written = file.write_all(body).and_then(|()| file.sync_all()).and_then(|()| fs::rename(&beside, path));
    let durable = written.and_then(|()| File::open(parent)?.sync_all());
    durable.map_err(|error| {
        // The name is ours alone; when it can't be removed, it is only untidy.
        let _ = fs::remove_file(&beside);
        Fault::io(format!("writing {}", path.display()), &error)
    })
}

fn tempfile_in(folder: &Path) -> Result<(PathBuf, File), Fault> {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let name = format!(".new-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let path = folder.join(name);
    let file = File::create(&path).map_err(|error| Fault::io(format!("writing in {}", folder.display()), &error))?;
    Ok((path, file))
}

/// What was copied.
#[derive(PartialEq)]
pub(crate) struct Copied {
    pub(crate) hash: String,
    pub(crate) bytes: u64,
}

/// A file that is not what it was a moment ago.
pub(crate) fn changed(path: &Path) -> Fault {
    Fault::new(FaultKind::Conflict, format!("{} changed while it was read", path.display()))
        .with_hint("let what writes it end first, then deploy again")
}

pub(crate) fn copy_hashing(from: &mut dyn Read, to: &mut dyn Write, path: &Path) -> Result<Copied, Fault> {
    let doing = || format!("copying {}", path.display());
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; COPY_BYTES];
    let mut bytes = 0;
    loop {
        let count = from.read(&mut buffer).map_err(|error| Fault::io(doing(), &error))?;
        if count == 0 {
            return Ok(Copied { hash: hasher.finalize().to_hex().to_string(), bytes });
        }
        hasher.update(&buffer[..count]);
        to.write_all(&buffer[..count]).map_err(|error| Fault::io(doing(), &error))?;
        bytes += count as u64;
        rest();
    }
}

type Visit<'a> = &'a mut dyn FnMut(&Path, &Copied) -> Result<(), Fault>;

fn read_tree(root: &Path, visit: Visit<'_>) -> Result<Tree, Fault> {
    let mut entries = Vec::new();
    read_folder(root, root, &mut entries, visit)?;
    Ok(Tree::new(entries))
}

fn read_folder(root: &Path, folder: &Path, entries: &mut Vec<TreeEntry>, visit: Visit<'_>) -> Result<(), Fault> {
    let doing = || format!("reading the folder {}", folder.display());
    let mut empty = true;
    for child in fs::read_dir(folder).map_err(|error| Fault::io(doing(), &error))? {
        empty = false;
        let child = child.map_err(|error| Fault::io(doing(), &error))?;
        let kind = child.file_type().map_err(|error| Fault::io(doing(), &error))?;
        if entries.len() >= FILES_MAX {
            return Err(Fault::invalid(format!("{} holds more than {FILES_MAX} files", root.display())));
        }
        if kind.is_dir() {
            read_folder(root, &child.path(), entries, visit)?;
        } else {
            entries.push(TreeEntry { path: path_text(root, &child.path())?, node: node(root, &child.path(), visit)? });
        }
    }
    if empty && folder != root {
        entries.push(TreeEntry { path: path_text(root, folder)?, node: TreeNode::EmptyFolder });
    }
    Ok(())
}

fn path_text(root: &Path, path: &Path) -> Result<String, Fault> {
    let below = path.strip_prefix(root).unwrap_or(path);
    below.to_str().map(str::to_owned).ok_or_else(|| {
        Fault::invalid(format!("the name {} is not UTF-8", below.display())).with_hint("rename the file")
    })
}

fn node(root: &Path, path: &Path, visit: Visit<'_>) -> Result<TreeNode, Fault> {
    let doing = || format!("reading {}", path.display());
    let metadata = fs::symlink_metadata(path).map_err(|error| Fault::io(doing(), &error))?;
    if metadata.is_symlink() {
        return link(root, path);
    }
    if !metadata.is_file() {
        return Err(Fault::invalid(format!("{} is neither a file, a folder nor a link", path.display()))
            .with_hint("remove it, or leave it out with .gitignore"));
    }
    // One byte more than there should be: a file that grows faster than it is read would never end.
    let read = copy_hashing(&mut open(path)?.take(metadata.len() + 1), &mut std::io::sink(), path)?;
    if read.bytes != metadata.len() {
        return Err(changed(path));
    }
    visit(path, &read)?;
    let executable = metadata.permissions().mode() & 0o100 != 0;
    Ok(TreeNode::File { hash: read.hash, size_bytes: read.bytes, executable })
}

pub(crate) fn link(root: &Path, path: &Path) -> Result<TreeNode, Fault> {
    let target = fs::read_link(path).map_err(|error| Fault::io(format!("reading {}", path.display()), &error))?;
    let (from, to) = (path.display(), target.display());
    let leaves = Fault::invalid(format!("the link {from} leaves its folder: it points to {to}"))
        .with_hint("copy what it points to into the source, or remove the link");
    let mut depth = path.strip_prefix(root).unwrap_or(path).components().count().saturating_sub(1);
    for part in target.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir if depth > 0 => depth -= 1,
            _ => return Err(leaves),
        }
    }
    // Through another link, a path that looks harmless may lead out.
    if let (Ok(real), Ok(real_root)) = (path.canonicalize(), root.canonicalize())
        && !real.starts_with(real_root)
    {
        return Err(leaves);
    }
    match target.to_str() {
        Some(target) => Ok(TreeNode::Link { target: target.to_owned() }),
        None => Err(Fault::invalid(format!("the target of the link {} is not UTF-8", path.display()))),
    }
}

/// Runs file work where it blocks nobody.
pub(crate) fn blocking<T: Send + 'static>(
    share: Share,
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> BoxFuture<'static, Result<T, Fault>> {
    async move {
        let done = tokio::task::spawn_blocking(move || share.within(work)).await;
        done.unwrap_or_else(|error| Err(Fault::unavailable(format!("file work was cut off: {error}"))))
    }
    .boxed()
}

impl Artifacts for FolderArtifacts {
    fn read_tree<'a>(&'a self, folder: &'a Path) -> BoxFuture<'a, Result<Tree, Fault>> {
        let folder = folder.to_owned();
        blocking(self.share, move || read_tree(&folder, &mut |_, _| Ok(())))
    }

    fn put<'a>(&'a self, folder: &'a Path) -> BoxFuture<'a, Result<Tree, Fault>> {
        let (this, folder) = (self.clone(), folder.to_owned());
        blocking(self.share, move || this.put_now(&folder))
    }

    fn tree<'a>(&'a self, digest: &'a ArtifactDigest) -> BoxFuture<'a, Result<Tree, Fault>> {
        let (this, digest) = (self.clone(), digest.clone());
        blocking(self.share, move || this.tree_now(&digest))
    }

    fn hash<'a>(&'a self, file: &'a Path) -> BoxFuture<'a, Result<String, Fault>> {
        let file = file.to_owned();
        blocking(self.share, move || {
            let mut content = File::open(&file).map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => Fault::not_found(format!("{} is gone", file.display())),
                _ => Fault::io(format!("reading {}", file.display()), &error),
            })?;
            copy_hashing(&mut content, &mut std::io::sink(), &file).map(|read| read.hash)
        })
    }

    fn unpack<'a>(&'a self, digest: &'a ArtifactDigest, folder: &'a Path) -> BoxFuture<'a, Result<(), Fault>> {
        let (this, digest, folder) = (self.clone(), digest.clone(), folder.to_owned());
        blocking(self.share, move || this.unpack_now(&digest, &folder))
    }
}
