//! Our side of a sequence: a fresh simulated cluster, one write after the other, the controllers after each.

use crate::answers::{difference, normalised, request};
use crate::kinds::Kind;
use rollcast::object::{Gvk, ObjectId, Value, json};
use rollcast::schema::Version;
use rollcast::simulate::clock::Clock;
use rollcast::simulate::controllers::{self, Until};
use rollcast::simulate::{Cluster, Response};
use std::sync::Arc;

/// What came of a step, on either side.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub code: u64,
    pub reason: String,
    pub message: String,
    /// The object in the answer itself; none for a refusal or a deletion.
    pub object: Option<Value>,
    /// The object after the controllers settled; none if there is none.
    pub stored: Option<Value>,
}

pub struct Ours {
    cluster: Cluster,
    namespace: String,
    kind: &'static Kind,
    id: ObjectId,
}

impl Ours {
    pub fn new(version: Version, kind: &'static Kind, namespace: &str) -> Self {
        let mut cluster = Cluster::new(version, Clock::new("2026-01-01T00:00:00Z".parse().unwrap()));
        let labels = json!({"kubernetes.io/metadata.name": namespace});
        for object in [
            json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace, "uid": "n", "labels": labels}, "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"}}),
            json!({"apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": {"name": "kubernetes", "uid": "c"}, "spec": {"cidrs": ["10.96.0.0/16"]}}),
            priority_class("system-cluster-critical", 2_000_000_000),
            priority_class("system-node-critical", 2_000_001_000),
        ] {
            cluster.load(Arc::new(object));
        }
        cluster.controllers.timing.pods_stay_pending = true;
        let id = ObjectId {
            group: kind.group().into(),
            kind: kind.name.into(),
            namespace: if kind.namespaced { namespace.into() } else { "".into() },
            name: kind.object_name().replace("{ns}", namespace).into(),
        };
        Self { cluster, namespace: namespace.into(), kind, id }
    }

    pub fn stored(&self) -> Option<Value> {
        self.stored_in(self.kind)
    }

    /// The object as a reader of a version gets it.
    pub fn stored_in(&self, kind: &Kind) -> Option<Value> {
        let object = self.cluster.store.get(&self.id)?;
        if object["apiVersion"] == kind.api_version {
            return Some((**object).clone());
        }
        let gvk = Gvk::new(kind.api_version, kind.name);
        let served = self.cluster.served_kind(&gvk).expect("a served kind");
        Some((*self.cluster.in_version(&served, object)).clone())
    }

    /// The names of the objects of a kind that there are.
    pub fn held(&self, group: &str, kind: &str) -> Vec<String> {
        self.cluster.store.list(group, kind, None).map(|(id, _)| id.name.to_string()).collect()
    }

    /// Whether a step would be accepted; nothing is stored.
    pub fn accepts(&self, step: &Value) -> bool {
        self.cluster.clone().write(&request(step, &self.namespace)).result.is_ok()
    }

    /// Does a step and lets the controllers come to rest.
    pub fn send(&mut self, step: &Value) -> Answer {
        let mut answer = self.write(step);
        controllers::run(&mut self.cluster, &Until::Settled);
        let id = self.id.clone();
        let gone = move |cluster: &Cluster| cluster.store.get(&id).is_none_or(|o| no_server_finalizers(o));
        controllers::run(&mut self.cluster, &Until::Holds(&gone, None));
        answer.stored = self.stored();
        answer
    }

    /// Does a step, and no controller sees it yet.
    pub fn write(&mut self, step: &Value) -> Answer {
        let Response { code, result, .. } = self.cluster.write(&request(step, &self.namespace));
        let mut answer = Answer { code: code.into(), stored: self.stored(), ..Answer::default() };
        match result {
            Ok(object) => answer.object = Some((*object).clone()).filter(|_| step["method"] != "DELETE"),
            Err(error) => {
                answer.reason = error.reason.as_str().to_owned();
                answer.message = error.message;
            }
        }
        answer
    }
}

/// One of the classes that every server makes.
fn priority_class(name: &str, value: i64) -> Value {
    let metadata = json!({"name": name, "uid": name, "generation": 1});
    json!({"apiVersion": "scheduling.k8s.io/v1", "kind": "PriorityClass", "metadata": metadata, "value": value, "preemptionPolicy": "PreemptLowerPriority"})
}

/// Whether nobody but the clients keeps an object that is being deleted.
pub fn no_server_finalizers(object: &Value) -> bool {
    let metadata = &object["metadata"];
    let mut left = metadata["finalizers"].as_array().into_iter().flatten().filter_map(Value::as_str).peekable();
    metadata.get("deletionTimestamp").is_none() || left.peek().is_some() && left.all(|f| f.starts_with("example.com/"))
}

/// What moves when the template does.
pub fn revision(object: &Value) -> String {
    let annotations = &object["metadata"]["annotations"];
    let shown = match object["kind"].as_str() {
        Some("Deployment") => &annotations["deployment.kubernetes.io/revision"],
        Some("StatefulSet") => &object["status"]["updateRevision"],
        _ => &annotations["deprecated.daemonset.template.generation"],
    };
    shown.as_str().unwrap_or_default().to_owned()
}

/// One disagreement.
#[derive(Clone, Debug)]
pub struct Disagreement {
    /// Whether it is of what the controllers leave, which may not have been there yet.
    pub may_pass: bool,
    /// What about, and where, without numbers and names: equal for equal causes.
    pub cause: String,
    pub text: String,
}

/// Where two answers to one step disagree; the answers before tell whether the revision moved.
pub fn disagreements(theirs: &Answer, ours: &Answer, before: (&Answer, &Answer)) -> Vec<Disagreement> {
    let mut all = Vec::new();
    if (theirs.code, &theirs.reason) != (ours.code, &ours.reason) {
        let text =
            format!("expected {} {} {}, ours {} {} {}", theirs.code, theirs.reason, theirs.message, ours.code, ours.reason, ours.message);
        let place = if theirs.code < 400 { &ours.message } else { &theirs.message };
        return vec![Disagreement::new("code", &format!("{place} ({} for {})", ours.reason, theirs.reason), text)];
    }
    let (expected, found) = (masked(&theirs.message), masked(&ours.message));
    if expected != found {
        let place = expected.split(", ").find(|part| !found.contains(part)).unwrap_or(&found).to_owned();
        all.push(Disagreement::new("message", &place, format!("\n      expected {expected}\n      ours     {found}")));
    }
    let empty = json!({});
    for (what, t, o) in [("answer", &theirs.object, &ours.object), ("stored", &theirs.stored, &ours.stored)] {
        let ((t, t_owners), (o, o_owners)) = (normalised(t.as_ref().unwrap_or(&empty)), normalised(o.as_ref().unwrap_or(&empty)));
        for (part, t, o) in [("object", t, o), ("owners", t_owners.into(), o_owners.into())] {
            if t != o {
                let text = difference(&t, &o, String::new());
                all.push(Disagreement::new(part, &text, format!("({what}) {text}")));
            }
        }
        if !all.is_empty() {
            all.iter_mut().for_each(|d| d.may_pass = what == "stored");
            return all;
        }
    }
    let moved =
        |before: &Answer, after: &Answer| before.stored.as_ref().zip(after.stored.as_ref()).map(|(b, a)| revision(b) != revision(a));
    let (expected, found) = (moved(before.0, theirs), moved(before.1, ours));
    if expected != found {
        let text = format!("revision moved: expected {expected:?}, ours {found:?}");
        all.push(Disagreement { may_pass: true, ..Disagreement::new("revision", "", text) });
    }
    all
}

impl Disagreement {
    fn new(what: &str, place: &str, text: String) -> Self {
        Self { may_pass: false, cause: format!("{what} {}", cause_of(place)), text: format!("{what}: {text}") }
    }
}

/// A text without uids and addresses of Services, and without the whole object, its times and versions, which a refused JSON or merge
/// patch is told with.
fn masked(message: &str) -> String {
    const PATCHED: &str = r#" "" is invalid: patch: Invalid value: "{"#;
    if let Some((_, why)) = message.strip_prefix(PATCHED).and_then(|rest| rest.rsplit_once(r#"}": "#)) {
        return format!("{PATCHED}…}}\": {why}");
    }
    let ordered = without_claim_order(message);
    let message = if message.starts_with("StatefulSet") { ordered.as_str() } else { message };
    let is_uid = |word: &str| word.starts_with("10.96.") || word.len() == 36 && word.split('-').map(str::len).eq([8, 4, 4, 4, 12]);
    let mut parts = Vec::new();
    let part = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '.';
    for word in message.split_inclusive(|c: char| !part(c)) {
        let bare = word.trim_end_matches(|c: char| !part(c));
        parts.push(if is_uid(bare) { word.replace(bare, "UID") } else { word.to_owned() });
    }
    parts.concat()
}

/// A text without the numbers in `volumes[N]`: which of several claim templates comes first is not settled in the server.
fn without_claim_order(message: &str) -> String {
    const LIST: &str = "spec.template.spec.volumes[";
    let mut parts = message.split(LIST);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        out.push_str(LIST);
        out.push_str(part.trim_start_matches(|c: char| c.is_ascii_digit()));
    }
    out
}

/// A place without numbers and quoted values, cut short.
fn cause_of(place: &str) -> String {
    let mut out = String::new();
    let mut quoted = false;
    for c in place.chars() {
        match c {
            '"' => quoted = !quoted,
            _ if quoted || c.is_ascii_digit() => {}
            _ => out.push(c),
        }
    }
    let end = out.char_indices().nth(110).map_or(out.len(), |(i, _)| i);
    out[..end].to_owned()
}
