//! `shipway env can`: whether an environment can run something, requirement by requirement.

use shipway_core::{
    compatibility::{Compatibility, Requirement, Requirements},
    id::ServiceName,
    strategy::StrategySpec,
};

use super::{
    Exit, Outcome,
    context::Context,
    deploy::{pair, strategy},
    scope,
    table::{Table, plain},
    terminal::{Hue, Paint},
};

/// Ask whether an environment can run something; exits with 3 when it can not
///
/// Without requirements the project's spec is asked as it is for that environment. With `--memory-mb`, `--cpu`,
/// `--disk-mb` or `--instances` it is something that no spec describes, beside all that runs.
#[derive(clap::Args)]
pub struct Args {
    /// The environment
    name: String,
    /// A service of the spec, with all that it takes; may be repeated
    #[arg(long = "service", value_name = "NAME")]
    services: Vec<String>,
    /// How services would be replaced, in place of their own strategy: blue-green, canary, rolling, recreate
    #[arg(long, value_name = "STRATEGY", value_parser = strategy)]
    strategy: Option<StrategySpec>,
    /// Instances; 1 when only their size is said
    #[arg(long, value_name = "COUNT")]
    instances: Option<u32>,
    /// Memory of one instance
    #[arg(long, value_name = "MIB")]
    memory_mb: Option<u64>,
    /// Cores of one instance
    #[arg(long, value_name = "CORES")]
    cpu: Option<f64>,
    /// Disk of all instances
    #[arg(long, value_name = "MIB")]
    disk_mb: Option<u64>,
    /// A version of Node.js: `24` is any 24.x
    #[arg(long, value_name = "VERSION")]
    node_version: Option<String>,
    /// What it must be: development, staging, testing, production
    #[arg(long = "type", value_name = "TYPE", value_parser = super::env_make::kind)]
    kind: Option<String>,
    /// Where it must be
    #[arg(long, value_name = "NAME")]
    region: Option<String>,
    /// Whose machines it must run on
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// A label that it must have; may be repeated
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = pair)]
    labels: Vec<(String, String)>,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    let (remote, scope) = scope::reach(context).await?;
    let path = scope.environment_path(&args.name, "/compatibility");
    let answer: Compatibility = remote.post(&path, &wanted(args)).await?;
    context.terminal.show(&answer, |paint| lines(paint, &answer));
    Ok(if answer.can { Exit::Done } else { Exit::Differs })
}

fn wanted(args: Args) -> Requirements {
    let kind = args.kind.map(serde_json::Value::String);
    Requirements {
        services: args.services.into_iter().map(ServiceName::new).collect(),
        strategy: args.strategy,
        instances: args.instances,
        memory_mb: args.memory_mb,
        cpu: args.cpu,
        disk_mb: args.disk_mb,
        node_version: args.node_version,
        // Its parser let only names of types pass.
        kind: kind.and_then(|kind| serde_json::from_value(kind).ok()),
        region: args.region,
        provider: args.provider,
        labels: args.labels.into_iter().collect(),
    }
}

fn lines(paint: Paint, answer: &Compatibility) -> Vec<String> {
    let (hue, word) = if answer.can { (Hue::Good, "can run it") } else { (Hue::Bad, "can not run it") };
    let mut table = Table::new(&["requirement", "met", "wanted", "measured", "why"]);
    answer.requirements.iter().for_each(|one| table.row(row(one)));
    let first = format!("{} {}", answer.environment, paint.put(hue, word));
    std::iter::once(first).chain(table.lines(paint, 0)).collect()
}

fn row(one: &Requirement) -> Vec<(Hue, String)> {
    vec![
        (Hue::Bold, one.name.clone()),
        if one.met { (Hue::Good, "yes".to_owned()) } else { (Hue::Bad, "no".to_owned()) },
        plain(&one.wanted),
        plain(&one.measured),
        plain(&one.reason),
    ]
}
