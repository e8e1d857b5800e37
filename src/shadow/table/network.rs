//! The cells of what leads to pods: Services, Ingresses, endpoints, policies.
//!
//! Follows kubernetes `pkg/printers/internalversion/printers.go`.

use super::cell::Cell::{Age, Made, Name, Text};
use super::cell::{Kind, Row, each, some};
use super::labels;
use crate::object::{Value, integer, items, text};
use crate::schema::Version;
use std::collections::BTreeSet;

/// The kinds.
pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "Service",
        cells: &[
            Name,
            Text(&["spec", "type"], ""),
            Made(|row| row.items(&["spec", "clusterIPs"]).first().and_then(Value::as_str).unwrap_or("<none>").into()),
            Made(external),
            Made(service_ports),
            Age,
            Made(|row| labels::of_map(row.at(&["spec", "selector"])).into()),
        ],
    },
    Kind {
        name: "Ingress.networking.k8s.io",
        cells: &[
            Name,
            Text(&["spec", "ingressClassName"], "<none>"),
            Made(hosts),
            Made(|row| balancer(row).into()),
            Made(|row| if row.items(&["spec", "tls"]).is_empty() { "80" } else { "80, 443" }.into()),
            Age,
        ],
    },
    Kind {
        name: "IngressClass.networking.k8s.io",
        cells: &[Made(class_name), Text(&["spec", "controller"], ""), Made(class_parameters), Age],
    },
    Kind {
        name: "NetworkPolicy.networking.k8s.io",
        cells: &[Name, Made(|row| labels::or_none(labels::of_selector(row.at(&["spec", "podSelector"]))).into()), Age],
    },
    Kind { name: "Endpoints", cells: &[Name, Made(endpoints), Age] },
    Kind {
        name: "EndpointSlice.discovery.k8s.io",
        cells: &[Name, Text(&["addressType"], ""), Made(slice_ports), Made(slice_addresses), Age],
    },
    Kind { name: "ServiceCIDR.networking.k8s.io", cells: &[Name, Made(|row| texts(row.items(&["spec", "cidrs"])).join(",").into()), Age] },
    Kind { name: "IPAddress.networking.k8s.io", cells: &[Name, Made(parent), Age] },
];

fn texts(list: &[Value]) -> Vec<&str> {
    list.iter().filter_map(Value::as_str).collect()
}

/// The addresses of a load balancer, sorted.
fn balancer(row: &Row<'_>) -> String {
    let of = |ingress| match text(ingress, &["ip"]) {
        "" => text(ingress, &["hostname"]),
        ip => ip,
    };
    let ingresses = row.items(&["status", "loadBalancer", "ingress"]);
    let addresses: BTreeSet<&str> = ingresses.iter().map(of).filter(|a| !a.is_empty()).collect();
    addresses.into_iter().collect::<Vec<_>>().join(",")
}

fn external(row: &Row<'_>) -> Value {
    let given = texts(row.items(&["spec", "externalIPs"])).join(",");
    match row.text(&["spec", "type"]) {
        "ClusterIP" | "NodePort" => labels::or_none(given).into(),
        "LoadBalancer" => match (balancer(row), given) {
            (balancer, given) if balancer.is_empty() && given.is_empty() => "<pending>".into(),
            (balancer, given) if balancer.is_empty() => given.into(),
            (balancer, given) if given.is_empty() => balancer.into(),
            (balancer, given) => format!("{balancer},{given}").into(),
        },
        "ExternalName" => row.text(&["spec", "externalName"]).into(),
        _ => "<unknown>".into(),
    }
}

fn service_ports(row: &Row<'_>) -> Value {
    let port = |port: &Value| {
        let (number, protocol) = (integer(port, &["port"]).unwrap_or_default(), text(port, &["protocol"]));
        match integer(port, &["nodePort"]).unwrap_or_default() {
            node @ 1.. => format!("{number}:{node}/{protocol}"),
            _ => format!("{number}/{protocol}"),
        }
    };
    let ports: Vec<String> = row.items(&["spec", "ports"]).iter().map(port).collect();
    labels::or_none(ports.join(",")).into()
}

/// Up to three hosts; what more there is counts the rules, those without a host too.
fn hosts(row: &Row<'_>) -> Value {
    let rules = row.items(&["spec", "rules"]);
    let (mut shown, mut more) = (Vec::new(), false);
    for host in each(rules, "host") {
        more |= shown.len() == 3;
        if !more && !host.is_empty() {
            shown.push(host);
        }
    }
    match shown.join(",") {
        text if text.is_empty() => "*".into(),
        text if more => format!("{text} + {} more...", rules.len() - 3).into(),
        text => text.into(),
    }
}

fn class_name(row: &Row<'_>) -> Value {
    let default = row.text(&["metadata", "annotations", "ingressclass.kubernetes.io/is-default-class"]) == "true";
    let name = row.text(&["metadata", "name"]);
    if default && row.version >= Version::V1_36 { format!("{name} (default)").into() } else { name.into() }
}

fn class_parameters(row: &Row<'_>) -> Value {
    let parameters = row.at(&["spec", "parameters"]);
    if !parameters.is_object() {
        return "<none>".into();
    }
    let (kind, name) = (text(parameters, &["kind"]), text(parameters, &["name"]));
    match parameters["apiGroup"].as_str() {
        Some(group) => format!("{kind}.{group}/{name}").into(),
        None => format!("{kind}/{name}").into(),
    }
}

fn endpoints(row: &Row<'_>) -> Value {
    let subsets = row.items(&["subsets"]);
    if subsets.is_empty() {
        return "<none>".into();
    }
    let mut all = Vec::new();
    for subset in subsets {
        let addresses = each(items(subset, &["addresses"]), "ip");
        let ports = items(subset, &["ports"]);
        if ports.is_empty() {
            all.extend(addresses.iter().map(|&a| a.to_owned()));
        }
        for port in ports {
            let port = integer(port, &["port"]).unwrap_or_default();
            all.extend(addresses.iter().map(|a| if a.contains(':') { format!("[{a}]:{port}") } else { format!("{a}:{port}") }));
        }
    }
    some(&all, 3, ",").into()
}

fn or_unset(text: String) -> Value {
    if text.is_empty() { "<unset>".into() } else { text.into() }
}

fn slice_ports(row: &Row<'_>) -> Value {
    let port = |port: &Value| match (integer(port, &["port"]), port["name"].as_str()) {
        (Some(number), _) => number.to_string(),
        (None, Some(name)) => name.to_owned(),
        (None, None) => "*".to_owned(),
    };
    let ports: Vec<String> = row.items(&["ports"]).iter().map(port).collect();
    or_unset(some(&ports, 3, ","))
}

fn slice_addresses(row: &Row<'_>) -> Value {
    let endpoints = row.items(&["endpoints"]).iter();
    let addresses: Vec<String> = endpoints.flat_map(|e| texts(items(e, &["addresses"]))).map(str::to_owned).collect();
    or_unset(some(&addresses, 3, ","))
}

fn parent(row: &Row<'_>) -> Value {
    let parent = row.at(&["spec", "parentRef"]);
    if !parent.is_object() {
        return "<none>".into();
    }
    let part = |key: &str| text(parent, &[key]);
    let resource = if part("group").is_empty() { part("resource").to_owned() } else { format!("{}.{}", part("resource"), part("group")) };
    let place = if part("namespace").is_empty() { String::new() } else { format!("/{}", part("namespace")) };
    format!("{}{place}/{}", resource.to_lowercase(), part("name")).into()
}
