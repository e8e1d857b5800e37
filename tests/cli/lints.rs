//! Each lint fires where it is meant to, is found by its code, and keeps silent beside it.

use super::{deployment, directory, rollcast, rollcast_in};
use rollcast::object::Value;

/// A snapshot that says which kinds were read, of a Secret, an account and a ConfigMap.
const READ: &str = r#"{"apiVersion": "v1", "kind": "List", "metadata": {"annotations": {"rollcast/kinds":
"Namespace.,Secret.,ConfigMap.,ServiceAccount.,Service.,Pod.,Deployment.apps,StatefulSet.apps,DaemonSet.apps,ReplicaSet.apps,ControllerRevision.apps"}}, "items": [
{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "uid": "1", "resourceVersion": "1"}, "status": {"phase": "Active"}},
{"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "shop", "uid": "2", "resourceVersion": "2"}},
{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings", "namespace": "shop", "uid": "3", "resourceVersion": "3"}, "data": {"level": "a"}},
{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "database", "namespace": "shop", "uid": "4", "resourceVersion": "4"}, "type": "Opaque", "data": {"password": "eA=="}}]}"#;

/// What pods need and is not there is said of what was read, and of nothing else.
#[test]
fn what_pods_need_and_is_not_there() {
    let found = |more: &str, volumes: &str| {
        let web = deployment("web:1.0.0", volumes).replace("image: \"web:1.0.0\"", &format!("image: \"web:1.0.0\"{more}"));
        let found = findings(READ, &web);
        assert!(found.iter().all(|(code, _)| code == "reference-missing"), "{found:?}");
        found.into_iter().map(|(_, text)| text).collect::<Vec<_>>()
    };
    let key = |name: &str, key: &str| format!(", env: [{{name: A, valueFrom: {{secretKeyRef: {{name: {name}, key: {key}}}}}}}]");
    assert!(found(&key("database", "password"), "").is_empty());
    assert!(found(&key("database", "pasword"), "")[0].contains("needs the key `pasword` of Secret/shop/database"));
    assert!(found(&key("databse", "password"), "")[0].contains("needs Secret/shop/databse, which is neither in the state"));
    assert!(found(&key("other", "a, optional: true"), "").is_empty());
    assert!(found(", envFrom: [{configMapRef: {name: settings}}]", "").is_empty());
    assert!(found(", envFrom: [{configMapRef: {name: setting}}]", "")[0].contains("ConfigMap/shop/setting"));
    assert!(found("", "      serviceAccountName: robot\n").iter().any(|text| text.contains("ServiceAccount/shop/robot")));
    assert!(found("", MOUNT).is_empty(), "nobody read the claims");
}

/// The codes of the findings of a check of `next` on what `now` left behind, and how they are told.
fn findings(now: &str, next: &str) -> Vec<(String, String)> {
    let at = directory(&[("now.yaml", now), ("next.yaml", next)]);
    let run = rollcast_in(at.path(), &["check", "--report", "json", "-f", "next.yaml", "--from", "now.yaml"]);
    let report: Value = serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{e}: {}{}", run.out, run.err));
    let text = |d: &Value, key: &str| d[key].as_str().unwrap_or_default().to_owned();
    report["diagnostics"].as_array().expect("a list").iter().map(|d| (text(d, "code"), text(d, "text"))).collect()
}

fn codes(now: &str, next: &str) -> Vec<String> {
    findings(now, next).into_iter().map(|(code, _)| code).collect()
}

fn claim(mode: &str) -> String {
    format!(
        "apiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: data, namespace: shop}}\nspec:\n  accessModes: [{mode}]\n  resources: {{requests: {{storage: 1Gi}}}}\n---\n"
    )
}

const MOUNT: &str = "      volumes: [{name: data, persistentVolumeClaim: {claimName: data}}]\n";

#[test]
fn a_claim_of_one_node_in_a_deployment_that_rolls() {
    let web = deployment("web:1.0.0", MOUNT);
    let with = |mode: &str, web: &str| claim(mode) + web;
    let bad = with("ReadWriteOnce", &web);
    assert_eq!(codes(&bad, &bad), ["claim-with-rolling-update"]);
    let once = with("ReadWriteOncePod", &web);
    assert_eq!(codes(&once, &once), ["claim-with-rolling-update"]);
    let many = with("ReadWriteMany", &web);
    assert!(codes(&many, &many).is_empty());
    let recreate = with("ReadWriteOnce", &web.replace("replicas: 1", "replicas: 1\n  strategy: {type: Recreate}"));
    assert!(codes(&recreate, &recreate).is_empty());
    let unnamed = bad.replace(", namespace: shop", "");
    assert_eq!(codes(&unnamed, &unnamed), ["claim-with-rolling-update"]);
}

#[test]
fn replicas_that_share_a_claim_of_one_node() {
    let web = deployment("web:1.0.0", MOUNT).replace("replicas: 1", "replicas: 3\n  strategy: {type: Recreate}");
    let bad = claim("ReadWriteOnce") + &web;
    assert_eq!(codes(&bad, &bad), ["claim-with-replicas"]);
}

#[test]
fn a_tag_that_can_move_in_any_container() {
    let now = deployment("web:1.0.0", "");
    let next = deployment("web:latest", "      initContainers: [{name: setup, image: busybox}]\n");
    let found = findings(&now, &next);
    assert_eq!(found.iter().map(|f| f.0.as_str()).collect::<Vec<_>>(), ["mutable-tag", "mutable-tag"]);
    assert!(found.iter().any(|f| f.1.contains("container `setup` has image `busybox`")), "{found:?}");
    assert!(found.iter().any(|f| f.1.contains("container `web` has image `web:latest`")), "{found:?}");
    let cron = "apiVersion: batch/v1\nkind: CronJob\nmetadata: {name: night, namespace: shop}\nspec:\n  schedule: \"0 3 * * *\"\n  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: a, image: \"a:main\"}]}}}}\n";
    assert_eq!(codes(cron, cron), ["mutable-tag"]);
}

#[test]
fn a_selector_that_would_change() {
    let now = deployment("web:1.0.0", "");
    assert_eq!(codes(&now, &now.replace("app: web}", "app: site}")), ["selector-changes"]);
}

#[test]
fn a_field_of_a_stateful_set_that_cannot_change() {
    let set = |size: &str, service: &str| {
        format!(
            "apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: db, namespace: shop}}\nspec:\n  serviceName: {service}\n  selector: {{matchLabels: {{app: db}}}}\n  template:\n    metadata: {{labels: {{app: db}}}}\n    spec: {{containers: [{{name: db, image: \"db:1.0.0\"}}]}}\n  volumeClaimTemplates:\n  - metadata: {{name: data}}\n    spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: {size}}}}}}}\n"
        )
    };
    assert_eq!(codes(&set("1Gi", "db"), &set("2Gi", "db")), ["stateful-set-immutable"]);
    assert_eq!(codes(&set("1Gi", "db"), &set("1Gi", "other")), ["stateful-set-immutable"]);
    assert!(codes(&set("1Gi", "db"), &set("1024Mi", "db")).is_empty(), "the same quantity");
}

#[test]
fn two_steps_that_change_one_template() {
    let run = rollcast(&["check"]);
    assert!(run.out.contains("warning [two-steps-one-template]") && run.out.contains("merge them"), "{}", run.out);
    assert!(!rollcast(&["check", "--fleet", "examples/fixed.toml"]).out.contains("two-steps-one-template"));
}

#[test]
fn recreate_over_a_strategy_that_the_server_filled_in() {
    let now = deployment("web:1.0.0", "");
    let next = now.replace("replicas: 1", "replicas: 1\n  strategy: {type: Recreate}");
    let found = findings(&now, &next);
    assert_eq!(found.iter().map(|f| f.0.as_str()).collect::<Vec<_>>(), ["recreate-over-rolling-update"], "{found:?}");
}

#[test]
fn a_job_whose_template_would_change() {
    let job = |image: &str| {
        format!(
            "apiVersion: batch/v1\nkind: Job\nmetadata: {{name: once, namespace: shop}}\nspec: {{template: {{spec: {{restartPolicy: Never, containers: [{{name: a, image: \"{image}\"}}]}}}}}}\n"
        )
    };
    assert_eq!(codes(&job("a:1.0.0"), &job("a:1.0.1")), ["job-immutable"]);
}

#[test]
fn a_config_map_that_changes_under_running_pods() {
    let map = |level: &str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: settings, namespace: shop}}\ndata: {{level: {level}}}\n---\n")
    };
    let with = |level: &str, more: &str| {
        map(level) + &deployment("web:1.0.0", "").replace("image: \"web:1.0.0\"", &format!("image: \"web:1.0.0\", {more}"))
    };
    let variables = "envFrom: [{configMapRef: {name: settings}}]";
    assert_eq!(codes(&with("a", variables), &with("b", variables)), ["config-without-roll"]);
    assert!(codes(&with("a", variables), &with("a", variables)).is_empty());
    let both = |level: &str| {
        with(level, variables).replace("labels: {app: web}", &format!("labels: {{app: web}}, annotations: {{checksum: {level}}}"))
    };
    assert!(codes(&both("a"), &both("b")).is_empty(), "what rolls reads it anew");
    let volume = "      volumes: [{name: s, configMap: {name: settings}}]\n";
    let mounted = |level: &str, path: &str| with(level, &format!("volumeMounts: [{{name: s, mountPath: /s{path}}}]")) + volume;
    assert_eq!(codes(&mounted("a", ", subPath: level"), &mounted("b", ", subPath: level")), ["config-without-roll"]);
    assert!(codes(&mounted("a", ""), &mounted("b", "")).is_empty(), "a directory follows the change");
}

#[test]
fn a_secret_in_a_manifest_is_named_and_not_shown() {
    // Put together here, so that no scanner takes this file for a leak.
    let value = ["q7Rt", "0vX2", "mLp9", "Zk4W"].concat();
    let web = deployment("web:1.0.0", "")
        .replace("image: \"web:1.0.0\"", &format!("image: \"web:1.0.0\", env: [{{name: DB_PASSWORD, value: {value}}}]"));
    let found = findings(&web, &web);
    assert_eq!(found.iter().map(|f| f.0.as_str()).collect::<Vec<_>>(), ["secret-in-manifest"]);
    assert!(found[0].1.contains("the variable `DB_PASSWORD` of container `web`") && !found[0].1.contains(&value), "{found:?}");
    let map =
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a, namespace: shop}}\ndata: {{token: {value}, name: settings}}\n");
    assert_eq!(codes(&map, &map), ["secret-in-manifest"]);
    let reference = web.replace(&format!("value: {value}"), "valueFrom: {secretKeyRef: {name: db, key: password}}");
    assert!(codes(&reference, &reference).is_empty());
}

#[test]
fn a_kind_that_no_definition_makes() {
    let secret = |name: &str| {
        format!("apiVersion: external-secrets.io/v1\nkind: ExternalSecret\nmetadata: {{name: {name}, namespace: shop}}\n---\n")
    };
    let at = directory(&[("next.yaml", &(secret("a") + &secret("b")))]);
    let run = rollcast_in(at.path(), &["check", "-f", "next.yaml", "--empty"]);
    assert_eq!(run.code, 1, "{}", run.out);
    assert_eq!(run.out.matches("error [kind-not-served]").count(), 1, "once for a kind: {}", run.out);
}

#[test]
fn a_script_is_never_taken_to_roll_nothing() {
    let fleet = "[fleet]\nname = \"f\"\nkubernetes = \"1.36\"\n[agents.web]\ncontainers = [\"a\"]\n[images]\na = \"a:1.0.0\"\n[[pipeline]]\nname = \"Deploy\"\nrun = \"deploy.sh\"\n";
    let at = directory(&[("fleet.toml", fleet)]);
    let run = rollcast_in(at.path(), &["check", "--empty"]);
    assert!(run.code == 1 && run.out.contains("error [script-not-rehearsed] step \"Deploy\" runs `deploy.sh`"), "{}", run.out);
    let then = format!("{fleet}[[pipeline]]\nname = \"Apply\"\napply = {{}}\n");
    std::fs::write(at.path().join("fleet.toml"), then).expect("writable");
    let run = rollcast_in(at.path(), &["check", "--empty"]);
    assert!(run.code == 1 && run.out.contains("? Deployment/") && run.out.contains("1 unknown"), "{}", run.out);
    assert!(run.out.contains("  1. Deploy: what it writes is not known\n"), "{}", run.out);
    // What nobody else touches the script may.
    std::fs::write(at.path().join("now.yaml"), deployment("web:1.0.0", "")).expect("writable");
    let run = rollcast_in(at.path(), &["check", "--from", "now.yaml"]);
    assert!(run.out.contains("? Deployment/shop/web ") && run.out.contains("2 unknown") && !run.out.contains("not touched"), "{}", run.out);
}

#[test]
fn a_version_that_is_not_simulated() {
    let fleet = |version: &str| {
        format!("[fleet]\nname = \"f\"\nkubernetes = \"{version}\"\n[agents.web]\ncontainers = [\"a\"]\n[images]\na = \"a:1.0.0\"\n")
    };
    let at = directory(&[("fleet.toml", &fleet("1.22"))]);
    let run = rollcast_in(at.path(), &["check", "--empty"]);
    let said =
        "warning [kubernetes-version] fleet.toml:3: Kubernetes 1.22 is not one that is simulated (1.34 to 1.37): 1.34 stands in for it";
    assert!(run.code == 0 && run.out.contains("[kubernetes-version]") && run.out.contains(said.split(": ").nth(1).unwrap()), "{}", run.out);
    let run = rollcast_in(at.path(), &["render"]);
    assert!(run.code == 0 && run.err.contains("warning[kubernetes-version]") && run.err.contains("--> fleet.toml:3:14"), "{}", run.err);
    std::fs::write(at.path().join("fleet.toml"), fleet("1.36")).expect("writable");
    assert!(!rollcast_in(at.path(), &["check", "--empty"]).out.contains("kubernetes-version"));
}
