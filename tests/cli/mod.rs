//! The binary as a user runs it: exit codes, output, files. Its environment is empty but for what a test gives.

mod bad_input;
mod base;
mod canary;
mod codes;
mod commands;
mod config;
mod fleet;
mod images;
mod isolate;
mod lints;
mod output;
mod rehearse;
mod render;
mod report;
mod serve;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// One run of the binary.
struct Run {
    code: i32,
    out: String,
    err: String,
}

/// `rollcast` in the repository's directory, in an environment without anything of the user's.
fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcast"));
    command.args(arguments).env_clear().env("HOME", "/nonexistent").stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).current_dir(env!("CARGO_MANIFEST_DIR"));
    command
}

fn ended(output: Output) -> Run {
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("output is UTF-8");
    let run = Run { code: output.status.code().expect("it ends by itself"), out: text(output.stdout), err: text(output.stderr) };
    assert!(!run.err.contains("panicked"), "{}", run.err);
    run
}

fn rollcast(arguments: &[&str]) -> Run {
    ended(command(arguments).output().expect("the binary runs"))
}

fn rollcast_in(directory: &Path, arguments: &[&str]) -> Run {
    ended(command(arguments).current_dir(directory).output().expect("the binary runs"))
}

/// With bytes on standard input. A reader that has seen enough may close it early.
fn rollcast_fed(input: &[u8], arguments: &[&str]) -> Run {
    let mut child = command(arguments).stdin(Stdio::piped()).spawn().expect("the binary runs");
    let mut pipe = child.stdin.take().expect("piped");
    let input = input.to_vec();
    let feeder = std::thread::spawn(move || drop(pipe.write_all(&input)));
    let run = ended(child.wait_with_output().expect("it ends"));
    feeder.join().expect("fed");
    run
}

/// Compares with `golden/<name>`; `BLESS=1` writes that file anew.
fn golden(name: impl AsRef<Path>, made: &str) -> Result<(), String> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(name);
    if std::env::vars_os().any(|(name, value)| name == "BLESS" && value == "1") {
        std::fs::create_dir_all(file.parent().expect("golden has a parent")).expect("writable");
        std::fs::write(&file, made).expect("writable");
    }
    let wanted = std::fs::read_to_string(&file).unwrap_or_default();
    if wanted == made { Ok(()) } else { Err(format!("{} differs (BLESS=1 writes it anew):\n{made}", file.display())) }
}

/// A directory with files in it.
fn directory(files: &[(&str, &str)]) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    for (name, text) in files {
        let path: PathBuf = directory.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("writable");
        std::fs::write(path, text).expect("writable");
    }
    directory
}

/// A Deployment `web` with one container, and what else its pod template has.
fn deployment(image: &str, more: &str) -> String {
    format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: web, namespace: shop}}\nspec:\n  replicas: 1\n  selector: {{matchLabels: {{app: web}}}}\n  template:\n    metadata: {{labels: {{app: web}}}}\n    spec:\n      containers: [{{name: web, image: \"{image}\"}}]\n{more}"
    )
}

/// Commits everything below a folder, which becomes a repository if it is none.
fn commit(at: &Path) {
    let repository = git2::Repository::open(at).or_else(|_| git2::Repository::init(at)).expect("a repository");
    let mut index = repository.index().expect("an index");
    index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).expect("added");
    index.write().expect("written");
    let tree = repository.find_tree(index.write_tree().expect("a tree")).expect("the tree");
    let who = git2::Signature::new("a", "a@example.com", &git2::Time::new(0, 0)).expect("a name");
    let parent = repository.head().ok().and_then(|h| h.peel_to_commit().ok());
    repository.commit(Some("HEAD"), &who, &who, "change", &tree, &parent.iter().collect::<Vec<_>>()).expect("a commit");
}
