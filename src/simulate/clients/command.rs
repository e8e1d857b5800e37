//! Command lines that a user could paste.

use super::objects::Aim;
use std::path::PathBuf;

/// `kubectl VERB kind/name -n namespace REST…`, quoted for a shell.
pub(super) fn kubectl(verb: &str, aim: &Aim, rest: &[String]) -> String {
    let group = &aim.resource.group;
    let plain = !group.contains('.') || group.ends_with(".k8s.io");
    let kind = if plain { aim.resource.singular.clone() } else { format!("{}.{group}", aim.resource.singular) };
    let mut line = format!("kubectl {verb} {kind}/{}", quoted(&aim.id.name));
    if !aim.id.namespace.is_empty() {
        line.push_str(" -n ");
        line.push_str(&quoted(&aim.id.namespace));
    }
    for word in rest {
        line.push(' ');
        line.push_str(&quoted(word));
    }
    line
}

/// `kubectl VERB REST… -f FILE…`; what is rendered is piped in.
pub(super) fn with_files(verb: &str, rest: &[String], files: &[PathBuf]) -> String {
    let rest: String = rest.iter().map(|word| format!(" {}", quoted(word))).collect();
    if files.is_empty() {
        return format!("rollcast render | kubectl {verb}{rest} -f -");
    }
    let files: String = files.iter().map(|file| format!(" -f {}", quoted(&file.display().to_string()))).collect();
    format!("kubectl {verb}{rest}{files}")
}

/// A word for a POSIX shell, in single quotes unless it needs none.
pub(super) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) { word.to_owned() } else { format!("'{}'", word.replace('\'', r"'\''")) }
}
