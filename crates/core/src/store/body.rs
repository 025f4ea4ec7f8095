//! The content of a document: a value of a type where it was written or read in this process, and text where it came
//! from a disk. Who reads a value that is held takes it as it is; nothing is encoded that no disk asks for.
//!
//! Not here: which types are stored (`stored`), where (`store::Store`).

use std::{
    any::Any,
    fmt,
    sync::{Arc, OnceLock},
};

use serde::{Serialize, de::DeserializeOwned};

use super::{DocumentKind, corrupt};
use crate::ports::Fault;

/// What can be a document's content.
pub trait Content: Serialize + DeserializeOwned + Clone + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Clone + Send + Sync + 'static> Content for T {}

type Held = Arc<dyn Any + Send + Sync>;

/// The content of a document. Cheap to clone: it never changes.
#[derive(Clone)]
pub struct Body(Arc<Form>);

enum Form {
    Value { value: Held, encode: fn(&Held) -> String },
    Text { text: String, value: OnceLock<Held> },
}

impl Body {
    /// A value.
    pub fn of<T: Content>(value: Arc<T>) -> Self {
        Self(Arc::new(Form::Value { value, encode: encode::<T> }))
    }

    /// JSON, as a disk gives it.
    pub fn text(text: impl Into<String>) -> Self {
        Self(Arc::new(Form::Text { text: text.into(), value: OnceLock::new() }))
    }

    /// The JSON, for a disk.
    pub fn to_text(&self) -> String {
        match &*self.0 {
            Form::Value { value, encode } => encode(value),
            Form::Text { text, .. } => text.clone(),
        }
    }

    /// Whether it came from a disk.
    pub fn is_text(&self) -> bool {
        matches!(&*self.0, Form::Text { .. })
    }

    /// The value, when it was written in this process.
    pub(super) fn written<T: Content>(&self) -> Option<Arc<T>> {
        match &*self.0 {
            Form::Value { value, .. } => value.clone().downcast().ok(),
            Form::Text { .. } => None,
        }
    }

    /// The value.
    ///
    /// # Errors
    /// The text is not of that type; the message says of which kind it should be.
    pub fn read<T: Content>(&self, kind: DocumentKind) -> Result<Arc<T>, Fault> {
        match &*self.0 {
            Form::Value { value, .. } => match value.clone().downcast() {
                Ok(value) => Ok(value),
                Err(_) => decode(kind, &self.to_text()).map(Arc::new),
            },
            Form::Text { text, value } => {
                if let Some(value) = value.get().and_then(|value| value.clone().downcast().ok()) {
                    return Ok(value);
                }
                let read: Arc<T> = Arc::new(decode(kind, text)?);
                // Another reader may have been first: both have read the same.
                let _ = value.set(read.clone());
                Ok(read)
            }
        }
    }
}

fn encode<T: Content>(value: &Held) -> String {
    let value = value.downcast_ref::<T>().expect("a body is made with the encoder of its value's type");
    serde_json::to_string(value).expect("a stored type holds nothing that JSON can't")
}

fn decode<T: DeserializeOwned>(kind: DocumentKind, text: &str) -> Result<T, Fault> {
    serde_json::from_str(text).map_err(|error| corrupt(&format!("a stored {} can't be read: {error}", kind.name())))
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_text())
    }
}

impl PartialEq for Body {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.to_text() == other.to_text()
    }
}
