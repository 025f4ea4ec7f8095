//! `cue`: a layered tree of configurations exported by `shipway cue export`, one environment as a whole process, and
//! 100 applications in three environments in one process. Beside it, in turns, the same binary with `--version`: what a
//! process costs that does nothing.

use std::{
    fmt::Write,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use crate::{
    Fallible, Options,
    process::{TempFolder, ended, peak_rss},
    stats::Values,
    table::{Table, progress},
};

const NAME: &str = "cue";
const APPS: usize = 100;
const ENVIRONMENTS: [&str; 3] = ["dev", "stage", "prod"];
/// How often the memory of a running export is looked at.
const LOOK: Duration = Duration::from_millis(2);
const KIB_PER_MB: f64 = 1_000_000.0 / 1024.0;

/// Runs it.
///
/// # Errors
/// An export fails, or doesn't say what it should.
pub async fn run(options: &Options, table: &mut Table) -> Fallible<()> {
    let (mut nothing, mut one, mut all, mut peak) =
        (Values::default(), Values::default(), Values::default(), Values::default());
    let folder = TempFolder::new()?;
    let large = large_tree(&options.tree, folder.path())?;
    for run in 0..options.runs {
        let mut version = Command::new(&options.shipway);
        version.arg("--version");
        nothing.push(timed(version, "shipway").await?);
        let mut environment = export(&options.shipway, &options.tree);
        environment.args(["-e", "prod"]);
        let one_ms = timed(environment, "\"postgres\"").await?;
        let all_ms = timed(export(&options.shipway, &large), "app-99").await?;
        one.push(one_ms);
        all.push(all_ms);
        peak.push(peak_of(export(&options.shipway, &large))?);
        progress(format!("{NAME} {run}: {one_ms:.1} ms, {all_ms:.0} ms"));
    }
    table.number(NAME, "a process that does nothing: `shipway --version`", "ms", &nothing);
    table.at_most(NAME, "one environment of the tree, whole process", (20.0, "ms"), &one);
    table.at_most(NAME, "100 applications × 3 environments, whole process", (1000.0, "ms"), &all);
    table.each_at_most(NAME, "the same, most memory resident", (200.0, "MB"), &peak);
    Ok(())
}

fn export(shipway: &Path, tree: &Path) -> Command {
    let mut command = Command::new(shipway);
    command.args(["cue", "export", "./env.cue", "--out", "json"]).current_dir(tree);
    command
}

/// The milliseconds of a command from its start to its end; it must say something.
async fn timed(command: Command, says: &str) -> Fallible<f64> {
    let what = format!("{command:?}");
    let begin = Instant::now();
    let output = ended(command).await?;
    let ms = begin.elapsed().as_secs_f64() * 1000.0;
    let said = String::from_utf8_lossy(&output.stdout);
    if !output.status.success() || !said.contains(says) {
        return Err(format!("{what} said {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(ms)
}

/// The most memory that a command had resident, in MB, as often as it was looked at.
fn peak_of(mut command: Command) -> Fallible<f64> {
    let mut child = command.stdout(Stdio::null()).spawn()?;
    let mut peak = 0;
    while child.try_wait()?.is_none() {
        peak = peak_rss(child.id()).unwrap_or(0).max(peak);
        std::thread::sleep(LOOK);
    }
    Ok(peak as f64 / KIB_PER_MB)
}

/// A tree with the platform of the small one, and more of everything else.
fn large_tree(small: &Path, into: &Path) -> Fallible<PathBuf> {
    let tree = into.join("tree");
    for folder in ["cue.mod", "platform", "schemas"] {
        copy(&small.join(folder), &tree.join(folder))?;
    }
    fs::create_dir_all(tree.join("apps"))?;
    for app in 0..APPS {
        fs::write(tree.join(format!("apps/app{app}.cue")), application(app))?;
    }
    fs::write(tree.join("env.cue"), environments()?)?;
    Ok(tree)
}

fn copy(from: &Path, into: &Path) -> Fallible<()> {
    fs::create_dir_all(into)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        fs::copy(entry.path(), into.join(entry.file_name()))?;
    }
    Ok(())
}

fn application(app: usize) -> String {
    format!(
        "package apps

import \"example.test/deploy/platform\"

app{app}: platform.#App & {{
	appName: \"app-{app}\"
	appEnvVars: [{{name: \"LOG_LEVEL\", value: \"INFO\"}}]
	config: {{
		image: repo: \"images.example/app-{app}\"
		readinessProbe: {{httpGet: {{path: \"/ready\", port: 8080}}, timeoutSeconds: *10 | int}}
		configMap: data: {{\"cache-ttl\": *\"300\" | string}}
	}}
}}
"
    )
}

fn environments() -> Fallible<String> {
    let mut text = "package envs\n\nimport \"example.test/deploy/apps\"\n".to_owned();
    for environment in ENVIRONMENTS {
        for app in 0..APPS {
            write!(
                text,
                "
{environment}: app{app}: apps.app{app} & {{
	config: {{
		namespace: \"{environment}\"
		labels: environment: \"{environment}\"
		image: tag: \"1.0.{app}\"
		replicas: 3
		resources: {{requests: {{cpu: \"100m\", memory: \"256Mi\"}}, limits: {{cpu: \"500m\", memory: \"512Mi\"}}}}
		extraEnv: [{{name: \"ENVIRONMENT\", value: \"{environment}\"}}]
	}}
}}
"
            )?;
        }
    }
    Ok(text)
}
