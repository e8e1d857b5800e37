//! A shadow that listens, and a plain HTTP client that sends exactly what it is told.

use rollcast::object::Value;
use rollcast::shadow::{Listening, Options, Shadow, listen};
use rollcast::simulate::Cluster;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// A shadow on a free port; gone when it is dropped.
pub struct Server {
    runtime: tokio::runtime::Runtime,
    listening: Option<Listening>,
    pub address: SocketAddr,
}

impl Server {
    pub fn start(cluster: Cluster) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let shadow = Arc::new(Shadow::new(cluster, Options::default()));
        let listening = runtime.block_on(listen(shadow, "127.0.0.1:0".parse().unwrap())).unwrap();
        Self { runtime, address: listening.address, listening: Some(listening) }
    }

    pub fn connect(&self) -> Connection {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        Connection { stream, rest: Vec::new(), pieces: Vec::new() }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.runtime.block_on(self.listening.take().unwrap().stop());
    }
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    pub code: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// All values of a header.
    pub fn all(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(n, _)| n == name).map(|(_, v)| v.as_str()).collect()
    }

    pub fn header(&self, name: &str) -> &str {
        self.all(name).first().copied().unwrap_or_default()
    }
}

/// One connection that is kept open.
pub struct Connection {
    stream: TcpStream,
    rest: Vec<u8>,
    /// What came in pieces and was not looked at.
    pieces: Vec<u8>,
}

impl Connection {
    /// Sends a request and waits for its answer. Nothing is escaped in the path.
    pub fn send(&mut self, method: &str, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: shadow\r\nContent-Length: {}\r\n", body.len());
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        self.stream.write_all(head.as_bytes()).unwrap();
        // A server that has refused the head need not read the body.
        drop(self.stream.write_all(body));
        if method == "HEAD" { self.head() } else { self.receive() }
    }

    /// Sends a request without a body and does not wait.
    pub fn ask(&mut self, method: &str, path: &str) {
        self.ask_with(method, path, &[]);
    }

    /// The same with headers.
    pub fn ask_with(&mut self, method: &str, path: &str, headers: &[(&str, &str)]) {
        let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        self.stream.write_all(format!("{method} {path} HTTP/1.1\r\nHost: shadow\r\n{headers}\r\n").as_bytes()).unwrap();
    }

    pub fn close_writing(&self) {
        self.stream.shutdown(std::net::Shutdown::Write).unwrap();
    }

    pub fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, &[("Accept", "application/json")], b"")
    }

    fn fill(&mut self) -> usize {
        let mut buffer = [0; 16_384];
        let count = self.stream.read(&mut buffer).unwrap();
        self.rest.extend_from_slice(&buffer[..count]);
        count
    }

    fn line(&mut self) -> String {
        loop {
            if let Some(end) = self.rest.windows(2).position(|w| w == b"\r\n") {
                let line = String::from_utf8(self.rest[..end].to_vec()).unwrap();
                self.rest.drain(..end + 2);
                return line;
            }
            assert!(self.fill() > 0, "the connection ended in a line");
        }
    }

    fn exactly(&mut self, count: usize) -> Vec<u8> {
        while self.rest.len() < count {
            assert!(self.fill() > 0, "the connection ended in a body");
        }
        self.rest.drain(..count).collect()
    }

    /// Reads the head of an answer.
    pub fn head(&mut self) -> Answer {
        let status = self.line();
        let code = status.split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = Vec::new();
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(':') else { break };
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
        Answer { code, headers, body: Vec::new() }
    }

    /// The next piece of an answer that comes in pieces; empty at its end.
    pub fn piece(&mut self) -> Vec<u8> {
        let size = usize::from_str_radix(&self.line(), 16).unwrap();
        let piece = self.exactly(size);
        assert_eq!(self.line(), "");
        piece
    }

    /// The next line of an answer that comes in pieces, however many lines a piece has; empty at its end.
    pub fn event(&mut self) -> Vec<u8> {
        loop {
            if let Some(end) = self.pieces.iter().position(|b| *b == b'\n') {
                return self.pieces.drain(..=end).collect();
            }
            let piece = self.piece();
            if piece.is_empty() {
                return std::mem::take(&mut self.pieces);
            }
            self.pieces.extend(piece);
        }
    }

    pub fn receive(&mut self) -> Answer {
        let mut answer = self.head();
        if answer.header("transfer-encoding") == "chunked" {
            loop {
                let piece = self.piece();
                if piece.is_empty() {
                    break;
                }
                answer.body.extend(piece);
            }
        } else {
            let length = answer.header("content-length").parse().unwrap_or(0);
            answer.body = self.exactly(length);
        }
        answer
    }
}
