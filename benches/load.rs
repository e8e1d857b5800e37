//! `rollcast serve` under load, and what a rehearsal costs around its script.
//!
//! `cargo bench --bench load` runs all of it; `-- clients`, `-- alone`, `-- start` or `-- rehearsals` one part. Exits 1 on an error of
//! a request, a p99 above 20 ms, or something that a rehearsal leaves behind.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::exit,
    reason = "a program that measures: a failure is a panic, time is real"
)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
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

/// Opens watches: most of one namespace, or of one object in it; one in a hundred of all namespaces.
async fn watches(address: &str, lines: &Arc<AtomicU64>) {
    for number in 0..WATCHES {
        let client = number % CLIENTS;
        let path = match number / CLIENTS {
            0..=9 => format!("/api/v1/namespaces/ns-{client}/pods?watch=true"),
            10..=19 => format!("/apis/apps/v1/namespaces/ns-{client}/deployments?watch=true"),
            20..=29 => format!("/api/v1/namespaces/ns-{client}/configmaps?watch=true&fieldSelector=metadata.name%3Dc"),
            _ if number % 100 == 0 => "/api/v1/pods?watch=true".to_owned(),
            _ => format!("/api/v1/namespaces/ns-{client}/services?watch=true"),
        };
        let mut connection = Connection::open(address).await;
        connection.send("GET", &path, JSON, "").await;
        let lines = Arc::clone(lines);
        tokio::spawn(async move {
            let mut buffer = vec![0; 32 << 10];
            while let Ok(count) = connection.stream.read(&mut buffer).await {
                if count == 0 {
                    break;
                }
                lines.fetch_add(buffer[..count].iter().filter(|b| **b == b'\n').count() as u64, Ordering::Relaxed);
            }
        });
    }
}

fn at(sorted: &[Duration], share: f64) -> Duration {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "an index")]
    let index = ((sorted.len() - 1) as f64 * share) as usize;
    sorted[index]
}

/// 50 clients, 2,000 watches, 20,000 requests, three times over: the memory of the second and third time tells a leak.
fn clients() -> bool {
    let server = Server::start(&["--empty"]);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
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
        let lines = Arc::new(AtomicU64::new(0));
        watches(&server.address, &lines).await;
        println!("{WATCHES} watches, {CLIENTS} clients, {REQUESTS} requests; {} MiB before", server.memory());
        for round in 1..=3 {
            let before = lines.load(Ordering::Relaxed);
            let began = Instant::now();
            let tasks: Vec<_> = (0..CLIENTS)
                .map(|client| {
                    let (address, good) = (server.address.clone(), Arc::clone(&good));
                    tokio::spawn(async move {
                        let mut connection = Connection::open(&address).await;
                        let mut times = Vec::new();
                        for number in 0..REQUESTS / CLIENTS {
                            let began = Instant::now();
                            let code = request(&mut connection, client, round * 1_000 + number).await;
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
            tokio::time::sleep(Duration::from_millis(500)).await;
            println!(
                "round {round}: {:.1} s, p50 {:.2?}, p99 {p99:.2?}, longest {:.2?}, {} events, {} MiB",
                elapsed.as_secs_f64(),
                at(&times, 0.5),
                at(&times, 1.0),
                lines.load(Ordering::Relaxed) - before,
                server.memory()
            );
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
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    runtime.block_on(async {
        let mut connection = Connection::open(&server.address).await;
        let body = deployment("web", "default");
        assert_eq!(connection.ask("POST", "/apis/apps/v1/namespaces/default/deployments", JSON, &body).await, 201);
        let web = "/apis/apps/v1/namespaces/default/deployments/web";
        let (mut whole, mut count) = (Duration::ZERO, 0);
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
            (whole, count) = (whole + times.iter().sum::<Duration>(), count + times.len() as u32);
            times.sort();
            println!("{path}: p50 {:.2?}, longest {:.2?}", at(&times, 0.5), at(&times, 1.0));
        }
        println!("on average {:.2?} a request", whole / count);
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
    let parts: [Part; 4] = [("clients", clients), ("alone", alone), ("start", start), ("rehearsals", rehearsals)];
    let named: Vec<String> = std::env::args().skip(1).filter(|a| !a.starts_with("--")).collect();
    let chosen = parts.into_iter().filter(|(name, _)| named.is_empty() || named.iter().any(|n| n == name));
    let failed: Vec<&str> = chosen.filter(|(_, part)| !part()).map(|(name, _)| name).collect();
    if !failed.is_empty() {
        println!("not as it has to be: {}", failed.join(", "));
        std::process::exit(1);
    }
}
