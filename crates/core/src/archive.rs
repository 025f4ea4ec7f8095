//! A deployment as it is archived: everything that is known of it as lines of JSON, the last of which holds the hash of
//! all others. So a file can be read without a store, and one that was damaged is known.
//!
//! Not here: files (`ports::Archives`, `app`), when something is archived (`engine::retention`).

use std::{collections::BTreeMap, sync::Arc};

use serde::{Deserialize, Serialize, Serializer};

use crate::{
    deployment::{Course, Deployment},
    event::Event,
    explain::Explanation,
};

/// The form that is written here; another one is not guessed at.
const FORMAT: u32 = 1;
/// Lines of a log that one line of the archive holds.
const LOG_LINES: usize = 1000;

/// A deployment with all that is known of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Archived {
    /// The deployment.
    pub deployment: Deployment,
    /// Where it started, where it went, and how.
    #[serde(serialize_with = "whole")]
    pub course: Arc<Course>,
    /// Why it did not end well.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Box<Explanation>>,
    /// Its events.
    pub events: Vec<Event>,
    /// What it logged, by the log's name: `build/web`.
    pub logs: BTreeMap<String, Vec<String>>,
}

fn whole<S: Serializer>(course: &Arc<Course>, serializer: S) -> Result<S::Ok, S::Error> {
    Course::serialize(course, serializer)
}

/// A line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "is")]
enum Line {
    Deployment { format: u32, value: Box<Deployment> },
    Course { value: Box<Course> },
    Explanation { value: Box<Explanation> },
    Event { value: Box<Event> },
    Log { name: String, lines: Vec<String> },
    End { blake3: String },
}

/// Why an archived deployment can't be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Damage(pub String);

impl Archived {
    /// As text.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        let deployment = Box::new(self.deployment.clone());
        add(&mut text, &Line::Deployment { format: FORMAT, value: deployment });
        add(&mut text, &Line::Course { value: Box::new(Course::clone(&self.course)) });
        if let Some(explanation) = &self.explanation {
            add(&mut text, &Line::Explanation { value: explanation.clone() });
        }
        for event in &self.events {
            add(&mut text, &Line::Event { value: Box::new(event.clone()) });
        }
        for (name, lines) in &self.logs {
            for lines in lines.chunks(LOG_LINES) {
                add(&mut text, &Line::Log { name: name.clone(), lines: lines.to_vec() });
            }
        }
        let blake3 = blake3::hash(text.as_bytes()).to_hex().to_string();
        add(&mut text, &Line::End { blake3 });
        text
    }

    /// From text.
    ///
    /// # Errors
    /// It is cut off, was changed since it was written, or has another form.
    pub fn read(text: &str) -> Result<Self, Damage> {
        let body = verified(text)?;
        let mut lines = body.lines().map(|line| {
            serde_json::from_str::<Line>(line).map_err(|error| {
                Damage(format!("it is whole, but was written by a version with another form: {error}"))
            })
        });
        let Some(Line::Deployment { format: FORMAT, value: mut deployment }) = lines.next().transpose()? else {
            return Err(Damage(format!("it does not begin with a deployment in form {FORMAT}")));
        };
        let (mut course, mut explanation, mut events) = (Arc::default(), None, Vec::new());
        let mut logs: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for line in lines {
            match line? {
                Line::Course { value } => course = Arc::new(*value),
                Line::Explanation { value } => explanation = Some(value),
                Line::Event { value } => events.push(*value),
                Line::Log { name, lines } => logs.entry(name).or_default().extend(lines),
                Line::Deployment { .. } | Line::End { .. } => {
                    return Err(Damage("it holds more than one deployment".into()));
                }
            }
        }
        deployment.course = Arc::clone(&course);
        Ok(Self { deployment: *deployment, course, explanation, events, logs })
    }
}

fn add(text: &mut String, line: &Line) {
    text.push_str(&serde_json::to_string(line).expect("an archived deployment holds nothing that JSON can't"));
    text.push('\n');
}

/// The lines before the last, which have the hash that it names.
fn verified(text: &str) -> Result<&str, Damage> {
    let cut = || Damage("it is cut off: its last line, with the hash, is missing".into());
    let whole = text.strip_suffix('\n').ok_or_else(cut)?;
    let at = whole.rfind('\n').ok_or_else(cut)? + 1;
    let (body, end) = whole.split_at(at);
    let Ok(Line::End { blake3 }) = serde_json::from_str(end) else { return Err(cut()) };
    if blake3::hash(body.as_bytes()).to_hex().as_str() != blake3 {
        return Err(Damage("it was changed since it was written: its hash is another".into()));
    }
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        deployment::{Kind, Request},
        event::{EventBody, EventKind, EventStatus},
        id::Actor,
        phase::Phase,
        time::Timestamp,
    };

    fn archived() -> Archived {
        let request = Request::new("p".into(), "e".into(), Kind::Deploy);
        let mut deployment = Deployment::new("d1".into(), 3, request, Actor::admin(), "c".into(), Timestamp(10));
        deployment.phase = Phase::Failed;
        deployment.course_mut().number = 2;
        let body = EventBody::new(EventKind::DeploymentFailed, EventStatus::Failed, "test", "ü \"quoted\"\nline");
        let event = Event { seq: 7, id: "evt-7".into(), at: Timestamp(11), body };
        let long: Vec<String> = (0..2500).map(|number| format!("line {number}")).collect();
        Archived {
            course: deployment.course.clone(),
            deployment,
            explanation: None,
            events: vec![event],
            logs: [("build/web".to_owned(), long), ("hooks/web".to_owned(), vec!["told".to_owned()])].into(),
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let archived = archived();
        assert_eq!(Archived::read(&archived.to_text()), Ok(archived));
    }

    #[test]
    fn damage_anywhere_is_known() {
        let text = archived().to_text();
        let bytes = text.as_bytes();
        for at in (0..bytes.len()).step_by(97).chain([bytes.len() - 2, bytes.len() - 1]) {
            let mut damaged = bytes.to_vec();
            damaged[at] = if damaged[at] == b'x' { b'y' } else { b'x' };
            let damaged = String::from_utf8_lossy(&damaged);
            assert!(Archived::read(&damaged).is_err(), "byte {at}");
        }
        for length in (0..text.len()).filter(|length| text.is_char_boundary(*length)).step_by(101) {
            assert!(Archived::read(&text[..length]).is_err(), "cut at {length}");
        }
        let twice = format!("{text}{text}");
        assert!(Archived::read(&twice).is_err(), "two are not one");
    }

    #[test]
    fn another_form_is_not_guessed_at() {
        let text = archived().to_text();
        let body = verified(&text).expect("whole").replacen("\"format\":1", "\"format\":2", 1);
        let blake3 = blake3::hash(body.as_bytes()).to_hex().to_string();
        let newer = format!("{body}{}\n", serde_json::json!({ "is": "end", "blake3": blake3 }));
        let damage = Archived::read(&newer).expect_err("it is newer");
        assert_eq!(damage.0, "it does not begin with a deployment in form 1");
    }
}
