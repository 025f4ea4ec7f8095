//! The switch: makes the service fall ill on request, so that anyone can watch what Shipway does about it.
//!
//! `FAULT` sets it when the service starts (after `FAULT_AFTER_S` seconds), `POST /fault/NAME` at any time after.
//! It is this instance's alone: beside it the others stay well.

use std::{
    env,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    thread,
    time::Duration,
};

use crate::http::{Request, Response};

const DELAY_MS: u64 = 1000;

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    None,
    /// `/healthz` answers 503.
    Unhealthy,
    /// Every answer takes `FAULT_DELAY_MS` more.
    Slow,
    /// Every path but `/healthz` and `/version` answers 500.
    Error,
}

const FAULTS: [(&str, Fault); 4] = [
    ("none", Fault::None),
    ("unhealthy", Fault::Unhealthy),
    ("slow", Fault::Slow),
    ("error", Fault::Error),
];

impl Fault {
    fn named(name: &str) -> Option<Self> {
        FAULTS.iter().find(|(known, _)| *known == name).map(|(_, fault)| *fault)
    }

    pub fn name(self) -> &'static str {
        FAULTS[self as usize].0
    }
}

/// The switch of this instance.
#[derive(Clone)]
pub struct Switch {
    fault: Arc<AtomicU8>,
    delay_ms: u64,
}

impl Switch {
    /// As the variables say. Fails with the reason when they make no sense.
    pub fn from_variables() -> Result<Self, String> {
        let name = env::var("FAULT").unwrap_or_else(|_| "none".into());
        let fault =
            Fault::named(&name).ok_or(format!("FAULT is `{name}`: it may be none, unhealthy, slow or error"))?;
        let switch = Self {
            fault: Arc::default(),
            delay_ms: number("FAULT_DELAY_MS", DELAY_MS)?,
        };
        let after_s = number("FAULT_AFTER_S", 0)?;
        if after_s == 0 {
            switch.set(fault);
        } else {
            let later = switch.clone();
            thread::spawn(move || {
                thread::sleep(Duration::from_secs(after_s));
                later.set(fault);
            });
        }
        Ok(switch)
    }

    pub fn fault(&self) -> Fault {
        FAULTS[usize::from(self.fault.load(Ordering::Relaxed))].1
    }

    fn set(&self, fault: Fault) {
        self.fault.store(fault as u8, Ordering::Relaxed);
    }

    /// Answers `/fault` and `/fault/NAME`; none of the other paths.
    pub fn turn(&self, request: &Request) -> Option<Response> {
        let name = request.path.strip_prefix("/fault")?;
        if let Some(name) = name.strip_prefix('/') {
            let Some(fault) = Fault::named(name) else {
                let body = r#"{"error":"a fault is none, unhealthy, slow or error"}"#;
                return Some(Response::json(404, body.into()));
            };
            self.set(fault);
            println!("the switch is now on `{name}`");
        } else if !name.is_empty() {
            return None;
        }
        Some(Response::json(200, format!(r#"{{"fault":"{}"}}"#, self.fault().name())))
    }

    /// Does to a request what the fault says; an answer when the fault is all there is to say.
    pub fn afflict(&self, request: &Request) -> Option<Response> {
        let told = |status, what| Some(Response::json(status, format!(r#"{{"error":"{what}"}}"#)));
        match (self.fault(), request.path.as_str()) {
            (Fault::Slow, _) => {
                thread::sleep(Duration::from_millis(self.delay_ms));
                None
            }
            (Fault::Unhealthy, "/healthz") => told(503, "the switch is on unhealthy"),
            (Fault::Error, path) if path != "/healthz" && path != "/version" => told(500, "the switch is on error"),
            _ => None,
        }
    }
}

fn number(name: &str, absent: u64) -> Result<u64, String> {
    match env::var(name) {
        Err(_) => Ok(absent),
        Ok(text) => text
            .parse()
            .map_err(|_| format!("{name} is `{text}`: it must be a whole number")),
    }
}
