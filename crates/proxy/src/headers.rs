//! Header lines that end at the proxy, and those that it adds (RFC 9110, 7.6.1).

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};

const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    HeaderName::from_static("proxy-connection"),
    HeaderName::from_static("keep-alive"),
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::PROXY_AUTHORIZATION,
    header::PROXY_AUTHENTICATE,
];
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const CHUNKED: HeaderValue = HeaderValue::from_static("chunked");

/// What a request asks its connection to become. Never HTTP/2: its requests would pass by all routes.
pub(crate) fn wanted_upgrade(headers: &HeaderMap) -> Option<HeaderValue> {
    let asks = connection_tokens(headers).any(|token| token.eq_ignore_ascii_case("upgrade"));
    let is_http = |protocol: &HeaderValue| protocol.as_bytes().to_ascii_lowercase().starts_with(b"h2c");
    headers.get(header::UPGRADE).filter(|protocol| asks && !is_http(protocol)).cloned()
}

/// Makes a request's header lines those that an upstream gets.
pub(crate) fn to_upstream(
    headers: &mut HeaderMap,
    host: Option<&HeaderValue>,
    client: IpAddr,
    upgrade: Option<HeaderValue>,
    has_body: bool,
) {
    remove_hop_by_hop(headers);
    // The proxy itself asks the client to go on, as soon as an upstream reads.
    headers.remove(header::EXPECT);
    forwarded(headers, host, client);
    if let Some(host) = host {
        headers.insert(header::HOST, host.clone());
    }
    if has_body && !headers.contains_key(header::CONTENT_LENGTH) {
        headers.insert(header::TRANSFER_ENCODING, CHUNKED);
    }
    set_upgrade(headers, upgrade);
}

/// Makes an answer's header lines those that the client gets.
pub(crate) fn to_client(headers: &mut HeaderMap, status: StatusCode) {
    let upgrade = headers.get(header::UPGRADE).filter(|_| status == StatusCode::SWITCHING_PROTOCOLS).cloned();
    remove_hop_by_hop(headers);
    if status == StatusCode::NOT_MODIFIED || status == StatusCode::NO_CONTENT || status.is_informational() {
        // Such answers have no body, whatever length they mention.
        headers.remove(header::CONTENT_LENGTH);
    }
    set_upgrade(headers, upgrade);
}

fn set_upgrade(headers: &mut HeaderMap, upgrade: Option<HeaderValue>) {
    if let Some(protocol) = upgrade {
        headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
        headers.insert(header::UPGRADE, protocol);
    }
}

fn connection_tokens(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    let lines = headers.get_all(header::CONNECTION).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(',')).map(str::trim)
}

fn remove_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(header::CONNECTION) {
        let named: Vec<HeaderName> = connection_tokens(headers)
            .filter(|token| !token.eq_ignore_ascii_case("close") && !token.eq_ignore_ascii_case("keep-alive"))
            .filter_map(|token| token.parse().ok())
            // Naming these would change what the message means.
            .filter(|name| *name != header::HOST && *name != header::CONTENT_LENGTH)
            .collect();
        for name in named {
            headers.remove(name);
        }
    }
    for name in &HOP_BY_HOP {
        headers.remove(name);
    }
    headers.remove(header::UPGRADE);
}

/// Who asked, and for what. Only a peer on this machine, such as what ends TLS in front, may say it for others.
fn forwarded(headers: &mut HeaderMap, host: Option<&HeaderValue>, client: IpAddr) {
    let trusted = client.to_canonical().is_loopback();
    if !trusted {
        for name in [&X_FORWARDED_FOR, &X_FORWARDED_HOST, &X_FORWARDED_PROTO] {
            headers.remove(name);
        }
        headers.remove(header::FORWARDED);
    }
    let told: Vec<&str> = headers.get_all(&X_FORWARDED_FOR).iter().filter_map(|line| line.to_str().ok()).collect();
    let client = client.to_canonical().to_string();
    let chain = if told.is_empty() { client } else { format!("{}, {client}", told.join(", ")) };
    if let Ok(chain) = HeaderValue::from_str(&chain) {
        headers.insert(X_FORWARDED_FOR, chain);
    }
    if let (Some(host), false) = (host, headers.contains_key(&X_FORWARDED_HOST)) {
        headers.insert(X_FORWARDED_HOST, host.clone());
    }
    if !headers.contains_key(&X_FORWARDED_PROTO) {
        headers.insert(X_FORWARDED_PROTO, HeaderValue::from_static("http"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(lines: &[(&str, &str)]) -> HeaderMap {
        let line = |(name, value): &(&str, &str)| {
            (name.parse::<HeaderName>().expect("a name"), HeaderValue::from_str(value).expect("a value"))
        };
        let mut headers = HeaderMap::new();
        for (name, value) in lines.iter().map(line) {
            headers.append(name, value);
        }
        headers
    }

    fn sent(lines: &[(&str, &str)], client: &str, has_body: bool) -> HeaderMap {
        let mut headers = map(lines);
        let host = HeaderValue::from_static("a.example");
        to_upstream(&mut headers, Some(&host), client.parse().expect("an address"), None, has_body);
        headers
    }

    #[test]
    fn lines_for_one_hop_end_here() {
        let headers = sent(
            &[
                ("connection", "close, X-Secret, content-length"),
                ("x-secret", "1"),
                ("keep-alive", "5"),
                ("te", "trailers"),
                ("upgrade", "h2c"),
                ("expect", "100-continue"),
                ("transfer-encoding", "chunked"),
                ("content-length", "3"),
                ("x-kept", "1"),
            ],
            "10.0.0.1",
            true,
        );
        let mut names: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        let kept = ["content-length", "host", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-kept"];
        assert_eq!(names, kept);
    }

    #[test]
    fn only_this_machine_may_speak_for_others() {
        let lines = [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-proto", "https"), ("forwarded", "for=1.2.3.4")];
        let near = sent(&lines, "127.0.0.1", false);
        assert_eq!(near["x-forwarded-for"], "1.2.3.4, 127.0.0.1");
        assert_eq!(near["x-forwarded-proto"], "https");
        let far = sent(&lines, "10.0.0.1", false);
        assert_eq!(
            (&far["x-forwarded-for"], &far["x-forwarded-proto"]),
            (&"10.0.0.1".parse().expect("v"), &"http".parse().expect("v"))
        );
        assert!(!far.contains_key("forwarded"));
    }

    #[test]
    fn a_body_of_unknown_length_is_chunked() {
        assert_eq!(sent(&[], "10.0.0.1", true)["transfer-encoding"], "chunked");
        assert!(!sent(&[], "10.0.0.1", false).contains_key("transfer-encoding"));
        assert!(!sent(&[("content-length", "3")], "10.0.0.1", true).contains_key("transfer-encoding"));
    }

    #[test]
    fn an_upgrade_is_one_only_if_the_connection_says_so() {
        assert_eq!(wanted_upgrade(&map(&[("upgrade", "websocket")])), None);
        assert_eq!(wanted_upgrade(&map(&[("upgrade", "H2C"), ("connection", "upgrade, http2-settings")])), None);
        let both = map(&[("upgrade", "websocket"), ("connection", "keep-alive, Upgrade")]);
        assert_eq!(wanted_upgrade(&both).expect("wanted"), "websocket");
        let mut answer = map(&[("upgrade", "websocket"), ("connection", "upgrade")]);
        to_client(&mut answer, StatusCode::SWITCHING_PROTOCOLS);
        assert_eq!(
            (&answer["upgrade"], &answer["connection"]),
            (&"websocket".parse().expect("v"), &"upgrade".parse().expect("v"))
        );
        to_client(&mut answer, StatusCode::OK);
        assert!(answer.is_empty());
    }
}
