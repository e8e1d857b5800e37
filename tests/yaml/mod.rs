//! 3,321 strings, 321 of them picked for the ways in which YAML readers disagree: written, then read back by our own loader
//! here, and by kubectl itself in the ignored test (`cargo test -- --ignored yaml`).

use flate2::read::GzDecoder;
use rollcast::diagnostic::Source;
use rollcast::object::{Value, json, yaml};
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

fn strings() -> Vec<String> {
    let mut text = String::new();
    GzDecoder::new(&include_bytes!("strings.json.gz")[..]).read_to_string(&mut text).unwrap();
    let all: Value = serde_json::from_str(&text).unwrap();
    all["S"].as_array().unwrap().iter().map(|s| s.as_str().unwrap().to_owned()).collect()
}

/// The string in every position a manifest has: a value, list items, nested list items, a key.
fn object(s: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"},
        "data": {"v": s}, "list": [s, [s]], "keys": {s: 1}, "nested": {"deep": [{"name": s, "z": 1}]},
    })
}

fn load(text: String) -> Result<Vec<yaml::Document>, rollcast::diagnostic::Diagnostics> {
    yaml::load(&Arc::new(Source::new(PathBuf::from("-"), text)))
}

#[test]
fn what_is_written_is_read_back() {
    for s in strings() {
        let text = yaml::to_yaml(&object(&s));
        let read = load(text.clone()).unwrap_or_else(|e| panic!("{s:?}: {e}\n{text}"));
        assert_eq!(read.len(), 1, "{s:?}\n{text}");
        assert_eq!(read[0].value, object(&s), "{s:?}\n{text}");
    }
}

#[test]
#[ignore = "needs kubectl"]
fn kubectl_reads_what_is_written() {
    let strings = strings();
    let mut failed = Vec::new();
    for chunk in strings.chunks(200) {
        judge(chunk, &mut failed);
    }
    assert!(failed.is_empty(), "{} of {}: {failed:#?}", failed.len(), strings.len());
}

fn judge(strings: &[String], failed: &mut Vec<String>) {
    let objects: Vec<Value> = strings.iter().map(|s| object(s)).collect();
    match kubectl(&yaml::to_documents(&objects)) {
        Ok(answers) if answers.len() == strings.len() => {
            for (s, answer) in strings.iter().zip(answers) {
                let wanted = object(s);
                if ["data", "list", "keys", "nested"].iter().any(|part| answer[*part] != wanted[*part]) {
                    failed.push(format!("{s:?}"));
                }
            }
        }
        Ok(_) | Err(_) if strings.len() > 1 => {
            let (left, right) = strings.split_at(strings.len() / 2);
            judge(left, failed);
            judge(right, failed);
        }
        other => failed.push(format!("{:?}: {other:?}", strings[0])),
    }
}

/// What kubectl reads, as it prints it again in JSON.
fn kubectl(text: &str) -> Result<Vec<Value>, String> {
    let mut child = Command::new("kubectl")
        .args(["label", "--local", "-f", "-", "x=y", "-o", "json"])
        .env("KUBECONFIG", "/dev/null")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let text = text.to_owned();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()));
    let out = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    if !out.status.success() {
        return Err(String::from_utf8_lossy(&out.stderr).into_owned());
    }
    let read: Vec<Value> = serde_json::Deserializer::from_slice(&out.stdout).into_iter().map(Result::unwrap).collect();
    Ok(read.into_iter().flat_map(|v| v["items"].as_array().cloned().unwrap_or_else(|| vec![v])).collect())
}
