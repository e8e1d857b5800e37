//! The workloads of a control plane become what they cost between two looks: revisions, rolls, pods replaced.

use crate::plane::Plane;
use rollcast::object::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::thread::sleep;
use std::time::Duration;

/// `Kind/namespace/name`.
pub type Name = String;

/// What a workload cost.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cost {
    pub revisions: i64,
    pub rolls: i64,
    pub recreated: i64,
    pub pods_replaced: i64,
}

impl Cost {
    pub fn add(&mut self, other: &Self) {
        self.revisions += other.revisions;
        self.rolls += other.rolls;
        self.recreated += other.recreated;
        self.pods_replaced += other.pods_replaced;
    }
}

/// A workload at rest.
struct Workload {
    uid: String,
    /// The number of its newest revision: it counts every move of the template, also one back to an old ReplicaSet.
    revision: i64,
    pods: BTreeSet<String>,
}

/// All workloads at rest.
pub struct Observed(BTreeMap<Name, Workload>);

const KINDS: &str = "deployments,statefulsets,daemonsets,replicasets,controllerrevisions,pods";

impl Observed {
    /// Waits until the controllers have nothing left to do, then looks.
    pub fn settled(plane: &Plane) -> Self {
        Self::settled_by(&|command| plane.shell(command))
    }

    /// The same of the cluster that a shell's kubectl leads to.
    pub fn settled_by(shell: &dyn Fn(&str) -> String) -> Self {
        let mut before = Vec::new();
        let mut quiet = 0;
        for _ in 0..400 {
            let list: Value = serde_json::from_str(&shell(&format!("kubectl get -A -o json {KINDS}"))).unwrap();
            let items = list["items"].as_array().unwrap().clone();
            let versions: Vec<String> =
                items.iter().map(|o| o["metadata"]["uid"].to_string() + &o["metadata"]["resourceVersion"].to_string()).collect();
            quiet = if versions == before && items.iter().all(at_rest) { quiet + 1 } else { 0 };
            if quiet == 3 {
                return Self::of(&items);
            }
            before = versions;
            sleep(Duration::from_millis(200));
        }
        panic!("the controllers do not settle");
    }

    fn of(items: &[Value]) -> Self {
        let owner = |o: &Value| o["metadata"]["ownerReferences"][0]["uid"].as_str().unwrap_or_default().to_owned();
        let uid = |o: &Value| o["metadata"]["uid"].as_str().unwrap().to_owned();
        let of_kind = |kind: &'static str| items.iter().filter(move |o| o["kind"] == kind);
        let replica_sets: BTreeMap<String, String> = of_kind("ReplicaSet").map(|o| (uid(o), owner(o))).collect();
        let mut workloads = BTreeMap::new();
        for o in items.iter().filter(|o| matches!(o["kind"].as_str(), Some("Deployment" | "StatefulSet" | "DaemonSet"))) {
            let own = uid(o);
            let revision = match o["metadata"]["annotations"]["deployment.kubernetes.io/revision"].as_str() {
                Some(number) => number.parse().unwrap(),
                None => of_kind("ControllerRevision").filter(|r| owner(r) == own).filter_map(|r| r["revision"].as_i64()).max().unwrap_or(0),
            };
            let pods = of_kind("Pod").filter(|p| owner(p) == own || replica_sets.get(&owner(p)) == Some(&own)).map(uid).collect();
            let text = |field: &str| o["metadata"][field].as_str().unwrap().to_owned();
            let name = format!("{}/{}/{}", o["kind"].as_str().unwrap(), text("namespace"), text("name"));
            workloads.insert(name, Workload { uid: own, revision, pods });
        }
        Self(workloads)
    }

    /// What each workload that was there before cost until now.
    pub fn cost_since(&self, before: &Self) -> BTreeMap<Name, Cost> {
        let mut costs = BTreeMap::new();
        for (name, now) in &self.0 {
            let Some(then) = before.0.get(name) else { continue };
            let gone = then.pods.difference(&now.pods).count();
            let new = now.pods.difference(&then.pods).count();
            let mut cost = Cost { pods_replaced: i64::try_from(gone.min(new)).unwrap(), ..Cost::default() };
            if now.uid == then.uid {
                cost.revisions = now.revision - then.revision;
                cost.rolls = if cost.pods_replaced == 0 { 0 } else { cost.revisions.max(1) };
            } else {
                cost.recreated = 1;
            }
            costs.insert(name.clone(), cost);
        }
        costs
    }
}

/// Whether nothing is left to do for an object: its controller saw its last change, or its pod is ready, or over, and not going away.
fn at_rest(o: &Value) -> bool {
    let status = &o["status"];
    match o["kind"].as_str().unwrap() {
        "Pod" => {
            let ready =
                status["conditions"].as_array().is_some_and(|all| all.iter().any(|c| c["type"] == "Ready" && c["status"] == "True"));
            (ready || status["phase"] == "Succeeded") && o["metadata"]["deletionTimestamp"].is_null()
        }
        "ControllerRevision" => true,
        _ => status["observedGeneration"] == o["metadata"]["generation"],
    }
}
