//! The intent of an instance: `instances/ID/launch.json`, written before anything is started. It holds all that the
//! shim needs, so that a shim that comes later needs no server. Not here: what became of it (`shim::state`).

use std::{
    collections::BTreeMap,
    io,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use shipway_core::{id::ReleaseId, release::variable, spec::StopSpec};

use crate::{
    atomic,
    cgroup::Groups,
    strays::{FOLDER_MARKER, Family},
    users::User,
};

/// The version of the files in an instance's folder and of what is said through its socket.
pub(crate) const PROTOCOL: u32 = 1;

const FILE: &str = "launch.json";

/// What is executed, and as whom.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Execution {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<String>,
    pub(crate) folder: PathBuf,
    /// The whole environment but for secrets.
    pub(crate) variables: BTreeMap<String, String>,
    /// The folder in memory that holds what it is given of secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) secrets: Option<PathBuf>,
    pub(crate) user: Option<User>,
    pub(crate) groups: Groups,
    /// How far it stands back for others, from 0 to 19.
    pub(crate) nice: i32,
}

/// The intent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Intent {
    pub(crate) version: u32,
    pub(crate) instance: String,
    /// The release that its process is started with.
    pub(crate) release: ReleaseId,
    /// The release whose configuration it was told to read since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) reloaded: Option<ReleaseId>,
    /// Shipway's data folder.
    pub(crate) data: PathBuf,
    /// How often it was started before.
    pub(crate) attempt: u32,
    pub(crate) port: u16,
    pub(crate) stop: StopSpec,
    pub(crate) execution: Execution,
}

impl Intent {
    /// Reads the intent of an instance's folder; none when there is none.
    pub(crate) fn read(folder: &Path) -> io::Result<Option<Self>> {
        let intent: Option<Self> = atomic::read_json(&folder.join(FILE))?;
        match intent {
            Some(intent) if intent.version != PROTOCOL => Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{FILE} has version {}, and this Shipway knows version {PROTOCOL}", intent.version),
            )),
            other => Ok(other),
        }
    }

    /// Writes it.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        atomic::write_json(&folder.join(FILE), self)
    }

    /// Where the instance is told to listen.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port))
    }

    /// What every process of the instance carries in its environment.
    pub(crate) fn markers(&self) -> [(&'static str, String); 2] {
        [(variable::INSTANCE, self.instance.clone()), (FOLDER_MARKER, self.data.to_string_lossy().into_owned())]
    }

    /// Every process of the instance that can be found without knowing one.
    pub(crate) fn family(&self) -> Family {
        Family {
            markers: self.markers().map(|(name, value)| format!("{name}={value}")).into(),
            group: self.execution.groups.kill.clone(),
            ..Family::default()
        }
    }
}
