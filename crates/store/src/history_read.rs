//! Asking the history. A page walks along the index of its rarest filter and looks at a bounded number of places, so it
//! takes as long among a million deployments as among a thousand. Whether a place fits the other filters is asked of
//! their indexes, where neighbours in time lie together; rows, which lie apart, are read of what fits alone.
//!
//! Not here: how it is written (`history`).

use std::collections::BTreeMap;

use shipway_core::{
    deployment::Cause,
    history::{Entry, Page, Place, Question, Range, Stretch, Sums, stretches},
    id::{DeploymentId, EnvironmentName},
    ports::Fault,
    time::Timestamp,
};
use sqlx::{Any, AnyPool, AssertSqlSafe, Row, any::AnyArguments, query::Query};

use crate::{history::read, sql::sql_fault};

/// Deployments that one page looks at.
const LOOKED_AT_MAX: u32 = 500;

/// A value of a statement.
#[derive(Clone)]
enum Value {
    Text(String),
    Number(i64),
}

/// A statement that is put together, with its values in order.
#[derive(Default)]
struct Text {
    sql: String,
    values: Vec<Value>,
}

impl Text {
    fn add(&mut self, sql: &str) {
        self.sql.push_str(sql);
    }

    /// A piece of a condition, and its value.
    fn with(&mut self, sql: &str, value: Value) {
        self.values.push(value);
        self.sql.push_str(sql);
        self.sql.push_str(&format!("${}", self.values.len()));
    }

    /// Every piece of the text is this file's own; what others say are values.
    fn query(self) -> Query<'static, Any, AnyArguments> {
        let query = sqlx::query(AssertSqlSafe(self.sql));
        self.values.into_iter().fold(query, |query, value| match value {
            Value::Text(text) => query.bind(text),
            Value::Number(number) => query.bind(number),
        })
    }
}

/// Filters by their columns, those that say most first: the first has the index that is walked along.
fn filters(question: &Question) -> Vec<(&'static str, String)> {
    let (environment, status) = (question.environment.as_ref().map(ToString::to_string), question.status.clone());
    let filters = [
        ("service", question.service.as_ref().map(ToString::to_string)),
        ("cause", question.cause.map(|cause: Cause| cause.name().to_owned())),
        ("actor", question.actor.clone()),
        ("phase", question.phase.clone()),
        ("kind", question.kind.clone().filter(|kind| kind != "deploy")),
        ("environment", environment),
        ("status", status),
        ("kind", question.kind.clone().filter(|kind| kind == "deploy")),
    ];
    filters.into_iter().filter_map(|(column, value)| Some((column, value?))).collect()
}

/// Those of a question that an index holds together, and the others.
type Filters = Vec<(&'static str, String)>;

fn split(question: &Question) -> (Filters, Filters) {
    let mut all = filters(question);
    let together =
        usize::from(!all.is_empty()) + usize::from(all.len() > 1 && all[0].0 == "environment" && all[1].0 == "status");
    let others = all.split_off(together);
    (all, others)
}

/// The places that are looked at: what one index finds, in its order.
fn places(question: &Question, walked: &Filters, limit: u32) -> Text {
    let table =
        if walked.first().is_some_and(|(column, _)| *column == "service") { "history_service" } else { "history" };
    let mut text = Text::default();
    text.add(&format!("SELECT id, created FROM {table}"));
    text.with(" WHERE project = ", Value::Text(question.project.to_string()));
    for (column, value) in walked {
        text.with(&format!(" AND {column} = "), Value::Text(value.clone()));
    }
    if let Some(since) = question.since {
        text.with(" AND created >= ", Value::Number(since.0));
    }
    if let Some(until) = question.until {
        text.with(" AND created < ", Value::Number(until.0));
    }
    if let Some(after) = &question.after {
        text.with(" AND (created, id) < (", Value::Number(after.at.0));
        text.with(", ", Value::Text(after.id.to_string()));
        text.add(")");
    }
    text.with(" ORDER BY created DESC, id DESC LIMIT ", Value::Number(i64::from(limit)));
    text
}

/// The other filters, each with those that an index holds together with it.
fn probed(others: &Filters) -> Vec<&[(&'static str, String)]> {
    let mut rest = &others[..];
    let mut probes = Vec::new();
    while !rest.is_empty() {
        let together = if rest.len() > 1 && rest[0].0 == "environment" && rest[1].0 == "status" { 2 } else { 1 };
        let (probe, left) = rest.split_at(together);
        probes.push(probe);
        rest = left;
    }
    probes
}

/// Those of the places that the other filters let pass.
fn fitting(question: &Question, walked: &Filters, others: &Filters, looked_at: u32) -> Text {
    let mut text = places(question, walked, looked_at);
    let places = std::mem::take(&mut text.sql);
    text.add(&format!(
        "SELECT history.body FROM (SELECT place.id AS id, place.created AS created FROM ({places}) AS place"
    ));
    for (number, probe) in probed(others).into_iter().enumerate() {
        text.add(if number == 0 { " WHERE " } else { " AND " });
        text.with("EXISTS (SELECT 1 FROM history AS h WHERE h.project = ", Value::Text(question.project.to_string()));
        for (column, value) in probe {
            text.with(&format!(" AND h.{column} = "), Value::Text(value.clone()));
        }
        // Not by the id alone: that would be a row for each place, and those lie apart.
        text.add(" AND h.created = place.created AND h.id || '' = place.id)");
    }
    let limit = Value::Number(i64::from(question.limit) + 1);
    text.with(" ORDER BY place.created DESC, place.id DESC LIMIT ", limit);
    text.add(") AS fit JOIN history ON history.id = fit.id ORDER BY fit.created DESC, fit.id DESC");
    text
}

/// A page.
pub(crate) async fn page(pool: &AnyPool, question: &Question) -> Result<Page, Fault> {
    let fault = |error| sql_fault("reading the history", &error);
    let (walked, others) = split(question);
    let looked_at = if others.is_empty() { question.limit.saturating_add(1) } else { LOOKED_AT_MAX };
    let rows = fitting(question, &walked, &others, looked_at).query().fetch_all(pool).await.map_err(fault)?;
    let mut entries = Vec::with_capacity(rows.len());
    for row in &rows {
        entries.push(read::<Entry>(&row.try_get::<String, _>(0).map_err(fault)?)?);
    }
    if entries.len() > question.limit as usize {
        entries.truncate(question.limit as usize);
        let next = entries.last().map(Entry::place);
        return Ok(Page { entries, next });
    }
    let next = if others.is_empty() { None } else { last_looked_at(pool, question, &walked).await? };
    Ok(Page { entries, next })
}

/// The last place that was looked at, when there may be more behind it.
async fn last_looked_at(pool: &AnyPool, question: &Question, walked: &Filters) -> Result<Option<Place>, Fault> {
    let fault = |error| sql_fault("reading the history", &error);
    let mut text = places(question, walked, 1);
    text.with(" OFFSET ", Value::Number(i64::from(LOOKED_AT_MAX) - 1));
    let Some(row) = text.query().fetch_optional(pool).await.map_err(fault)? else { return Ok(None) };
    let id: String = row.try_get(0).map_err(fault)?;
    Ok(Some(Place { at: Timestamp(row.try_get(1).map_err(fault)?), id: DeploymentId::new(id) }))
}

/// Sums by environment.
pub(crate) async fn sums(pool: &AnyPool, range: &Range) -> Result<BTreeMap<EnvironmentName, Sums>, Fault> {
    let fault = |error| sql_fault("reading the statistics", &error);
    let mut all: BTreeMap<EnvironmentName, Sums> = BTreeMap::new();
    for stretch in stretches(range.first, range.last) {
        let (span, first, last) = match stretch {
            Stretch::Days(first, last) => ("day", first, last),
            Stretch::Blocks(first, last) => ("block", first, last),
        };
        let mut text = Text::default();
        text.with("SELECT environment, body FROM history_sum WHERE project = ", Value::Text(range.project.to_string()));
        text.with(" AND span = ", Value::Text(span.into()));
        text.with(" AND start >= ", Value::Number(first));
        text.with(" AND start <= ", Value::Number(last));
        if let Some(environment) = &range.environment {
            text.with(" AND environment = ", Value::Text(environment.to_string()));
        }
        for row in text.query().fetch_all(pool).await.map_err(fault)? {
            let environment: String = row.try_get(0).map_err(fault)?;
            let sums: Sums = read(&row.try_get::<String, _>(1).map_err(fault)?)?;
            all.entry(EnvironmentName::new(environment)).or_default().merge(&sums);
        }
    }
    Ok(all)
}
