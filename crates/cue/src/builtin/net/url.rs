//! Whether text is a URL, by the rules of Go's `url.Parse`: generous with paths, strict with schemes and hosts.

use std::net::Ipv6Addr;

use super::super::CallError;
use super::super::arguments::{Outcome, text};
use super::escape::{escaped_byte, invalid};
use crate::data::Data;

fn wrong(why: impl Into<String>) -> CallError {
    CallError::new(format!("this is no URL: {}", why.into()))
}

/// Checks a URL; whether it has a scheme comes out.
pub(super) fn parse(url: &str) -> Result<bool, CallError> {
    if url.contains(|letter: char| letter.is_ascii_control()) {
        return Err(wrong("it has control characters"));
    }
    let (rest, fragment) = url.split_once('#').unwrap_or((url, ""));
    check_escapes(fragment)?;
    let (scheme, rest) = scheme(rest)?;
    let (rest, _query) = rest.split_once('?').unwrap_or((rest, ""));
    if !rest.starts_with('/') {
        if !scheme && rest.split('/').next().is_some_and(|segment| segment.contains(':')) {
            return Err(wrong("its first segment has a colon"));
        }
        // After a scheme, what doesn't start with a slash is opaque.
        return if scheme { Ok(true) } else { check_escapes(rest).map(|()| false) };
    }
    let mut path = rest;
    if let Some(after) = rest.strip_prefix("//").filter(|after| scheme || !after.starts_with('/')) {
        let end = after.find('/').unwrap_or(after.len());
        authority(&after[..end])?;
        path = &after[end..];
    }
    check_escapes(path)?;
    Ok(scheme)
}

pub(super) fn is_absolute(args: &[Data]) -> Outcome {
    if parse(text(args, 0)?)? { Ok(Data::Bool(true)) } else { Err(CallError::new("URL is not absolute")) }
}

/// Whether there is a scheme, and what follows it.
fn scheme(url: &str) -> Result<(bool, &str), CallError> {
    let name = |at: usize, byte: u8| {
        byte.is_ascii_alphabetic() || (at > 0 && (byte.is_ascii_digit() || b"+-.".contains(&byte)))
    };
    let end = url.bytes().enumerate().find(|(at, byte)| !name(*at, *byte));
    match end {
        Some((0, b':')) => Err(wrong("there is no scheme before the colon")),
        Some((at, b':')) => Ok((true, &url[at + 1..])),
        _ => Ok((false, url)),
    }
}

fn check_escapes(text: &str) -> Result<(), CallError> {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%').try_for_each(|(at, _)| {
        let after = &bytes[at + 1..];
        escaped_byte(after).map(|_| ()).ok_or_else(|| invalid(after))
    })
}

fn authority(authority: &str) -> Result<(), CallError> {
    let (user, host_port) = match authority.rsplit_once('@') {
        Some((user, host)) => (user, host),
        None => ("", authority),
    };
    host(host_port)?;
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:~!$&'()*+,;=%@".contains(&byte);
    if !user.bytes().all(allowed) {
        return Err(wrong("its user information has characters that must be escaped"));
    }
    check_escapes(user)
}

fn host(host_port: &str) -> Result<(), CallError> {
    let (host, port) = if let Some(inner) = host_port.strip_prefix('[') {
        let (inner, port) = inner.rsplit_once(']').ok_or_else(|| wrong("']' is missing in its host"))?;
        return bracketed(inner).and_then(|()| check_port(port));
    } else {
        host_port.split_at(host_port.rfind(':').unwrap_or(host_port.len()))
    };
    check_port(port)?;
    if host.contains(':') {
        return Err(CallError::unsupported("URLs with several colons in the host"));
    }
    check_host(host)
}

/// An address of version 6, with a zone or not.
fn bracketed(inner: &str) -> Result<(), CallError> {
    let (address, zone) = match inner.split_once("%25") {
        Some((address, zone)) => (address, Some(zone)),
        None => (inner, None),
    };
    check_escapes(zone.unwrap_or_default())?;
    let is_address = address.parse::<Ipv6Addr>().is_ok() && zone != Some("");
    if is_address { Ok(()) } else { Err(wrong("what stands in brackets is no address of version 6")) }
}

fn check_port(port: &str) -> Result<(), CallError> {
    let digits = port.strip_prefix(':').unwrap_or(port);
    let right = port.is_empty() || (port.starts_with(':') && digits.bytes().all(|digit| digit.is_ascii_digit()));
    if right { Ok(()) } else { Err(wrong(format!("{port:?} is no port"))) }
}

/// In a host, only bytes beyond ASCII may be escaped, and few characters stand for themselves.
fn check_host(host: &str) -> Result<(), CallError> {
    check_escapes(host)?;
    let mut rest = host.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match byte {
            b'%' => {
                let escaped = escaped_byte(after).unwrap_or(0);
                if escaped < 0x80 && escaped != b'%' {
                    return Err(invalid(after));
                }
                rest = after.get(2..).unwrap_or_default();
            }
            _ if byte >= 0x80 || byte.is_ascii_alphanumeric() || b"-_.~!$&'()*+,;=:[]<>\"".contains(&byte) => {}
            _ => return Err(wrong(format!("invalid character {:?} in its host", char::from(byte)))),
        }
    }
    Ok(())
}
