//! What stands around the handlers: one filter for each group of routes, one recover, and the
//! finish that every answer gets.
//! Invariant: every answer bears the request's id and the size of the log; every answer that is
//! not a success is a problem; a body is never held beyond its limit.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, atomic::Ordering},
    task::{Context, Poll},
    time::{Duration, Instant},
};

use bytes::{Buf, Bytes, BytesMut};
use futures_util::{Stream, StreamExt};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use lian_core::statement::ENVELOPE_BYTES_MAX;
use tokio::{sync::oneshot, time::timeout};
use tokio_stream::wrappers::ReceiverStream;
use warp::{
    Filter, Rejection, Reply as _,
    filters::BoxedFilter,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    path::FullPath,
    reject,
    reply::Response,
};

use super::{
    App, aftermath,
    gate::Outcome,
    limits::customer,
    paced::Phase,
    problem::{Code, Problem},
    request::{Language, Reply, Request, TARGET_BYTES_MAX, read_query},
    routes::{self, Found, Group, Route, Work},
    statements, tail, web,
};
use crate::service::Hindrance;

/// How often a statement that waits looks whether anything can be recorded.
const HINDRANCE_LOOK: Duration = Duration::from_millis(250);

/// What is known of a request before it is routed.
#[derive(Debug, Clone)]
struct Asked {
    id: String,
    peer: SocketAddr,
    language: Language,
}

/// A route that was found, for metrics and logs.
#[derive(Debug, Clone, Copy)]
struct RoutedTo(&'static str);

/// What an answer rests on.
#[derive(Debug, Clone, Copy)]
struct RestsOn(u64);

/// There is something under this path, but not for this method.
#[derive(Debug)]
struct WrongMethod(&'static str);

impl reject::Reject for WrongMethod {}

/// Answers requests of all connections.
#[derive(Clone)]
pub struct Shell {
    app: Arc<App>,
    routes: BoxedFilter<(Response,)>,
}

impl Shell {
    /// The routes of the table, group by group.
    pub fn new(app: Arc<App>) -> Self {
        let [first, rest @ ..] = Group::ALL;
        let mut routes = group(&app, first);
        for next in rest {
            routes = routes.or(group(&app, next)).unify().boxed();
        }
        let routes = routes.recover(recover).unify().boxed();
        Self { app, routes }
    }

    /// Answers one request of a connection.
    pub async fn answer(
        self,
        mut request: hyper::Request<Incoming>,
        peer: SocketAddr,
        phase: Arc<Phase>,
    ) -> Result<hyper::Response<Tracked<impl Body<Data = Bytes, Error = warp::Error> + use<>>>, Infallible>
    {
        let start = Instant::now();
        let two_lengths = phase.begin();
        let serial = self.app.metrics.serial.fetch_add(1, Ordering::Relaxed);
        let accepted = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let asked = Asked {
            id: format!("req_{}{serial:08x}", self.app.nonce),
            peer,
            language: Language::accepted(accepted.unwrap_or_default()),
        };
        let (method, path) = (request.method().clone(), request.uri().path().to_owned());
        let chunked = request.headers().contains_key(header::TRANSFER_ENCODING);
        let early = check_head(&request, two_lengths);
        let response = if let Err(problem) = early {
            failed(problem)
        } else {
            request.extensions_mut().insert(asked.clone());
            let filter = TowerToHyperService::new(warp::service(self.routes.clone()));
            match filter.call(request).await {
                Ok(response) => response,
                Err(never) => match never {},
            }
        };
        let mut response = self.finish(response, &asked, &path);
        if chunked {
            // A chunked body hides where the next request begins from whoever read it otherwise.
            close(&mut response);
        }
        let route = response.extensions().get::<RoutedTo>().map_or("none", |route| route.0);
        let (status, took) = (response.status().as_u16(), start.elapsed());
        self.app.metrics.answered(known_method(method.as_str()), route, status, took);
        let took_us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        tracing::info!(request_id = %asked.id, method = known_method(method.as_str()), route, status, took_us, peer = %peer.ip(), "answered");
        Ok(response.map(|inner| Tracked { inner, phase }))
    }

    /// Turns problems into their body and gives every answer its headers.
    fn finish(&self, mut response: Response, asked: &Asked, path: &str) -> Response {
        if let Some(problem) = response.extensions_mut().remove::<Problem>() {
            let routed = response.extensions().get::<RoutedTo>().copied();
            let body = problem.body(&self.app.config.public_url, path, &asked.id, asked.language);
            response = Response::new(Bytes::from(body.to_string()).into());
            *response.status_mut() =
                StatusCode::from_u16(problem.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            set(&mut response, "content-type", "application/problem+json");
            set(&mut response, "content-language", asked.language.tag());
            set(&mut response, "cache-control", "no-store");
            set(&mut response, "vary", "Accept-Language");
            for (name, value) in problem.headers() {
                set(&mut response, name, value);
            }
            if problem.closes() {
                close(&mut response);
            }
            response.extensions_mut().extend(
                routed
                    .map(|routed| {
                        let mut extensions = warp::http::Extensions::new();
                        extensions.insert(routed);
                        extensions
                    })
                    .unwrap_or_default(),
            );
        }
        let size =
            response.extensions().get::<RestsOn>().map_or_else(|| self.app.reader().head().size(), |on| on.0);
        set(&mut response, "request-id", &asked.id);
        set(&mut response, "ledger-checkpoint", &size.to_string());
        if let Some(seq) = size.checked_sub(1) {
            set(&mut response, "ledger-seq", &seq.to_string());
        }
        set(&mut response, "x-content-type-options", "nosniff");
        response
    }
}

/// Methods as labels: those that HTTP has, so that nobody makes series without end.
fn known_method(method: &str) -> &'static str {
    let known = ["GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "CONNECT", "TRACE"];
    known.into_iter().find(|known| *known == method).unwrap_or("other")
}

/// What can be said of a request from its head alone, whatever its path.
fn check_head(request: &hyper::Request<Incoming>, two_lengths: bool) -> Result<(), Problem> {
    if two_lengths {
        let said = ("請求同時以兩種方式標示長度", "the head says in two ways how long the body is");
        return Err(Problem::new(Code::BadRequest, said.0, said.1).closing());
    }
    let target = request.uri().path_and_query().map_or(0, |target| target.as_str().len());
    if target > TARGET_BYTES_MAX {
        return Err(Problem::plain(Code::TargetTooLong).closing());
    }
    let hosts = request.headers().get_all(header::HOST).iter().count();
    if hosts != 1 && request.version() == hyper::Version::HTTP_11 {
        return Err(Problem::new(
            Code::BadRequest,
            "Host 標頭須恰有一個",
            "there must be exactly one Host header",
        )
        .closing());
    }
    let takes_a_body = request.method() == hyper::Method::POST;
    if !takes_a_body && !request.body().is_end_stream() {
        return Err(Problem::new(Code::BadRequest, "此方法不得附內容", "this method takes no body").closing());
    }
    Ok(())
}

fn set(response: &mut Response, name: &str, value: &str) {
    let name = header::HeaderName::from_bytes(name.to_ascii_lowercase().as_bytes());
    // Our own names and values are plain text; what is not could only be a path in a Link.
    if let (Ok(name), Ok(value)) = (name, HeaderValue::from_str(value)) {
        response.headers_mut().insert(name, value);
    }
}

fn close(response: &mut Response) {
    response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
}

/// An answer that `finish` will write out.
fn failed(problem: Problem) -> Response {
    let mut response = Response::default();
    response.extensions_mut().insert(problem);
    response
}

/// What no group took: there is nothing, or not under this method.
async fn recover(rejection: Rejection) -> Result<Response, Infallible> {
    let problem = match rejection.find::<WrongMethod>() {
        Some(WrongMethod(allowed)) => Problem::plain(Code::MethodNotAllowed).with_header("Allow", *allowed),
        None => routes::nothing_here(),
    };
    Ok(failed(problem))
}

/// The routes of one group.
fn group(app: &Arc<App>, group: Group) -> BoxedFilter<(Response,)> {
    let app = Arc::clone(app);
    let matched = move |method: warp::http::Method, path: FullPath| async move {
        match routes::find(group, method.as_str(), path.as_str()) {
            Found::Route(route, places) => Ok((route, places, path)),
            Found::OtherMethods(allowed) => Err(reject::custom(WrongMethod(allowed))),
            Found::Nothing => Err(reject::not_found()),
        }
    };
    let query = warp::query::raw().or(warp::any().map(String::new)).unify();
    warp::method()
        .and(warp::path::full())
        .and_then(matched)
        .and(query)
        .and(warp::header::headers_cloned())
        .and(warp::ext::get::<Asked>())
        .and(warp::body::stream())
        .then(
            move |(route, places, path): (&'static Route, Vec<String>, FullPath),
                  query: String,
                  headers,
                  asked: Asked,
                  body| {
                let app = Arc::clone(&app);
                async move {
                    let request = Request {
                        id: asked.id,
                        peer: asked.peer,
                        language: asked.language,
                        places,
                        query: Vec::new(),
                        headers,
                        path: path.as_str().to_owned(),
                        body: Bytes::new(),
                    };
                    let answered = serve(&app, route, request, &query, body).await;
                    let mut response = answered.unwrap_or_else(failed);
                    response.extensions_mut().insert(RoutedTo(route.path));
                    response
                }
            },
        )
        .boxed()
}

async fn serve<B: Buf>(
    app: &Arc<App>,
    route: &'static Route,
    mut request: Request,
    query: &str,
    body: impl Stream<Item = Result<B, warp::Error>> + Send,
) -> Result<Response, Problem> {
    if route.cost > 0 {
        let taken = app.addresses.take(customer(request.peer.ip()), route.cost);
        taken.map_err(|seconds| Problem::again(Code::RateLimited, seconds))?;
    }
    match read_query(query, route.query) {
        Ok(query) => request.query = query,
        Err(problem) if is_page(route) => {
            return aside(app, |app, request| web::told(app, request, problem), request).await.map(written);
        }
        Err(problem) => return Err(problem),
    }
    let known = request.header("if-none-match").map(str::to_owned);
    let written = move |reply: Reply| written(reply.unless_known(known.as_deref()));
    match route.work {
        Work::Here(handler) => handler(app, &request).map(written),
        Work::Aside(handler) if is_page(route) => {
            let shown = move |app: &App, request: &Request| {
                handler(app, request).or_else(|problem| web::told(app, request, problem))
            };
            aside(app, shown, request).await.map(written)
        }
        Work::Aside(handler) => aside(app, handler, request).await.map(written),
        Work::Submit => submit(app, request, body).await.map(written),
        Work::Tail => Ok(event_stream(tail::follow(app, &request)?)),
    }
}

/// True if people get it as a page, and so its problems too.
fn is_page(route: &Route) -> bool {
    route.group == Group::Pages
}

fn written(reply: Reply) -> Response {
    let mut response = Response::new(reply.body.into());
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap_or(StatusCode::OK);
    set(&mut response, "content-type", reply.content_type);
    for (name, value) in &reply.headers {
        set(&mut response, name, value);
    }
    if let Some(size) = reply.size {
        response.extensions_mut().insert(RestsOn(size));
    }
    response
}

fn event_stream(events: tail::Events) -> Response {
    let mut response = warp::reply::stream(ReceiverStream::new(events)).into_response();
    set(&mut response, "content-type", "text/event-stream; charset=utf-8");
    set(&mut response, "cache-control", "no-store");
    set(&mut response, "x-accel-buffering", "no");
    response
}

/// Runs a handler where it may block. Of those that wait for such a thread there is a bound.
async fn aside(
    app: &Arc<App>,
    handler: impl FnOnce(&App, &Request) -> Result<Reply, Problem> + Send + 'static,
    request: Request,
) -> Result<Reply, Problem> {
    let _place = app.waiting.try_acquire().map_err(|_| Problem::again(Code::Busy, 1))?;
    let _thread = app.aside.acquire().await.map_err(|_| Problem::plain(Code::NotReady))?;
    let app = Arc::clone(app);
    let done = tokio::task::spawn_blocking(move || handler(&app, &request)).await;
    done.unwrap_or_else(|panic| Err(Problem::internal(&panic)))
}

async fn submit<B: Buf>(
    app: &Arc<App>,
    mut request: Request,
    body: impl Stream<Item = Result<B, warp::Error>> + Send,
) -> Result<Reply, Problem> {
    statements::check_headers(&request)?;
    check_length(&request.headers)?;
    let late = |_| Problem::plain(Code::TimedOut).closing();
    request.body = timeout(app.config.body_timeout, read_body(body)).await.map_err(late)??;
    let dry = statements::is_dry(&request)?;
    let claims = statements::before(app, &request)?;
    if dry {
        return aside(app, statements::dry_run, request).await;
    }
    if let Some(hindrance @ (Hindrance::NoSpace | Hindrance::Writer)) = app.service.hindrance() {
        // Nobody knows how long it takes: better told at once than left waiting.
        return Err(Problem::hindered(hindrance));
    }
    app.metrics.waiting.inc();
    let outcome = settled(app, app.gate.submit(request.body.to_vec())).await;
    app.metrics.waiting.dec();
    let outcome = outcome?;
    let aftermath = aftermath::of(app, &request, &outcome).await;
    let reply = statements::after(app, &request, &claims, outcome, aftermath);
    app.committed();
    reply
}

/// Waits for what becomes of a statement that was taken. While nothing can be recorded it waits for
/// no longer than is configured: what was judged cannot be unjudged, so that it may be recorded yet,
/// and its sender is told so.
async fn settled(app: &App, mut outcome: oneshot::Receiver<Outcome>) -> Result<Outcome, Problem> {
    let mut hindered = None;
    loop {
        match timeout(HINDRANCE_LOOK, &mut outcome).await {
            Ok(Ok(outcome)) => return Ok(outcome),
            Ok(Err(_)) => return Err(Problem::again(Code::ReadOnly, 30)),
            Err(_) => {}
        }
        match app.service.hindrance() {
            Some(hindrance @ (Hindrance::NoSpace | Hindrance::Writer)) => {
                let since = *hindered.get_or_insert_with(Instant::now);
                if since.elapsed() >= app.config.hindered_timeout {
                    return Err(Problem::unsettled(hindrance));
                }
            }
            _ => hindered = None,
        }
    }
}

fn check_length(headers: &HeaderMap) -> Result<(), Problem> {
    let length =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > ENVELOPE_BYTES_MAX as u64) {
        return Err(Problem::plain(Code::TooLarge).closing());
    }
    Ok(())
}

/// Counts while it reads: what a header said of the length is not believed.
async fn read_body<B: Buf>(
    body: impl Stream<Item = Result<B, warp::Error>> + Send,
) -> Result<Bytes, Problem> {
    let mut body = std::pin::pin!(body);
    let mut read = BytesMut::new();
    while let Some(part) = body.next().await {
        let broken = |_| Problem::new(Code::BadRequest, "請求內容中斷", "the body breaks off").closing();
        let mut part = part.map_err(broken)?;
        if read.len() + part.remaining() > ENVELOPE_BYTES_MAX {
            return Err(Problem::plain(Code::TooLarge).closing());
        }
        while part.has_remaining() {
            let chunk = part.chunk();
            read.extend_from_slice(chunk);
            let length = chunk.len();
            part.advance(length);
        }
    }
    Ok(read.freeze())
}

/// A body that tells its connection when it is out.
pub struct Tracked<B> {
    inner: B,
    phase: Arc<Phase>,
}

impl<B> Drop for Tracked<B> {
    fn drop(&mut self) {
        self.phase.end();
    }
}

impl<B: Body + Unpin> Body for Tracked<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
