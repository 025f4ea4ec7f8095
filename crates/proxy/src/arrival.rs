//! What decides where a request goes, read from it once: host, path, link and client.

use std::{borrow::Cow, cell::Cell, net::Ipv4Addr};

use http::{HeaderMap, HeaderValue, Request, header, uri::PathAndQuery};

use crate::table::host_name;

/// The cookie that keeps a client on its side of a canary.
pub(crate) const CLIENT_COOKIE: &str = "shipway_client";

/// A client's id: 128 random bits in hex.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClientId([u8; 32]);

impl ClientId {
    fn read(text: &str) -> Option<Self> {
        let digits: [u8; 32] = text.as_bytes().try_into().ok()?;
        digits.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).then_some(Self(digits))
    }

    fn random() -> Self {
        let mut bytes = [0; 16];
        // Without randomness all new clients share a place: worse shares, but an answer.
        if let Err(error) = getrandom::fill(&mut bytes) {
            tracing::error!(%error, "the system gives no random numbers");
        }
        let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble & 15)];
        Self(std::array::from_fn(|at| digit(if at % 2 == 0 { bytes[at / 2] >> 4 } else { bytes[at / 2] })))
    }

    pub(crate) fn as_str(&self) -> &str {
        str::from_utf8(&self.0).expect("hex digits are text")
    }
}

/// What is known of a request.
#[derive(Debug)]
pub(crate) struct Arrival {
    /// The host as it was asked for, if it was.
    pub(crate) host: Option<HeaderValue>,
    path_and_query: PathAndQuery,
    /// The loopback address that was dialled, when it came by a link.
    pub(crate) link: Option<Ipv4Addr>,
    client: Cell<Option<ClientId>>,
    client_is_new: Cell<bool>,
}

impl Arrival {
    /// Reads a request's head; the fault is for the client.
    pub(crate) fn read<B>(request: &Request<B>, link: Option<Ipv4Addr>) -> Result<Self, &'static str> {
        let headers = request.headers();
        if headers.get_all(header::HOST).iter().nth(1).is_some() {
            return Err("There is more than one Host header.");
        }
        let host = match request.uri().authority() {
            // RFC 9112 3.2.2: the absolute form goes before the header.
            Some(authority) => HeaderValue::from_str(authority.as_str()).ok(),
            None => headers.get(header::HOST).cloned(),
        };
        let root = || PathAndQuery::from_static("/");
        Ok(Self {
            host,
            path_and_query: request.uri().path_and_query().cloned().unwrap_or_else(root),
            link,
            client: Cell::new(cookie_of(headers)),
            client_is_new: Cell::new(false),
        })
    }

    pub(crate) fn host_name(&self) -> Cow<'_, str> {
        host_name(self.host.as_ref().and_then(|host| host.to_str().ok()).unwrap_or(""))
    }

    pub(crate) fn path(&self) -> &str {
        self.path_and_query.path()
    }

    pub(crate) fn query(&self) -> Option<&str> {
        self.path_and_query.query()
    }

    /// The path and query that a service sees which doesn't see the path's beginning.
    pub(crate) fn path_and_query_without(&self, strip_bytes: usize) -> PathAndQuery {
        if strip_bytes == 0 {
            return self.path_and_query.clone();
        }
        let rest = self.path_and_query.as_str().get(strip_bytes..).unwrap_or("");
        let text = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
        text.try_into().unwrap_or_else(|_| self.path_and_query.clone())
    }

    /// The client's id; made up when it brought none, and then the same for the rest of the request.
    pub(crate) fn client(&self) -> ClientId {
        self.client.get().unwrap_or_else(|| {
            let client = ClientId::random();
            self.client.set(Some(client));
            self.client_is_new.set(true);
            client
        })
    }

    /// The cookie for a client that got an id by this request. Links carry no cookies: a service keeps none.
    pub(crate) fn new_cookie(&self) -> Option<HeaderValue> {
        if !self.client_is_new.get() || self.link.is_some() {
            return None;
        }
        let client = self.client();
        HeaderValue::from_str(&format!("{CLIENT_COOKIE}={}; Path=/; SameSite=Lax; HttpOnly", client.as_str())).ok()
    }
}

fn cookie_of(headers: &HeaderMap) -> Option<ClientId> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|line| line.to_str().ok());
    lines.flat_map(|line| line.split(';')).find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        if name == CLIENT_COOKIE { ClientId::read(value) } else { None }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrival(uri: &str, headers: &[(&str, &str)]) -> Arrival {
        let request = headers.iter().fold(Request::get(uri), |request, (name, value)| request.header(*name, *value));
        Arrival::read(&request.body(()).expect("a request"), None).expect("an arrival")
    }

    #[test]
    fn the_absolute_form_goes_before_the_host_header() {
        let arrival = arrival("http://A.example:8080/x?y", &[("host", "other")]);
        assert_eq!(arrival.host_name(), "a.example");
        assert_eq!((arrival.path(), arrival.query()), ("/x", Some("y")));
    }

    #[test]
    fn stripping_leaves_an_absolute_path() {
        for (uri, strip_bytes, left) in
            [("/api/x?y=1", 4, "/x?y=1"), ("/api", 4, "/"), ("/api?y", 4, "/?y"), ("/api/", 4, "/"), ("/x", 0, "/x")]
        {
            assert_eq!(arrival(uri, &[]).path_and_query_without(strip_bytes).as_str(), left, "{uri}");
        }
    }

    #[test]
    fn a_client_keeps_its_id_and_only_new_ones_get_a_cookie() {
        let id = "0123456789abcdef0123456789abcdef";
        let known = arrival("/", &[("cookie", &format!("a=b; {CLIENT_COOKIE}={id}; c=d"))]);
        assert_eq!(known.client().as_str(), id);
        assert_eq!(known.new_cookie(), None);
        for cookie in ["", "a=b", "shipway_client=short", "shipway_client=0123456789ABCDEF0123456789abcdeg"] {
            let new = arrival("/", &[("cookie", cookie)]);
            assert_eq!(new.new_cookie(), None, "not asked for");
            let id = new.client();
            assert_eq!(new.client(), id);
            let cookie = new.new_cookie().expect("a cookie");
            assert!(cookie.to_str().expect("text").starts_with(&format!("shipway_client={};", id.as_str())));
        }
    }

    #[test]
    fn two_hosts_are_a_fault() {
        let request = Request::get("/").header("host", "a").header("host", "b").body(()).expect("a request");
        assert!(Arrival::read(&request, None).is_err());
    }
}
