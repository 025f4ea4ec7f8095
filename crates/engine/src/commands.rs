//! Commands: the only way to change anything. Each is permitted, recorded and handed to the room that does it.
//!
//! Not here: what they mean and who may give them (`core::command`, `core::policy`).

use std::sync::Arc;

use shipway_core::{command::Command, id::Actor, ports::Fault, promotion::Hold};

use crate::{
    Engine, breakers, configuration,
    refusal::{Refusal, conflict},
    reply::Reply,
    secrets,
};

impl Engine {
    /// Does what is asked, or refuses it whole.
    ///
    /// # Errors
    /// Why it is refused.
    pub async fn execute(self: &Arc<Self>, command: Command, actor: Actor) -> Result<Reply, Refusal> {
        let engine = self.clone();
        // In a task of its own: a caller who goes away in the middle must not leave a command half done.
        let done = self.ports.tasks.finish(async move { engine.guarded(command, actor).await }).await;
        done.unwrap_or_else(|| Err(Fault::unavailable("the command was cut off: the server stops").into()))
    }

    /// Does what the actor may ask for, and records that it was asked for.
    async fn guarded(self: &Arc<Self>, command: Command, actor: Actor) -> Result<Reply, Refusal> {
        let meaning = command.meaning();
        let mut at = self.locate(&meaning.about).await?;
        if let Command::Register(registration) = &command {
            at.project = self.named_project(registration);
        }
        let doing = async {
            self.authorize(&command, &meaning, &at, &actor).await?;
            self.obey(command, actor.clone()).await
        };
        self.record(&meaning, &actor, &at, doing, |reply| Some(reply)).await
    }

    async fn obey(self: &Arc<Self>, command: Command, actor: Actor) -> Result<Reply, Refusal> {
        match command {
            Command::Deploy(request) => self.submit(*request, actor).await.map(Reply::Deployment),
            Command::CreateSchedule(order) => self.create_schedule(*order, &actor).await,
            Command::HoldSchedule { project, name, paused } => {
                self.hold_schedule((&project, &name), paused, &actor).await
            }
            Command::DeleteSchedule { project, name } => self.delete_schedule(&project, &name, &actor).await,
            Command::Register(registration) => self.register(registration, &actor).await,
            Command::SetLayer { project, environment, set, unset, reason, expected } => {
                let what = configuration::What::Set { set, unset };
                self.change_settings(configuration::Change { project, environment, what, reason, expected }, &actor)
                    .await
            }
            Command::Repair { project, environment, services, reason } => {
                self.repair((&project, &environment), &services, reason, &actor).await
            }
            Command::RestoreLayer { project, environment, version, reason, expected } => {
                let what = configuration::What::Restore(version);
                self.change_settings(configuration::Change { project, environment, what, reason, expected }, &actor)
                    .await
            }
            Command::FetchRemotes { project, environment } => {
                self.fetch_remotes(&project, &environment).await.map(Reply::Remotes)
            }
            Command::MakeEnvironment { project, environment, stated } => {
                self.make_environment(project, environment, stated, &actor).await
            }
            Command::RemoveEnvironment { project, environment } => {
                self.remove_environment(project, environment, &actor).await
            }
            Command::SetFlag(change) => self.set_flag(change, &actor).await,
            Command::DeleteFlag { project, environment, name, expected } => {
                self.delete_flag(&project, &environment, &name, expected, &actor).await
            }
            Command::Retain { project, environment } => self.retain(&project, &environment).await,
            Command::Secret(command) => secrets::command(self, *command, &actor).await,
            Command::Hold { project, environment, service, pin, reason } => {
                let (by, at) = (actor.name, self.ports.clock.now());
                self.put_hold(Hold { project, environment, service, pin, reason, by, at }).await
            }
            Command::NameCombination { project, environment, name } => {
                self.name_combination(project, environment, name, &actor).await
            }
            Command::Promote(wish) => self.promote(*wish, actor).await.map(Reply::Deployment),
            Command::Unhold { project, environment, service } => {
                self.end_hold(&project, &environment, service.as_ref(), &actor).await
            }
            Command::Cancel { deployment, reason } => self.cancel(&deployment, reason, actor).await,
            Command::Pause { deployment } => self.hold(&deployment, true, &actor).await,
            Command::Resume { deployment } => self.hold(&deployment, false, &actor).await,
            Command::Advance { deployment } => self.advance(&deployment, &actor).await,
            Command::Approve { deployment, hash, reason } => self.approve(&deployment, hash, reason, &actor).await,
            Command::Reject { deployment, reason } => self.reject(&deployment, reason, actor).await,
            Command::BreakGlass { deployment, reason } => self.break_glass(&deployment, reason, &actor).await,
            Command::Retry { deployment } => self.retry(&deployment, &actor).await.map(Reply::Deployment),
            Command::Skip { deployment, step, reason } => {
                self.skip(&deployment, step, reason, actor).await.map(Reply::Deployment)
            }
            Command::Resolve { deployment, reason } => {
                self.resolve(&deployment, reason, &actor).await.map(Reply::Deployment)
            }
            Command::ResetBreaker { name, reason } => match breakers::reset(self, &name, &reason, &actor).await? {
                true => Ok(Reply::Done),
                false => Err(conflict(format!("{name} is no open breaker"), "see `shipway breakers`")),
            },
            Command::CreateToken(request) => self.create_token(request, &actor).await,
            Command::RevokeToken { name } => self.revoke_token(&name).await,
        }
    }
}
