//! From source to an artifact: copied, built in a folder of its own, packed, with its provenance.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Arc,
};

use futures_util::StreamExt;
use shipway_core::{
    artifact::{Provenance, Tree, build_key},
    command_line::CommandLine,
    deployment::{Cause, Deployment, FailureReport, Source},
    event::{EventBody, EventKind, EventStatus},
    id::{ArtifactDigest, BuildKey, ServiceName},
    ports::{CommandEnd, CommandEvent, CommandRun, Fault},
    spec::{EnvironmentPlan, MakeSpec, ServiceSpec},
    store::Commit,
};

use super::{Fail, failed, fault_of};
use crate::{
    Engine,
    deploy::{Active, say},
};

const LOG_TAIL_LINES: usize = 20;
/// Lines that are written to the log at a time.
const LOG_BATCH_LINES: usize = 256;

const READING: &str = "reading the artifact";

/// An artifact that is stored already.
async fn stored(
    engine: &Engine,
    active: &Active,
    service: &ServiceName,
    digest: &ArtifactDigest,
) -> Result<(ServiceName, ArtifactDigest), Fail> {
    match engine.ports.artifacts.tree(digest).await {
        Ok(_) => Ok((service.clone(), digest.clone())),
        Err(fault) => Err(fault_of(engine, active, READING, Some(service), fault).await),
    }
}

/// The artifact of a service: named, found by its build key, or built.
pub(super) async fn artifact(
    engine: &Arc<Engine>,
    active: &Active,
    plan: &EnvironmentPlan,
    service: &ServiceName,
    folder: Option<&Path>,
) -> Result<(ServiceName, ArtifactDigest), Fail> {
    let deployment = active.read().await;
    if let Some(digest) = deployment.request.artifacts.get(service) {
        return stored(engine, active, service, digest).await;
    }
    if let Source::Artifact(named) = &deployment.request.source {
        let Some(digest) = named.get(service) else {
            let message = format!("the request names no artifact for {service}");
            let failure = failed(engine, active, READING, Some(service), Cause::Person, message);
            return Err(Fail::Failed(Box::new(failure.await)));
        };
        return stored(engine, active, service, digest).await;
    }
    let Some((spec, folder)) = plan.services.get(service).zip(folder) else {
        let message = format!("there is no source for {service}");
        let failure = failed(engine, active, "reading the source", Some(service), Cause::Person, message).await;
        return Err(Fail::Failed(Box::new(failure)));
    };
    let build = Build::new(engine, active, service, spec, folder, &deployment);
    let result = build.run().await;
    // What a build leaves is of no use to anybody; a folder that can't be removed is only untidy.
    let _ = engine.ports.sources.remove(&build.work).await;
    Ok((service.clone(), result?))
}

struct Build<'a> {
    engine: &'a Arc<Engine>,
    active: &'a Active,
    service: &'a ServiceName,
    spec: &'a ServiceSpec,
    source: PathBuf,
    work: PathBuf,
    log: String,
}

impl<'a> Build<'a> {
    fn new(
        engine: &'a Arc<Engine>,
        active: &'a Active,
        service: &'a ServiceName,
        spec: &'a ServiceSpec,
        folder: &Path,
        deployment: &Deployment,
    ) -> Self {
        Self {
            engine,
            active,
            service,
            spec,
            source: folder.join(&spec.make.source),
            work: engine.settings.folders.builds().join(deployment.id.as_str()).join(service.as_str()),
            log: format!("deployments/{}/build/{service}", deployment.id),
        }
    }

    async fn run(&self) -> Result<ArtifactDigest, Fail> {
        let ports = &self.engine.ports;
        let tree = self.step("copying the source", self.copy()).await?;
        let environment = self.environment();
        let tools = self.tools().await;
        let key = build_key(&tree.digest(), &self.spec.make, &environment, &tools, &platform());
        if let Some(found) = self.found(&key).await? {
            return Ok(found);
        }
        let begun = ports.clock.now();
        for command in self.commands() {
            self.command(command, &environment, begun).await?;
        }
        let output = self.work.join("source").join(self.spec.make.output.as_deref().unwrap_or("."));
        let packed = self.step("packing the artifact", self.pack(&output)).await?;
        let took_ms = ports.clock.now().since_ms(begun);
        self.record(&key, &tree, &packed, tools, took_ms).await
    }

    fn commands(&self) -> Vec<&CommandLine> {
        self.spec.make.install.iter().chain(&self.spec.make.build).collect()
    }

    /// Does one part, and turns a port's failure into the deployment's.
    async fn step<T>(&self, words: &str, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fail> {
        match work.await {
            Ok(done) => Ok(done),
            Err(fault) => Err(fault_of(self.engine, self.active, words, Some(self.service), fault).await),
        }
    }

    async fn copy(&self) -> Result<Tree, Fault> {
        let ports = &self.engine.ports;
        let copy = self.work.join("source");
        ports.sources.remove(&self.work).await?;
        ports.sources.copy(&self.source, &copy).await?;
        ports.sources.make_folder(&self.work.join("home")).await?;
        if let Some(user) = &self.spec.serve.run_as {
            ports.runner.hand_over(&self.work, user).await?;
        }
        ports.artifacts.read_tree(&copy).await
    }

    async fn pack(&self, output: &Path) -> Result<Tree, Fault> {
        let tree = self.engine.ports.artifacts.put(output).await.map_err(|fault| {
            let hint = "see `output` in the spec: it is the folder that the build writes".to_owned();
            Fault { hint: fault.hint.or(Some(hint)), ..fault }
        })?;
        if tree.entries.is_empty() {
            return Err(Fault::invalid(format!("the build of {} left nothing in its output folder", self.service))
                .with_hint("see `output` in the spec: it is the folder that the build writes"));
        }
        Ok(tree)
    }

    /// The declared environment of the build; `HOME` is added when it runs.
    fn environment(&self) -> BTreeMap<String, String> {
        let MakeSpec { build_pass, build_variables, .. } = &self.spec.make;
        let passed = ["PATH".to_owned()].into_iter().chain(build_pass.iter().cloned());
        let mut environment: BTreeMap<_, _> =
            passed.filter_map(|name| std::env::var(&name).ok().map(|value| (name, value))).collect();
        environment.insert("LANG".into(), "C.UTF-8".into());
        environment.extend(build_variables.clone());
        environment
    }

    /// What the programs of the commands say of their versions.
    async fn tools(&self) -> BTreeMap<String, String> {
        let mut tools = BTreeMap::new();
        for command in self.commands() {
            // A program of the source itself is part of the source's digest.
            let program = command.program();
            if !program.contains('/') && !tools.contains_key(program) {
                let version = self.engine.tool_version(program).await.unwrap_or_else(|| "unknown".into());
                tools.insert(program.to_owned(), version);
            }
        }
        tools
    }

    /// The artifact of an earlier build with the same key, when it is whole.
    async fn found(&self, key: &BuildKey) -> Result<Option<ArtifactDigest>, Fail> {
        let built: Option<Provenance> = self.engine.ports.store.find(key.as_str()).await?;
        let Some(built) = built else { return Ok(None) };
        if self.engine.ports.artifacts.tree(&built.artifact).await.is_err() {
            return Ok(None);
        }
        self.ready(&built.artifact, true, 0, Commit::default()).await?;
        Ok(Some(built.artifact))
    }

    async fn record(
        &self,
        key: &BuildKey,
        source: &Tree,
        packed: &Tree,
        tools: BTreeMap<String, String>,
        took_ms: u64,
    ) -> Result<ArtifactDigest, Fail> {
        let deployment = self.active.read().await;
        let artifact = packed.digest();
        let provenance = Provenance {
            artifact: artifact.clone(),
            build_key: key.clone(),
            project: deployment.request.project.clone(),
            service: self.service.clone(),
            source: source.digest(),
            commands: self.commands().iter().map(ToString::to_string).collect(),
            tools,
            platform: platform(),
            git: deployment.services.get(self.service).and_then(|state| state.git.clone()),
            by: deployment.actor.name.clone(),
            at: self.engine.ports.clock.now(),
            took_ms,
            files: packed.entries.len() as u64,
            size_bytes: packed.size_bytes(),
        };
        self.ready(&artifact, false, took_ms, Commit::default().put(&provenance)).await?;
        Ok(artifact)
    }

    async fn ready(&self, artifact: &ArtifactDigest, cached: bool, took_ms: u64, commit: Commit) -> Result<(), Fail> {
        let noted = |deployment: &mut Deployment| {
            let state = deployment.services.entry(self.service.clone()).or_default();
            state.artifact = Some(artifact.clone());
            state.cached = cached;
            state.build_ms = (!cached).then_some(took_ms);
            let how = if cached { "found".to_owned() } else { format!("built in {took_ms} ms") };
            let message = format!("{}: artifact {} {how}", self.service, artifact.short());
            let event = say(deployment, EventKind::ArtifactReady, EventStatus::Ok, message);
            vec![EventBody { services: vec![self.service.clone()], ..event }]
        };
        self.active.update_with(self.engine, commit, noted).await?;
        Ok(())
    }

    async fn command(
        &self,
        command: &CommandLine,
        environment: &BTreeMap<String, String>,
        begun: shipway_core::time::Timestamp,
    ) -> Result<(), Fail> {
        let mut variables = environment.clone();
        let home = self.work.join("home").display().to_string();
        variables.entry("HOME".into()).or_insert(home);
        let used_ms = self.engine.ports.clock.now().since_ms(begun);
        let build_ms = self.spec.serve.timeouts.build_s * 1000;
        let run = CommandRun {
            command: command.clone(),
            folder: self.work.join("source"),
            variables,
            run_as: self.spec.serve.run_as.clone(),
            timeout_ms: build_ms.saturating_sub(used_ms).max(1),
            input: Vec::new(),
            secret_files: BTreeMap::new(),
        };
        let end = self.step("building", self.stream(command, run)).await?;
        let name = self.active.read().await.name.clone();
        let all_of_it = format!("`shipway logs {name}` shows all that the build said");
        let (how, hint) = match end {
            CommandEnd::Exited(0) => return Ok(()),
            CommandEnd::Exited(status) => (format!("exited with status {status}"), all_of_it),
            CommandEnd::Signalled(signal) => (format!("was ended by signal {signal}"), all_of_it),
            CommandEnd::TimedOut => {
                let hint = format!("raise `timeouts.build_s` when it only needs longer; {all_of_it}");
                (format!("did not end within {} s", self.spec.serve.timeouts.build_s), hint)
            }
        };
        let message = format!("`{command}` of {} {how}", self.service);
        let failure = failed(self.engine, self.active, "building", Some(self.service), Cause::Release, message).await;
        let log_tail = self.engine.ports.logs.tail(&self.log, LOG_TAIL_LINES).unwrap_or_default();
        Err(Fail::Failed(Box::new(FailureReport { log_tail, hint: Some(hint), ..failure })))
    }

    /// Runs a command, and writes its output to the log as it comes.
    async fn stream(&self, command: &CommandLine, run: CommandRun) -> Result<CommandEnd, Fault> {
        let logs = &self.engine.ports.logs;
        logs.append(&self.log, &[format!("$ {command}")])?;
        let mut events = self.engine.ports.runner.run(run).ready_chunks(LOG_BATCH_LINES);
        while let Some(batch) = events.next().await {
            let mut lines = Vec::with_capacity(batch.len());
            let mut ended = None;
            for event in batch {
                match event? {
                    CommandEvent::Line(line) => lines.push(line),
                    CommandEvent::Ended(end) => ended = Some(end),
                }
            }
            logs.append(&self.log, &lines)?;
            if let Some(end) = ended {
                return Ok(end);
            }
        }
        Err(Fault::unavailable(format!("`{command}` was cut off")))
    }
}

/// What artifacts are built for.
fn platform() -> String {
    format!("{}-{}", std::env::consts::OS, std::env::consts::ARCH)
}
