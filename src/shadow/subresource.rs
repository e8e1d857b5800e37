//! Subresources and resources that store nothing: evictions, bindings, tokens, reviews, logs.
//!
//! Follows `pkg/registry/core/pod/storage/{storage,eviction}.go`, `pkg/registry/core/serviceaccount/storage/token.go`,
//! `pkg/registry/{authentication,authorization}` and `pkg/registry/core/componentstatus`.

use super::access::{self, Access, User};
use super::address::Doing;
use super::answer::Answer;
use super::body;
use super::resource::{Call, stored};
use super::state::Shadow;
use crate::object::{Value, base64, integer, items, json, map_at, text};
use crate::schema::Schema;
use crate::simulate::resources::Served;
use crate::simulate::{ApiError, Body, Request, Target, Verb, WriteOptions};
use std::time::Duration;

/// Who gives tokens, and whom they are for unless the request says so.
const ISSUER: &str = "https://kubernetes.default.svc";

/// How long a token is good for unless the request says so, in seconds.
const TOKEN: u64 = 3_600;

/// Answers a call that is not about a stored object of the resource; none if it is.
pub(super) fn answer(shadow: &Shadow, call: &Call, served: &Served) -> Option<Result<Answer, ApiError>> {
    let target = &call.target;
    let answer = match (target.group.as_str(), target.resource.as_str(), target.subresource.as_str()) {
        ("", "pods" | "nodes" | "services", "proxy") | ("", "pods", "log" | "exec" | "attach" | "portforward") => {
            Err(nothing_runs(shadow, call))
        }
        ("", _, below) if below.starts_with("proxy/") => Err(nothing_runs(shadow, call)),
        ("", "bindings", "") => bind(shadow, call),
        ("", "serviceaccounts", "token") => token(shadow, call, served),
        ("", "componentstatuses", "") => components(call),
        ("authorization.k8s.io" | "authentication.k8s.io", ..) => review(shadow, call, served),
        _ => return None,
    };
    Some(answer)
}

/// No container runs here, so there is nothing to talk to.
fn nothing_runs(shadow: &Shadow, call: &Call) -> ApiError {
    let (kind, name, what) = (call.target.resource.trim_end_matches('s'), &call.target.name, &call.target.subresource);
    let text = format!("rollcast simulates {kind} {name:?}: nothing runs in it, so there is no {what}");
    shadow.ask().unanswerable.insert(text.clone());
    ApiError::bad_request(text)
}

fn sent(schema: &'static Schema, call: &Call) -> Result<Value, ApiError> {
    body::value(body::object(schema, body::media(&call.content_type, false)?, &call.body).map_err(ApiError::bad_request)?)
}

fn success(code: u16) -> Answer {
    Answer::json(code, json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": code}))
}

/// A binding posted beside the pods is one posted to the pod that it names.
fn bind(shadow: &Shadow, call: &Call) -> Result<Answer, ApiError> {
    let schema = shadow.ask().cluster.schema;
    let binding = sent(schema, call)?;
    let name = text(&binding, &["metadata", "name"]).to_owned();
    let target = Target { resource: "pods".into(), subresource: "binding".into(), name, ..call.target.clone() };
    let options = WriteOptions { user_agent: call.client.user_agent.clone(), ..WriteOptions::default() };
    let request = Request { verb: Verb::Create, target, options, body: Body::Value(binding) };
    shadow.write(&call.client, &request).result.map(|_| success(201))
}

/// A token that any shadow takes, and no cluster.
fn token(shadow: &Shadow, call: &Call, served: &Served) -> Result<Answer, ApiError> {
    let live = shadow.ask();
    let mut request = sent(live.cluster.schema, call)?;
    let account = stored(&live, served, &call.target)?;
    let seconds = integer(&request, &["spec", "expirationSeconds"]).and_then(|s| u64::try_from(s).ok()).unwrap_or(TOKEN);
    let now = live.cluster.clock.now;
    let expires = live.cluster.clock.timestamp_at(now + Duration::from_secs(seconds));
    let metadata = json!({
        "name": call.target.name, "namespace": call.target.namespace, "uid": account["metadata"]["uid"],
        "creationTimestamp": live.cluster.clock.timestamp(),
    });
    let map = map_at(&mut request, &[]);
    map.insert("kind".into(), "TokenRequest".into());
    map.insert("apiVersion".into(), "authentication.k8s.io/v1".into());
    map.insert("metadata".into(), metadata);
    let spec = map_at(&mut request, &["spec"]);
    spec.entry("audiences").or_insert_with(|| json!([ISSUER]));
    spec.insert("expirationSeconds".into(), seconds.into());
    spec.entry("boundObjectRef").or_insert(Value::Null);
    let times = (live.cluster.clock.timestamp(), expires.clone());
    let token = web_token(&account, &request["spec"]["audiences"], times);
    map_at(&mut request, &[]).insert("status".into(), json!({"token": token, "expirationTimestamp": expires}));
    Ok(Answer::json(201, request))
}

/// A token in the form of those that a cluster gives, for scripts that read it; nobody signed it.
fn web_token(account: &Value, audiences: &Value, (from, to): (String, String)) -> String {
    let seconds = |time: &str| time.parse::<jiff::Timestamp>().map_or(0, jiff::Timestamp::as_second);
    let [namespace, name, uid] = ["namespace", "name", "uid"].map(|key| text(account, &["metadata", key]));
    let header = json!({"alg": "none", "kid": "rollcast"});
    let claims = json!({
        "aud": audiences, "exp": seconds(&to), "iat": seconds(&from), "iss": ISSUER,
        "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": name, "uid": uid}},
        "nbf": seconds(&from), "sub": format!("system:serviceaccount:{namespace}:{name}"),
    });
    let encoded = |bytes: &[u8]| base64::encode(bytes).trim_end_matches('=').replace('+', "-").replace('/', "_");
    let [header, claims] = [header, claims].map(|part| encoded(part.to_string().as_bytes()));
    format!("{header}.{claims}.{}", encoded(b"rollcast"))
}

/// Who somebody is, and what they may do.
fn review(shadow: &Shadow, call: &Call, served: &Served) -> Result<Answer, ApiError> {
    let schema = shadow.ask().cluster.schema;
    let mut review = sent(schema, call)?;
    let user = |user: &User| json!({"username": user.name, "groups": user.groups});
    let status = match served.kind.as_str() {
        "SelfSubjectRulesReview" => json!({
            "resourceRules": [{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}],
            "nonResourceRules": [{"verbs": ["*"], "nonResourceURLs": ["*"]}],
            "incomplete": false,
        }),
        "TokenReview" => json!({"authenticated": true, "user": user(&User::administrator())}),
        "SelfSubjectReview" => json!({"userInfo": user(&call.user)}),
        _ => allowed(shadow, call, &review),
    };
    let map = map_at(&mut review, &[]);
    map.insert("kind".into(), served.kind.clone().into());
    map.insert("apiVersion".into(), served.gvk().api_version().into());
    map.entry("metadata").or_insert_with(|| json!({"creationTimestamp": null}));
    map.insert("status".into(), status);
    Ok(Answer::json(201, review))
}

/// The status of an access review, for whoever asks or for whom it names (`pkg/registry/authorization/util/helpers.go`).
fn allowed(shadow: &Shadow, call: &Call, review: &Value) -> Value {
    let spec = &review["spec"];
    let groups: Vec<String> = items(spec, &["groups"]).iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let named = Some(text(spec, &["user"])).filter(|name| !name.is_empty() || !groups.is_empty());
    let user = named.map_or_else(|| call.user.clone(), |name| User { name: name.into(), groups });
    let of = |key: &str| text(spec, &["resourceAttributes", key]);
    let other = &spec["nonResourceAttributes"];
    let wanted = Access {
        verb: if other.is_object() { text(other, &["verb"]) } else { of("verb") },
        group: of("group"),
        resource: of("resource"),
        subresource: of("subresource"),
        namespace: of("namespace"),
        name: of("name"),
        path: text(other, &["path"]),
    };
    match access::decide(shadow, &user, &wanted) {
        (allowed, why) if why.is_empty() => json!({"allowed": allowed}),
        (allowed, why) => json!({"allowed": allowed, "reason": why}),
    }
}

/// The components of a control plane, all well.
fn components(call: &Call) -> Result<Answer, ApiError> {
    let one = |(name, message): (&str, &str)| {
        json!({
            "kind": "ComponentStatus", "apiVersion": "v1", "metadata": {"name": name, "creationTimestamp": null},
            "conditions": [{"type": "Healthy", "status": "True", "message": message}],
        })
    };
    let all = [("scheduler", "ok"), ("controller-manager", "ok"), ("etcd-0", "ok")].map(one);
    if call.doing == Doing::List {
        return Ok(Answer::json(200, json!({"kind": "ComponentStatusList", "apiVersion": "v1", "metadata": {}, "items": all})));
    }
    let found = all.into_iter().find(|c| c["metadata"]["name"] == call.target.name.as_str());
    let found = found.ok_or_else(|| ApiError::not_found("componentstatuses", &call.target.name))?;
    Ok(Answer::json(200, found))
}
