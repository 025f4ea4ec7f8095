//! Writing an archive. It has its name only when it is whole.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions},
    io::BufWriter,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use shipway_core::{archive::Archived, ports::Fault};

use super::{ENDING, FORMAT, Listed, MANIFEST, Manifest};

/// An archive that is being written. Dropped before its end, it leaves nothing.
pub struct Writing {
    named: PathBuf,
    aside: PathBuf,
    tar: Option<tar::Builder<BufWriter<File>>>,
    manifest: Manifest,
}

impl Writing {
    /// Begins one.
    ///
    /// # Errors
    /// There is something of that name already, or it can't be written.
    pub fn begin(named: &Path) -> Result<Self, Fault> {
        if named.exists() {
            let message = format!("{} is there already", named.display());
            return Err(Fault::invalid(message).with_hint("name another file: an archive is never written over"));
        }
        let mut aside = OsString::from(named.as_os_str());
        aside.push(".new");
        let aside = PathBuf::from(aside);
        let file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&aside);
        let file = file.map_err(|error| Fault::io(format!("writing {}", aside.display()), &error))?;
        let manifest = Manifest { format: FORMAT, deployments: Vec::new() };
        Ok(Self { named: named.to_owned(), aside, tar: Some(tar::Builder::new(BufWriter::new(file))), manifest })
    }

    /// Adds a deployment, as the server gave it.
    ///
    /// # Errors
    /// It is damaged, or the disk is full.
    pub fn add(&mut self, text: &str) -> Result<Archived, Fault> {
        let archived =
            Archived::read(text).map_err(|damage| Fault::invalid(format!("what the server sent: {damage}")))?;
        let file = format!("{}{ENDING}", archived.deployment.id);
        self.entry(&file, text.as_bytes())?;
        let blake3 = blake3::hash(text.as_bytes()).to_hex().to_string();
        self.manifest.deployments.push(Listed { file, blake3 });
        Ok(archived)
    }

    fn entry(&mut self, name: &str, body: &[u8]) -> Result<(), Fault> {
        let doing = format!("writing {}", self.aside.display());
        let Some(tar) = &mut self.tar else { return Ok(()) };
        let mut header = tar::Header::new_gnu();
        header.set_size(body.len() as u64);
        header.set_mode(0o600);
        tar.append_data(&mut header, name, body).map_err(|error| Fault::io(doing, &error))
    }

    /// Ends it, and gives it its name.
    ///
    /// # Errors
    /// The disk is full, or something of that name came meanwhile.
    pub fn end(mut self) -> Result<(), Fault> {
        let list = serde_json::to_vec(&self.manifest).expect("a list of an archive holds nothing that JSON can't");
        self.entry(MANIFEST, &list)?;
        self.settle().map_err(|error| Fault::io(format!("writing {}", self.named.display()), &error))
    }

    fn settle(&mut self) -> std::io::Result<()> {
        let Some(tar) = self.tar.take() else { return Ok(()) };
        let file = tar.into_inner()?.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.sync_all()?;
        // A link is refused where there is something by then; a rename would write over it.
        fs::hard_link(&self.aside, &self.named)?;
        let folder = self.named.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        // It has another name when it is whole; what can't be removed is only untidy.
        let _ = fs::remove_file(&self.aside);
    }
}
