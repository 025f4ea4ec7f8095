//! The view for where no person looks: one line for every event that is worth telling.

use shipway_core::{
    event::{Event, EventKind, EventStatus},
    time::Timestamp,
};

/// The line of an event, with the time since the deployment was asked for; none when it is not worth one.
pub fn line(event: &Event, begun: Timestamp) -> Option<String> {
    let words = words(event)?;
    let ms = event.at.since_ms(begun);
    Some(format!("{:>6}.{:03}s  {words}", ms / 1000, ms % 1000))
}

fn words(event: &Event) -> Option<String> {
    let body = &event.body;
    let message = &body.message;
    let worth = match body.kind {
        EventKind::PhaseStarted => Some(message.replace('_', " ")),
        EventKind::PhaseCompleted => body.details["nothingToDo"].as_bool().unwrap_or(false).then(|| message.clone()),
        EventKind::StepStarted | EventKind::ReleaseReady | EventKind::ValidationPassed => None,
        EventKind::StepCompleted => Some(format!("  {}{message}", services(event))),
        _ => Some(message.clone()),
    };
    let mark = match body.status {
        EventStatus::Failed if body.kind != EventKind::DeploymentCancelled => "✗ ",
        EventStatus::Failed | EventStatus::Warning => "! ",
        EventStatus::Running | EventStatus::Ok => "",
    };
    worth.map(|words| format!("{mark}{words}"))
}

/// The service of an event that is about one.
fn services(event: &Event) -> String {
    match event.body.services.as_slice() {
        [one] => format!("{one}: "),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use shipway_core::event::EventBody;

    use super::*;

    fn event(kind: EventKind, status: EventStatus, message: &str) -> Event {
        let body = EventBody { services: vec!["web".into()], ..EventBody::new(kind, status, "deployment", message) };
        Event { seq: 1, id: "1".into(), at: Timestamp(2500), body }
    }

    #[test]
    fn lines_tell_what_matters_with_the_time_since_the_start() {
        let line = |event: &Event| super::line(event, Timestamp(1000));
        let started = event(EventKind::StepStarted, EventStatus::Running, "start web-1");
        assert_eq!(line(&started), None);
        let done = event(EventKind::StepCompleted, EventStatus::Ok, "start web-1");
        assert_eq!(line(&done).as_deref(), Some("     1.500s    web: start web-1"));
        let failed = event(EventKind::StepFailed, EventStatus::Failed, "start web-1: no");
        assert_eq!(line(&failed).as_deref(), Some("     1.500s  ✗ start web-1: no"));
        let mut passed = event(EventKind::PhaseCompleted, EventStatus::Ok, "provisioning: nothing to do");
        assert_eq!(line(&passed), None);
        passed.body.details = serde_json::json!({ "nothingToDo": true });
        assert!(line(&passed).is_some());
    }
}
