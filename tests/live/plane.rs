//! One control plane on free ports, and the programs that talk to it.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};

/// A running control plane with a folder of its own; both are gone when it is dropped.
pub struct Plane {
    folder: tempfile::TempDir,
}

/// What a program said.
#[derive(Debug)]
pub struct Said {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("programs print UTF-8");
        Self { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

impl Said {
    /// Its standard output, if it ended with one of these codes.
    pub fn ended(self, what: &str, codes: &[i32]) -> String {
        assert!(self.code.is_some_and(|c| codes.contains(&c)), "{what} ended with {:?}\n{}\n{}", self.code, self.stdout, self.stderr);
        self.stdout
    }
}

/// What `tests/controlplane` builds and installs: the control plane's binary and the folder of kubectl and helm.
struct Tools {
    binary: String,
    clients: String,
}

/// The folder of kubectl 1.36 and helm, and below it the other clients.
pub fn clients() -> PathBuf {
    static CLIENTS: OnceLock<String> = OnceLock::new();
    CLIENTS.get_or_init(|| script("clients.sh", &["--all"])).into()
}

fn tools() -> &'static Tools {
    static TOOLS: OnceLock<Tools> = OnceLock::new();
    TOOLS.get_or_init(|| Tools { binary: script("build.sh", &[]), clients: clients().display().to_string() })
}

/// Runs a script of `tests/controlplane` and gives the last line that it printed.
pub fn script(name: &str, arguments: &[&str]) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/controlplane").join(name);
    let output = Command::new(&path)
        .args(arguments)
        .env("START", "0s")
        .env("STOP", "0s")
        .env("JOBS", "end")
        .stdin(Stdio::null())
        .output()
        .expect("bash runs");
    let said = Said::from(output).ended(name, &[0]);
    said.lines().last().unwrap_or_default().to_owned()
}

/// The first of four ports in a row that nobody listens on. Each call starts behind the one before.
fn free_ports() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = std::env::var("ROLLCAST_LIVE_PORT").ok().and_then(|p| p.parse().ok()).unwrap_or(21_000);
    for _ in 0..200 {
        let base = first + 4 * NEXT.fetch_add(1, Ordering::Relaxed);
        if (base..base + 4).all(|port| TcpListener::bind(("127.0.0.1", port)).is_ok()) {
            return base;
        }
    }
    panic!("no four free ports in a row behind {first}");
}

impl Plane {
    /// Starts one. It has a context `reader` beside the administrator's `test`: that user may get and list everything and write nothing.
    pub fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let plane = Self { folder };
        script("up.sh", &[&tools().binary, plane.run_folder().to_str().unwrap(), &free_ports().to_string()]);
        plane.shell(
            "kubectl create clusterrole reader --verb=get,list --resource='*.*'
             kubectl create clusterrolebinding reader --clusterrole=reader --user=reader
             kubectl config set-credentials reader --token=readertoken
             kubectl config set-context reader --cluster=test --user=reader",
        );
        plane
    }

    /// The kubeconfig of its administrator.
    pub fn kubeconfig(&self) -> PathBuf {
        self.run_folder().join("kubeconfig")
    }

    fn run_folder(&self) -> PathBuf {
        self.folder.path().join("run")
    }

    /// A folder for the files of a test; programs run in it.
    pub fn work(&self) -> PathBuf {
        let work = self.folder.path().join("work");
        fs::create_dir_all(&work).unwrap();
        work
    }

    /// A command with the clients and rollcast in its path and the kubeconfig in its environment.
    fn command(&self, program: &str) -> Command {
        let rollcast = Path::new(env!("CARGO_BIN_EXE_rollcast")).parent().unwrap().to_owned();
        let inherited = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new(program);
        command.env("PATH", format!("{}:{}:{inherited}", rollcast.display(), tools().clients));
        command.env("CLIENTS", &tools().clients).env("PYTHONPATH", format!("{}/python", tools().clients));
        command.env("KUBECONFIG", self.kubeconfig()).env("HOME", self.folder.path());
        command.env_remove("CI").current_dir(self.work()).stdin(Stdio::null());
        command
    }

    /// Runs a piece of bash; what it says may be a refusal.
    pub fn try_shell(&self, text: &str) -> Said {
        self.command("bash").args(["-euo", "pipefail", "-c", text]).output().expect("bash runs").into()
    }

    /// Runs a piece of bash that must succeed, and gives its standard output.
    pub fn shell(&self, text: &str) -> String {
        self.try_shell(text).ended(text, &[0])
    }

    /// Runs rollcast.
    pub fn rollcast(&self, arguments: &[&str]) -> Said {
        self.command(env!("CARGO_BIN_EXE_rollcast")).args(arguments).output().expect("rollcast runs").into()
    }
}

impl Drop for Plane {
    fn drop(&mut self) {
        script("down.sh", &[self.run_folder().to_str().unwrap()]);
    }
}
