//! What a user sees of the example and of its mended twin, whole: `golden/cli/`.

use super::{golden, rollcast};

#[test]
fn reports_are_these() {
    let fixed = ["--fleet", "examples/fixed.toml"];
    let cases: [(&str, Vec<&str>); 9] = [
        ("check.txt", vec!["check"]),
        ("check.json", vec!["check", "--report", "json"]),
        ("check.md", vec!["check", "--report", "markdown"]),
        ("check-script.txt", vec!["check", "--pace", "script"]),
        ("check-restart.txt", vec!["check", "--restart", "90s"]),
        ("check-empty.txt", vec!["check", "--empty"]),
        ("fixed.txt", [["check"].as_slice(), &fixed].concat()),
        ("fixed.json", [["check", "--report", "json"].as_slice(), &fixed].concat()),
        ("diff.txt", vec!["diff"]),
    ];
    let mut different = Vec::new();
    for (name, arguments) in cases {
        let run = rollcast(&arguments);
        assert_eq!(run.err, "", "{arguments:?}");
        different.extend(golden(format!("cli/{name}"), &run.out).err());
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}

#[test]
fn a_run_gives_the_same_bytes_every_time() {
    for arguments in [["check"].as_slice(), &["check", "--report", "json"], &["diff"], &["render"]] {
        assert_eq!(rollcast(arguments).out, rollcast(arguments).out, "{arguments:?}");
    }
}
