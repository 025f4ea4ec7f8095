//! Stopping and forgetting an instance: its shim does it, and where there is none that can, it is done directly.

use std::{fs, io, path::Path};

use shipway_core::{
    id::InstanceId,
    ports::{Fault, FaultKind},
    spec::StopSpec,
};

use crate::{
    driver::{GONE, LocalDriver, look, remove_folder},
    shim::state::State,
    shim_client::{self, Sight},
    strays::Family,
};

/// How often a stop is asked for before the processes are killed directly.
const STOPS_MAX: u32 = 2;

impl LocalDriver {
    pub(crate) async fn stop_instance(&self, instance: &InstanceId, how: &StopSpec) -> Result<(), Fault> {
        self.end(instance, how).await?;
        self.drop_secrets(instance).await
    }

    async fn end(&self, instance: &InstanceId, how: &StopSpec) -> Result<(), Fault> {
        let folder = self.folder(instance);
        let mut why = String::new();
        for _ in 0..STOPS_MAX {
            match self.settle(instance).await {
                Ok(Sight::Absent) => return Ok(()),
                Ok(Sight::Ended(..)) => return self.wait_for_shim(&folder).await,
                Ok(_) => match shim_client::stop(&folder, how).await {
                    Ok(()) => return self.wait_for_shim(&folder).await,
                    Err(error) => {
                        why = error.to_string();
                        if error.kind() == io::ErrorKind::TimedOut {
                            break;
                        }
                    }
                },
                Err(fault) => why = fault.to_string(),
            }
        }
        // It may have ended by itself while it was being asked.
        if let Ok(Sight::Absent | Sight::Ended(..)) = look(&folder) {
            return self.wait_for_shim(&folder).await;
        }
        tracing::warn!(%instance, why, "the shim can't stop its instance; it is killed directly");
        self.kill_directly(instance).await
    }

    async fn wait_for_shim(&self, folder: &Path) -> Result<(), Fault> {
        match shim_client::wait_for_end(folder).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Fault::new(FaultKind::Timeout, format!("the shim in {} doesn't end", folder.display()))),
            Err(error) => Err(Fault::io(format_args!("looking at {}", folder.display()), &error)),
        }
    }

    async fn kill_directly(&self, instance: &InstanceId) -> Result<(), Fault> {
        let folder = self.folder(instance);
        let (intent, state) = match look(&folder)? {
            Sight::Absent | Sight::Ended(..) => return Ok(()),
            Sight::Running(intent, state) => (intent, Some(state)),
            Sight::Lost(intent, state) | Sight::Changing(intent, state) => (intent, state),
        };
        let app = state.as_ref().and_then(State::living_app);
        let shim = state.map(|state| state.shim).filter(|shim| shim.lives());
        let family = Family { members: app.into_iter().chain(shim).collect(), ..intent.family() };
        let killed = tokio::task::spawn_blocking(move || family.kill(|| {})).await;
        if !matches!(killed, Ok(Some(_))) {
            return Err(Fault::unavailable(format!("some processes of instance {instance} can't be killed"))
                .with_hint("they may hang in the kernel; look for them with `ps` by SHIPWAY_INSTANCE"));
        }
        // Another shim sees that all is over, and records it.
        self.settle(instance).await.map(|_| ())
    }

    pub(crate) async fn forget_instance(&self, instance: &InstanceId) -> Result<(), Fault> {
        let folder = self.folder(instance);
        match self.settle(instance).await? {
            Sight::Running(..) => {
                return Err(Fault::new(FaultKind::Conflict, format!("instance {instance} still runs"))
                    .with_hint("stop it first"));
            }
            Sight::Ended(intent, _) => {
                self.wait_for_shim(&folder).await?;
                intent.execution.groups.remove();
            }
            _ => {}
        }
        let _turn = self.turn(instance).await;
        self.secrets.remove(instance);
        self.configured.remove(instance);
        let gone = folder.with_file_name(format!("{GONE}{instance}"));
        remove_folder(&gone)?;
        match fs::rename(&folder, &gone) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(Fault::io(format_args!("removing {}", folder.display()), &error)),
            Ok(()) => remove_folder(&gone),
        }
    }
}
