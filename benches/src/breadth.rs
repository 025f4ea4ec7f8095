//! `breadth`: how much longer ten services with nothing to do with each other take than one. In turns, on one server;
//! every application takes the same time to start.

use std::time::Instant;

use serde_json::json;

use crate::{
    Fallible, Options, project,
    server::{Server, id_of},
    stats::Values,
    table::{Table, progress},
    times::ms_between,
};

const NAME: &str = "breadth";
const COUNTS: [usize; 2] = [1, 10];
const RATIO_MAX: f64 = 1.5;
const SERVICE: &str = r#"
warm_for = "0s"
health = { startup = { http = "/healthz" } }
variables = { START_MS = "500" }
"#;

#[derive(Default)]
struct Series {
    /// From the record of the request to the record of the end.
    recorded: Values,
    /// From sending the request until its end is seen from outside.
    seen: Values,
}

/// Runs it.
///
/// # Errors
/// A deployment does not complete.
pub async fn run(options: &Options, table: &mut Table) -> Fallible<()> {
    let server = Server::start(&options.shipway, &[]).await?;
    for count in COUNTS {
        project::make_group(&server, &options.app, &name(count), count, SERVICE).await?;
        server.deploy(&json!({ "project": name(count), "environment": "test", "version": "old" })).await?;
    }
    let mut all = COUNTS.map(|_| Series::default());
    for run in 0..options.runs {
        for (count, series) in COUNTS.iter().zip(&mut all) {
            once(&server, *count, run, series).await?;
        }
    }
    for (count, series) in COUNTS.iter().zip(&all) {
        let of = format!("{count} service{}", if *count == 1 { "" } else { "s" });
        table.number(NAME, format!("{of}: request to end, as recorded"), "ms", &series.recorded);
        table.number(NAME, format!("{of}: request to end, as seen"), "ms", &series.seen);
    }
    let ratio = |of: fn(&Series) -> &Values| Values::from_iter([of(&all[1]).median() / of(&all[0]).median()]);
    table.at_most(
        NAME,
        "ten services / one, as recorded, medians",
        (RATIO_MAX, "×"),
        &ratio(|series| &series.recorded),
    );
    table.at_most(NAME, "ten services / one, as seen, medians", (RATIO_MAX, "×"), &ratio(|series| &series.seen));
    Ok(())
}

fn name(count: usize) -> String {
    format!("of{count}")
}

async fn once(server: &Server, count: usize, run: u32, series: &mut Series) -> Fallible<()> {
    let config = json!({ "variables": { "RUN": format!("{run}") } });
    let version = format!("new{run}");
    let request = json!({ "project": name(count), "environment": "test", "version": version, "config": config });
    let begin = Instant::now();
    let answer = server.post("/api/deployments", &request).await?;
    let deployment = server.completed(id_of(&answer)?).await?;
    let seen_ms = begin.elapsed().as_secs_f64() * 1000.0;
    let recorded_ms = ms_between(&deployment["createdAt"], &deployment["completedAt"]);
    progress(format!("{NAME} {count} × {run}: {recorded_ms:.0} ms, seen {seen_ms:.0} ms"));
    series.recorded.push(recorded_ms);
    series.seen.push(seen_ms);
    Ok(())
}
