//! The names of the caller's kubeconfig become one that leads to shadows, and holds no server and no credential of the caller's.

use crate::cluster::{ContextName, Names};
use crate::object::{Value, json};
use std::net::SocketAddr;

/// The name of what is made where the caller has none.
const OWN: &str = "rollcast";

/// Adds what a client needs: each context that is asked for, clusters and users that contexts name, and a current context.
pub(super) fn complete(mut names: Names, asked: &[String]) -> Names {
    for context in asked {
        add_context(&mut names, context);
    }
    if names.current.is_empty() {
        // Without one, clients would go to port 8080 of this machine.
        names.current = asked.first().map_or(OWN, String::as_str).to_owned();
        let current = names.current.clone();
        add_context(&mut names, &current);
    }
    for context in &names.contexts {
        for (known, named) in [(&mut names.clusters, &context.cluster), (&mut names.users, &context.user)] {
            if !named.is_empty() && !known.contains(named) {
                known.push(named.clone());
            }
        }
    }
    names
}

fn add_context(names: &mut Names, name: &str) {
    if !names.contexts.iter().any(|c| c.name == name) {
        let context = ContextName { name: name.into(), cluster: name.into(), user: name.into(), namespace: String::new() };
        names.contexts.push(context);
    }
}

/// The file's text; `server` says where a cluster of that name is.
pub(super) fn text(names: &Names, server: &dyn Fn(&str) -> SocketAddr) -> String {
    let context = |c: &ContextName| {
        let own = [("cluster", &c.cluster), ("user", &c.user), ("namespace", &c.namespace)];
        let own = own
            .into_iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(key, value)| (crate::object::Text::from(key), value.as_str().into()));
        json!({"name": c.name, "context": Value::Object(own.collect())})
    };
    let contexts: Vec<Value> = names.contexts.iter().map(context).collect();
    let cluster = |name: &String| json!({"name": name, "cluster": {"server": format!("http://{}", server(name))}});
    let clusters: Vec<Value> = names.clusters.iter().map(cluster).collect();
    let users: Vec<Value> = names.users.iter().map(|name| json!({"name": name, "user": {}})).collect();
    crate::object::yaml::to_yaml(&json!({
        "apiVersion": "v1", "kind": "Config", "current-context": names.current,
        "clusters": clusters, "contexts": contexts, "users": users,
    }))
}

#[cfg(test)]
mod tests {
    use super::{complete, text};
    use crate::cluster::{ContextName, Names};

    #[test]
    fn every_name_is_there_and_a_current_context_too() {
        let prod = ContextName { name: "prod".into(), cluster: "c".into(), user: "u".into(), namespace: "shop".into() };
        let names = Names { contexts: vec![prod], users: vec!["spare".into()], ..Names::default() };
        let names = complete(names, &["stage".into()]);
        assert_eq!(names.current, "stage");
        assert_eq!(names.clusters, ["c", "stage"]);
        assert_eq!(names.users, ["spare", "u", "stage"]);
        let text = text(&names, &|name| if name == "c" { "127.0.0.1:1".parse().unwrap() } else { "127.0.0.1:2".parse().unwrap() });
        assert!(text.contains("namespace: shop") && text.contains("http://127.0.0.1:1") && text.contains("http://127.0.0.1:2"), "{text}");
    }

    #[test]
    fn a_caller_without_any_gets_one() {
        let names = complete(Names::default(), &[]);
        assert_eq!((names.current.as_str(), names.contexts.len(), names.clusters.len()), ("rollcast", 1, 1));
    }
}
