//! Reading objects: one, a collection by selectors and page by page, with what `resourceVersion` asks for.
//!
//! Follows apiserver `pkg/endpoints/handlers/get.go`, `pkg/storage/etcd3/store.go` and `pkg/apis/meta/v1/validation`.

use super::address::Query;
use super::fields;
use super::view::View;
use super::watch::too_old;
use crate::object::path::FieldPath;
use crate::object::{ObjectId, Value, base64, json, json_text, selector, text};
use crate::simulate::resources::Served;
use crate::simulate::{ApiError, Cause, Cluster, Reason, Store, Target};
use std::sync::Arc;

/// Which objects of a kind.
#[derive(Clone, Debug)]
pub(super) struct Selection {
    /// Of which resource.
    pub(super) served: Served,
    /// In which namespace; empty for all.
    pub(super) namespace: String,
    /// Of which name; empty for all.
    pub(super) name: String,
    labels: String,
    fields: Vec<FieldTerm>,
}

/// One term of a field selector.
#[derive(Clone, Debug, PartialEq, Eq)]
struct FieldTerm {
    path: String,
    equal: bool,
    value: String,
}

impl Selection {
    /// What a query selects.
    ///
    /// # Errors
    /// 400 for a selector that cannot be read or names a field that the kind does not have for it.
    pub(super) fn of(served: Served, target: &Target, query: &Query) -> Result<Self, ApiError> {
        let mut selection = Self {
            namespace: target.namespace.clone(),
            name: target.name.clone(),
            labels: query.text("labelSelector").to_owned(),
            fields: Vec::new(),
            served,
        };
        selector::check_text(query.text("labelSelector")).map_err(ApiError::bad_request)?;
        for term in query.text("fieldSelector").split(',').filter(|t| !t.is_empty()) {
            let parsed =
                field_term(term).ok_or_else(|| ApiError::bad_request(format!("invalid selector: '{term}'; can't understand '{term}'")))?;
            fields::check(&selection.served, &parsed.path).map_err(ApiError::bad_request)?;
            selection.fields.push(parsed);
        }
        Ok(selection)
    }

    /// Under which group and kind the objects are stored: what is served in two groups is stored in one.
    pub(super) fn stored(&self) -> (String, String) {
        stored(&self.served)
    }

    /// The name of the only object that there can be among them; empty if there can be several.
    pub(super) fn only_name(&self) -> &str {
        let named = self.fields.iter().find(|term| term.equal && term.path == "metadata.name");
        if self.name.is_empty() { named.map_or("", |term| term.value.as_str()) } else { &self.name }
    }

    /// The same for selections of the same.
    pub(super) fn feed(&self) -> String {
        format!("{} {} {} {:?} {:?}", self.served.group, self.served.kind, self.namespace, (&self.name, &self.labels), self.fields)
    }

    /// Whether an object that changed may be among them.
    pub(super) fn concerns(&self, id: &ObjectId) -> bool {
        let group = if self.served.group == "events.k8s.io" { "" } else { self.served.group.as_str() };
        id.kind == self.served.kind.as_str()
            && id.group == group
            && (self.namespace.is_empty() || id.namespace == self.namespace)
            && (self.name.is_empty() || id.name == self.name)
    }

    /// Whether the selectors choose an object.
    pub(super) fn chooses(&self, object: &Value) -> bool {
        self.fields.iter().all(|term| (fields::value(object, &term.path) == term.value) == term.equal)
            && selector::matches_text(&self.labels, object)
    }

    /// The objects of a store, by namespace and name.
    pub(super) fn objects(&self, store: &Store) -> Vec<Arc<Value>> {
        let (group, kind) = self.stored();
        let namespace = Some(self.namespace.as_str()).filter(|n| !n.is_empty());
        let named = |id: &ObjectId| self.name.is_empty() || id.name == self.name;
        let all = store.list(&group, &kind, namespace);
        all.filter(|(id, object)| named(id) && self.chooses(object)).map(|(_, object)| Arc::clone(object)).collect()
    }
}

/// The group and the kind under which a resource's objects are stored.
pub(super) fn stored(served: &Served) -> (String, String) {
    let group = if served.group == "events.k8s.io" { String::new() } else { served.group.clone() };
    (group, served.kind.clone())
}

fn field_term(text: &str) -> Option<FieldTerm> {
    let (path, value, equal) = if let Some((path, value)) = text.split_once("!=") {
        (path, value, false)
    } else {
        let (path, value) = text.split_once("==").or_else(|| text.split_once('='))?;
        (path, value, true)
    };
    Some(FieldTerm { path: path.to_owned(), equal, value: value.to_owned() })
}

/// A part of a collection.
#[derive(Debug)]
pub(super) struct Page {
    /// The objects.
    pub(super) objects: Vec<Arc<Value>>,
    /// `metadata` of the list.
    pub(super) metadata: Value,
}

/// Where a list goes on: as the server's tokens, JSON in base64.
fn token(revision: u64, after: &ObjectId) -> String {
    let start =
        if after.namespace.is_empty() { format!("{}\u{0}", after.name) } else { format!("{}/{}\u{0}", after.namespace, after.name) };
    base64::encode(json!({"v": "meta.k8s.io/v1", "rv": revision, "start": start}).to_string().as_bytes())
        .replace('+', "-")
        .replace('/', "_")
        .trim_end_matches('=')
        .to_owned()
}

fn read_token(text: &str) -> Result<(u64, String), String> {
    let mut padded = text.replace('-', "+").replace('_', "/");
    while !padded.len().is_multiple_of(4) {
        padded.push('=');
    }
    let bytes = base64::decode(&padded).map_err(|at| format!("illegal base64 data at input byte {at}"))?;
    let token = json_text::parse(&bytes)?;
    let found = token["rv"].as_u64().zip(token["start"].as_str().map(str::to_owned));
    found.ok_or_else(|| "incorrect encoded start resourceVersion".to_owned())
}

/// Lists what is to be seen of a cluster.
///
/// # Errors
/// 400, 410 or 422 for a query that the server refuses.
pub(super) fn page(view: &View, cluster: &Cluster, selection: &Selection, query: &Query) -> Result<Page, ApiError> {
    check(query, false)?;
    let limit = number(query, "limit")?.unwrap_or(0);
    let from = Some(query.text("continue")).filter(|c| !c.is_empty());
    let now = cluster.store.revision();
    let (earlier, revision, start) = match from {
        None => {
            check_revision(query.text("resourceVersion"), now)?;
            (None, now, String::new())
        }
        Some(given) => {
            let (revision, start) = read_token(given)
                .map_err(|why| ApiError::bad_request(format!("invalid continue token: continue key is not valid: {why}")))?;
            let expired = "The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter.";
            let earlier = (revision != now).then(|| view.page(revision).ok_or_else(|| ApiError::new(410, Reason::Expired, expired)));
            (earlier.transpose()?, revision, start)
        }
    };
    let mut objects = selection.objects(earlier.as_ref().unwrap_or(&cluster.store));
    objects.retain(|object| start.is_empty() || key(object) >= start);
    let mut metadata = json!({"resourceVersion": revision.to_string()});
    let most = usize::try_from(limit).unwrap_or(usize::MAX);
    if most > 0 && objects.len() > most {
        let selects = !selection.labels.is_empty() || !selection.fields.is_empty();
        metadata["continue"] = token(revision, &ObjectId::of(&objects[most - 1])).into();
        if !selects {
            metadata["remainingItemCount"] = (objects.len() - most).into();
        }
        objects.truncate(most);
        if revision == now {
            view.keep_page(&cluster.store);
        }
    }
    Ok(Page { objects, metadata })
}

/// Where an object stands in a list over all namespaces.
fn key(object: &Value) -> String {
    let (namespace, name) = (text(object, &["metadata", "namespace"]), text(object, &["metadata", "name"]));
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }
}

/// Reads a number of a query.
///
/// # Errors
/// 400 if it is none.
pub(super) fn number(query: &Query, key: &str) -> Result<Option<u64>, ApiError> {
    match query.text(key) {
        "" => Ok(None),
        text => match text.parse::<i64>() {
            Ok(number) => Ok(Some(u64::try_from(number).unwrap_or(0))),
            Err(_) => Err(ApiError::bad_request(format!("strconv.ParseInt: parsing {text:?}: invalid syntax"))),
        },
    }
}

/// 504: nobody has got that far yet.
fn too_large(asked: u64, now: u64) -> ApiError {
    let message = format!("Timeout: Too large resource version: {asked}, current: {now}");
    let cause = Cause { reason: "ResourceVersionTooLarge", message: "Too large resource version".into(), field: String::new() };
    ApiError { causes: vec![cause], ..ApiError::new(504, Reason::Timeout, message) }
}

/// A revision that the store must have reached; one in the future is told to wait, as the server does after its patience.
fn check_revision(asked: &str, now: u64) -> Result<(), ApiError> {
    let asked = revision(asked).map_err(|e| ApiError::bad_request(format!("invalid resource version: {}", e.message)))?;
    match asked {
        Some(asked) if asked > now => Err(too_large(asked, now)),
        _ => Ok(()),
    }
}

/// A resource version as sent; none for the empty one.
///
/// # Errors
/// 400 if it is no number.
pub(super) fn revision(text: &str) -> Result<Option<u64>, ApiError> {
    match text {
        "" => Ok(None),
        text => text.parse().map(Some).map_err(|_| {
            let cause = Cause::invalid(
                &FieldPath::new("resourceVersion"),
                &format!("{text:?}"),
                &format!("strconv.ParseUint: parsing {text:?}: invalid syntax"),
            );
            ApiError::bad_request(format!("{}: {}", cause.field, cause.message))
        }),
    }
}

/// Refuses combinations of list options (`apis/meta/internalversion/validation`).
pub(super) fn check(query: &Query, watch: bool) -> Result<(), ApiError> {
    number(query, "limit")?;
    number(query, "timeoutSeconds")?;
    let (revision, matching) = (query.text("resourceVersion"), query.text("resourceVersionMatch"));
    let initial = query.flag("sendInitialEvents");
    let mut causes = Vec::new();
    let field = FieldPath::new("resourceVersionMatch");
    let forbid = |causes: &mut Vec<Cause>, why: &str| causes.push(Cause::forbidden(&field, why));
    if watch {
        if initial.is_some() && matching.is_empty() {
            forbid(&mut causes, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
        } else if initial.is_none() && !matching.is_empty() {
            forbid(&mut causes, "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided");
        }
        if initial.is_some() && !matching.is_empty() && matching != "NotOlderThan" {
            forbid(&mut causes, "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
            causes.push(Cause::not_supported(&field, &format!("{matching:?}"), &["NotOlderThan"]));
        }
    } else {
        if initial.is_some() {
            causes.push(Cause::forbidden(&FieldPath::new("sendInitialEvents"), "sendInitialEvents is forbidden for list"));
        }
        if !matching.is_empty() {
            if revision.is_empty() {
                forbid(&mut causes, "resourceVersionMatch is forbidden unless resourceVersion is provided");
            }
            if !query.text("continue").is_empty() {
                forbid(&mut causes, "resourceVersionMatch is forbidden when continue is provided");
            }
            match matching {
                "Exact" if revision == "0" => forbid(&mut causes, "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\""),
                "Exact" | "NotOlderThan" => {}
                _ => causes.push(Cause::not_supported(&field, &format!("{matching:?}"), &["Exact", "NotOlderThan", ""])),
            }
        }
    }
    if causes.is_empty() { Ok(()) } else { Err(ApiError::invalid("ListOptions.meta.k8s.io", "", causes)) }
}

/// Whether a watch begins after a revision, or with what is there now.
///
/// # Errors
/// As [`revision`].
pub(super) fn watch_from(query: &Query, now: u64, oldest: u64) -> Result<Option<u64>, ApiError> {
    let asked = revision(query.text("resourceVersion"))?;
    if query.flag("sendInitialEvents") == Some(true) {
        return Ok(None);
    }
    if query.flag("sendInitialEvents") == Some(false) && asked.is_none_or(|a| a == 0) {
        return Ok(Some(now));
    }
    match asked {
        None | Some(0) => Ok(None),
        Some(asked) if asked < oldest => Err(too_old(asked, oldest)),
        Some(asked) => Ok(Some(asked)),
    }
}
