//! Comparing objects of real kinds.

use super::*;
use crate::diff::{Style, render};
use crate::object::json;
use crate::schema::Version;

fn deployment() -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "ceo-agent", "namespace": "agents", "uid": "u", "resourceVersion": "7", "labels": {"app": "ceo"}, "managedFields": []},
        "spec": {"replicas": 1, "progressDeadlineSeconds": 600, "template": {"metadata": {"labels": {"app": "ceo"}}, "spec": {
            "containers": [
                {"name": "agent", "image": "x/agent:1", "args": ["a", "b", "c"], "ports": [{"containerPort": 53, "protocol": "TCP"}, {"containerPort": 53, "protocol": "UDP"}]},
                {"name": "git-sync", "image": "x/git-sync:1", "env": [{"name": "A", "value": "1"}]},
            ],
            "tolerations": [{"key": "a", "operator": "Exists"}],
        }}},
        "status": {"replicas": 1},
    })
}

fn changed(change: impl Fn(&mut Value)) -> Value {
    let mut after = deployment();
    change(&mut after);
    after
}

fn diff(before: &Value, after: &Value, sent: Option<&Value>, rules: &[Rule]) -> ObjectDiff {
    Differ::new(Schema::of(Version::V1_36), rules).diff(Some(before), Some(after), sent, None)
}

fn paths(diff: &ObjectDiff) -> Vec<&str> {
    diff.changes.iter().map(|c| c.path.as_str()).collect()
}

#[test]
fn what_only_the_server_writes_is_no_change() {
    let after = changed(|d| {
        d["status"] = json!({"replicas": 2});
        d["metadata"]["resourceVersion"] = json!("8");
        d["metadata"]["managedFields"] = json!([{"manager": "x"}]);
    });
    assert_eq!(diff(&deployment(), &after, None, &[]).action, Action::Unchanged);
}

#[test]
fn items_are_matched_by_their_merge_keys() {
    let after = changed(|d| {
        let containers = &mut d["spec"]["template"]["spec"]["containers"];
        containers[0]["ports"][1]["hostPort"] = json!(53);
        containers[1]["image"] = json!("x/git-sync:2");
        containers[1]["env"] = json!([{"name": "B", "value": "2"}, {"name": "A", "value": "1"}]);
    });
    let diff = diff(&deployment(), &after, None, &[]);
    let containers = "spec.template.spec.containers";
    assert_eq!(
        paths(&diff),
        [
            format!("{containers}[name=\"agent\"].ports[containerPort=53,protocol=\"UDP\"].hostPort"),
            format!("{containers}[name=\"git-sync\"].image"),
            format!("{containers}[name=\"git-sync\"].env[name=\"B\"]"),
        ]
    );
    assert!(diff.changes.iter().all(|c| c.in_pod_template && c.folded.is_none()));
}

#[test]
fn another_order_of_the_same_containers_is_shown() {
    let after = changed(|d| d["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap().reverse());
    let diff = diff(&deployment(), &after, None, &[]);
    assert_eq!(paths(&diff), ["spec.template.spec.containers"]);
    assert!(diff.changes[0].order && diff.changes[0].in_pod_template);
    assert_eq!(diff.changes[0].new, Some(json!(["name=\"git-sync\"", "name=\"agent\""])));
}

#[test]
fn lists_without_keys_go_by_what_stays() {
    let after = changed(|d| {
        let spec = &mut d["spec"]["template"]["spec"];
        spec["containers"][0]["args"] = json!(["b", "x", "c", "d"]);
        spec["tolerations"] = json!([{"key": "a", "operator": "Equal", "value": "v"}]);
    });
    let diff = diff(&deployment(), &after, None, &[]);
    let shown: Vec<String> = diff
        .changes
        .iter()
        .map(|c| format!("{} {:?} {:?}", c.path.trim_start_matches("spec.template.spec."), c.old.is_some(), c.new.is_some()))
        .collect();
    assert_eq!(
        shown,
        [
            "containers[name=\"agent\"].args[0] true false",
            "containers[name=\"agent\"].args[1] false true",
            "containers[name=\"agent\"].args[3] false true",
            "tolerations[0].operator true true",
            "tolerations[0].value false true",
        ]
    );
}

#[test]
fn defaults_are_folded_outside_pod_templates_only() {
    let sent = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "ceo-agent", "namespace": "agents"}, "spec": {"replicas": 1, "template": {"spec": {"containers": [{"name": "agent"}]}}}});
    let mut before = deployment();
    before["spec"] = json!({"replicas": 1, "template": {"spec": {"containers": [{"name": "agent"}]}}, "strategy": {"type": "Recreate"}});
    let mut after = before.clone();
    after["spec"]["revisionHistoryLimit"] = json!(10);
    after["spec"]["template"]["spec"]["dnsPolicy"] = json!("ClusterFirst");
    after["spec"]["strategy"]["type"] = json!("RollingUpdate");
    let diff = diff(&before, &after, Some(&sent), &[]);
    let folded: Vec<_> = diff.changes.iter().map(|c| (c.path.as_str(), c.folded)).collect();
    assert_eq!(
        folded,
        [("spec.template.spec.dnsPolicy", None), ("spec.strategy.type", None), ("spec.revisionHistoryLimit", Some(Folded::Default)),]
    );
}

#[test]
fn a_new_object_is_one_change_without_what_the_server_filled_in() {
    let mut sent = deployment();
    for gone in ["/metadata/uid", "/spec/progressDeadlineSeconds", "/status"] {
        let (parent, key) = gone.rsplit_once('/').unwrap();
        sent.pointer_mut(parent).unwrap().as_object_mut().unwrap().shift_remove(key);
    }
    let new = Differ::new(Schema::of(Version::V1_36), &[]).diff(None, Some(&deployment()), Some(&sent), None);
    assert_eq!(new.action, Action::Created);
    assert_eq!(paths(&new), ["", "spec.progressDeadlineSeconds"]);
    let shown = new.changes[0].new.as_ref().unwrap();
    assert_eq!(shown["spec"]["replicas"], 1);
    assert!(
        shown.get("status").is_none() && shown["metadata"].get("uid").is_none() && shown["spec"].get("progressDeadlineSeconds").is_none()
    );
    assert_eq!(shown["spec"]["template"], deployment()["spec"]["template"]);
    let gone = Differ::new(Schema::of(Version::V1_36), &[]).diff(Some(&deployment()), None, None, None);
    assert_eq!((gone.action, gone.changes.len()), (Action::Deleted, 0));
}

#[test]
fn rules_fold_what_they_name_and_what_is_below() {
    let rules = [
        Rule::new(Some("Deployment"), None, "{.metadata.annotations.example\\.com/seen}").unwrap(),
        Rule::new(None, Some("ceo-*"), "$.spec.template.spec.containers[?(@.name=='agent')]").unwrap(),
        Rule::new(Some("StatefulSet"), None, "$.spec").unwrap(),
    ];
    let after = changed(|d| {
        d["metadata"]["annotations"] = json!({"example.com/seen": "now", "b": "c"});
        d["spec"]["template"]["spec"]["containers"][0]["image"] = json!("x/agent:2");
        d["spec"]["replicas"] = json!(2);
    });
    let folded = |diff: &ObjectDiff| diff.changes.iter().map(|c| (c.path.clone(), c.folded)).collect::<Vec<_>>();
    let there = diff(&deployment(), &after, None, &rules);
    assert_eq!(
        folded(&there),
        [
            ("metadata.annotations".to_owned(), None),
            ("metadata.annotations[example.com/seen]".to_owned(), Some(Folded::Rule(0))),
            ("spec.replicas".to_owned(), None),
            ("spec.template.spec.containers[name=\"agent\"].image".to_owned(), Some(Folded::Rule(1))),
        ]
    );
    assert_eq!(there.changes[0].new, Some(json!({"b": "c"})));
    assert!(there.changes[3].in_pod_template, "a fold takes nothing from what is known about it");
    let back = diff(&after, &deployment(), None, &rules);
    assert_eq!(
        folded(&back)[..2],
        [("metadata.annotations[example.com/seen]".to_owned(), Some(Folded::Rule(0))), ("metadata.annotations[b]".to_owned(), None)][..]
    );
    assert_eq!(there.action, Action::Configured);
}

#[test]
fn values_of_secrets_are_never_in_it() {
    let secret = |value: &str, last: &str| json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "annotations": {LAST_APPLIED: last}}, "data": {"k": value}});
    let both = diff(&secret("aHVudGVyMQ==", "hunter1"), &secret("aHVudGVyMg==", "hunter2"), None, &[]);
    assert_eq!(paths(&both), [format!("metadata.annotations[{LAST_APPLIED}]"), "data[k]".to_owned()]);
    let full = secret("aHVudGVyMg==", "hunter2");
    let bare = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s"}});
    let differ = Differ::new(Schema::of(Version::V1_36), &[]);
    let new = differ.diff(None, Some(&full), None, None);
    let filled_in = differ.diff(None, Some(&full), Some(&bare), None);
    assert_eq!(paths(&filled_in), ["", "metadata.annotations", "data"]);
    let emptied = diff(&full, &bare, None, &[]);
    assert_eq!(paths(&emptied), ["metadata.annotations", "data"]);
    for shown in [format!("{both:?}{new:?}{filled_in:?}{emptied:?}"), render(&both, Style::Plain), render(&emptied, Style::Plain)] {
        assert!(!shown.contains("aHVudGVy") && !shown.contains("hunter"), "{shown}");
    }
}

#[test]
fn custom_resources_without_a_type_are_compared_too() {
    let rollout = |image: &str| json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {"name": "r"}, "spec": {"template": {"spec": {"containers": [{"name": "a", "image": image}]}}}});
    let diff = diff(&rollout("1"), &rollout("2"), None, &[]);
    assert_eq!(paths(&diff), ["spec.template.spec.containers[name=\"a\"].image"]);
    assert!(diff.changes[0].in_pod_template);
}

#[test]
fn renders_as_text() {
    let after = changed(|d| {
        d["metadata"]["annotations"] = json!({REVISION: "2"});
        d["spec"]["template"]["spec"]["containers"][0]["image"] = json!("x/agent:2");
        d["spec"]["template"]["spec"]["tolerations"] = json!([{"key": "a", "operator": "Exists"}, {"key": "b"}]);
    });
    let text = render(&diff(&deployment(), &after, None, &[]), Style::Plain);
    let expected = "Deployment/agents/ceo-agent configured
  spec.template.spec.containers[name=\"agent\"].image
    - x/agent:1
    + x/agent:2
  spec.template.spec.tolerations[1]
    + key: b
  not shown: 1 filled in by the server
";
    assert_eq!(text, expected);
}

#[test]
fn long_text_is_compared_line_by_line() {
    let map =
        |text: &str| json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "namespace": "n"}, "data": {"f": text}});
    let old: String = (1..=20).map(|n| format!("line {n}\n")).collect();
    let new = old.replace("line 10\n", "line ten\n");
    let text = render(&diff(&map(&old), &map(&new), None, &[]), Style::Plain);
    let expected = "ConfigMap/n/m configured
  data[f]
      line 8
      line 9
    - line 10
    + line ten
      line 11
      line 12
";
    assert_eq!(text, expected);
    let coloured = render(&diff(&map("a"), &map("b"), None, &[]), Style::Colour);
    assert!(coloured.contains("\u{1b}[31m    - a\u{1b}[0m\n\u{1b}[32m    + b\u{1b}[0m\n"));
}
