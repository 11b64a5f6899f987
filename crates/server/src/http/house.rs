//! The server about itself: health, readiness, metrics, what its problems mean, its description.

use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use crate::rows::LAG_MAX;

use super::{
    App,
    problem::{Code, Kind, Problem},
    request::{Language, Reply, Request},
};

/// The description of this interface (OpenAPI 3.1).
pub const OPENAPI: &str = include_str!("../../openapi.yaml");

/// `GET /healthz`: the process answers.
#[allow(clippy::unnecessary_wraps, reason = "the shape of a handler")]
pub fn health(_: &App, _: &Request) -> Result<Reply, Problem> {
    Ok(Reply::json(&json!({"status": "ok"})).with("Cache-Control", "no-store"))
}

/// `GET /readyz`: statements are taken.
pub fn ready(app: &App, _: &Request) -> Result<Reply, Problem> {
    if app.stopping.load(Ordering::SeqCst) {
        return Err(Problem::again(Code::NotReady, 10));
    }
    if let Some(why) = app.service.stopped() {
        tracing::warn!(why = %why, "not ready");
        return Err(Problem::again(Code::ReadOnly, 30));
    }
    if let Some(hindrance) = app.service.hindrance() {
        return Err(Problem::hindered(hindrance));
    }
    if let Some(remaking) = app.service.remaking() {
        tracing::warn!(folded = remaking.folded, size = remaking.size, "not ready: views are made again");
        return Err(Problem::again(Code::NotReady, 10));
    }
    let size = app.reader().head().size();
    let lag = app.service.rows_lag();
    if lag > LAG_MAX {
        return Err(Problem::again(Code::NotReady, 1));
    }
    let body = json!({"status": "ready", "size": size, "books": app.books.reached(), "views_lag": lag});
    Ok(Reply::json(&body).with("Cache-Control", "no-store"))
}

/// `GET /metrics`: OpenMetrics text.
#[allow(clippy::unnecessary_wraps, reason = "the shape of a handler")]
pub fn metrics(app: &App, _: &Request) -> Result<Reply, Problem> {
    let gauge = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
    let size = app.reader().head().size();
    app.metrics.size.set(gauge(size));
    app.metrics.lag.set(gauge(size.saturating_sub(app.books.reached())));
    let reply = Reply::new("application/openmetrics-text; version=1.0.0; charset=utf-8", app.metrics.text());
    Ok(reply.with("Cache-Control", "no-store"))
}

fn described(app: &App, kind: Kind) -> Value {
    let name = kind.name();
    let said = |language| json!({"title": kind.title(language), "hint": kind.hint(language)});
    let mut value = json!({
        "code": name, "status": kind.status(), "type": format!("{}/problems/{name}", app.config.public_url),
        "zh-TW": said(Language::Chinese), "en": said(Language::English),
    });
    match kind {
        Kind::Rejected(_, number) => value["rejection"] = json!(number),
        Kind::Refused(refusal) => value["refusal"] = json!(refusal.code()),
        Kind::Http(_) => {}
    }
    value
}

/// `GET /problems`: every code.
#[allow(clippy::unnecessary_wraps, reason = "the shape of a handler")]
pub fn problems(app: &App, _: &Request) -> Result<Reply, Problem> {
    let all: Vec<Value> = Kind::all().map(|kind| described(app, kind)).collect();
    Ok(Reply::json(&json!({"data": all})))
}

/// `GET /problems/{code}`: what a code means.
pub fn problem(app: &App, request: &Request) -> Result<Reply, Problem> {
    let kind = Kind::named(request.place(0)).ok_or_else(|| Problem::plain(Code::NotFound))?;
    Ok(Reply::json(&described(app, kind)))
}

/// `GET /openapi.yaml`
#[allow(clippy::unnecessary_wraps, reason = "the shape of a handler")]
pub fn openapi(_: &App, _: &Request) -> Result<Reply, Problem> {
    Ok(Reply::new("application/yaml; charset=utf-8", OPENAPI))
}
