//! `rollcast serve`: where it listens, what it demands there, and the kubeconfig that it writes.

use super::{command, deployment, directory, ended, rollcast};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command};

/// A server, and where it says that it is; ended when it is dropped.
pub(super) struct Served(Child, String);

impl Served {
    pub(super) fn start(arguments: &[&str]) -> Self {
        let mut all = vec!["serve"];
        all.extend(arguments);
        let mut child = command(&all).spawn().expect("the binary runs");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("a line");
        Self(child, line.trim().to_owned())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.0.kill().expect("it runs");
        self.0.wait().expect("it ends");
    }
}

fn curl(arguments: &[&str]) -> (i32, String) {
    let output = Command::new("curl").args(["-sS", "-o", "/dev/null", "-w", "%{http_code}"]).args(arguments).output().expect("curl");
    (output.status.code().expect("it ends"), String::from_utf8(output.stdout).expect("UTF-8"))
}

#[test]
fn beyond_the_loopback_there_is_a_token_and_a_certificate() {
    let run = rollcast(&["serve", "--empty", "--listen", "0.0.0.0:0"]);
    assert!(run.code == 2 && run.err.contains("not-loopback") && run.err.contains("--token"), "{}", run.err);
    let folder = directory(&[]);
    let config = folder.path().join("config");
    let config_name = config.to_str().expect("UTF-8");
    let served =
        Served::start(&["--empty", "--listen", "0.0.0.0:0", "--token", "hush", "--advertise", "localhost", "--kubeconfig", config_name]);
    assert!(served.1.starts_with("https://localhost:"), "{}", served.1);
    #[cfg(unix)]
    assert_eq!(std::os::unix::fs::MetadataExt::mode(&config.metadata().expect("written")) & 0o777, 0o600, "it holds the token");
    let text = std::fs::read_to_string(&config).expect("written");
    let value = |key: &str| text.lines().find_map(|l| l.trim_start().strip_prefix(key)).unwrap_or_default().trim().to_owned();
    assert_eq!((value("server:"), value("token:")), (served.1.clone(), "hush".to_owned()));
    let authority = rollcast::object::base64::decode(&value("certificate-authority-data:")).expect("base64");
    let file = folder.path().join("ca.pem");
    std::fs::write(&file, authority).expect("writable");
    let trusted = ["--cacert", file.to_str().expect("UTF-8")];
    let version = format!("{}/version", served.1);
    let with = |more: &[&str]| curl(&[&trusted[..], more, &[version.as_str()]].concat());
    assert_eq!(with(&["-H", "Authorization: Bearer hush"]), (0, "200".into()));
    assert_eq!(with(&["-H", "Authorization: Bearer other"]), (0, "401".into()));
    assert_eq!(with(&[]), (0, "401".into()));
    assert_eq!(curl(&[&version]).0, 60, "nobody vouches for the certificate");
    assert_eq!(with(&["-H", "Authorization:  bearer hush"]), (0, "200".into()), "as the server reads it");
    assert_eq!(curl(&[&version.replace("https", "http")]), (0, "400".into()), "nothing goes unencrypted");
    let other = version.replace("localhost", "127.0.0.1");
    assert_eq!(curl(&[trusted[0], trusted[1], "-H", "Authorization: Bearer hush", &other]), (0, "200".into()));
}

#[test]
fn a_certificate_of_the_users_own_is_checked_before_anything_listens() {
    let folder = directory(&[("cert.pem", "no certificate"), ("key.pem", "no key")]);
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let serve = |certificate: &str, key: &str| {
        let arguments = ["serve", "--empty", "--listen", "127.0.0.1:0", "--tls-cert", certificate, "--tls-key", key];
        ended(command(&arguments).output().expect("the binary runs"))
    };
    let run = serve(&path("cert.pem"), &path("key.pem"));
    assert!(run.code == 2 && run.err.contains("there is no certificate in the file"), "{}", run.err);
    assert!(serve(&path("none.pem"), &path("key.pem")).err.contains("input-unreadable"));
    assert_eq!(rollcast(&["serve", "--empty", "--tls-cert", "x"]).code, 2);
}

#[test]
fn manifests_are_served_as_if_they_had_been_applied() {
    let folder = directory(&[("web.yaml", &deployment("web:1.0.0", ""))]);
    let config = folder.path().join("config");
    let file = folder.path().join("web.yaml");
    let (file, config) = (file.to_str().expect("UTF-8"), config.to_str().expect("UTF-8"));
    let served = Served::start(&["--from", file, "--listen", "127.0.0.1:0", "--kubeconfig", config]);
    let url = format!("{}/apis/apps/v1/namespaces/shop/deployments/web", served.1);
    let output = Command::new("curl").args(["-sS", &url]).output().expect("curl");
    let web: rollcast::object::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_ne!(web["metadata"]["uid"].as_str().unwrap_or_default(), "", "{web}");
    assert_eq!(web["status"]["readyReplicas"].as_i64(), Some(1), "{web}");
    // Of a namespace that is not there a snapshot holds nothing, and says so.
    let run = ended(command(&["snapshot", "-n", "shop", "-n", "shpo"]).env("KUBECONFIG", config).output().expect("the binary runs"));
    assert!(run.code == 0 && run.err.contains("there is no namespace `shpo` in context rollcast"), "{}", run.err);
    assert!(!run.err.contains("`shop`"), "{}", run.err);
}
