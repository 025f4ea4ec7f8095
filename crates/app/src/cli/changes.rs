//! What a plan would change, as people read it.

use shipway_api::{PlanView, ServiceChange, ServingView, StepView};

use super::{
    ending, findings, gates,
    table::{Table, plain},
    terminal::{Hue, Paint},
    words,
};

/// The whole plan: what changes, what the strategy promises, what to know before; the steps when they are wanted.
pub fn lines(paint: Paint, plan: &PlanView, with_steps: bool) -> Vec<String> {
    let mut lines: Vec<String> = plan.changes.iter().flat_map(|change| service(paint, change)).collect();
    if !plan.differs {
        lines.push("nothing would change".into());
    }
    lines.extend(promise(paint, plan));
    if plan.differs
        && let Some(risk) = &plan.risk
    {
        lines.push(format!("{} {}", paint.put(Hue::Faint, "risk:"), words::risk(risk)));
    }
    lines.extend(gates::held(paint, &plan.gates));
    if !plan.notes.is_empty() {
        lines.push(String::new());
        lines.extend(plan.notes.iter().map(|note| format!("{} {note}", paint.put(Hue::Warn, "note:"))));
    }
    if !plan.findings.is_empty() {
        lines.push(String::new());
        lines.extend(findings::lines(paint, &plan.findings));
    }
    for failure in &plan.errors {
        lines.push(String::new());
        lines.extend(ending::failure(paint, failure));
    }
    lines.extend(steps(paint, plan, with_steps));
    lines
}

fn service(paint: Paint, change: &ServiceChange) -> Vec<String> {
    let (hue, mark) = match change.action.as_str() {
        "create" => (Hue::Good, "+"),
        "remove" => (Hue::Bad, "-"),
        "none" => (Hue::Faint, "="),
        _ => (Hue::Warn, "~"),
    };
    let what = match (&change.from, &change.to) {
        (Some(from), Some(to)) => both(from, to),
        (None, Some(one)) | (Some(one), None) => format!("{}{}", version(one), count(one.instances)),
        (None, None) => String::new(),
    };
    let name = paint.put(hue, format!("{mark} {} {}", change.action, change.service));
    let mut lines = vec![format!("{name}  {what}")];
    let fields = change.fields.iter().map(|field| {
        let (from, to) = (value(&field.from), value(&field.to));
        format!("    {}  {from} → {to}", paint.put(Hue::Faint, &field.field))
    });
    lines.extend(fields);
    lines
}

/// From one release to another, saying only once what stays.
fn both(from: &ServingView, to: &ServingView) -> String {
    let (old, new) = (version(from), version(to));
    let versions = if old == new { old } else { format!("{old} → {new}") };
    if from.instances == to.instances {
        format!("{versions}{}", count(to.instances))
    } else {
        format!("{versions}, {} → {} instances", from.instances, to.instances)
    }
}

fn version(serving: &ServingView) -> String {
    let artifact = serving.artifact.short();
    // Without a version of its own, a release is called by its artifact.
    if serving.version == artifact {
        format!("artifact {artifact}")
    } else {
        format!("{} (artifact {artifact})", serving.version)
    }
}

fn count(instances: u32) -> String {
    match instances {
        0 => String::new(),
        1 => ", 1 instance".into(),
        count => format!(", {count} instances"),
    }
}

fn value(value: &serde_json::Value) -> String {
    if value.is_null() { "(not set)".into() } else { value.to_string() }
}

fn promise(paint: Paint, plan: &PlanView) -> Vec<String> {
    let (Some(strategy), Some(promise)) = (plan.strategy, &plan.promise) else { return Vec::new() };
    let mut table = Table::new(&["strategy", "proven before users see it", "versions mix", "the way back"]);
    table.row(vec![
        (Hue::Bold, strategy.name().to_owned()),
        plain(&promise.proven_before),
        plain(&promise.versions_mix),
        plain(&promise.way_back),
    ]);
    std::iter::once(String::new()).chain(table.lines(paint, 0)).collect()
}

fn steps(paint: Paint, plan: &PlanView, wanted: bool) -> Vec<String> {
    if plan.steps.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![String::new()];
    if !wanted {
        lines.push(format!("{} steps (--steps shows them)", plan.steps.len()));
        return lines;
    }
    let mut table = Table::new(&["step", "phase", "service", "what", "after"]);
    for step in &plan.steps {
        table.row(step_row(step));
    }
    lines.extend(table.lines(paint, 0));
    lines
}

fn step_row(step: &StepView) -> Vec<(Hue, String)> {
    let needs = step.needs.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
    let service = step.service.as_ref().map_or_else(|| "all".to_owned(), ToString::to_string);
    vec![
        plain(step.number.to_string()),
        plain(step.phase.name()),
        plain(service),
        plain(&step.title),
        (Hue::Faint, needs),
    ]
}
