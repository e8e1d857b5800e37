//! The recorded deploy pipelines (`tests/recorded/pipelines`): each deploy.sh, unmodified, is rehearsed from its snapshot with the client
//! that it was recorded with. What it does, says and leaves behind must be what a real control plane recorded.

use crate::plane::clients;
use flate2::read::GzDecoder;
use regex::Regex;
use rollcast::object::{Value, integer, items, json, map_at, text};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// A test for each folder.
macro_rules! pipelines {
    ($($test:ident: $name:literal,)*) => {
        $(#[test] fn $test() { rehearse($name); })*
        const NAMES: &[&str] = &[$($name),*];
    };
}

pipelines! {
    apply_directory_partly_invalid: "apply-directory-partly-invalid",
    canary_second_deployment: "canary-second-deployment",
    crd_and_custom_resource: "crd-and-custom-resource",
    csa_to_ssa_migration: "csa-to-ssa-migration",
    curl_through_proxy: "curl-through-proxy",
    daemonset_ondelete: "daemonset-ondelete",
    daemonset_rolling_surge_restart: "daemonset-rolling-surge-restart",
    daemonset_set_image: "daemonset-set-image",
    dns_port_trap: "dns-port-trap",
    helm_chart_label_in_template: "helm-chart-label-in-template",
    helm_checksum_config: "helm-checksum-config",
    helm_drift_conflict: "helm-drift-conflict",
    helm_dry_run_and_manifest_diff: "helm-dry-run-and-manifest-diff",
    helm_force_replace_undoes_restart: "helm-force-replace-undoes-restart",
    helm_lookup_random_secret: "helm-lookup-random-secret",
    helm_upgrade_twice: "helm-upgrade-twice",
    image_tag_latest_restart: "image-tag-latest-restart",
    job_immutable_stops_deploy: "job-immutable-stops-deploy",
    loop_custom_columns: "loop-custom-columns",
    loop_go_template_field_selector: "loop-go-template-field-selector",
    misspelled_field: "misspelled-field",
    prune_applyset: "prune-applyset",
    python_patch_twice: "python-patch-twice",
    restart_everything: "restart-everything",
    restart_then_apply: "restart-then-apply",
    seed000_bundled_images: "seed000-bundled-images",
    seed000_bundled_then_apply: "seed000-bundled-then-apply",
    seed000_stale_manifest_conflict: "seed000-stale-manifest-conflict",
    seed000_two_step_double_roll: "seed000-two-step-double-roll",
    seed002_provision_new_namespace: "seed002-provision-new-namespace",
    seed002_provision_twice: "seed002-provision-twice",
    seed002_recreate_client_side_apply: "seed002-recreate-client-side-apply",
    seed002_recreate_prepatch: "seed002-recreate-prepatch",
    seed003_ondelete: "seed003-ondelete",
    seed003_partition_canary: "seed003-partition-canary",
    selector_change_force: "selector-change-force",
    set_env_from_configmap: "set-env-from-configmap",
    ssa_replicas_to_autoscaler: "ssa-replicas-to-autoscaler",
    three_set_calls: "three-set-calls",
    undo_then_server_side_apply: "undo-then-server-side-apply",
    wait_times_out: "wait-times-out",
    xargs_parallel: "xargs-parallel",
}

#[test]
fn every_pipeline_is_rehearsed() {
    let mut folders: Vec<String> = fs::read_dir(recorded())
        .unwrap()
        .map(Result::unwrap)
        .filter(|e| e.path().is_dir())
        .map(|e| e.file_name().into_string().unwrap())
        .collect();
    folders.sort();
    assert_eq!(folders, NAMES);
}

fn recorded() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded/pipelines")
}

/// Runs the script, then looks at what is there, in the same rehearsal; ends as the script did.
const SCRIPT: &str = "bash ./deploy.sh > ../stdout 2> ../stderr; code=$?
kinds=$(kubectl api-resources --verbs=list -o name | grep -vE '^(events|componentstatuses)' | paste -sd,)
kubectl get \"$kinds\" -A -o json --show-managed-fields > ../after.json 2> ../after.stderr
exit $code";

/// What came of a pipeline.
#[derive(Debug, PartialEq)]
struct Outcome {
    exit_code: i64,
    stdout: String,
    stderr: String,
    /// Of each workload its revisions, rolls and recreations, where there are any.
    workloads: BTreeMap<String, [i64; 3]>,
    /// Of each client command its name, writes, rolls, and whether one was refused.
    steps: Vec<(String, i64, i64, bool)>,
    replicasets: BTreeMap<String, Value>,
    objects: BTreeMap<String, Value>,
}

fn rehearse(name: &str) {
    let expected: Value = serde_json::from_str(&unpacked(&recorded().join(name).join("expected.json.gz"))).unwrap();
    let exit_code = integer(&expected, &["exit_code"]).unwrap();
    // A script with `kubectl get … | head -1` and pipefail ends with 141 now and then, on any cluster, as head ends before kubectl.
    let mut attempts = (0..5).map(|_| run(name, &expected)).skip_while(|ours| ours.exit_code == 141 && exit_code != 141);
    let ours = attempts.next().expect("one of five scripts goes through");
    let mut theirs = Outcome {
        exit_code,
        stdout: if expected["stdout_stable"] == true { text(&expected, &["stdout"]).to_owned() } else { ours.stdout.clone() },
        stderr: if expected["stderr_stable"] == true { text(&expected, &["stderr"]).to_owned() } else { ours.stderr.clone() },
        workloads: workloads(&expected),
        steps: merged(recorded_steps(&expected).into_iter()),
        replicasets: items(&expected, &["replicasets"]).iter().map(keyed).collect(),
        objects: items(&expected, &["objects"]).iter().map(|o| (id(o), canonical(o))).collect(),
    };
    for (set, ours) in &ours.replicasets {
        if let Some(theirs) = theirs.replicasets.get_mut(set).filter(|_| ours["name"].is_null()) {
            theirs["name"] = Value::Null;
        }
    }
    compare(name, &ours, &theirs);
}

/// Rehearses the script once, in a folder of its own.
fn run(name: &str, expected: &Value) -> Outcome {
    let folder = tempfile::tempdir().unwrap();
    let work = folder.path().join("work");
    let copied = Command::new("cp").arg("-r").arg(recorded().join(name)).arg(&work).status().expect("cp runs");
    assert!(copied.success());
    fs::write(folder.path().join("snapshot.json"), unpacked(&work.join("snapshot.json.gz"))).unwrap();
    let bin = clients();
    let own = match text(expected, &["client"]) {
        "k136" => bin.clone(),
        other => bin.join(other),
    };
    let inherited = std::env::var("PATH").unwrap_or_default();
    let said = Command::new(env!("CARGO_BIN_EXE_rollcast"))
        .args(["rehearse", "--from", "../snapshot.json", "--report", "json=../report.json", "--", "bash", "-c", SCRIPT])
        .env("PATH", format!("{}:{}:{inherited}", own.display(), bin.display()))
        .env("PYTHONPATH", bin.join("python"))
        .env("HOME", folder.path())
        .env_remove("KUBECONFIG")
        .current_dir(&work)
        .stdin(Stdio::null())
        .output()
        .expect("rollcast runs");
    let read = |file: &str| fs::read_to_string(folder.path().join(file)).unwrap_or_else(|e| panic!("{file}: {e}: {said:?}"));
    let report: Value = serde_json::from_str(&read("report.json")).unwrap();
    let after: Value = serde_json::from_str(&read("after.json")).unwrap_or_else(|e| panic!("{e}: {}", read("after.stderr")));
    Outcome {
        exit_code: integer(&report, &["script", "exit_code"]).unwrap(),
        stdout: normalised(&read("stdout"), folder.path()),
        stderr: normalised(&read("stderr"), folder.path()),
        workloads: workloads(&report),
        steps: merged(items(&report, &["steps"]).iter().map(reported_step)),
        replicasets: items(&after, &["items"]).iter().filter(|o| o["kind"] == "ReplicaSet").map(replicaset).collect(),
        objects: objects(&after, expected),
    }
}

fn unpacked(path: &Path) -> String {
    std::io::read_to_string(GzDecoder::new(File::open(path).unwrap())).unwrap()
}

/// Text without what differs from run to run, as the recording has it.
fn normalised(said: &str, folder: &Path) -> String {
    let said = said.replace(&folder.display().to_string(), "<tmp>");
    let rules = [
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uid>"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", "<time>"),
        (r"(LAST DEPLOYED: ).*", "${1}<time>"),
        (r"(?m)[ \t]+$", ""),
        (r"  +\d+[smhd](\d+[smh])?( *\n)", "  <age>$2"),
        (r"https?://127\.0\.0\.1:\d+", "<server>"),
        (r" {2,}", "  "),
    ];
    rules.iter().fold(said, |said, (pattern, by)| Regex::new(pattern).unwrap().replace_all(&said, *by).into_owned())
}

/// What each workload cost, of a report or of a recording.
fn workloads(of: &Value) -> BTreeMap<String, [i64; 3]> {
    let cost = |w: &Value| ["revisions", "rolls", "recreated"].map(|key| integer(w, &[key]).unwrap());
    let named = |w: &Value| (["kind", "namespace", "name"].map(|key| text(w, &[key])).join("/"), cost(w));
    items(of, &["workloads"]).iter().map(named).filter(|(_, cost)| *cost != [0; 3]).collect()
}

fn reported_step(step: &Value) -> (String, i64, i64, bool) {
    let name = text(step, &["name"]);
    let name = name.split(" (").next().unwrap_or(name);
    (name.to_owned(), integer(step, &["writes"]).unwrap(), integer(step, &["rolls"]).unwrap(), !items(step, &["errors"]).is_empty())
}

/// The writes that were no dry runs, one entry for each session of kubectl, and one for each write of other clients.
fn recorded_steps(expected: &Value) -> Vec<(String, i64, i64, bool)> {
    let mut steps: Vec<(String, Vec<&Value>)> = Vec::new();
    for write in items(expected, &["writes"]).iter().filter(|w| w["dry_run"] != true) {
        let session = text(write, &["kubectl_session"]);
        match steps.iter_mut().find(|(of, _)| !session.is_empty() && of == session) {
            Some((_, writes)) => writes.push(write),
            None => steps.push((session.to_owned(), vec![write])),
        }
    }
    let named = |writes: &[&Value]| match text(writes[0], &["kubectl_command"]) {
        "" => text(writes[0], &["user_agent"]).split(['/', ' ']).next().unwrap_or_default().to_owned(),
        command => command.to_owned(),
    };
    let step = |writes: Vec<&Value>| {
        let refused = writes.iter().any(|w| integer(w, &["status"]).unwrap() >= 400);
        (named(&writes), i64::try_from(writes.len()).unwrap(), rolls(&writes), refused)
    };
    steps.into_iter().map(|(_, writes)| step(writes)).collect()
}

/// The rolls of one client command: each revision that replaced pods, or else one for each living workload whose pods were replaced.
fn rolls(writes: &[&Value]) -> i64 {
    let mut of: BTreeMap<String, (i64, bool)> = BTreeMap::new();
    for effect in writes.iter().flat_map(|w| items(w, &["effects"])) {
        let (revisions, replaced) = of.entry(["kind", "namespace", "name"].map(|k| text(effect, &[k])).join("/")).or_default();
        let here = integer(effect, &["pods_removed"]).unwrap_or(0) > 0 && integer(effect, &["pods_added"]).unwrap_or(0) > 0;
        *revisions += i64::from(effect["revision"] == true && here);
        *replaced |= here && effect["created"] != true && effect["deleted"] != true;
    }
    of.values().map(|(revisions, replaced)| (*revisions).max(i64::from(*replaced))).sum()
}

/// Where one client command ends and the next begins, only kubectl says: what others did one after the other is taken together.
fn merged(steps: impl Iterator<Item = (String, i64, i64, bool)>) -> Vec<(String, i64, i64, bool)> {
    let mut merged: Vec<(String, i64, i64, bool)> = Vec::new();
    for step in steps {
        match merged.last_mut().filter(|last| last.0 == step.0 && !step.0.starts_with("kubectl ")) {
            Some(last) => *last = (step.0, last.1 + step.1, last.2 + step.2, last.3 || step.3),
            None => merged.push(step),
        }
    }
    merged
}

fn id(object: &Value) -> String {
    format!("{}/{}/{}", text(object, &["kind"]), text(object, &["metadata", "namespace"]), text(object, &["metadata", "name"]))
}

/// What the recording says of a ReplicaSet, by namespace, owner and revision.
fn replicaset(object: &Value) -> (String, Value) {
    let images: Vec<Value> = items(object, &["spec", "template", "spec", "containers"]).iter().map(|c| c["image"].clone()).collect();
    let metadata = &object["metadata"];
    let revision = metadata["annotations"]["deployment.kubernetes.io/revision"].clone();
    let name = if drawn(&object["spec"]["template"]) { Value::Null } else { metadata["name"].clone() };
    let set = json!({"namespace": metadata["namespace"], "name": metadata["name"], "replicas": object["spec"]["replicas"], "revision": revision, "images": images});
    let (key, mut set) = keyed(&set);
    map_at(&mut set, &[]).insert("name".into(), name);
    (key, set)
}

fn keyed(set: &Value) -> (String, Value) {
    let [namespace, name, revision] = ["namespace", "name", "revision"].map(|key| text(set, &[key]));
    (format!("{namespace}/{} {revision}", name.rsplit_once('-').map_or(name, |(stem, _)| stem)), set.clone())
}

/// Whether the client wrote something into the template that is another one each time, and with it the hash: the time of a restart, or
/// the variables of `kubectl set env --from`, which come in the order of a Go map.
fn drawn(template: &Value) -> bool {
    let of_map = |c: &Value| items(c, &["env"]).iter().filter(|e| !e["valueFrom"]["configMapKeyRef"].is_null()).count() > 1;
    template.to_string().contains("restartedAt") || items(template, &["spec", "containers"]).iter().any(of_map)
}

/// Kinds whose objects the recording leaves out, and those that every cluster has of itself.
const LEFT_OUT: &[&str] = &[
    "Pod",
    "ReplicaSet",
    "ControllerRevision",
    "Node",
    "Endpoints",
    "EndpointSlice",
    "Lease",
    "PriorityClass",
    "FlowSchema",
    "APIService",
    "ClusterRole",
    "ClusterRoleBinding",
    "PriorityLevelConfiguration",
    "ServiceCIDR",
    "IPAddress",
];

/// All other objects, as the recording has them.
fn objects(after: &Value, expected: &Value) -> BTreeMap<String, Value> {
    let unstable: Vec<&str> = items(expected, &["objects_unstable"]).iter().filter_map(Value::as_str).collect();
    let mut found = BTreeMap::new();
    for object in items(after, &["items"]) {
        let [kind, namespace, name] = [&["kind"][..], &["metadata", "namespace"], &["metadata", "name"]].map(|path| text(object, path));
        let own = |namespace: &str| namespace == "default" || namespace.starts_with("kube-");
        let made = matches!((kind, name), ("ConfigMap", "kube-root-ca.crt") | ("ServiceAccount", "default"));
        if LEFT_OUT.contains(&kind)
            || own(namespace)
            || (kind == "Namespace" && own(name))
            || made
            || unstable.contains(&id(object).as_str())
        {
            continue;
        }
        found.insert(id(object), stripped(object));
    }
    found
}

/// An object without what differs from run to run.
fn stripped(object: &Value) -> Value {
    let mut object: Value = serde_json::from_str(&normalised_json(&object.to_string())).unwrap();
    map_at(&mut object, &[]).shift_remove("status");
    let metadata = map_at(&mut object, &["metadata"]);
    for key in ["uid", "resourceVersion", "creationTimestamp", "selfLink"] {
        metadata.shift_remove(key);
    }
    let own: Vec<Value> = items(&object, &["metadata", "managedFields"]).iter().filter(|m| of_a_client(m)).map(untimed).collect();
    let metadata = map_at(&mut object, &["metadata"]);
    metadata.shift_remove("managedFields");
    if !own.is_empty() {
        metadata.insert("managedFields".into(), own.into());
    }
    for annotation in ["deployment.kubernetes.io/revision", "deprecated.daemonset.template.generation"] {
        drop_entry(&mut object, "annotations", annotation);
    }
    drop_entry(&mut object, "labels", "modifiedAt");
    if object["spec"]["clusterIPs"].is_array() && object["spec"]["clusterIP"] != "None" {
        object["spec"]["clusterIP"] = "<ip>".into();
        object["spec"]["clusterIPs"] = json!(["<ip>"]);
    }
    if text(&object, &["type"]) == "helm.sh/release.v1" {
        map_at(&mut object, &["data"]).insert("release".into(), "<release>".into());
    }
    canonical(&object)
}

fn normalised_json(text: &str) -> String {
    let rules = [
        (r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", "<uid>"),
        (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", "<time>"),
    ];
    rules.iter().fold(text.to_owned(), |text, (pattern, by)| Regex::new(pattern).unwrap().replace_all(&text, *by).into_owned())
}

fn of_a_client(entry: &Value) -> bool {
    !matches!(text(entry, &["manager"]), "kube-controller-manager" | "kube-apiserver") && text(entry, &["subresource"]) != "status"
}

fn untimed(entry: &Value) -> Value {
    let mut entry = entry.clone();
    map_at(&mut entry, &[]).shift_remove("time");
    entry
}

fn drop_entry(object: &mut Value, of: &str, key: &str) {
    if object["metadata"][of].is_null() {
        return;
    }
    let map = map_at(object, &["metadata", of]);
    map.shift_remove(key);
    if map.is_empty() {
        map_at(object, &["metadata"]).shift_remove(of);
    }
}

/// With the managers in one order.
fn canonical(object: &Value) -> Value {
    let mut object = object.clone();
    let mut entries: Vec<Value> = items(&object, &["metadata", "managedFields"]).to_vec();
    if !entries.is_empty() {
        entries.sort_by_key(|e| [text(e, &["manager"]), text(e, &["operation"]), text(e, &["subresource"])].join(" "));
        map_at(&mut object, &["metadata"]).insert("managedFields".into(), entries.into());
    }
    object
}

/// Fails with everything that differs.
fn compare(name: &str, ours: &Outcome, theirs: &Outcome) {
    let mut wrong = Vec::new();
    let mut check = |what: &str, ours: String, theirs: String| {
        if ours != theirs {
            wrong.push(format!("{what}\n  ours     {ours}\n  recorded {theirs}"));
        }
    };
    check("exit code", ours.exit_code.to_string(), theirs.exit_code.to_string());
    check("output", ours.stdout.clone(), theirs.stdout.clone());
    check("errors", ours.stderr.clone(), theirs.stderr.clone());
    check("workloads", format!("{:?}", ours.workloads), format!("{:?}", theirs.workloads));
    check("steps", format!("{:?}", ours.steps), format!("{:?}", theirs.steps));
    for (what, ours, theirs) in [("ReplicaSet", &ours.replicasets, &theirs.replicasets), ("object", &ours.objects, &theirs.objects)] {
        let ids: std::collections::BTreeSet<&String> = ours.keys().chain(theirs.keys()).collect();
        for id in ids.into_iter().filter(|id| ours.get(*id) != theirs.get(*id)) {
            let shown = |value: Option<&Value>| value.map_or("none".to_owned(), Value::to_string);
            check(&format!("{what} {id}"), shown(ours.get(id)), shown(theirs.get(id)));
        }
    }
    assert!(wrong.is_empty(), "{name}: {} differ:\n{}", wrong.len(), wrong.join("\n"));
}
