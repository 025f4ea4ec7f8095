//! Who answers: what Shipway told this instance about itself.

use std::{
    env,
    time::{SystemTime, UNIX_EPOCH},
};

const VERSION: &str = env!("CARGO_PKG_VERSION");
const SERVICE: &str = env!("CARGO_PKG_NAME");

/// The version that was built.
pub fn version() -> &'static str {
    VERSION
}

/// The port that Shipway gave to this instance.
pub fn port() -> Result<u16, String> {
    let text = env::var("PORT").map_err(|_| "PORT is not set: it says where to listen".to_owned())?;
    text.parse().map_err(|_| format!("PORT is `{text}`: it must be a port"))
}

/// The fields that are common to `/` and `/version`, as JSON.
pub fn json(fault: &str) -> String {
    let of = |name| quoted(&env::var(name).unwrap_or_default());
    format!(
        r#"{{"service":"{SERVICE}","version":"{VERSION}","release":{},"instance":{},"environment":{},"fault":"{fault}"}}"#,
        of("SHIPWAY_RELEASE"),
        of("SHIPWAY_INSTANCE"),
        of("SHIPWAY_ENVIRONMENT"),
    )
}

/// A text as a JSON string.
pub fn quoted(text: &str) -> String {
    let mut json = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => json.extend(['\\', c]),
            c if c.is_control() => json.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => json.push(c),
        }
    }
    json.push('"');
    json
}

/// Ends at once when `EXIT_AT_START` says so: a release that never comes up.
pub fn exit_if_told() {
    if env::var("EXIT_AT_START").is_ok_and(|value| value == "1") {
        eprintln!("{SERVICE} {VERSION}: EXIT_AT_START is 1, so it ends here");
        std::process::exit(1);
    }
}

/// The line by which the time to the first answer is measured.
pub fn say_ready(port: u16) {
    let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    println!(
        "{SERVICE} {VERSION} listens on 127.0.0.1:{port} at_ms={}",
        since_1970.as_millis()
    );
}
