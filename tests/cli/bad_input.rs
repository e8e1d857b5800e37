//! Broken input, each with the message a user sees: `golden/bad/<name>/`. A case is a `fleet.toml` (with or without
//! `templates/`) to render, or a `manifest.*` or `snapshot.*` to check, or an `arguments` file, one a line, with perhaps an
//! `input` for standard input. `stderr.txt` is what is said about it; `BLESS=1` writes that file anew: read it as a user would
//! before committing it.

use super::{command, ended, golden, rollcast};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

/// Manifests for the cases in which something else is wrong.
const GOOD: &str = "golden/example.yaml";

fn arguments(case: &Path) -> Vec<String> {
    let own = |name: &str| case.join(name).display().to_string();
    let words = |words: &[&str]| words.iter().map(|w| (*w).to_owned()).collect();
    if let Ok(lines) = std::fs::read_to_string(case.join("arguments")) {
        return lines.lines().map(str::to_owned).collect();
    }
    if case.join("fleet.toml").exists() {
        return words(&["render", "--fleet", &own("fleet.toml")]);
    }
    let entries = std::fs::read_dir(case).expect("a directory").map(|e| e.expect("an entry").path());
    let files: Vec<PathBuf> =
        entries.filter(|p| ["/manifest.", "/snapshot."].iter().any(|name| p.display().to_string().contains(name))).collect();
    let [file] = files.as_slice() else { panic!("{} is no case", case.display()) };
    let file = file.display().to_string();
    if file.contains("/snapshot.") { words(&["check", "-f", GOOD, "--from", &file]) } else { words(&["check", "-f", &file, "--empty"]) }
}

#[test]
fn every_mistake_has_its_message() {
    let mut cases: Vec<PathBuf> = std::fs::read_dir("golden/bad").expect("golden/bad").map(|e| e.expect("an entry").path()).collect();
    cases.sort();
    assert!(cases.len() >= 120, "{} cases", cases.len());
    let mut different = Vec::new();
    for case in cases {
        let arguments = arguments(&case);
        let mut command = command(&arguments.iter().map(String::as_str).collect::<Vec<_>>());
        command.env("BUILD_SHA", "4f6e2c1");
        if let Ok(input) = std::fs::File::open(case.join("input")) {
            command.stdin(Stdio::from(input));
        }
        let run = ended(command.output().expect("the binary runs"));
        if run.code != 2 || !run.out.is_empty() {
            different.push(format!("{}: exit code {}\n{}", case.display(), run.code, run.out));
        }
        let file = Path::new("bad").join(case.file_name().expect("a name")).join("stderr.txt");
        different.extend(golden(file, &run.err).err());
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

/// A gibibyte without an end of line, through a pipe and from a file that has it only by name.
#[test]
fn a_line_of_a_gibibyte_is_refused_within_bounds() {
    let began = Instant::now();
    for start in ["{\"kind\":\"", "kind: "] {
        let limited = format!("ulimit -v {}; exec \"$0\" \"$@\"", 2 << 20);
        let mut child = std::process::Command::new("sh")
            .args(["-c", &limited, env!("CARGO_BIN_EXE_rollcast"), "plan", "--empty", "-f", "-"])
            .env_clear()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut pipe = child.stdin.take().expect("piped");
        let feeder = std::thread::spawn(move || {
            let chunk = vec![b'x'; 1 << 20];
            // The reader may close the pipe as soon as it has seen enough.
            drop(pipe.write_all(start.as_bytes()));
            (0..1024).take_while(|_| pipe.write_all(&chunk).is_ok()).count()
        });
        let run = ended(child.wait_with_output().expect("it ends"));
        assert!(feeder.join().expect("fed") < 1024, "it reads all of it");
        assert_eq!(run.code, 2);
        assert!(run.err.starts_with("error[input-too-large]: standard input is larger than the limit of"), "{}", run.err);
    }
    let file = tempfile::NamedTempFile::new().expect("a file");
    file.as_file().set_len(1 << 30).expect("a sparse file");
    let path = file.path().display().to_string();
    for arguments in [["plan", "--from", &path, "-f", GOOD].as_slice(), &["plan", "--empty", "-f", &path], &["render", "--fleet", &path]] {
        let run = rollcast(arguments);
        assert_eq!(run.code, 2);
        assert!(run.err.contains("is larger than the limit of") && run.err.len() < 1000, "{}", run.err);
    }
    assert!(began.elapsed() < Duration::from_secs(120), "{:?}", began.elapsed());
}
