//! A command that could not be started becomes a message that says what to do about it.

use crate::diagnostic::Diagnostic;
use std::fs;
use std::io::{self, Read};
use std::path::Path;

/// What a kernel says of an executable file that is neither a program nor begins with `#!`.
const ENOEXEC: i32 = 8;

/// The message for a command and what the system said of it.
pub(super) fn not_started(program: &str, error: &io::Error) -> Diagnostic {
    let path = Path::new(program);
    let (text, hint) = match error.kind() {
        io::ErrorKind::PermissionDenied if path.is_dir() => ("it is a directory".into(), None),
        io::ErrorKind::PermissionDenied => ("it is not executable".into(), Some(format!("chmod +x {program}, or: -- bash {program}"))),
        // The system says so of a file too whose `#!` line names a program that is not there.
        io::ErrorKind::NotFound if path.is_file() && program.contains('/') => without_interpreter(path),
        io::ErrorKind::NotFound if program.contains('/') => ("there is no such file".into(), None),
        io::ErrorKind::NotFound => ("no folder of PATH has a program of this name".into(), beside(program, path)),
        _ if error.raw_os_error() == Some(ENOEXEC) => {
            ("it does not begin with a line such as #!/bin/bash".into(), Some(format!("add one, or: -- bash {program}")))
        }
        _ => (error.to_string(), None),
    };
    let message = Diagnostic::error("cannot-rehearse", format!("cannot run `{program}`: {text}"));
    hint.map_or_else(|| message.clone(), |hint| message.clone().hint(hint))
}

/// A command without a folder is looked for on PATH alone, though it may stand right here; one with blanks is a whole line.
fn beside(program: &str, path: &Path) -> Option<String> {
    if path.is_file() {
        return Some(format!("it is in this folder: -- ./{program}"));
    }
    program.contains(' ').then(|| format!("give a whole command line to a shell: -- bash -c '{program}'"))
}

fn without_interpreter(path: &Path) -> (String, Option<String>) {
    let mut start = Vec::new();
    // What cannot be read is shown without the name of its interpreter.
    fs::File::open(path).and_then(|file| file.take(256).read_to_end(&mut start)).ok();
    let start = String::from_utf8_lossy(&start);
    let first = start.split('\n').next().unwrap_or_default();
    if first.ends_with('\r') {
        let hint = format!("sed -i 's/\\r$//' {}", path.display());
        return ("its lines end in carriage returns, as on Windows, and so does the name of its interpreter".into(), Some(hint));
    }
    match first.strip_prefix("#!") {
        Some(interpreter) => (format!("its first line asks for `{}`, which is not there", interpreter.trim()), None),
        None => ("what it needs to be run is not there".into(), None),
    }
}
