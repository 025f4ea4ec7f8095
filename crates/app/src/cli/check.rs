//! `shipway check`: everything that is wrong with a spec, at once.

use std::path::PathBuf;

use shipway_api::{ValidationRequest, ValidationView};
use shipway_config::Target;
use shipway_core::{
    finding::{Finding, blocks},
    id::EnvironmentName,
};

use super::{
    Exit, Outcome, changes, context::Context, errors::CliError, findings, remote::Remote, scope::EnvironmentArg,
    spec_file, spec_file::SpecFile, terminal::Hue, words,
};

/// Report everything that is wrong with a spec; asks the server about the machine, too, when one runs
#[derive(clap::Args)]
pub struct Args {
    /// The project's folder; the nearest one upwards that holds a spec when absent
    folder: Option<PathBuf>,
    /// Print the schema of the spec, for editors or as a package of CUE, and check nothing
    #[arg(long, value_name = "FORMAT", num_args = 0..=1, require_equals = true, default_missing_value = "json")]
    schema: Option<SchemaFormat>,
    #[command(flatten)]
    environment: EnvironmentArg,
}

/// How a schema is written: as JSON Schema, or as CUE.
#[derive(Clone, Copy, clap::ValueEnum)]
enum SchemaFormat {
    Json,
    Cue,
}

/// Runs the verb.
pub async fn run(context: &Context, args: Args) -> Outcome {
    if let Some(format) = args.schema {
        return schema(context, format);
    }
    let spec = match &args.folder {
        Some(folder) => SpecFile::read(folder)?,
        None => SpecFile::nearest()?.ok_or_else(|| {
            let message = format!("there is no {} here or above", spec_file::NAMES);
            CliError::failed(message, "name the project's folder")
        })?,
    };
    let remote = context.remote()?;
    let served = asked_of_server(&remote, &spec, &args.environment).await?;
    let has_server = served.is_some();
    let validation = served.unwrap_or_else(|| alone(&spec, &args.environment));
    if context.terminal.json {
        context.terminal.json(&validation);
    } else {
        say(context, &validation, &args.environment, has_server);
    }
    Ok(if validation.valid { Exit::Done } else { Exit::Failed })
}

fn schema(context: &Context, format: SchemaFormat) -> Outcome {
    match format {
        SchemaFormat::Json => context.terminal.json(&shipway_config::schema::editor_schema()),
        SchemaFormat::Cue => {
            let text = shipway_config::schema::cue_schema();
            let text = text.map_err(|error| CliError::failed(error.to_string(), "take the JSON Schema"))?;
            context.terminal.say(text.trim_end());
        }
    }
    Ok(Exit::Done)
}

/// What the server finds; none when there is none.
async fn asked_of_server(
    remote: &Remote,
    spec: &SpecFile,
    environment: &EnvironmentArg,
) -> Result<Option<ValidationView>, CliError> {
    let request = ValidationRequest {
        file: Some(spec.name.into()),
        text: Some(spec.text.clone()),
        project: None,
        environment: environment.environment.clone(),
    };
    match remote.post("/api/validations", &request).await {
        Ok(validation) => Ok(Some(validation)),
        // A server that doesn't know us is as good as none: the file can be checked without.
        Err(error) if error.is_unreachable() || error.is_unauthorized() => Ok(None),
        Err(error) => Err(error),
    }
}

/// What can be found without a server.
fn alone(spec: &SpecFile, environment: &EnvironmentArg) -> ValidationView {
    let findings = found_alone(spec, environment.environment.as_deref());
    let (valid, at) = (!blocks(&findings), words::now());
    let findings = findings.into_iter().map(|finding| shipway_api::TimedFinding { finding, at }).collect();
    ValidationView { valid, findings, plan: None }
}

/// What the file alone has to say, for one environment or all.
pub fn found_alone(spec: &SpecFile, environment: Option<&str>) -> Vec<Finding> {
    match shipway_config::read::parse(spec.name, &spec.text) {
        Err(findings) => findings,
        Ok(source) => {
            let named = environment.map(|name| Target { environment: EnvironmentName::new(name), layers: Vec::new() });
            let targets = named.map_or_else(|| Target::all(&source), |target| vec![target]);
            shipway_config::findings(&source, &targets)
        }
    }
}

fn say(context: &Context, validation: &ValidationView, environment: &EnvironmentArg, has_server: bool) {
    let terminal = &context.terminal;
    let found: Vec<Finding> = validation.findings.iter().map(|timed| timed.finding.clone()).collect();
    for line in findings::lines(terminal.paint, &found) {
        terminal.say(line);
    }
    let (hue, mark) = if validation.valid { (Hue::Good, "✓") } else { (Hue::Bad, "✗") };
    terminal.say(format!("{} {}", terminal.paint.put(hue, mark), findings::summary(&found)));
    if let Some(plan) = &validation.plan {
        changes::lines(terminal.paint, plan, false).into_iter().for_each(|line| terminal.say(line));
        return;
    }
    let environment = environment.environment.as_deref().unwrap_or("ENVIRONMENT");
    match (validation.valid, has_server) {
        (true, true) => terminal.say(format!("`shipway plan -e {environment}` shows what a deployment would change")),
        (_, false) => {
            terminal.say("no server of ours runs, so the machine was not asked: that is checked when you deploy")
        }
        (false, true) => {}
    }
}
