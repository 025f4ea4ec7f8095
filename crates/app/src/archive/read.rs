//! Reading an archive, and naming what of it is damaged.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufReader, Read},
    path::Path,
};

use shipway_core::{archive::Archived, ports::Fault};

use super::{ENDING, FORMAT, MANIFEST, Manifest};

/// Bytes of one file of an archive: no deployment logs so much.
const FILE_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// A file of an archive: the deployment in it, or why it can't be used.
pub struct Found {
    /// What the file is called, or the archive itself.
    pub file: String,
    /// What it holds.
    pub archived: Result<Box<Archived>, String>,
}

/// Reads all deployments of an archive, one after the other: a tar, or a folder of their files.
///
/// # Errors
/// There is nothing there that can be opened.
pub fn read(path: &Path, mut each: impl FnMut(Found)) -> Result<(), Fault> {
    let doing = || format!("reading the archive {}", path.display());
    if path.is_dir() {
        return read_folder(path, &mut each).map_err(|error| Fault::io(doing(), &error));
    }
    let file = File::open(path).map_err(|error| Fault::io(doing(), &error))?;
    read_tar(path, BufReader::new(file), &mut each);
    Ok(())
}

fn read_folder(folder: &Path, each: &mut dyn FnMut(Found)) -> std::io::Result<()> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        match entry.file_name().to_str() {
            Some(name) if name.ends_with(ENDING) => names.push(name.to_owned()),
            _ if entry.file_type()?.is_dir() => read_folder(&entry.path(), each)?,
            _ => {}
        }
    }
    names.sort();
    for file in names {
        let text = File::open(folder.join(&file)).map_err(|error| error.to_string()).and_then(text);
        each(Found { archived: text.and_then(|text| archived(&file, &text)), file });
    }
    Ok(())
}

fn text(file: impl Read) -> Result<String, String> {
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    String::from_utf8(bytes).map_err(|_| "it was changed since it was written: it is not UTF-8".to_owned())
}

fn archived(file: &str, text: &str) -> Result<Box<Archived>, String> {
    let archived = Archived::read(text).map_err(|damage| damage.to_string())?;
    if file.rsplit('/').next() != Some(&format!("{}{ENDING}", archived.deployment.id)) {
        return Err(format!("it holds another deployment: {}", archived.deployment.id));
    }
    Ok(Box::new(archived))
}

fn read_tar(path: &Path, file: impl Read, each: &mut dyn FnMut(Found)) {
    let name = path.display().to_string();
    let itself = |why: String| Found { file: name.clone(), archived: Err(why) };
    let mut hashes: BTreeMap<String, String> = BTreeMap::new();
    let mut manifest = None;
    let mut tar = tar::Archive::new(file);
    let entries = match tar.entries() {
        Ok(entries) => entries,
        Err(error) => return each(itself(format!("it is no archive: {error}"))),
    };
    for entry in entries {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) => return each(itself(format!("it can't be read to its end: {error}"))),
        };
        let file = entry.path().map(|path| path.display().to_string()).unwrap_or_default();
        let text = text(entry);
        if file == MANIFEST {
            manifest = text.ok().and_then(|text| serde_json::from_str::<Manifest>(&text).ok());
            continue;
        }
        hashes.insert(file.clone(), text.as_ref().map(|text| hash(text)).unwrap_or_default());
        each(Found { archived: text.and_then(|text| archived(&file, &text)), file });
    }
    match manifest {
        Some(manifest) if manifest.format == FORMAT => missing(&manifest, &hashes, each),
        Some(_) => each(itself("its list has a form that this version does not know".into())),
        None => each(itself("its list is missing or damaged: it may have been cut off".into())),
    }
}

fn hash(text: &str) -> String {
    blake3::hash(text.as_bytes()).to_hex().to_string()
}

/// Names what the list has and the archive hasn't, or has otherwise.
fn missing(manifest: &Manifest, hashes: &BTreeMap<String, String>, each: &mut dyn FnMut(Found)) {
    let mut tell = |file: &str, why: &str| each(Found { file: file.to_owned(), archived: Err(why.into()) });
    for listed in &manifest.deployments {
        match hashes.get(&listed.file) {
            None => tell(&listed.file, "it is missing"),
            Some(hash) if *hash != listed.blake3 => {
                tell(&listed.file, "it is not what was archived: its hash is another")
            }
            Some(_) => {}
        }
    }
    let known = |file: &String| manifest.deployments.iter().any(|listed| listed.file == *file);
    hashes.keys().filter(|file| !known(file)).for_each(|file| tell(file, "it does not belong to the archive"));
}
