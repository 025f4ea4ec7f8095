//! From what went wrong to what a person is told.

use shipway_core::{
    deployment::{Cause, FailureReport},
    id::{InstanceId, ServiceName},
    phase::Phase,
    ports::{Answer, Fault},
    time::Timestamp,
};

use crate::{Engine, breakers::may_pass};

/// Lines of a log that a report holds.
pub(crate) const LOG_TAIL_LINES: usize = 20;

/// A report with nothing but its message.
pub(crate) fn report(at: Timestamp, phase: Phase, step: String, cause: Cause, message: String) -> FailureReport {
    FailureReport {
        at,
        phase,
        step,
        service: None,
        instance: None,
        message,
        check: None,
        expected: None,
        got: None,
        log_tail: Vec::new(),
        hint: None,
        may_pass: false,
        cause,
    }
}

/// A report of a port's failure.
pub(crate) fn from_fault(at: Timestamp, phase: Phase, step: String, fault: Fault) -> FailureReport {
    let hint = fault.hint.clone();
    FailureReport { hint, ..report(at, phase, step, Cause::Machinery, fault.message) }
}

/// What a failed step knows besides its place; the place is added by who runs it.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) cause: Cause,
    pub(super) message: String,
    pub(super) instance: Option<InstanceId>,
    pub(super) check: Option<String>,
    pub(super) answer: Option<Answer>,
    pub(super) log_tail: Vec<String>,
    pub(super) hint: Option<String>,
    /// Whether another try may go well.
    pub(super) may_pass: bool,
}

impl Broken {
    pub(super) fn release(message: impl Into<String>) -> Self {
        Self {
            cause: Cause::Release,
            message: message.into(),
            instance: None,
            check: None,
            answer: None,
            log_tail: Vec::new(),
            hint: None,
            may_pass: false,
        }
    }

    pub(super) fn into_report(
        self,
        at: Timestamp,
        phase: Phase,
        step: String,
        service: Option<ServiceName>,
    ) -> FailureReport {
        FailureReport {
            service,
            instance: self.instance,
            check: self.check,
            expected: self.answer.as_ref().map(|answer| answer.expected.clone()),
            got: self.answer.map(|answer| answer.got),
            log_tail: self.log_tail,
            hint: self.hint,
            may_pass: self.may_pass,
            ..report(at, phase, step, self.cause, self.message)
        }
    }
}

impl From<Fault> for Broken {
    fn from(fault: Fault) -> Self {
        let hint = fault.hint.clone();
        let may_pass = may_pass(&fault);
        Self { cause: Cause::Machinery, hint, may_pass, ..Self::release(fault.message) }
    }
}

/// A failure of an instance, with the last lines of its log.
pub(super) async fn broken(engine: &Engine, id: &InstanceId, message: &str) -> Broken {
    let log_tail = engine.ports.driver.log_tail(id, LOG_TAIL_LINES).await.unwrap_or_default();
    Broken { instance: Some(id.clone()), log_tail, ..Broken::release(message) }
}
