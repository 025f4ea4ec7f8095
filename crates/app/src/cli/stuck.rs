//! What is said of a deployment that is stuck: where it stands still, what is known of its services, and the commands
//! that go on from there. Not here: what failed (`ending`), and the commands themselves (`retry`, `skip`, `resolve`).

use shipway_api::{DeploymentView, StepView};
use shipway_core::deployment::{StepStatus, Stuck};

use super::{
    table::{Table, plain},
    terminal::{Hue, Paint},
    words,
};

/// Why it stands still, the steps, the services, and what to type next.
pub fn lines(paint: Paint, view: &DeploymentView) -> Vec<String> {
    let mut lines = vec![paint.put(Hue::Warn, why(view.stuck))];
    lines.extend(steps(paint, view));
    lines.extend(services(paint, view));
    lines.push(paint.put(Hue::Faint, "what to do next"));
    let mut table = Table::new(&["", ""]);
    for (command, what) in commands(view) {
        table.row(vec![(Hue::Bold, command), plain(what)]);
    }
    // The table's head is empty.
    lines.extend(table.lines(paint, 2).into_iter().skip(1));
    lines
}

fn why(stuck: Option<Stuck>) -> &'static str {
    match stuck {
        Some(Stuck::UndoFailed) => "it needs a person: a part of the way back failed for good",
        Some(Stuck::RollbackTooLong) => "it needs a person: going back took longer than `timeouts.rollback_s`",
        Some(Stuck::Contract) => {
            "it needs a person: a `contract` migration ran, or may have run, and the old may not work with the data \
             any more; so nothing goes back by itself"
        }
        Some(Stuck::OnFailureStop) => {
            "it needs a person: the spec says `on_failure = \"stop\"`, so it stands as it failed"
        }
        Some(Stuck::UnknownPlan) => {
            "it needs a person: another version of Shipway made its plan, in a form that this one doesn't run"
        }
        None => "it needs a person",
    }
}

/// The steps of the way back that did not end well.
fn steps(paint: Paint, view: &DeploymentView) -> Vec<String> {
    let open = |step: &&StepView| step.back && matches!(step.status, StepStatus::Failed | StepStatus::Running);
    let mut table = Table::new(&["step", "service", "what", "state", "tried"]);
    for step in view.steps.iter().filter(open) {
        let (hue, state) = match step.status {
            StepStatus::Failed => (Hue::Bad, "failed"),
            _ => (Hue::Warn, "not known to have ended"),
        };
        let service = step.service.as_ref().map_or_else(|| "all".to_owned(), ToString::to_string);
        let tried = words::count(u64::from(step.attempts), "time");
        table.row(vec![
            plain(step.number.to_string()),
            plain(service),
            plain(&step.title),
            (hue, state.into()),
            plain(tried),
        ]);
    }
    table.lines(paint, 2)
}

/// Which services serve the new release, and which the old.
fn services(paint: Paint, view: &DeploymentView) -> Vec<String> {
    let names = |live: bool| {
        let those = view.services.iter().filter(|(_, state)| !state.unchanged && state.live == live);
        those.map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ")
    };
    let said = [("serve the new release", names(true)), ("serve the old release", names(false))];
    let said = said.into_iter().filter(|(_, names)| !names.is_empty());
    said.map(|(what, names)| format!("  {}  {names}", paint.put(Hue::Faint, format!("{what:21}")))).collect()
}

/// What can be typed, with what it does.
fn commands(view: &DeploymentView) -> Vec<(String, String)> {
    let (id, environment) = (&view.id, &view.environment);
    let explain = (format!("shipway explain {id}"), "tells the whole story");
    let deploy = (format!("shipway deploy -e {environment}"), "brings something better; what is stuck stays as it is");
    let retry = (format!("shipway retry {id}"), "plans the way back anew and tries it, when what failed is mended");
    let resolve = (format!("shipway resolve {id} --reason WHY"), "says that you have dealt with it, and ends it");
    let all = match view.stuck {
        Some(Stuck::Contract) => vec![
            explain,
            (deploy.0, "rolls forward: brings what mends it"),
            (format!("shipway rollback {id} --accept-contract"), "goes back all the same"),
            (
                format!("shipway snapshot list -e {environment}"),
                "shows copies of data; `snapshot restore` puts one back",
            ),
            resolve,
        ],
        Some(Stuck::OnFailureStop) => vec![explain, (retry.0, "goes back"), deploy, resolve],
        Some(Stuck::UnknownPlan) => {
            vec![
                explain,
                (retry.0, "goes back by a plan made now, from what is observed; undoes no hook or migration"),
                deploy,
                resolve,
            ]
        }
        Some(Stuck::UndoFailed | Stuck::RollbackTooLong) | None => {
            let failed = view.steps.iter().filter(|step| step.back && step.status == StepStatus::Failed);
            let skip = failed.map(|step| {
                (format!("shipway skip {id} {} --reason WHY", step.number), "leaves this step out, and tries the rest")
            });
            [explain, retry].into_iter().chain(skip).chain([resolve, deploy]).collect()
        }
    };
    all.into_iter().map(|(command, what)| (command, what.to_owned())).collect()
}
