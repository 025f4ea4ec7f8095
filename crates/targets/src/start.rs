//! Starting an instance: what will be executed, with which environment and port, is written down before it is.
//! Not here: the start itself, which is the shim's.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    path::Path,
    sync::PoisonError,
};

use shipway_core::{
    id::InstanceId,
    ports::{Fault, Launch},
    release::variable,
    spec::ServiceKind,
};

use crate::{
    driver::{LocalDriver, has_ended, look, make_private},
    launch::{Execution, Intent, PROTOCOL},
    ports_range, program,
    shim_client::{self, Sight},
    staging,
    strays::FOLDER_MARKER,
    users,
};

impl LocalDriver {
    pub(crate) async fn start_instance(&self, launch: Launch) -> Result<SocketAddr, Fault> {
        if let Sight::Running(intent, _) = self.settle(&launch.instance).await? {
            return Ok(intent.address());
        }
        let turn = self.turn(&launch.instance).await;
        let folder = self.folder(&launch.instance);
        let earlier = match look(&folder)? {
            Sight::Absent => None,
            Sight::Ended(intent, _) => Some(intent),
            // Another start came first.
            _ => {
                drop(turn);
                return self.running_address(&launch.instance).await;
            }
        };
        let mut execution = self.execution(&launch)?;
        make_private(&folder)?;
        self.configured.write(&launch, execution.user)?;
        execution.secrets = self.secrets.write(&launch.instance, &launch.secrets, execution.user)?;
        let intent = self.record(&launch, execution, earlier)?;
        let started = shim_client::start(&self.shim, &folder, false).await;
        started.map(|()| intent.address()).map_err(|fault| Fault {
            message: format!("instance {} did not start: {}", launch.instance, fault.message),
            ..fault
        })
    }

    async fn running_address(&self, instance: &InstanceId) -> Result<SocketAddr, Fault> {
        match self.settle(instance).await? {
            Sight::Running(intent, _) => Ok(intent.address()),
            _ => Err(Fault::unavailable(format!("instance {instance} ended while it was being started"))
                .with_hint("its log says why")),
        }
    }

    /// What will be executed, without its port; the environment is exactly this one.
    fn execution(&self, launch: &Launch) -> Result<Execution, Fault> {
        let release = &launch.release;
        let command = match (&release.serve.kind, &release.serve.run) {
            (ServiceKind::Process, Some(command)) => command,
            _ => {
                return Err(Fault::invalid(format!("{} has no command to run as a process", release.slot)));
            }
        };
        let folder = staging::folder(&self.data, &release.id);
        if !folder.is_dir() {
            return Err(Fault::not_found(format!("release {} isn't staged", release.id.short()))
                .with_hint("stage it before it is started"));
        }
        let variables = self.variables(launch);
        let path = variables.get("PATH").map_or(program::PATH_DEFAULT, String::as_str);
        Ok(Execution {
            program: program::resolve(command, &folder, path)?,
            arguments: command.words().iter().skip(1).cloned().collect(),
            folder,
            user: users::resolve(release.serve.run_as.as_deref())?,
            groups: self.cgroups.create(launch.instance.as_str(), &release.serve.limits)?,
            variables,
            secrets: None,
            nice: 0,
        })
    }

    /// All variables of an instance but `PORT`.
    pub(crate) fn variables(&self, launch: &Launch) -> BTreeMap<String, String> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let mut variables = launch.variables.clone();
        let mut home = "/nonexistent".to_owned();
        if !launch.release.serve.data.is_empty() {
            home = text(&staging::volumes(&self.data, &launch.release.slot));
            variables.insert(variable::DATA.into(), home.clone());
        }
        for (name, value) in [("PATH", program::server_path()), ("HOME", home), ("LANG", "C.UTF-8".into())] {
            variables.entry(name.into()).or_insert(value);
        }
        if launch.release.serve.reload.is_some() {
            variables.insert(variable::CONFIG_FILE.into(), text(&self.configured.file(&launch.instance)));
        }
        if !launch.secrets.files.is_empty() {
            variables.insert(variable::SECRETS.into(), text(&self.secrets.files(&launch.instance)));
        }
        variables.insert(variable::INSTANCE.into(), launch.instance.to_string());
        variables.insert(FOLDER_MARKER.into(), text(&self.data));
        variables
    }

    /// Chooses the port and writes the intent; no other start can choose the same meanwhile.
    fn record(&self, launch: &Launch, mut execution: Execution, earlier: Option<Intent>) -> Result<Intent, Fault> {
        let _choosing = self.choosing.lock().unwrap_or_else(PoisonError::into_inner);
        let attempt = earlier.map_or(0, |intent| intent.attempt.saturating_add(1));
        let seed = format!("{} {} {attempt}", self.data.display(), launch.instance);
        let port = ports_range::pick(&self.ports, &seed, &self.used_ports()?).ok_or_else(|| {
            let (first, last) = (self.ports.start(), self.ports.end());
            Fault::unavailable(format!("no port from {first} to {last} is free"))
                .with_hint("give the server a larger range of instance ports")
        })?;
        execution.variables.insert(variable::PORT.into(), port.to_string());
        let intent = Intent {
            version: PROTOCOL,
            instance: launch.instance.to_string(),
            release: launch.release.id.clone(),
            reloaded: None,
            data: self.data.clone(),
            attempt,
            port,
            stop: launch.release.serve.stop.clone(),
            execution,
        };
        let folder = self.folder(&launch.instance);
        intent.write(&folder).map_err(|error| Fault::io(format_args!("writing to {}", folder.display()), &error))?;
        Ok(intent)
    }

    fn used_ports(&self) -> Result<BTreeSet<u16>, Fault> {
        let mut used = BTreeSet::new();
        for instance in self.recorded()? {
            let folder = self.folder(&instance);
            if let Ok(Some(intent)) = Intent::read(&folder)
                && !has_ended(&folder)
            {
                used.insert(intent.port);
            }
        }
        Ok(used)
    }
}
