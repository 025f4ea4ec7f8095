//! Hosts with ports, and names of hosts.

use super::super::CallError;
use super::super::arguments::{Outcome, any, strings, text};
use super::ip::Address;
use crate::data::Data;

/// The longest label of a name, and the longest name (bytes), as DNS has them.
const MAX_LABEL_BYTES: usize = 63;
const MAX_NAME_BYTES: usize = 253;

/// `host:port`, `[host]:port` or `[host%zone]:port`, taken apart.
pub(super) fn split_host_port(args: &[Data]) -> Outcome {
    let whole = text(args, 0)?;
    let wrong = |why: &str| CallError::new(format!("address {whole}: {why}"));
    let colon = whole.rfind(':').ok_or_else(|| wrong("missing port in address"))?;
    let (host, after_host) = match whole.strip_prefix('[') {
        Some(inner) => {
            let (host, after) = inner.split_once(']').ok_or_else(|| wrong("missing ']' in address"))?;
            match after {
                _ if whole.len() - after.len() == colon => (host, after),
                _ if after.starts_with(':') => return Err(wrong("too many colons in address")),
                _ => return Err(wrong("missing port in address")),
            }
        }
        None if whole[..colon].contains(':') => return Err(wrong("too many colons in address")),
        None => (&whole[..colon], whole),
    };
    let brackets = if whole.starts_with('[') { format!("{host}{after_host}") } else { whole.to_owned() };
    if brackets.contains('[') {
        return Err(wrong("unexpected '[' in address"));
    }
    if after_host.contains(']') {
        return Err(wrong("unexpected ']' in address"));
    }
    Ok(strings([host, &whole[colon + 1..]]))
}

pub(super) fn join_host_port(args: &[Data]) -> Outcome {
    let host = match any(args, 0)? {
        Data::List(_) => Address::of(args, 0)?.to_string(),
        other => words(other).ok_or_else(|| wrong_kind("host", other))?,
    };
    let port = match any(args, 1)? {
        Data::Number(number) if number.is_int() && number.to_i64().is_some() => number.to_string(),
        other => words(other).ok_or_else(|| wrong_kind("port", other))?,
    };
    Ok(Data::string(if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }))
}

/// Text, or bytes that are text.
fn words(data: &Data) -> Option<String> {
    match data {
        Data::String(text) => Some(text.to_string()),
        Data::Bytes(bytes) => std::str::from_utf8(bytes).ok().map(str::to_owned),
        _ => None,
    }
}

fn wrong_kind(what: &str, data: &Data) -> CallError {
    CallError::new(format!("a {what} can't be a value of type {}", data.kind_name()))
}

/// Whether it is a name that DNS takes as it is: letters, digits and hyphens, in labels of the right length.
pub(super) fn is_full_name(args: &[Data]) -> Outcome {
    let name = text(args, 0)?;
    let name = name.strip_suffix('.').unwrap_or(name);
    if name.len() > MAX_NAME_BYTES || !name.split('.').all(is_label) {
        return Ok(Data::Bool(false));
    }
    if name.split('.').any(|label| label.starts_with("xn--")) {
        return Err(CallError::unsupported("names in Punycode (xn--)"));
    }
    Ok(Data::Bool(true))
}

fn is_label(label: &str) -> bool {
    let letters = label.bytes().all(|letter| letter.is_ascii_alphanumeric() || letter == b'-');
    let hyphens = label.starts_with('-') || label.ends_with('-');
    let reserved = label.len() > 4 && label.get(2..4) == Some("--") && !label.starts_with("xn");
    letters && !hyphens && !reserved && (1..=MAX_LABEL_BYTES).contains(&label.len())
}
