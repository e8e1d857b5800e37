//! `rollcast serve` under load, and what a rehearsal costs around its script.
//!
//! `cargo bench --bench load` runs all of it; `-- clients`, `-- informers`, `-- alone`, `-- start`, `-- script` or `-- rehearsals` one
//! part. Exits 1 on an error of a request, a p99 above 20 ms, more than 2 ms in the shadow for a request of kubectl, or something that a
//! rehearsal leaves behind.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::exit,
    reason = "a program that measures: a failure is a panic, time is real"
)]

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::future::poll_fn;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;

const ROLLCAST: &str = env!("CARGO_BIN_EXE_rollcast");
const CLIENTS: usize = 50;
const WATCHES: usize = 2_000;
const REQUESTS: usize = 20_000;
const MOST: Duration = Duration::from_millis(20);

/// A server of its own, ended when it is dropped.
struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(state: &[&str]) -> Self {
        let mut command = Command::new(ROLLCAST);
        command.args(["serve", "--listen", "127.0.0.1:0"]).args(state).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        Self { child, address: line.trim().trim_start_matches("http://").to_owned() }
    }

    /// The memory that it holds, in MiB.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:")).unwrap_or("0");
        line.split_whitespace().next().and_then(|n| n.parse::<u64>().ok()).unwrap_or(0) / 1024
    }
}

/// The seconds of processor time that a process has used: what of the figures does not depend on what else the machine does.
fn processor(process: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let numbers = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    numbers.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() / 100.0
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// One connection that is kept open.
struct Connection {
    stream: TcpStream,
    got: Vec<u8>,
}

impl Connection {
    async fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, got: Vec::new() }
    }

    async fn send(&mut self, method: &str, path: &str, content_type: &str, body: &str) {
        let text = format!(
            "{method} {path} HTTP/1.1\r\nHost: shadow\r\nUser-Agent: load\r\nAccept: application/json\r\nContent-Type: {content_type}\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        );
        self.stream.write_all(text.as_bytes()).await.unwrap();
    }

    /// The code of an answer that goes on.
    async fn head(&mut self) -> u16 {
        loop {
            if let Some(end) = self.got.windows(4).position(|w| w == b"\r\n\r\n") {
                let code = self.got.get(9..12).and_then(|code| std::str::from_utf8(code).ok()?.parse().ok());
                self.got.drain(..end + 4);
                return code.unwrap_or(0);
            }
            if self.stream.read_buf(&mut self.got).await.unwrap_or(0) == 0 {
                return 0;
            }
        }
    }

    /// The code and the body's length; 0 if the server went away.
    async fn receive(&mut self) -> (u16, usize) {
        loop {
            if let Some(end) = self.got.windows(4).position(|w| w == b"\r\n\r\n") {
                let head = String::from_utf8_lossy(&self.got[..end]).to_ascii_lowercase();
                let length: usize = head.lines().find_map(|l| l.strip_prefix("content-length: ")).map_or(0, |l| l.trim().parse().unwrap());
                if self.got.len() >= end + 4 + length {
                    self.got.drain(..end + 4 + length);
                    return (head.split(' ').nth(1).unwrap().parse().unwrap(), length);
                }
            }
            if self.stream.read_buf(&mut self.got).await.unwrap_or(0) == 0 {
                return (0, 0);
            }
        }
    }

    async fn ask(&mut self, method: &str, path: &str, content_type: &str, body: &str) -> u16 {
        self.send(method, path, content_type, body).await;
        self.receive().await.0
    }
}

const JSON: &str = "application/json";
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";

fn deployment(name: &str, namespace: &str) -> String {
    format!(
        r#"{{"apiVersion":"apps/v1","kind":"Deployment","metadata":{{"name":"{name}","namespace":"{namespace}","labels":{{"app":"{name}"}}}},"spec":{{"replicas":2,"selector":{{"matchLabels":{{"app":"{name}"}}}},"template":{{"metadata":{{"labels":{{"app":"{name}"}}}},"spec":{{"containers":[{{"name":"web","image":"web:1","env":[{{"name":"A","value":"b"}}]}}]}}}}}}}}"#
    )
}

/// What a client does, over and over: reads, lists, and one write in five.
async fn request(connection: &mut Connection, client: usize, number: usize) -> u16 {
    let space = format!("/api/v1/namespaces/ns-{client}");
    let deployments = format!("/apis/apps/v1/namespaces/ns-{client}/deployments");
    match number % 10 {
        0 => {
            let image = format!(r#"{{"spec":{{"template":{{"spec":{{"containers":[{{"name":"web","image":"web:{number}"}}]}}}}}}}}"#);
            connection.ask("PATCH", &format!("{deployments}/web"), STRATEGIC, &image).await
        }
        5 => connection.ask("PATCH", &format!("{space}/configmaps/c"), MERGE, &format!(r#"{{"data":{{"n":"{number}"}}}}"#)).await,
        1 | 6 => connection.ask("GET", &format!("{space}/pods?labelSelector=app%3Dweb"), JSON, "").await,
        2 => connection.ask("GET", &format!("/apis/apps/v1/namespaces/ns-{client}/replicasets"), JSON, "").await,
        3 | 7 => connection.ask("GET", &format!("{deployments}/web"), JSON, "").await,
        8 => connection.ask("GET", "/apis/apps/v1", JSON, "").await,
        _ => connection.ask("GET", &format!("{space}/configmaps/c"), JSON, "").await,
    }
}

thread_local! {
    /// What watches read into: what came is counted and forgotten.
    static READ: RefCell<Vec<u8>> = RefCell::new(vec![0; 256 << 10]);
}

/// What one watch was sent.
#[derive(Default)]
struct Seen {
    bytes: AtomicU64,
    /// Counted for the first watch of each path only: the others have to be sent as many bytes.
    events: AtomicU64,
}

/// Takes the pieces of a body apart.
struct Pieces {
    /// So much of a piece is still to come.
    left: usize,
    /// The size that is being read.
    size: usize,
    counts: bool,
}

impl Pieces {
    /// How many bytes and lines of the body there are.
    fn take(&mut self, mut came: &[u8]) -> (u64, u64) {
        let (mut bytes, mut lines) = (0, 0);
        while let Some(byte) = came.first() {
            if self.left > 0 {
                let (data, rest) = came.split_at(self.left.min(came.len()));
                lines += if self.counts { data.iter().filter(|b| **b == b'\n').count() as u64 } else { 0 };
                (bytes, came, self.left) = (bytes + data.len() as u64, rest, self.left - data.len());
                continue;
            }
            match char::from(*byte).to_digit(16) {
                Some(digit) => self.size = self.size * 16 + digit as usize,
                None if *byte == b'\n' => self.left = std::mem::take(&mut self.size),
                None => {}
            }
            came = &came[1..];
        }
        (bytes, lines)
    }
}

/// How many watches there are of each thing that the clients write: as of many dashboards, or of one informer. The others wait for
/// what nobody writes.
#[derive(Clone, Copy, Debug)]
enum Crowd {
    Ten,
    One,
}

/// Opens watches: most of one namespace, or of one object in it; in a crowd one in a hundred of all namespaces. What each is sent, by path.
async fn watches(address: &str, crowd: Crowd) -> BTreeMap<String, Vec<Arc<Seen>>> {
    let mut all: BTreeMap<String, Vec<Arc<Seen>>> = BTreeMap::new();
    for number in 0..WATCHES {
        let client = number % CLIENTS;
        let path = match (number / CLIENTS, crowd) {
            (0..=9, Crowd::Ten) | (0, Crowd::One) => format!("/api/v1/namespaces/ns-{client}/pods?watch=true"),
            (10..=19, Crowd::Ten) | (1, Crowd::One) => format!("/apis/apps/v1/namespaces/ns-{client}/deployments?watch=true"),
            (20..=29, Crowd::Ten) | (2, Crowd::One) => {
                format!("/api/v1/namespaces/ns-{client}/configmaps?watch=true&fieldSelector=metadata.name%3Dc")
            }
            (_, Crowd::Ten) if number % 100 == 0 => "/api/v1/pods?watch=true".to_owned(),
            _ => format!("/api/v1/namespaces/ns-{client}/services?watch=true"),
        };
        let mut connection = Connection::open(address).await;
        connection.send("GET", &path, JSON, "").await;
        assert_eq!(connection.head().await, 200);
        let of_path = all.entry(path).or_default();
        let (seen, mut pieces) = (Arc::new(Seen::default()), Pieces { left: 0, size: 0, counts: of_path.is_empty() });
        of_path.push(Arc::clone(&seen));
        tokio::spawn(async move {
            let mut came = Some(pieces.take(&connection.got));
            while let Some((bytes, events)) = came {
                seen.bytes.fetch_add(bytes, Ordering::Relaxed);
                seen.events.fetch_add(events, Ordering::Relaxed);
                came = read(&mut connection.stream, &mut pieces).await;
            }
        });
    }
    all
}

/// How many bytes and lines came; none at the end.
async fn read(stream: &mut TcpStream, pieces: &mut Pieces) -> Option<(u64, u64)> {
    poll_fn(|context| {
        READ.with_borrow_mut(|buffer| {
            let mut buffer = ReadBuf::new(buffer);
            let done = Pin::new(&mut *stream).poll_read(context, &mut buffer);
            done.map(|done| done.ok().filter(|()| !buffer.filled().is_empty()).map(|()| pieces.take(buffer.filled())))
        })
    })
    .await
}

/// Waits until nothing more comes; how many bytes and events there are, and the paths of which not every watch was sent the same.
async fn all_told(watches: &BTreeMap<String, Vec<Arc<Seen>>>) -> (u64, u64, Vec<&str>) {
    let bytes = |of_path: &[Arc<Seen>]| of_path.iter().map(|seen| seen.bytes.load(Ordering::Relaxed)).collect::<Vec<u64>>();
    let whole = || watches.values().flat_map(|of_path| bytes(of_path)).sum::<u64>();
    let unlike = || watches.iter().filter(|(_, of_path)| bytes(of_path).windows(2).any(|two| two[0] != two[1]));
    let (mut last, mut patience) = (0, 20_i32);
    while whole() != std::mem::replace(&mut last, whole()) || patience > 0 && unlike().next().is_some() {
        patience -= 1;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    let events = watches.values().map(|of_path| of_path[0].events.load(Ordering::Relaxed) * of_path.len() as u64).sum();
    (last, events, unlike().map(|(path, _)| path.as_str()).collect())
}

fn at(sorted: &[Duration], share: f64) -> Duration {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "an index")]
    let index = ((sorted.len() - 1) as f64 * share) as usize;
    sorted[index]
}

/// 50 clients, 2,000 watches, 20,000 requests, three times over: the memory of the second and third time tells a leak.
fn clients(crowd: Crowd) -> bool {
    let server = Server::start(&["--empty"]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let good = Arc::new(AtomicBool::new(true));
    runtime.block_on(async {
        let mut setup = Connection::open(&server.address).await;
        for client in 0..CLIENTS {
            let space = format!(r#"{{"metadata":{{"name":"ns-{client}"}}}}"#);
            assert_eq!(setup.ask("POST", "/api/v1/namespaces", JSON, &space).await, 201);
            let (path, body) = (format!("/apis/apps/v1/namespaces/ns-{client}/deployments"), deployment("web", &format!("ns-{client}")));
            assert_eq!(setup.ask("POST", &path, JSON, &body).await, 201);
            let maps = format!("/api/v1/namespaces/ns-{client}/configmaps");
            assert_eq!(setup.ask("POST", &maps, JSON, r#"{"metadata":{"name":"c"},"data":{"n":"0"}}"#).await, 201);
        }
        let watches = watches(&server.address, crowd).await;
        let (mut bytes_before, mut events_before, _) = all_told(&watches).await;
        println!("{WATCHES} watches, {crowd:?} of each thing that is written, {CLIENTS} clients, {REQUESTS} requests; {} MiB before", server.memory());
        for round in 1..=3 {
            let began = Instant::now();
            let used = || (processor(&server.child.id().to_string()), processor("self"));
            let used_before = used();
            let tasks: Vec<_> = (0..CLIENTS)
                .map(|client| {
                    let (address, good) = (server.address.clone(), Arc::clone(&good));
                    tokio::spawn(async move {
                        let mut connection = Connection::open(&address).await;
                        let mut times = Vec::new();
                        for number in 0..REQUESTS / CLIENTS {
                            let began = Instant::now();
                            // Five clients begin at each of the ten places of a round: fifty that know nothing of each other are not in step.
                            let code = request(&mut connection, client, round * 1_000 + client + number).await;
                            times.push(began.elapsed());
                            if code != 200 {
                                println!("client {client}, request {number}: {code}");
                                good.store(false, Ordering::Relaxed);
                            }
                        }
                        times
                    })
                })
                .collect();
            let mut times = Vec::new();
            for task in tasks {
                times.extend(task.await.unwrap());
            }
            let elapsed = began.elapsed();
            times.sort();
            let p99 = at(&times, 0.99);
            let (bytes, events, unlike) = all_told(&watches).await;
            println!(
                "round {round}: {:.1} s (of processor {:.1} s, the clients {:.1} s), p50 {:.2?}, p99 {p99:.2?}, longest {:.2?}; {} events, {} MiB to watches; {} MiB held",
                elapsed.as_secs_f64(),
                used().0 - used_before.0,
                used().1 - used_before.1,
                at(&times, 0.5),
                at(&times, 1.0),
                events - events_before,
                (bytes - bytes_before) >> 20,
                server.memory()
            );
            (bytes_before, events_before) = (bytes, events);
            if !unlike.is_empty() {
                println!("not every watch was sent the same: {}", unlike.join(", "));
                good.store(false, Ordering::Relaxed);
            }
            if p99 > MOST {
                good.store(false, Ordering::Relaxed);
            }
        }
    });
    good.load(Ordering::Relaxed)
}

/// What one client waits for that asks one thing after the other, as kubectl does.
fn alone() -> bool {
    let server = Server::start(&["--empty"]);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = Connection::open(&server.address).await;
        let body = deployment("web", "default");
        assert_eq!(connection.ask("POST", "/apis/apps/v1/namespaces/default/deployments", JSON, &body).await, 201);
        let web = "/apis/apps/v1/namespaces/default/deployments/web";
        let asked = ["/version", "/apis", "/apis/apps/v1", "/openapi/v3", "/openapi/v3/apis/apps/v1", "/openapi/v2", web, "PATCH"];
        for path in asked {
            let mut times = Vec::new();
            for number in 0..100 {
                let began = Instant::now();
                let code = if path == "PATCH" {
                    let image =
                        format!(r#"{{"spec":{{"template":{{"spec":{{"containers":[{{"name":"web","image":"web:{number}"}}]}}}}}}}}"#);
                    connection.ask("PATCH", web, STRATEGIC, &image).await
                } else {
                    connection.ask("GET", path, JSON, "").await
                };
                assert_eq!(code, 200, "{path}");
                times.push(began.elapsed());
            }
            let first = times[0];
            times.sort();
            println!("{path}: first {first:.2?}, p50 {:.2?}, longest {:.2?}", at(&times, 0.5), at(&times, 1.0));
        }
    });
    true
}

/// From the start of the program to the first answer, with 10,000 objects.
fn start() -> bool {
    let mut file = tempfile::NamedTempFile::with_suffix(".json").unwrap();
    let items: Vec<String> = (0..10_000)
        .map(|n| match n % 4 {
            0 => deployment(&format!("web-{n}"), &format!("ns-{}", n % 100)),
            1 => format!(r#"{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"c-{n}","namespace":"ns-{}"}},"data":{{"a":"b"}}}}"#, n % 100),
            2 => format!(r#"{{"apiVersion":"v1","kind":"Service","metadata":{{"name":"s-{n}","namespace":"ns-{}"}},"spec":{{"ports":[{{"port":80}}],"selector":{{"app":"x"}}}}}}"#, n % 100),
            _ => format!(r#"{{"apiVersion":"v1","kind":"Secret","metadata":{{"name":"x-{n}","namespace":"ns-{}"}},"data":{{"a":"Yg=="}}}}"#, n % 100),
        })
        .enumerate()
        .map(|(n, item)| item.replacen("\"metadata\":{", &format!("\"metadata\":{{\"uid\":\"u-{n}\",\"resourceVersion\":\"{}\",\"creationTimestamp\":\"2026-01-01T00:00:00Z\",", n + 1), 1))
        .collect();
    write!(file, r#"{{"apiVersion":"v1","kind":"List","items":[{}]}}"#, items.join(",")).unwrap();
    let path = file.path().to_str().unwrap();
    let mut times: Vec<Duration> = (0..5)
        .map(|_| {
            let began = Instant::now();
            let server = Server::start(&["--from", path]);
            drop(std::net::TcpStream::connect(&server.address).unwrap());
            began.elapsed()
        })
        .collect();
    times.sort();
    println!("from a snapshot of 10,000 objects: {:.2?} to the first connection (of 5: {:.2?} to {:.2?})", times[2], times[0], times[4]);
    times[2] < Duration::from_secs(1)
}

/// A script of 100 calls of kubectl, as deploy scripts make them.
fn calls(kubectl: &Path) -> String {
    let k = kubectl.display();
    let mut script = format!("set -e\ncd \"$(dirname \"$0\")\"\n{k} create namespace shop >/dev/null\n");
    let calls = [
        "apply -f web.yaml",
        "get deployment web",
        "rollout status deployment/web",
        "get pods -l app=web -o json",
        "set image deployment/web web=web:NUMBER",
        "rollout status deployment/web",
        "annotate --overwrite deployment/web note=NUMBER",
        "get deployment web -o jsonpath={.status.readyReplicas}",
        "apply --server-side --force-conflicts -f web.yaml",
        "describe deployment web",
        "scale deployment/web --replicas=3",
    ];
    for number in 0..99 {
        let call = calls[number % calls.len()].replace("NUMBER", &number.to_string());
        script.push_str(&format!("{k} -n shop {call} >/dev/null\n"));
    }
    script.push_str(&format!("{k} get --raw /rollcast/v1/times >times\n"));
    script
}

/// Where kubectl is: `KUBECTL`, or the one that the live tests use.
fn kubectl() -> Option<PathBuf> {
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/controlplane/built/bin/kubectl");
    let found = std::env::var_os("KUBECTL").map_or_else(|| PathBuf::from(built), PathBuf::from);
    found.exists().then_some(found)
}

/// What a rehearsal costs its clients: a script of 100 calls of kubectl.
fn script() -> bool {
    let Some(kubectl) = kubectl() else {
        println!("100 calls of kubectl: not measured, there is no kubectl");
        return true;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deploy.sh");
    std::fs::write(folder.path().join("web.yaml"), deployment("web", "shop")).unwrap();
    std::fs::write(&path, calls(&kubectl)).unwrap();
    let mut each = Duration::ZERO;
    for _ in 0..3 {
        let began = Instant::now();
        let mut command = Command::new(ROLLCAST);
        command.args(["rehearse", "--empty", "--", "sh"]).arg(&path).env("HOME", folder.path()).current_dir(folder.path());
        let output = command.stdin(Stdio::null()).output().unwrap();
        let elapsed = began.elapsed();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let times: serde_json::Value = serde_json::from_slice(&std::fs::read(folder.path().join("times")).unwrap()).unwrap();
        let (requests, spent) = (times["requests"].as_u64().unwrap(), Duration::from_micros(times["microseconds"].as_u64().unwrap()));
        each = spent / u32::try_from(requests).unwrap();
        println!(
            "100 calls of kubectl under rehearse: {:.1} s, {requests} requests, {:.2?} in the shadow, {each:.2?} a request",
            elapsed.as_secs_f64(),
            spent
        );
    }
    each <= Duration::from_millis(2)
}

/// 500 rehearsals leave no file and no process.
fn rehearsals() -> bool {
    let folder = tempfile::tempdir().unwrap();
    let began = Instant::now();
    for number in 0..500 {
        let script = if number % 2 == 0 { "true" } else { "sleep 100 & sleep 100 &" };
        let mut command = Command::new(ROLLCAST);
        command.args(["rehearse", "--empty", "--", "sh", "-c", script]).env("TMPDIR", folder.path()).current_dir(folder.path());
        command.env("ROLLCAST_LOAD", folder.path()).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        assert!(command.status().unwrap().success(), "rehearsal {number}");
    }
    let elapsed = began.elapsed();
    let files = std::fs::read_dir(folder.path()).unwrap().count();
    let mark = format!("ROLLCAST_LOAD={}", folder.path().display());
    let of_ours = |entry: std::io::Result<std::fs::DirEntry>| {
        let environment = entry.ok().and_then(|e| std::fs::read(e.path().join("environ")).ok()).unwrap_or_default();
        environment.split(|b| *b == 0).any(|variable| variable == mark.as_bytes())
    };
    let processes = std::fs::read_dir("/proc").unwrap().map(of_ours).filter(|ours| *ours).count();
    println!(
        "500 rehearsals, half of them with a child left behind: {:.1} s, {files} files and {processes} processes left",
        elapsed.as_secs_f64()
    );
    files == 0 && processes == 0
}

/// A part by its name; false if it fell short.
type Part = (&'static str, fn() -> bool);

fn main() {
    let parts: [Part; 6] = [
        ("clients", || clients(Crowd::Ten)),
        ("informers", || clients(Crowd::One)),
        ("alone", alone),
        ("start", start),
        ("script", script),
        ("rehearsals", rehearsals),
    ];
    let named: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let chosen = parts.into_iter().filter(|(name, _)| named.is_empty() || named.iter().any(|n| n == name));
    let failed: Vec<&str> = chosen.filter(|(_, part)| !part()).map(|(name, _)| name).collect();
    if !failed.is_empty() {
        println!("not as it has to be: {}", failed.join(", "));
        std::process::exit(1);
    }
}
