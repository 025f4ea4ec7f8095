//! The checkout: what a basket costs, at the catalogue's prices.

mod catalog;
mod http;
mod identity;
mod switch;

use std::process::ExitCode;

use http::{Request, Response};
use switch::Switch;

fn main() -> ExitCode {
    identity::exit_if_told();
    match run() {
        Ok(never) => match never {},
        Err(fault) => {
            eprintln!("checkout: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<std::convert::Infallible, String> {
    let port = identity::port()?;
    let switch = Switch::from_variables()?;
    let catalog = catalog::Address::from_variables()?;
    let error = http::serve(
        port,
        || identity::say_ready(port),
        move |request| answer(&switch, &catalog, request),
    );
    Err(format!("can't listen on 127.0.0.1:{port}: {error}"))
}

fn answer(switch: &Switch, catalog: &catalog::Address, request: &Request) -> Response {
    if let Some(response) = switch.turn(request).or_else(|| switch.afflict(request)) {
        return response;
    }
    match request.path.as_str() {
        "/" | "/version" => Response::json(200, identity::json(switch.fault().name())),
        // Says nothing of the catalogue: a service that is down must not take down those that call it.
        "/healthz" => Response::json(200, r#"{"status":"ok"}"#.into()),
        "/total" => total(catalog, request.parameter("items").unwrap_or("")),
        _ => Response::json(
            404,
            r#"{"error":"there is /total?items=, /version, /healthz and /fault"}"#.into(),
        ),
    }
}

fn total(catalog: &catalog::Address, items: &str) -> Response {
    let error = |status, what: &str| Response::json(status, format!(r#"{{"error":{}}}"#, identity::quoted(what)));
    let prices = match catalog.prices() {
        Ok(prices) => prices,
        Err(fault) => return error(502, &fault),
    };
    let mut cents = 0;
    let mut names = Vec::new();
    for item in items.split(',').filter(|item| !item.is_empty()) {
        match prices.cents_of(item) {
            Some(price) => cents += price,
            None => return error(400, &format!("there is no `{item}` in the catalogue")),
        }
        names.push(identity::quoted(item));
    }
    let body = format!(
        r#"{{"items":[{}],"cents":{cents},"version":"{}","catalogVersion":{}}}"#,
        names.join(","),
        identity::version(),
        identity::quoted(&prices.version),
    );
    Response::json(200, body).header("X-Catalog-Version", prices.version)
}
