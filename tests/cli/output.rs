//! What a user sees of the example and of its mended twin, whole: `golden/cli/`.

use super::{golden, rollcast};

#[test]
fn reports_are_these() {
    let fixed = ["--fleet", "examples/fixed.toml"];
    let cases: [(&str, Vec<&str>); 15] = [
        ("check.txt", vec!["check"]),
        ("check.json", vec!["check", "--report", "json"]),
        ("check.md", vec!["check", "--report", "markdown"]),
        ("check.html", vec!["check", "--report", "html"]),
        ("check.sarif", vec!["check", "--report", "sarif"]),
        ("check.junit.xml", vec!["check", "--report", "junit"]),
        ("check.github.txt", vec!["check", "--report", "github"]),
        ("empty.junit.xml", vec!["check", "--empty", "--report", "junit"]),
        ("empty.github.txt", vec!["check", "--empty", "--report", "github"]),
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

/// What a report is made of may hold anything: markup of the format it goes into, for instance.
#[test]
fn hostile_names_stay_text() {
    let web = super::deployment("x:<script>alert(1)</script>\\\"&'", "")
        .replace("name: web, namespace", "name: web, annotations: {a: b}, namespace");
    let files = super::directory(&[("web.yaml", &web)]);
    for (format, never) in [("html", "<script"), ("junit", "<script"), ("github", "\n::error::")] {
        let run = super::rollcast_in(files.path(), &["plan", "-f", "web.yaml", "--empty", "--report", format]);
        assert_eq!(run.code, 0, "{}", run.err);
        assert!(!run.out.contains(never), "{}", run.out);
    }
}
