//! Connections and HTTP: a listener, one task for each connection, one call for each request.

use super::accept::Accept;
use super::access::User;
use super::address::{self, Address, Doing, Query};
use super::answer::{self, Answer, Wishes};
use super::body::{self, Payload};
use super::journal::Client;
use super::resource::{self, Call};
use super::state::Shadow;
use super::tls::Tls;
use super::{discovery, openapi};
use crate::object::json;
use crate::simulate::{ApiError, Reason};
use bytes::Bytes;
use http::Version;
use http::request::Parts;
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use hyper::header::{self, HeaderMap};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

/// How long a client may take to send its headers.
const HEADERS: Duration = Duration::from_secs(30);

/// How long a request may take that is no watch (`--request-timeout`).
const REQUEST: Duration = Duration::from_secs(60);

/// The most headers of a request. hyper makes room for all of them with each, a tenth of what a read costs; Go, and a recorded answer
/// to 3,000 of them, count bytes alone.
const MOST_HEADERS: usize = 4_096;

/// The largest head of a request: a megabyte and a bit, as Go's server.
const HEAD: usize = (1 << 20) + (4 << 10);

/// So much of a body that nobody asked for is read, lest the connection has to be closed.
const LEFT_OVER: u64 = 256 << 10;

/// A shadow that listens.
#[derive(Debug)]
pub struct Listening {
    /// Where.
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

impl Listening {
    /// Takes no more connections and closes those that there are.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        // It ends by itself once it is told to; that it panicked is told by whoever asked it last.
        drop(self.task.await);
    }
}

/// The threads that serve a shadow. A request costs so much that who looks for new ones as seldom as is usual (once in 61 tasks) keeps
/// some of them waiting for many times as long as the others.
///
/// # Errors
/// As starting threads fails.
pub fn threads() -> io::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread().event_interval(1).enable_all().build()
}

/// Listens at an address for clients of a shadow.
///
/// # Errors
/// As binding to the address fails.
pub async fn listen(shadow: Arc<Shadow>, address: SocketAddr) -> io::Result<Listening> {
    serve(shadow, std::net::TcpListener::bind(address)?, None)
}

/// Serves the clients that come to a socket, encrypted if so wanted. To be called where tasks can be started.
///
/// # Errors
/// As taking the socket over fails.
pub fn serve(shadow: Arc<Shadow>, listener: std::net::TcpListener, tls: Option<Tls>) -> io::Result<Listening> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let address = listener.local_addr()?;
    let (stop, stopped) = watch::channel(false);
    let task = tokio::spawn(async move {
        tokio::select! {
            () = accept(Arc::clone(&shadow), listener, address, tls, stopped) => {}
            () = shadow.let_time_pass() => {}
        }
    });
    Ok(Listening { address, stop, task })
}

async fn accept(shadow: Arc<Shadow>, listener: TcpListener, host: SocketAddr, tls: Option<Tls>, mut stopped: watch::Receiver<bool>) {
    let connections = AtomicU64::new(0);
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            _ = stopped.changed() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                let number = connections.fetch_add(1, Ordering::Relaxed);
                let (shadow, stopped, tls) = (Arc::clone(&shadow), stopped.clone(), tls.clone());
                // Answers are small and each is waited for.
                drop(stream.set_nodelay(true));
                tokio::spawn(async move {
                    match tls {
                        None => converse(shadow, stream, number, host, stopped).await,
                        // Who does not get through the handshake is no client.
                        Some(_) if speaks_plainly(&stream).await => tell_it_is_encrypted(stream).await,
                        Some(tls) => {
                            if let Ok(Ok(stream)) = timeout(HEADERS, tls.acceptor.accept(stream)).await {
                                converse(shadow, stream, number, host, stopped).await;
                            }
                        }
                    }
                });
            }
            // No descriptor is left: those who are connected go on, others wait.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

/// Whether a client sends HTTP where it should begin a handshake (`net/http/server.go:tlsRecordHeaderLooksLikeHTTP`).
async fn speaks_plainly(stream: &TcpStream) -> bool {
    let mut first = [0; 5];
    let came = timeout(HEADERS, stream.peek(&mut first)).await;
    let came = came.ok().and_then(Result::ok).unwrap_or(0);
    [b"GET /", b"HEAD ", b"POST ", b"PUT /", b"OPTIO"].iter().any(|start| came >= 4 && start.starts_with(&first[..came]))
}

async fn tell_it_is_encrypted(mut stream: TcpStream) {
    let answer = b"HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n";
    // Who is gone needs no answer. What was sent is read, lest the answer is lost with it.
    if stream.write_all(answer).await.is_ok() {
        drop(stream.shutdown().await);
        drop(timeout(HEADERS, stream.read(&mut [0; 4_096])).await);
    }
}

async fn converse<S>(shadow: Arc<Shadow>, stream: S, connection: u64, address: SocketAddr, mut stopped: watch::Receiver<bool>)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let service = {
        let shadow = Arc::clone(&shadow);
        service_fn(move |request| {
            let shadow = Arc::clone(&shadow);
            async move { Ok::<_, Infallible>(handle(&shadow, connection, address, request).await) }
        })
    };
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .half_close(true)
        .max_headers(MOST_HEADERS)
        .max_header_size(HEAD)
        .max_buf_size(HEAD);
    let going = http.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(going);
    tokio::select! {
        // Whatever ends a connection, it is the client's matter.
        ended = going.as_mut() => drop(ended),
        _ = stopped.changed() => {}
    }
    shadow.closed(connection);
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    headers.get(name).and_then(|v| v.to_str().ok()).unwrap_or_default()
}

/// All values of a header that may stand there more than once.
fn joined(headers: &HeaderMap, name: header::HeaderName) -> String {
    headers.get_all(name).iter().filter_map(|v| v.to_str().ok()).collect::<Vec<_>>().join(",")
}

/// An answer, and what it is for the connection.
struct Outcome {
    answer: Answer,
    /// Whether nothing that comes after can be read.
    last: bool,
}

impl From<Answer> for Outcome {
    fn from(answer: Answer) -> Self {
        Self { answer, last: false }
    }
}

async fn handle(shadow: &Arc<Shadow>, connection: u64, address: SocketAddr, request: Request<Incoming>) -> Response<Payload> {
    let (head, mut incoming) = request.into_parts();
    let query = Query::read(head.uri.query().unwrap_or_default());
    let agent = header(&head.headers, "user-agent");
    let browser = ["curl", "Wget", "Mozilla/5.0"].iter().any(|b| agent.starts_with(b));
    let wishes = Wishes {
        gzip: joined(&head.headers, header::ACCEPT_ENCODING).split(',').any(|e| e.trim().split(';').next() == Some("gzip")),
        pretty: query.flag("pretty").unwrap_or(browser),
    };
    let client = Client {
        command: header(&head.headers, "kubectl-command").to_owned(),
        session: header(&head.headers, "kubectl-session").to_owned(),
        user_agent: agent.to_owned(),
        connection,
    };
    let mut read = Instant::now();
    let Outcome { answer, last } = answered(shadow, address, (&head, query, client), &mut incoming, &mut read).await;
    let taken = read.elapsed();
    let goes_on = !last && passed_over(&head, &mut incoming).await;
    let answer = if goes_on { answer } else { answer.header(header::CONNECTION, "close") };
    let written = Instant::now();
    let response = answer.send(wishes);
    shadow.answered.0.fetch_add(1, Ordering::Relaxed);
    shadow.answered.1.fetch_add(u64::try_from((taken + written.elapsed()).as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
    response
}

/// What is left of a body is read, so that the next request is found behind it; whether it was worth it
/// (`net/http/server.go:maxPostHandlerReadBytes`).
async fn passed_over(head: &Parts, body: &mut Incoming) -> bool {
    if body.is_end_stream() {
        return true;
    }
    // Who waits to be told to go on sends nothing else.
    if head.headers.contains_key(header::EXPECT) || body.size_hint().lower() > LEFT_OVER {
        return false;
    }
    let all = async {
        let mut room = LEFT_OVER;
        while let Some(frame) = body.frame().await {
            let length = frame.ok()?.data_ref().map_or(0, |data| data.len() as u64);
            room = room.checked_sub(length)?;
        }
        Some(())
    };
    matches!(timeout(REQUEST, all).await, Ok(Some(())))
}

async fn answered(
    shadow: &Arc<Shadow>,
    address: SocketAddr,
    (head, query, client): (&Parts, Query, Client),
    incoming: &mut Incoming,
    read: &mut Instant,
) -> Outcome {
    if !authorized(shadow, &head.headers) {
        return Answer::refusal(&ApiError::new(401, Reason::Unauthorized, "Unauthorized")).into();
    }
    if let Some(answer) = refused(head) {
        return Outcome { answer, last: true };
    }
    let Some(path) = address::decoded(head.uri.path()) else {
        return Answer::text(400, "400 Bad Request").into();
    };
    let place = address::read(&path);
    let Address::Resource(target, watching) = place else {
        let asked = Asked { place, method: &head.method, headers: &head.headers, query: &query, host: address };
        return document(shadow, &asked).into();
    };
    let watching = watching || query.flag("watch") == Some(true);
    let Some(doing) = Doing::of(&head.method, &target, watching) else {
        return Answer::method_not_allowed().into();
    };
    let body = match doing {
        _ if doing.reads() => Ok(Bytes::new()),
        _ => timeout(REQUEST, body::receive(incoming)).await.unwrap_or_else(|_| Err(body::too_slow())),
    };
    let body = match body {
        Ok(body) => body,
        Err(error) => return Outcome { answer: Answer::refusal(&error), last: true },
    };
    *read = Instant::now();
    let call = Call {
        asked: head.uri.to_string(),
        client,
        user: user(&head.headers),
        target,
        doing,
        query,
        accept: Accept::read(&joined(&head.headers, header::ACCEPT)),
        content_type: header(&head.headers, "content-type").to_owned(),
        body,
    };
    if call.doing.reads() {
        shadow.turns.pass().await;
        let answer = resource::answer(shadow, &call);
        shadow.view.clear_away();
        return answer.into();
    }
    let writer = Arc::clone(shadow);
    let written = shadow.turns.take(move || resource::answer(&writer, &call)).await;
    written.unwrap_or_else(|| Answer::refusal(&ApiError::internal("the write ended in a panic"))).into()
}

/// Who asks: whoever is impersonated, or the administrator.
fn user(headers: &HeaderMap) -> User {
    let groups: Vec<&str> = headers.get_all("impersonate-group").iter().filter_map(|v| v.to_str().ok()).collect();
    match header(headers, "impersonate-user") {
        "" => User::administrator(),
        name => User::impersonated(name, &groups),
    }
}

/// What Go's server refuses, or answers, before any handler sees it.
fn refused(head: &Parts) -> Option<Answer> {
    let (headers, path) = (&head.headers, head.uri.path());
    let refuse = |code, text| Some(Answer::text(code, text));
    let hosts: Vec<_> = headers.get_all(header::HOST).iter().collect();
    let odd = |b: &u8| !(b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:[]%@".contains(b));
    match hosts[..] {
        [] if head.version == Version::HTTP_11 => return refuse(400, "400 Bad Request: missing required Host header"),
        [] => {}
        [host] if host.as_bytes().iter().any(odd) => return refuse(400, "400 Bad Request: malformed Host header"),
        [_] => {}
        _ => return refuse(400, "400 Bad Request: too many Host headers"),
    }
    let coding = header(headers, "transfer-encoding");
    if headers.contains_key(header::TRANSFER_ENCODING) && !coding.eq_ignore_ascii_case("chunked") {
        return refuse(501, "Unsupported transfer encoding");
    }
    if headers.contains_key(header::EXPECT) && !header(headers, "expect").eq_ignore_ascii_case("100-continue") {
        return refuse(417, "");
    }
    match path {
        _ if head.method == Method::CONNECT => Some(Answer::nowhere()),
        "*" if head.method == Method::OPTIONS => Some(Answer::bytes(200, "text/plain; charset=utf-8", "")),
        _ if !path.starts_with('/') || head.uri.scheme().is_none() && head.uri.authority().is_some() => refuse(400, "400 Bad Request"),
        _ => None,
    }
}

/// Whether the client may ask: with the right token where one is set (`authentication/request/bearertoken`).
fn authorized(shadow: &Shadow, headers: &HeaderMap) -> bool {
    let Some(token) = &shadow.options.token else { return true };
    let mut words = header(headers, "authorization").trim().splitn(3, ' ');
    words.next().is_some_and(|word| word.eq_ignore_ascii_case("bearer")) && words.next() == Some(token)
}

/// A request for what is no resource.
struct Asked<'r> {
    place: Address,
    method: &'r Method,
    headers: &'r HeaderMap,
    query: &'r Query,
    host: SocketAddr,
}

fn document(shadow: &Arc<Shadow>, asked: &Asked<'_>) -> Answer {
    if let Address::Own(path) = &asked.place {
        return own(shadow, asked.method, path);
    }
    if matches!(asked.place, Address::Nowhere) {
        return Answer::nowhere();
    }
    // These answer whatever the method.
    let any = matches!(
        asked.place,
        Address::Health(_) | Address::CoreVersions | Address::Groups | Address::OpenApiV2 | Address::OpenApiV3(_) | Address::NoResource
    );
    let accept = Accept::read(&joined(asked.headers, header::ACCEPT));
    let matching = header(asked.headers, "if-none-match");
    let cluster = &*shadow.view.cluster();
    let there = match &asked.place {
        Address::Group(name) => discovery::group(cluster, name).is_some(),
        Address::GroupVersion(group, version) => discovery::resources(cluster, group, version).is_some(),
        _ => true,
    };
    if asked.method != Method::GET && there && !any {
        return Answer::method_not_allowed();
    }
    let plain = |answer: Answer| answer.encoded(cluster.schema, accept.plain());
    match &asked.place {
        Address::Root => discovery::paths(cluster),
        Address::Version if !accept.json(false) => {
            Answer::bare(406, "NotAcceptable", "406: Not Acceptable\n\nAvailable representations: application/json")
        }
        Address::Version => discovery::version(cluster),
        Address::Health(name) => health(name, asked.query.get("verbose").is_some()),
        Address::CoreVersions => plain(discovery::core_versions(cluster, &accept, matching, &asked.host.to_string())),
        Address::Groups => plain(discovery::groups(cluster, &accept, matching)),
        Address::Group(name) => discovery::group(cluster, name).map_or_else(Answer::nowhere, plain),
        Address::GroupVersion(group, version) => discovery::resources(cluster, group, version)
            .map(plain)
            .unwrap_or_else(|| if discovery::has_group(cluster, group) { Answer::no_resource() } else { Answer::nowhere() }),
        Address::OpenApiV2 if !accept.json(true) && !accept.names("application/com.github.proto-openapi.spec.v2") => {
            Answer::bytes(406, "text/plain; charset=utf-8", "")
        }
        Address::OpenApiV2 => openapi::v2_document(cluster, &accept, matching),
        Address::OpenApiV3(None) => openapi::index(cluster, matching),
        Address::OpenApiV3(Some(name)) => {
            openapi::document(cluster, name, asked.query.text("hash"), matching).unwrap_or_else(Answer::nowhere)
        }
        Address::Resource(..) | Address::Own(_) | Address::NoResource | Address::Nowhere => Answer::no_resource(),
    }
}

fn health(name: &str, verbose: bool) -> Answer {
    if verbose { Answer::text(200, &format!("[+]ping ok\n{name} check passed\n")) } else { Answer::text(200, "ok") }
}

/// What only a shadow has.
fn own(shadow: &Shadow, method: &Method, path: &str) -> Answer {
    match (method.as_str(), path) {
        ("POST", "reset") => {
            shadow.reset();
            Answer::json(200, json!({"reset": true}))
        }
        ("GET", "report") => match &shadow.options.reporter {
            Some(reporter) => Answer::bytes(200, answer::JSON, (reporter.0)(&shadow.run())),
            None => Answer::nowhere(),
        },
        ("GET", "times") => {
            let (requests, nanoseconds) = (shadow.answered.0.load(Ordering::Relaxed), shadow.answered.1.load(Ordering::Relaxed));
            Answer::json(200, json!({"requests": requests, "microseconds": nanoseconds / 1_000}))
        }
        (_, "reset" | "report" | "times") => Answer::method_not_allowed(),
        _ => Answer::nowhere(),
    }
}
