//! `shipway up`: a server, and a project on it, in one command.

use std::path::{Path, PathBuf};

use shipway_api::{DeploymentRequest, DeploymentView, InstanceView, ProjectView};
use shipway_core::finding::blocks;

use super::{
    Exit, Outcome, check,
    context::{Context, dialled},
    detached, ending,
    errors::CliError,
    live::{self, Until},
    remote::{Remote, escaped},
    scope,
    serve::{self, ServeArgs},
    signals::Signals,
    spec_file::SpecFile,
};
use crate::{place, server::Server};

const ALL: &str = "all";

/// Start everything, deploy a project, and stay until Ctrl-C, which stops it all
#[derive(clap::Args)]
pub struct Args {
    /// The project's folder
    #[arg(default_value = ".")]
    folder: PathBuf,
    /// The environment to deploy to, or `all`; the first of the file when absent
    #[arg(short, long, value_name = "NAME")]
    environment: Option<String>,
    /// Leave it running in the background; `shipway down` stops it
    #[arg(short, long)]
    detach: bool,
    #[command(flatten)]
    serve: ServeArgs,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let spec = SpecFile::read(&args.folder)?;
    refuse_wrong(&spec, args.environment.as_deref())?;
    let data = context.data()?;
    refuse_second(&data).await?;
    if args.detach {
        return in_background(context, &args, &spec, &data).await;
    }
    let mut signals = Signals::listen()?;
    let server = Server::start(args.serve.config(data)).await?;
    let remote = Remote::new(&dialled(server.address()), server.token())?;
    say_addresses(context, &remote, &server);
    let (exit, applications) = tokio::select! {
        outcome = stay(context, &remote, &args, &spec, &server) => outcome,
        () = signals.next() => (Exit::Done, true),
    };
    context.terminal.say("stopping …");
    let running = running_now(&remote).await;
    serve::stop(server, applications, &mut signals).await?;
    context.terminal.say(match applications {
        true => format!("stopped {running}, the proxy and the server"),
        false => format!("stopped the server; the proxy and {running} go on"),
    });
    Ok(exit)
}

/// A spec that can't be deployed is told before anything is started.
fn refuse_wrong(spec: &SpecFile, environment: Option<&str>) -> Result<(), CliError> {
    let environment = environment.filter(|name| *name != ALL);
    let findings = check::found_alone(spec, None);
    if blocks(&findings) {
        return Err(CliError::Findings(findings));
    }
    let known = spec.environments();
    match environment {
        Some(name) if !known.iter().any(|known| known == name) => {
            let message = format!("there is no environment `{name}`");
            Err(CliError::usage(message, format!("name one of {}, or {ALL}", known.join(", "))))
        }
        _ => Ok(()),
    }
}

async fn refuse_second(data: &Path) -> Result<(), CliError> {
    let Some(found) = place::find_server(data) else { return Ok(()) };
    let remote = Remote::new(&dialled(found.address), "")?;
    if !remote.is_alive().await {
        return Ok(());
    }
    let message = format!("a server runs on {} already: {} (pid {})", data.display(), remote.base(), found.pid);
    Err(CliError::failed(message, "deploy to it: `shipway deploy -e ENVIRONMENT` in the project's folder"))
}

fn say_addresses(context: &Context, remote: &Remote, server: &Server) {
    context.terminal.say(format!("control plane  {}", remote.base()));
    context.terminal.say(format!("proxy          http://{}", server.proxy_address()));
}

/// Deploys, and stays until somebody asks for the end over the API. A failure doesn't end it: one wants to look.
async fn stay(context: &Context, remote: &Remote, args: &Args, spec: &SpecFile, server: &Server) -> (Exit, bool) {
    let exit = deploy(context, remote, args, spec).await.unwrap_or_else(|error| error.show(&context.terminal));
    if exit != Exit::Done {
        context.terminal.say("The server goes on, so that you can look: `shipway status`, `shipway logs`.");
    }
    context.terminal.say("Ctrl-C stops everything.");
    (exit, server.asked_to_stop().await)
}

async fn in_background(context: &Context, args: &Args, spec: &SpecFile, data: &Path) -> Outcome {
    let remote = detached::start(data, &args.serve).await?;
    let log = detached::log_file(data);
    context.terminal.say(format!("control plane  {} (in the background; its log is {})", remote.base(), log.display()));
    let exit = deploy(context, &remote, args, spec).await?;
    context.terminal.say("It runs on in the background: `shipway down` stops everything.");
    Ok(exit)
}

/// Deploys the environments that are asked for, one after the other.
async fn deploy(context: &Context, remote: &Remote, args: &Args, spec: &SpecFile) -> Outcome {
    let project = scope::register(remote, spec).await?;
    let mut exit = Exit::Done;
    for environment in environments(args, &project)? {
        let request =
            DeploymentRequest { project: project.id.as_str().to_owned(), environment, ..DeploymentRequest::default() };
        let view: DeploymentView = remote.post("/api/deployments", &request).await?;
        let ended = live::follow(remote, context.terminal, view, Until::Completed).await?;
        if ending::tell(&context.terminal, &ended) != Exit::Done {
            exit = Exit::Failed;
        }
    }
    Ok(exit)
}

fn environments(args: &Args, project: &ProjectView) -> Result<Vec<String>, CliError> {
    let all: Vec<String> = project.environments.iter().map(|name| name.as_str().to_owned()).collect();
    match args.environment.as_deref() {
        Some(ALL) => Ok(all),
        Some(name) => Ok(vec![name.to_owned()]),
        None => all.into_iter().next().map(|first| vec![first]).ok_or_else(|| {
            CliError::failed(format!("{} has no environment", project.id), "add one: `[environments.staging]`")
        }),
    }
}

/// What runs, in words.
async fn running_now(remote: &Remote) -> String {
    let counted = async {
        let projects: Vec<ProjectView> = remote.get("/api/projects").await?;
        let mut count = 0;
        for project in projects {
            let path = format!("/api/projects/{}/instances", escaped(project.id.as_str()));
            count += remote.get::<Vec<InstanceView>>(&path).await?.len();
        }
        Ok::<_, CliError>(count)
    };
    match counted.await {
        Ok(1) => "1 instance".into(),
        Ok(count) => format!("{count} instances"),
        Err(_) => "the applications".into(),
    }
}
