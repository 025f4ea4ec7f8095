//! `shipway config set`, `rollback` and `deploy`.

use shipway_api::{ConfigDeploy, ConfigRollback, DeploymentView, EnvironmentUpdate, EnvironmentView};
use shipway_core::{config::version::ConfigVersion, id::ServiceName};

use super::{
    Exit, Outcome,
    config_words::{assignments, told},
    context::Context,
    deploy::pair,
    request::{self, WaitArgs},
    scope::{self, EnvironmentArg},
    unstick,
};

/// Set values above the spec file, as a new version. They hold from the next deployment on
#[derive(clap::Args)]
pub struct SetArgs {
    /// What to set, like variables.LOG_LEVEL=debug; KEY=null takes away what the file says
    #[arg(value_name = "KEY=VALUE", value_parser = pair, required_unless_present = "unset")]
    values: Vec<(String, String)>,
    /// Remove what was set before, so that the file speaks again
    #[arg(long, value_name = "KEY")]
    unset: Vec<String>,
    /// Only for this service; for all when absent
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
    /// Why, for the record
    #[arg(long, value_name = "TEXT", value_parser = unstick::reason)]
    reason: String,
    /// Only if the configuration is still at this version
    #[arg(long, value_name = "VERSION")]
    expect: Option<u64>,
    #[command(flatten)]
    environment: EnvironmentArg,
}

/// Put what was set back to what it was at a version, as a new version
#[derive(clap::Args)]
pub struct RollbackArgs {
    /// The version; 0 is that nothing was set
    version: u64,
    /// Why, for the record
    #[arg(long, value_name = "TEXT", value_parser = unstick::reason)]
    reason: Option<String>,
    /// Only if the configuration is still at this version
    #[arg(long, value_name = "VERSION")]
    expect: Option<u64>,
    #[command(flatten)]
    environment: EnvironmentArg,
}

/// Deploy a change of configuration alone: what runs, in new releases, with the same checks and strategies
#[derive(clap::Args)]
pub struct DeployArgs {
    /// The services; all that run when none is named
    services: Vec<String>,
    #[command(flatten)]
    environment: EnvironmentArg,
    /// Why, for the record
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    wait: WaitArgs,
}

/// Sets.
pub async fn set(context: &Context, args: SetArgs) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let environment = scope.environment(&remote, &args.environment).await?;
    let root = args.service.map(|service| format!("services.{service}")).unwrap_or_default();
    let below = |key: &String| if root.is_empty() { key.clone() } else { format!("{root}.{key}") };
    let update = EnvironmentUpdate {
        set: Some(assignments(&root, &args.values)),
        unset: args.unset.iter().map(below).collect(),
        reason: Some(args.reason),
        expected: args.expect,
        ..EnvironmentUpdate::default()
    };
    let one: EnvironmentView = remote.put(&scope.environment_path(&environment, ""), &update).await?;
    context.terminal.show(&one, |_| {
        vec![
            format!("the configuration of {environment} is at version {}", one.config_version),
            format!("→ `shipway config deploy -e {environment}` brings it to what runs"),
        ]
    });
    Ok(Exit::Done)
}

/// Goes back.
pub async fn roll_back(context: &Context, args: RollbackArgs) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let environment = scope.environment(&remote, &args.environment).await?;
    let body = ConfigRollback { to: args.version, reason: args.reason, expected: args.expect };
    let version: ConfigVersion = remote.post(&scope.environment_path(&environment, "/config/rollback"), &body).await?;
    context.terminal.show(&version, |_| {
        let head = format!("version {} says what version {} said", version.number, args.version);
        let next = format!("→ `shipway config deploy -e {environment}` brings it to what runs");
        std::iter::once(head).chain(version.changes.iter().map(told)).chain([next]).collect()
    });
    Ok(Exit::Done)
}

/// Deploys it alone.
pub async fn deploy(context: &Context, args: DeployArgs) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let environment = scope.environment(&remote, &args.environment).await?;
    scope.register(&remote).await?;
    let services = args.services.iter().map(|name| ServiceName::new(name.as_str())).collect();
    let body = ConfigDeploy { services, reason: args.reason };
    let view: DeploymentView = remote.post(&scope.environment_path(&environment, "/config/deploy"), &body).await?;
    request::show(context, &remote, view, args.wait).await
}
