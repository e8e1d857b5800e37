//! The tenants' workloads of a cluster compared with the platform's image: who has it, who is stale, who is left alone and why.

use super::places::{CustomImages, places};
use super::precedence::{ANNOTATION, Origin};
use super::stale::{Change, compare};
use crate::object::{ObjectId, Value, at, text};
use regex::Regex;
use std::collections::{BTreeMap, BTreeSet};

/// The kinds that tenants' workloads are of.
const KINDS: [(&str, &str); 4] = [("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "DaemonSet"), ("batch", "CronJob")];

/// Which workloads are tenants', and which of their containers gets the platform's image.
#[derive(Clone, Debug)]
pub struct Selection {
    namespaces: Regex,
    workloads: Regex,
    container: String,
    own: Vec<Origin>,
    named: BTreeSet<ObjectId>,
}

/// How a tenant's workload stands to the platform.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It has the platform's image.
    Current,
    /// It has another one.
    Stale(Vec<Change>),
    /// It is left alone, and why.
    Skipped(String),
}

/// A workload of a tenant.
#[derive(Clone, Debug)]
pub struct Tenant<'o> {
    /// Which.
    pub id: ObjectId,
    /// As it was read.
    pub object: &'o Value,
    /// The image that its container has; empty if it has no such container.
    pub image: String,
    /// How it stands.
    pub standing: Standing,
}

impl Selection {
    /// From patterns in which `*` stands for anything and `?` for one character. Whose image is of one of the origins in `own`, as
    /// the workload's annotation says, is left alone.
    pub fn new(namespaces: &str, workloads: &str, container: &str, own: &[Origin]) -> Self {
        Self {
            namespaces: pattern(namespaces),
            workloads: pattern(workloads),
            container: container.to_owned(),
            own: own.to_vec(),
            named: BTreeSet::new(),
        }
    }

    /// The same, and these workloads, whatever the patterns say of their names.
    #[must_use]
    pub fn including(self, named: BTreeSet<ObjectId>) -> Self {
        Self { named, ..self }
    }

    /// Whether a workload is a tenant's.
    pub fn has(&self, id: &ObjectId) -> bool {
        let kind = KINDS.iter().any(|(group, kind)| *group == id.group && *kind == id.kind);
        kind && (self.namespaces.is_match(&id.namespace) && self.workloads.is_match(&id.name) || self.named.contains(id))
    }
}

fn pattern(text: &str) -> Regex {
    let escaped = regex::escape(text).replace("\\*", ".*").replace("\\?", ".");
    Regex::new(&format!("^{escaped}$")).expect("what is escaped is a pattern")
}

/// The tenants' workloads, by namespace, kind and name. `own_image` says who has an image of its own by the fleet file.
pub fn tenants<'o>(
    objects: impl Iterator<Item = &'o Value>,
    selection: &Selection,
    image: &str,
    own_image: &dyn Fn(&ObjectId) -> Option<String>,
) -> Vec<Tenant<'o>> {
    let mut found: Vec<Tenant<'o>> = objects
        .map(|object| (ObjectId::of(object), object))
        .filter(|(id, _)| selection.has(id))
        .map(|(id, object)| tenant(id, object, selection, image, own_image))
        .collect();
    found.sort_by(|a, b| (&a.id.namespace, &a.id.kind, &a.id.name).cmp(&(&b.id.namespace, &b.id.kind, &b.id.name)));
    found
}

fn tenant<'o>(
    id: ObjectId,
    object: &'o Value,
    selection: &Selection,
    image: &str,
    own_image: &dyn Fn(&ObjectId) -> Option<String>,
) -> Tenant<'o> {
    let container = &selection.container;
    let has = places(object, &CustomImages::default()).into_iter().find(|p| p.container == container && p.list.ends_with("ontainers"));
    let has = has.map(|p| p.image.to_owned());
    let compared = compare(object, &BTreeMap::from([(container.clone(), image.to_owned())]));
    let noted = at(object, &["metadata", "annotations"]).map_or("", |a| text(a, &[ANNOTATION]));
    let standing = if has.is_none() {
        Standing::Skipped(format!("it has no container `{container}`"))
    } else if !text(object, &["metadata", "deletionTimestamp"]).is_empty() {
        Standing::Skipped("it is being deleted".into())
    } else if let Some(origin) = own_origin(noted, selection) {
        Standing::Skipped(format!("it has an image of its own: its annotation {ANNOTATION} says `{container}={origin}`"))
    } else if let Some(who) = own_image(&id) {
        Standing::Skipped(format!("it has an image of its own: {who}"))
    } else if compared.stale.is_empty() {
        Standing::Current
    } else {
        Standing::Stale(compared.stale)
    };
    Tenant { id, object, image: has.unwrap_or_default(), standing }
}

/// The override that an annotation tells of: `agent=override`.
fn own_origin(noted: &str, selection: &Selection) -> Option<Origin> {
    let mut pairs = noted.split([',', ';']).filter_map(|pair| pair.trim().split_once('='));
    let origin = pairs.find(|(name, _)| *name == selection.container)?.1;
    selection.own.iter().copied().find(|o| o.as_str() == origin)
}

/// How an image of a tenant is noted on its workload: `agent=platform`.
pub fn noted(container: &str, origin: Origin) -> String {
    format!("{container}={origin}")
}

#[cfg(test)]
mod tests {
    use super::{Origin, Selection, Standing, tenants};
    use crate::object::{Value, json};

    fn workload(kind: &str, namespace: &str, name: &str, image: &str) -> Value {
        let group = if kind == "CronJob" { "batch/v1" } else { "apps/v1" };
        let pod = json!({"template": {"spec": {"containers": [{"name": "agent", "image": image}]}}});
        let spec = if kind == "CronJob" { json!({"jobTemplate": {"spec": pod}}) } else { pod };
        json!({"apiVersion": group, "kind": kind, "metadata": {"namespace": namespace, "name": name}, "spec": spec})
    }

    #[test]
    fn who_is_current_stale_or_left_alone() {
        let mut own = workload("Deployment", "org-b", "agent-own", "x:1");
        own["metadata"]["annotations"] = json!({"rollcast/image-source": "agent=override"});
        let mut other = workload("Deployment", "org-b", "agent-other", "x:1");
        other["spec"]["template"]["spec"]["containers"][0]["name"] = json!("main");
        let objects = [
            workload("StatefulSet", "org-b", "agent-db", "p:1"),
            workload("CronJob", "org-a", "agent-night", "p:0"),
            workload("Deployment", "org-a", "agent-x", "docker.io/library/p:1"),
            workload("Deployment", "org-a", "web", "p:0"),
            workload("Deployment", "organic", "agent-x", "p:0"),
            own,
            other,
        ];
        let selection = Selection::new("org-*", "agent-*", "agent", &[Origin::Override]);
        let found = tenants(objects.iter(), &selection, "p:1", &|_| None);
        let said: Vec<String> = found
            .iter()
            .map(|t| {
                let standing = match &t.standing {
                    Standing::Current => "current".to_owned(),
                    Standing::Stale(changes) => format!("{} -> {}", changes[0].old, changes[0].new),
                    Standing::Skipped(why) => why.clone(),
                };
                format!("{}: {standing}", t.id)
            })
            .collect();
        assert_eq!(
            said,
            [
                "CronJob/org-a/agent-night: p:0 -> p:1",
                "Deployment/org-a/agent-x: current",
                "Deployment/org-b/agent-other: it has no container `agent`",
                "Deployment/org-b/agent-own: it has an image of its own: its annotation rollcast/image-source says `agent=override`",
                "StatefulSet/org-b/agent-db: current",
            ]
        );
        let web = [super::ObjectId::of(&objects[3])].into();
        let named = tenants(objects.iter(), &selection.including(web), "p:1", &|_| None);
        assert!(named.len() == found.len() + 1 && named.iter().any(|t| t.id.name == "web"), "one that is known by its name");
    }
}
