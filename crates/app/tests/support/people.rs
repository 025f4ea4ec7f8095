//! People with access tokens of their own.

use serde_json::{Value, json};

use super::{Server, http::Answer, more::problem};

/// Somebody with an access token.
pub struct Person<'a> {
    pub name: String,
    pub token: String,
    server: &'a Server,
}

impl<'a> Person<'a> {
    /// Makes an access token of a role.
    pub fn new(server: &'a Server, name: &str, role: &str) -> Self {
        let made = server.post("/api/tokens", json!({ "name": name, "role": role }));
        Self::known(server, name, made["token"].as_str().expect("its text"))
    }

    /// Somebody whose access token was made before.
    pub fn known(server: &'a Server, name: &str, token: &str) -> Self {
        Self { name: name.to_owned(), token: token.to_owned(), server }
    }

    /// A call of the API.
    pub fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("Content-Type", "application/json"), ("Authorization", bearer.as_str())];
        let body = if method == "GET" { String::new() } else { body.to_string() };
        self.server.raw(method, path, false, &headers, body.as_bytes())
    }

    /// What must be granted.
    pub fn does(&self, method: &str, path: &str, body: Value) -> Value {
        let answer = self.call(method, path, body);
        assert_eq!(answer.status, 200, "{} {method} {path}: {}", self.name, answer.body);
        serde_json::from_str(&answer.body).expect("an answer is JSON")
    }

    /// What must be refused with that status; why it is.
    pub fn is_refused(&self, status: u16, method: &str, path: &str, body: Value) -> String {
        let refused = problem(&self.call(method, path, body), status);
        format!("{} {}", refused["detail"].as_str().expect("why"), refused["hint"].as_str().unwrap_or_default())
    }
}
