//! A user and a request become yes or no, by the roles and bindings that are there.
//!
//! The caller is the administrator, who may do everything, unless it impersonates somebody (`kubectl --as`) or asks for somebody
//! else (`SubjectAccessReview`). Follows `apiserver/pkg/endpoints/filters/impersonation`, `plugin/pkg/auth/authorizer/rbac/rbac.go`,
//! `pkg/registry/rbac/validation/rule.go`, `pkg/apis/rbac/v1/evaluation_helpers.go` and, for what a refusal says,
//! `apiserver/pkg/endpoints/handlers/responsewriters/errors.go`.

use super::address::Doing;
use super::resource::Call;
use super::state::Shadow;
use crate::object::{ObjectId, Value, items, text};
use crate::simulate::{ApiError, Reason, Store};

/// The group of roles and bindings.
const RBAC: &str = "rbac.authorization.k8s.io";

/// Whoever is in it may do everything, whatever roles there are (`authorizerfactory.NewPrivilegedGroups`).
const PRIVILEGED: &str = "system:masters";

/// Who asks, or is asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct User {
    pub(super) name: String,
    pub(super) groups: Vec<String>,
}

impl User {
    /// The administrator, whom requests come from.
    pub(super) fn administrator() -> Self {
        Self { name: "kubernetes-admin".into(), groups: vec![PRIVILEGED.into(), "system:authenticated".into()] }
    }

    /// Somebody else. A service account is in the groups of all and of those of its namespace where none are given.
    pub(super) fn impersonated(name: &str, given: &[&str]) -> Self {
        let mut groups: Vec<String> = given.iter().map(|g| (*g).to_owned()).collect();
        if let Some((namespace, _)) =
            name.strip_prefix("system:serviceaccount:").and_then(|rest| rest.split_once(':')).filter(|_| given.is_empty())
        {
            groups.extend(["system:serviceaccounts".into(), format!("system:serviceaccounts:{namespace}")]);
        }
        let group = if name == "system:anonymous" { "system:unauthenticated" } else { "system:authenticated" };
        if !groups.iter().any(|g| g == group) {
            groups.push(group.into());
        }
        Self { name: name.into(), groups }
    }
}

/// What somebody wants to do.
#[derive(Debug, Default)]
pub(super) struct Access<'a> {
    pub(super) verb: &'a str,
    pub(super) group: &'a str,
    pub(super) resource: &'a str,
    pub(super) subresource: &'a str,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    /// Instead of a resource.
    pub(super) path: &'a str,
}

/// Refuses a call of somebody who may not make it.
pub(super) fn check(shadow: &Shadow, call: &Call) -> Result<(), ApiError> {
    let target = &call.target;
    let wanted = Access {
        verb: verb(call.doing),
        group: &target.group,
        resource: &target.resource,
        subresource: &target.subresource,
        namespace: &target.namespace,
        name: &target.name,
        path: "",
    };
    match decide(shadow, &call.user, &wanted) {
        (true, _) => Ok(()),
        (false, why) => Err(refusal(&call.user, &wanted, &why)),
    }
}

fn verb(doing: Doing) -> &'static str {
    match doing {
        Doing::Get => "get",
        Doing::List => "list",
        Doing::Watch => "watch",
        Doing::Create => "create",
        Doing::Update => "update",
        Doing::Patch => "patch",
        Doing::Delete => "delete",
        Doing::DeleteCollection => "deletecollection",
    }
}

/// Whether a user may do something, and what the authorizer says of it. A state that was read without its roles cannot tell: it is
/// allowed then, and noted as what could not be answered.
pub(super) fn decide(shadow: &Shadow, user: &User, wanted: &Access<'_>) -> (bool, String) {
    if user.groups.iter().any(|g| g == PRIVILEGED) {
        return (true, String::new());
    }
    let mut live = shadow.ask();
    let store = &live.cluster.store;
    if store.list(RBAC, "ClusterRole", None).next().is_none() {
        let what = if wanted.path.is_empty() { wanted.resource } else { wanted.path };
        let text = format!("whether {:?} may {} {what:?}: the state holds no roles", user.name, wanted.verb);
        live.unanswerable.insert(text);
        return (true, String::new());
    }
    by_roles(store, user, wanted)
}

fn by_roles(store: &Store, user: &User, wanted: &Access<'_>) -> (bool, String) {
    let mut missing = Vec::new();
    let everywhere = store.list(RBAC, "ClusterRoleBinding", None);
    let here = (!wanted.namespace.is_empty()).then(|| store.list(RBAC, "RoleBinding", Some(wanted.namespace)));
    for (id, binding) in everywhere.chain(here.into_iter().flatten()) {
        let Some(subject) = items(binding, &["subjects"]).iter().find(|s| is_subject(s, user, &id.namespace)) else { continue };
        let (kind, name) = (text(binding, &["roleRef", "kind"]), text(binding, &["roleRef", "name"]));
        let namespace = if kind == "Role" { id.namespace.clone() } else { "".into() };
        let Some(role) = store.get(&ObjectId { group: RBAC.into(), kind: kind.into(), namespace, name: name.into() }) else {
            missing.push(format!("{}.{RBAC} {name:?} not found", kind.to_lowercase()));
            continue;
        };
        if items(role, &["rules"]).iter().any(|rule| allows(rule, wanted)) {
            let bound = if id.namespace.is_empty() { id.name.to_string() } else { format!("{}/{}", id.name, id.namespace) };
            let by = format!("{} {bound:?} of {kind} {name:?} to {}", id.kind, described(subject, &id.namespace));
            return (true, format!("RBAC: allowed by {by}"));
        }
    }
    missing.dedup();
    let why = match missing.as_slice() {
        [] => String::new(),
        [one] => format!("RBAC: {one}"),
        several => format!("RBAC: [{}]", several.join(", ")),
    };
    (false, why)
}

fn is_subject(subject: &Value, user: &User, bound_in: &str) -> bool {
    let name = text(subject, &["name"]);
    match text(subject, &["kind"]) {
        "User" => user.name == name,
        "Group" => user.groups.iter().any(|g| g == name),
        "ServiceAccount" => {
            let namespace = Some(text(subject, &["namespace"])).filter(|n| !n.is_empty()).unwrap_or(bound_in);
            !namespace.is_empty() && user.name == format!("system:serviceaccount:{namespace}:{name}")
        }
        _ => false,
    }
}

fn described(subject: &Value, bound_in: &str) -> String {
    let (kind, name) = (text(subject, &["kind"]), text(subject, &["name"]));
    if kind != "ServiceAccount" {
        return format!("{kind} {name:?}");
    }
    let namespace = Some(text(subject, &["namespace"])).filter(|n| !n.is_empty()).unwrap_or(bound_in);
    format!("{kind} {:?}", format!("{name}/{namespace}"))
}

fn allows(rule: &Value, wanted: &Access<'_>) -> bool {
    let holds = |key: &str, fits: &dyn Fn(&str) -> bool| items(rule, &[key]).iter().filter_map(Value::as_str).any(fits);
    if !holds("verbs", &|v| v == "*" || v == wanted.verb) {
        return false;
    }
    if !wanted.path.is_empty() {
        let fits = |url: &str| url == "*" || url == wanted.path || url.ends_with('*') && wanted.path.starts_with(url.trim_end_matches('*'));
        return holds("nonResourceURLs", &fits);
    }
    let below = wanted.subresource;
    let whole = if below.is_empty() { wanted.resource.to_owned() } else { format!("{}/{below}", wanted.resource) };
    let resource = |r: &str| r == "*" || r == whole || !below.is_empty() && r.strip_prefix("*/") == Some(below);
    holds("apiGroups", &|g| g == "*" || g == wanted.group)
        && holds("resources", &resource)
        && (items(rule, &["resourceNames"]).is_empty() || holds("resourceNames", &|n| n == wanted.name))
}

fn refusal(user: &User, wanted: &Access<'_>, why: &str) -> ApiError {
    let resource =
        if wanted.subresource.is_empty() { wanted.resource.to_owned() } else { format!("{}/{}", wanted.resource, wanted.subresource) };
    let place =
        if wanted.namespace.is_empty() { "at the cluster scope".to_owned() } else { format!("in the namespace {:?}", wanted.namespace) };
    let mut text = format!("User {:?} cannot {} resource {resource:?} in API group {:?} {place}", user.name, wanted.verb, wanted.group);
    if !why.is_empty() {
        text = format!("{text}: {why}");
    }
    let kind = if wanted.group.is_empty() { wanted.resource.to_owned() } else { format!("{}.{}", wanted.resource, wanted.group) };
    let name = if wanted.name.is_empty() { String::new() } else { format!(" {:?}", wanted.name) };
    ApiError::new(403, Reason::Forbidden, format!("{kind}{name} is forbidden: {text}"))
}

#[cfg(test)]
mod tests {
    use super::{Access, User, allows, is_subject};
    use crate::object::json;

    #[test]
    fn rules_are_read_as_the_authorizer_does() {
        let rule = json!({"verbs": ["get", "list"], "apiGroups": ["", "apps"], "resources": ["pods/log", "*/scale", "secrets"], "resourceNames": ["a"]});
        let wants = |verb, group, resource, subresource, name| {
            allows(&rule, &Access { verb, group, resource, subresource, name, ..Access::default() })
        };
        assert!(
            wants("get", "", "pods", "log", "a")
                && wants("list", "apps", "deployments", "scale", "a")
                && wants("get", "", "secrets", "", "a")
        );
        assert!(!wants("get", "", "pods", "", "a") && !wants("get", "", "secrets", "", "b") && !wants("list", "", "secrets", "", ""));
        assert!(!wants("delete", "", "secrets", "", "a") && !wants("get", "batch", "secrets", "", "a"));
        let urls = json!({"verbs": ["get"], "nonResourceURLs": ["/healthz*"]});
        let path = |path| allows(&urls, &Access { verb: "get", path, ..Access::default() });
        assert!(path("/healthz/ping") && !path("/metrics"));
    }

    #[test]
    fn a_service_account_is_in_the_groups_of_its_namespace() {
        let user = User::impersonated("system:serviceaccount:shop:ci", &[]);
        assert_eq!(user.groups, ["system:serviceaccounts", "system:serviceaccounts:shop", "system:authenticated"]);
        assert!(is_subject(&json!({"kind": "ServiceAccount", "name": "ci"}), &user, "shop"));
        assert!(!is_subject(&json!({"kind": "ServiceAccount", "name": "ci"}), &user, ""));
        assert!(is_subject(&json!({"kind": "Group", "name": "system:serviceaccounts:shop"}), &user, ""));
        assert_eq!(User::impersonated("jane", &["dev"]).groups, ["dev", "system:authenticated"]);
    }
}
