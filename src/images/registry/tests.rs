//! The protocol, against a registry on the loopback that answers as it is told.

use super::{Failed, Options, Registries, RegistryError, next_page};
use crate::images::parse;
use crate::images::registry::credentials::Credentials;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Code, further headers, body.
type Answer = (u16, Vec<(&'static str, String)>, String);

struct Fake {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<String>>>,
    folder: tempfile::TempDir,
}

impl Fake {
    /// `answer` is given the method and path, the `Authorization`, and how often that path was asked before.
    fn new(answer: impl Fn(&str, &str, usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, asked) = (listener.local_addr().unwrap(), Arc::new(Mutex::new(Vec::new())));
        let (log, answer) = (Arc::clone(&asked), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &log, &*answer));
            }
        });
        Self { address, asked, folder: tempfile::tempdir().unwrap() }
    }

    fn registries(&self) -> Registries {
        rustls::crypto::ring::default_provider().install_default().ok();
        Registries::new(Options {
            credentials: Credentials { files: vec![self.folder.path().join("config.json")] },
            plain_http: Vec::new(),
            timeout: Duration::from_millis(400),
            tries: 3,
            pause: Duration::from_millis(1),
            longest: Duration::from_millis(5),
            proxy: Box::new(|_| None),
        })
    }

    /// Gives us a user `u` with the password `p`.
    fn known(self) -> Self {
        let config = format!("{{\"auths\": {{\"{}\": {{\"auth\": \"dTpw\"}}}}}}", self.address);
        std::fs::write(self.folder.path().join("config.json"), config).unwrap();
        self
    }

    async fn digest(&self, name: &str) -> Result<String, RegistryError> {
        self.registries().digest(&parse(&format!("{}/{name}", self.address)).unwrap()).await
    }

    fn asked(&self) -> Vec<String> {
        self.asked.lock().unwrap().clone()
    }
}

fn serve(stream: std::net::TcpStream, log: &Mutex<Vec<String>>, answer: &dyn Fn(&str, &str, usize) -> Answer) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    let mut proof = String::new();
    for line in reader.lines().map(Result::unwrap) {
        if line.is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(": ")
            && name.eq_ignore_ascii_case("authorization")
        {
            proof = value.to_owned();
        }
    }
    let asked = first.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    let before = {
        let mut log = log.lock().unwrap();
        log.push(asked.clone());
        log.iter().filter(|a| **a == asked).count() - 1
    };
    let (code, headers, body) = answer(&asked, &proof, before);
    if code == 0 {
        std::thread::sleep(Duration::from_secs(2));
        return;
    }
    let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let body = if asked.starts_with("HEAD") { "" } else { &body };
    let head = format!("HTTP/1.1 {code} X\r\n{more}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len());
    let mut stream = stream;
    stream.write_all(head.as_bytes()).unwrap_or_default();
}

fn digest(digit: &str) -> String {
    format!("sha256:{}", digit.repeat(64))
}

fn found() -> Answer {
    (200, vec![("Docker-Content-Digest", digest("a"))], String::new())
}

#[tokio::test]
async fn a_tag_becomes_a_digest_with_one_question() {
    let fake = Fake::new(|_, _, _| found());
    assert_eq!(fake.digest("team/agent:1.2.3").await, Ok(digest("a")));
    assert_eq!(fake.asked(), ["HEAD /v2/team/agent/manifests/1.2.3"]);
    assert_eq!(fake.digest(&format!("agent:1@{}", digest("b"))).await, Ok(digest("b")), "a digest is its own answer");
    assert_eq!(fake.asked().len(), 1);
}

#[tokio::test]
async fn without_the_header_the_manifest_is_hashed() {
    let fake = Fake::new(|_, _, _| (200, Vec::new(), "{}".into()));
    let of_braces = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";
    assert_eq!(fake.digest("agent:1").await, Ok(of_braces.into()));
}

#[tokio::test]
async fn a_password_is_shown_when_it_is_asked_for() {
    let basic = |proof: &str| {
        if proof == "Basic dTpw" { found() } else { (401, vec![("WWW-Authenticate", "Basic realm=\"r\"".into())], String::new()) }
    };
    let fake = Fake::new(move |_, proof, _| basic(proof)).known();
    assert_eq!(fake.digest("agent:1").await, Ok(digest("a")));
    let stranger = Fake::new(move |_, proof, _| basic(proof));
    let error = stranger.digest("agent:1").await.unwrap_err();
    assert_eq!(error.kind, Failed::Denied);
    assert!(error.text.ends_with("does not let us read `agent:1` (401); there are no credentials for it"), "{error}");
    let wrong = Fake::new(|_, _, _| (401, vec![("WWW-Authenticate", "Basic realm=\"r\"".into())], String::new())).known();
    assert!(wrong.digest("agent:1").await.unwrap_err().text.contains("config.json are not enough"));
}

#[tokio::test]
async fn a_token_is_fetched_and_kept() {
    let fake = Fake::new(|asked, proof, _| match asked {
        "GET /token?service=reg&scope=repository:a/b:pull" if proof == "Basic dTpw" => (200, Vec::new(), "{\"token\": \"T\"}".into()),
        a if a.contains("/token") => (403, Vec::new(), String::new()),
        _ if proof == "Bearer T" => found(),
        _ => {
            (401, vec![("WWW-Authenticate", "Bearer realm=\"/token\",service=\"reg\",scope=\"repository:a/b:pull\"".into())], String::new())
        }
    })
    .known();
    let relative = fake.digest("a/b:1").await.unwrap_err();
    assert!(relative.text.contains("no whole address"), "{relative}");
    let address = Arc::new(Mutex::new(String::new()));
    let own = Arc::clone(&address);
    let fake = Fake::new(move |asked, proof, _| match asked {
        "GET /token?service=reg&scope=repository:a/b:pull" if proof == "Basic dTpw" => (200, Vec::new(), "{\"token\": \"T\"}".into()),
        a if a.contains("/token") => (403, Vec::new(), String::new()),
        _ if proof == "Bearer T" => found(),
        _ => {
            let realm = format!("Bearer realm=\"http://{}/token\",service=\"reg\"", own.lock().unwrap());
            (401, vec![("WWW-Authenticate", realm)], String::new())
        }
    });
    *address.lock().unwrap() = fake.address.to_string();
    let refused = fake.digest("a/b:1").await.unwrap_err();
    assert!(refused.text.contains("gives no token for `a/b` (403): there are no credentials"), "{refused}");
    let fake = fake.known();
    let mut registries = fake.registries();
    for tag in ["1", "2"] {
        let image = format!("{}/a/b:{tag}", fake.address);
        assert_eq!(registries.digest(&parse(&image).unwrap()).await, Ok(digest("a")));
    }
    assert_eq!(fake.asked().iter().filter(|a| a.contains("/token")).count(), 2, "one before, one now");
}

#[tokio::test]
async fn what_is_not_there_is_said_in_the_registrys_words() {
    let body = "{\"errors\": [{\"code\": \"MANIFEST_UNKNOWN\", \"message\": \"manifest unknown\"}]}";
    let fake = Fake::new(move |_, _, _| (404, Vec::new(), body.into()));
    let error = fake.registries().tags(&parse(&format!("{}/agent", fake.address)).unwrap()).await.unwrap_err();
    assert_eq!(error.kind, Failed::Missing);
    assert!(error.text.ends_with("has no `agent`: manifest unknown (MANIFEST_UNKNOWN)"), "{error}");
    assert!(fake.digest("agent:9").await.unwrap_err().text.ends_with("has no `agent:9`"));
}

#[tokio::test]
async fn a_busy_registry_is_asked_again_within_limits() {
    let fake = Fake::new(|_, _, before| if before == 0 { (429, vec![("Retry-After", "0".into())], String::new()) } else { found() });
    assert_eq!(fake.digest("agent:1").await, Ok(digest("a")));
    let always = Fake::new(|_, _, _| (429, Vec::new(), String::new()));
    let error = always.digest("agent:1").await.unwrap_err();
    assert_eq!((error.kind, always.asked().len()), (Failed::Busy, 3));
    assert!(error.text.ends_with("was busy each of 3 times: 429 Too Many Requests"), "{error}");
}

#[tokio::test]
async fn a_registry_that_does_not_answer() {
    let silent = Fake::new(|_, _, _| (0, Vec::new(), String::new()));
    let error = silent.digest("agent:1").await.unwrap_err();
    assert_eq!(error.kind, Failed::Unreachable);
    assert!(error.text.ends_with("did not answer within 0.4 s"), "{error}");
    let away = parse("127.0.0.1:1/agent:1").unwrap();
    let error = silent.registries().digest(&away).await.unwrap_err();
    assert_eq!(error.kind, Failed::Unreachable);
    assert!(error.text.starts_with("127.0.0.1:1 cannot be reached: ") && error.text.contains("refused"), "{error}");
}

#[tokio::test]
async fn redirects_are_followed_without_proof_to_another_host() {
    let other = Fake::new(|_, proof, _| if proof.is_empty() { found() } else { (500, Vec::new(), String::new()) });
    let there = format!("http://{}/elsewhere", other.address);
    let fake = Fake::new(move |_, _, _| (307, vec![("Location", there.clone())], String::new())).known();
    assert_eq!(fake.digest("agent:1").await, Ok(digest("a")));
    assert_eq!(other.asked(), ["HEAD /elsewhere"]);
}

#[tokio::test]
async fn tags_page_after_page() {
    let fake = Fake::new(|asked, _, _| match asked {
        "GET /v2/agent/tags/list?n=1000" => {
            let link = "</v2/agent/tags/list?last=2&n=2>; rel=\"next\"".to_owned();
            (200, vec![("Link", link)], "{\"name\": \"agent\", \"tags\": [\"1\", \"2\"]}".into())
        }
        _ => (200, Vec::new(), "{\"name\": \"agent\", \"tags\": [\"3\"]}".into()),
    });
    let image = format!("{}/agent:1", fake.address);
    assert_eq!(fake.registries().tags(&parse(&image).unwrap()).await.unwrap(), ["1", "2", "3"]);
    assert_eq!(next_page("<https://r.io/v2/a?x=1>; rel=\"next\"").as_deref(), Some("/v2/a?x=1"));
    assert_eq!(next_page("<https://r.io/v2/a>; rel=\"prev\""), None);
}
