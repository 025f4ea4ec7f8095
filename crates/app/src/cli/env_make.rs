//! `shipway env create` and `set`: making an environment that the spec file doesn't have, and changing what any is.

use serde_json::{Value, json};
use shipway_api::{EnvironmentUpdate, EnvironmentView};

use super::{
    Exit, Outcome, config_words::assignments, context::Context, deploy::pair, env_show::lines, scope, unstick,
};

/// Make an environment that the spec file does not have
#[derive(clap::Args)]
pub struct CreateArgs {
    /// Its name
    name: String,
    /// What it is: development, staging, testing, production
    #[arg(long = "type", value_name = "TYPE", value_parser = kind)]
    kind: String,
    /// More of what an environment of the file may say, like region=eu-west or variables.LOG_LEVEL=debug
    #[arg(value_name = "KEY=VALUE", value_parser = pair)]
    more: Vec<(String, String)>,
}

/// Change what is said of an environment: region, labels, network, policies, variables, settings
#[derive(clap::Args)]
pub struct SetArgs {
    /// The environment
    name: String,
    /// What to set, like labels.team=shop; KEY=null takes away what the file says
    #[arg(value_name = "KEY=VALUE", value_parser = pair, required_unless_present = "unset")]
    values: Vec<(String, String)>,
    /// Remove what was set before, so that the file speaks again
    #[arg(long, value_name = "KEY")]
    unset: Vec<String>,
    /// Why, for the record
    #[arg(long, value_name = "TEXT", value_parser = unstick::reason)]
    reason: Option<String>,
    /// Only if the configuration is still at this version
    #[arg(long, value_name = "VERSION")]
    expect: Option<u64>,
}

/// A type of environment.
pub fn kind(text: &str) -> Result<String, String> {
    match text {
        "development" | "staging" | "testing" | "production" => Ok(text.to_owned()),
        _ => Err("it is development, staging, testing or production".into()),
    }
}

/// Makes one.
pub async fn create(context: &Context, args: CreateArgs) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let mut body = assignments("", &args.more);
    let stated = body.as_object_mut().map(std::mem::take).unwrap_or_default();
    let mut body = Value::Object(stated);
    body["name"] = json!(args.name);
    body["type"] = json!(args.kind);
    let one: EnvironmentView = remote.post(&scope.path("/environments"), &body).await?;
    context.terminal.show(&one, |paint| lines(paint, &one));
    Ok(Exit::Done)
}

/// Changes one.
pub async fn set(context: &Context, args: SetArgs) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let update = EnvironmentUpdate {
        set: Some(assignments("", &args.values)),
        unset: args.unset,
        reason: args.reason,
        expected: args.expect,
        ..EnvironmentUpdate::default()
    };
    let one: EnvironmentView = remote.put(&scope.environment_path(&args.name, ""), &update).await?;
    context.terminal.show(&one, |paint| lines(paint, &one));
    Ok(Exit::Done)
}
