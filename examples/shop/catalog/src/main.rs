//! The catalogue: products and their prices.

mod http;
mod identity;
mod switch;

use std::process::ExitCode;

use http::{Request, Response};
use switch::Switch;

struct Product {
    id: &'static str,
    name: &'static str,
    cents: u32,
}

const PRODUCTS: [Product; 4] = [
    Product {
        id: "tea",
        name: "Tea, 100 g",
        cents: 690,
    },
    Product {
        id: "mug",
        name: "Mug, blue",
        cents: 1250,
    },
    Product {
        id: "honey",
        name: "Honey, 250 g",
        cents: 780,
    },
    Product {
        id: "spoon",
        name: "Wooden spoon",
        cents: 340,
    },
];

fn main() -> ExitCode {
    identity::exit_if_told();
    match run() {
        Ok(never) => match never {},
        Err(fault) => {
            eprintln!("catalog: {fault}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<std::convert::Infallible, String> {
    let port = identity::port()?;
    let switch = Switch::from_variables()?;
    let error = http::serve(
        port,
        || identity::say_ready(port),
        move |request| answer(&switch, request),
    );
    Err(format!("can't listen on 127.0.0.1:{port}: {error}"))
}

fn answer(switch: &Switch, request: &Request) -> Response {
    if let Some(response) = switch.turn(request).or_else(|| switch.afflict(request)) {
        return response;
    }
    match request.path.as_str() {
        "/" | "/version" => Response::json(200, identity::json(switch.fault().name())),
        "/healthz" => Response::json(200, r#"{"status":"ok"}"#.into()),
        "/items" => items(request.parameter("find").unwrap_or("")),
        "/prices" => prices(),
        _ => Response::json(
            404,
            r#"{"error":"there is /items?find=, /prices, /version, /healthz and /fault"}"#.into(),
        ),
    }
}

/// For people and the page: all, or those whose id holds `find`.
fn items(find: &str) -> Response {
    let product = |p: &Product| format!(r#"{{"id":"{}","name":"{}","cents":{}}}"#, p.id, p.name, p.cents);
    let products: Vec<String> = PRODUCTS.iter().filter(|p| p.id.contains(find)).map(product).collect();
    Response::json(
        200,
        format!(
            r#"{{"version":"{}","items":[{}]}}"#,
            identity::version(),
            products.join(",")
        ),
    )
}

/// For `checkout`: a line `id cents` for each product, and the version that priced them as a header.
fn prices() -> Response {
    let lines: String = PRODUCTS.iter().map(|p| format!("{} {}\n", p.id, p.cents)).collect();
    Response::text(200, lines).header("X-Catalog-Version", identity::version().into())
}
