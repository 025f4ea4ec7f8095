//! `shipway logs`: the output of builds, hooks and instances.

use futures_util::{StreamExt, stream};
use shipway_api::{DeploymentPage, DeploymentView, InstanceView, LogLine, LogsView};

use super::{
    Exit, Outcome,
    context::Context,
    errors::CliError,
    remote::{Remote, escaped, with_query},
    scope::{EnvironmentArg, Scope},
    terminal::{Hue, Paint, Terminal},
};

/// Show what builds, hooks and instances wrote
#[derive(clap::Args)]
pub struct Args {
    /// A deployment (by id or name), a service or an instance; all that runs when absent
    target: Option<String>,
    #[command(flatten)]
    environment: EnvironmentArg,
    /// Go on with what is written from now on
    #[arg(short, long)]
    follow: bool,
    /// Only the last lines of each log
    #[arg(short = 'n', long, value_name = "LINES")]
    tail: Option<u32>,
    /// Only the newest build
    #[arg(short, long)]
    build: bool,
}

/// Logs to read: the paths that give them.
struct Wanted {
    paths: Vec<String>,
    only_build: bool,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let remote = context.remote()?;
    let scope = Scope::find(context, &remote).await;
    let wanted = wanted(&remote, scope, &args).await?;
    if args.follow {
        return follow(context, &remote, &wanted).await;
    }
    let reads = wanted.paths.iter().map(|path| remote.get::<LogsView>(path));
    let logs = futures_util::future::try_join_all(reads).await?;
    let lines: Vec<LogLine> = logs.into_iter().flat_map(|logs| logs.lines).collect();
    let lines = LogsView { lines: lines.into_iter().filter(|line| wanted.wants(line)).collect() };
    context.terminal.show(&lines, |paint| lines.lines.iter().map(|line| words(paint, line)).collect());
    Ok(Exit::Done)
}

impl Wanted {
    fn wants(&self, line: &LogLine) -> bool {
        !self.only_build || line.stream == "build"
    }
}

async fn wanted(remote: &Remote, scope: Result<Scope, CliError>, args: &Args) -> Result<Wanted, CliError> {
    let only_build = args.build;
    // A deployment or an instance is found without its project.
    let (scope, target) = match (scope, &args.target) {
        (Ok(scope), target) => (scope, target.as_deref()),
        (Err(_), Some(target)) => return Ok(Wanted { paths: vec![deployment(target, None, args)], only_build }),
        (Err(error), None) => return Err(error),
    };
    let all = instances(remote, &scope, args).await?;
    let is_service = target.is_some_and(|name| all.iter().any(|one| one.slot.service.as_str() == name));
    let named =
        |one: &&InstanceView| target.is_none_or(|name| one.slot.service.as_str() == name || one.id.as_str() == name);
    let mine: Vec<&InstanceView> = all.iter().filter(named).collect();
    if !mine.is_empty() && !args.build {
        let path = |one: &&InstanceView| {
            let path = format!("/api/instances/{}/logs", escaped(one.id.as_str()));
            with_query(&path, &[("tail", args.tail.map(|tail| tail.to_string()))])
        };
        return Ok(Wanted { paths: mine.iter().map(path).collect(), only_build });
    }
    let path = match target {
        Some(target) if !is_service && is_deployment(remote, target).await? => deployment(target, None, args),
        service => newest(remote, &scope, service, args).await?,
    };
    Ok(Wanted { paths: vec![path], only_build })
}

async fn instances(remote: &Remote, scope: &Scope, args: &Args) -> Result<Vec<InstanceView>, CliError> {
    let query = [("environment", args.environment.environment.clone())];
    match remote.get(&with_query(&scope.path("/instances"), &query)).await {
        Err(error) if error.is_not_found() && args.target.is_some() => Ok(Vec::new()),
        instances => instances,
    }
}

async fn is_deployment(remote: &Remote, target: &str) -> Result<bool, CliError> {
    match remote.get::<DeploymentView>(&format!("/api/deployments/{}", escaped(target))).await {
        Ok(_) => Ok(true),
        Err(error) if error.is_not_found() => Ok(false),
        Err(error) => Err(error),
    }
}

fn deployment(id: &str, service: Option<&str>, args: &Args) -> String {
    let query = [("service", service.map(str::to_owned)), ("tail", args.tail.map(|tail| tail.to_string()))];
    with_query(&format!("/api/deployments/{}/logs", escaped(id)), &query)
}

/// The newest deployment's logs.
async fn newest(remote: &Remote, scope: &Scope, service: Option<&str>, args: &Args) -> Result<String, CliError> {
    let query = [
        ("environment", args.environment.environment.clone()),
        ("service", service.map(str::to_owned)),
        // A rollback builds nothing.
        ("kind", args.build.then(|| "deploy".to_owned())),
        ("limit", Some("1".to_owned())),
    ];
    let page: DeploymentPage = remote.get(&with_query(&scope.path("/deployments"), &query)).await?;
    match (page.items.first(), service) {
        (Some(view), _) => Ok(deployment(view.id.as_str(), service, args)),
        (None, Some(name)) => {
            let message = format!("`{name}` is no deployment, service or instance of {}", scope.project);
            Err(CliError::failed(message, "`shipway ps` lists the instances, `shipway history` the deployments"))
        }
        (None, None) => {
            Err(CliError::failed(format!("{} has no deployment yet", scope.project), "`shipway deploy` makes one"))
        }
    }
}

async fn follow(context: &Context, remote: &Remote, wanted: &Wanted) -> Outcome {
    let opened = wanted.paths.iter().map(|path| remote.stream::<LogLine>(path));
    let opened = futures_util::future::try_join_all(opened).await?;
    let mut lines = stream::select_all(opened.into_iter().map(Box::pin));
    while let Some(line) = lines.next().await {
        let line = line?;
        if wanted.wants(&line) {
            if context.terminal.json {
                context.terminal.json_line(&line);
            } else {
                context.terminal.say(words(context.terminal.paint, &line));
            }
        }
        if Terminal::is_gone() {
            break;
        }
    }
    Ok(Exit::Done)
}

fn words(paint: Paint, line: &LogLine) -> String {
    let (hue, from) = match &line.instance {
        Some(instance) => (Hue::Busy, instance.to_string()),
        None if line.stream == "build" => (Hue::Faint, format!("{} {}", line.stream, line.service)),
        None => (Hue::Warn, format!("{} {}", line.stream, line.service)),
    };
    format!("{} {}", paint.put(hue, format!("{from} │")), line.line)
}
