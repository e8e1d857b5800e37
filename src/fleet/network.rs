//! Who may talk to whom: the peers that agents declare become rules of network policies, on both sides.

use super::agent::Agent;
use super::bundle::{EndpointFile, EndpointTable, NetworkFile, PeerFile, PeerTable};
use super::read::{At, Reader};
use crate::diagnostic::nearest;
use std::collections::BTreeMap;
use std::ops::Range;

/// Whom every agent of a bundle may talk to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Network {
    /// Name resolution.
    pub dns: Option<Pods>,
    /// The message bus.
    pub nats: Option<Pods>,
}

/// Pods by their labels, and ports of theirs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pods {
    /// Their namespace.
    pub namespace: String,
    /// Their labels.
    pub labels: BTreeMap<String, String>,
    /// Their ports; empty for all.
    pub ports: Vec<i64>,
}

/// Whom an agent may talk to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    /// Pods.
    Pods(Pods),
    /// Another agent, by its place among all, on these ports.
    Agent(usize, Vec<i64>),
    /// Addresses.
    Addresses {
        /// `10.0.0.0/8`
        cidr: String,
        /// Addresses among those that are not meant.
        except: Vec<String>,
        /// Ports; empty for all.
        ports: Vec<i64>,
    },
}

/// The policies of one agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Contacts {
    /// Whom it may talk to.
    pub to: Vec<Peer>,
    /// Who may talk to it: agents by their places, and on which ports; none for all.
    pub from: Vec<(usize, Vec<i64>)>,
}

/// What `[network]` says, over what is usual.
pub(super) fn network(file: Option<At<NetworkFile>>, reader: &mut Reader<'_>) -> Network {
    let NetworkFile { dns, nats } = file.unwrap_or_default().value;
    Network {
        dns: endpoint(dns, ("kube-system", "k8s-app", "kube-dns", 53), reader),
        nats: endpoint(nats, ("nats", "app.kubernetes.io/name", "nats", 4222), reader),
    }
}

fn endpoint(file: Option<At<EndpointFile>>, usual: (&str, &str, &str, i64), reader: &mut Reader<'_>) -> Option<Pods> {
    let (namespace, label, value, port) = usual;
    let table = match file.map(|f| f.value) {
        Some(EndpointFile::Short(false)) => return None,
        None | Some(EndpointFile::Short(true)) => EndpointTable::default(),
        Some(EndpointFile::Table(table)) => *table,
    };
    let own = table.labels.map(|l| l.value.into_iter().map(|(k, v)| (k, v.value)).collect());
    Some(Pods {
        namespace: table.namespace.map_or_else(|| namespace.to_owned(), |n| n.value),
        labels: own.unwrap_or_else(|| BTreeMap::from([(label.to_owned(), value.to_owned())])),
        ports: table.ports.map_or_else(|| vec![port], |p| ports(p.value, reader)),
    })
}

fn ports(list: Vec<At<i64>>, reader: &mut Reader<'_>) -> Vec<i64> {
    let mut out = Vec::new();
    for At { value, range } in list {
        if !(1..=65535).contains(&value) {
            reader.wrong("fleet-value", range, format!("{value} is no port")).label = "expected 1 to 65535".into();
        }
        out.push(value);
    }
    out
}

/// The contacts of each agent, in their order.
pub(super) fn contacts(agents: &[Agent], reader: &mut Reader<'_>) -> Vec<Contacts> {
    let mut all = vec![Contacts::default(); agents.len()];
    if agents.iter().all(|a| a.peers.is_empty()) {
        return all;
    }
    let places: BTreeMap<(Option<&str>, &str), usize> =
        agents.iter().enumerate().map(|(i, a)| ((a.org.as_deref(), a.name.as_str()), i)).collect();
    for (own, agent) in agents.iter().enumerate() {
        for At { value, range } in &agent.peers {
            if !agent.bundle {
                let wrong = reader.wrong("fleet-bundle", range.clone(), format!("the namespace `{}` has no bundle", agent.namespace));
                wrong.label = "whoever is there may talk to everybody".into();
                wrong.hints.push("write `bundle = true` under [fleet]".into());
                continue;
            }
            let table = match value {
                PeerFile::Short(name) => {
                    PeerTable { agent: Some(At { value: name.clone(), range: range.clone() }), ..PeerTable::default() }
                }
                PeerFile::Table(table) => (**table).clone(),
            };
            match peer(table, agent, agents, &places, range, reader) {
                Some(Peer::Agent(other, ports)) => {
                    if agents[other].bundle {
                        all[other].from.push((own, ports.clone()));
                    }
                    all[own].to.push(Peer::Agent(other, ports));
                }
                found => all[own].to.extend(found),
            }
        }
    }
    all
}

fn peer(
    table: PeerTable,
    agent: &Agent,
    agents: &[Agent],
    places: &BTreeMap<(Option<&str>, &str), usize>,
    range: &Range<usize>,
    reader: &mut Reader<'_>,
) -> Option<Peer> {
    let ports = table.ports.map(|p| ports(p.value, reader));
    match (table.agent, table.namespace, table.labels, table.cidr) {
        (Some(At { value: name, range }), None, None, None) => {
            let other = other(&name, agent, places);
            let Some(other) = other else {
                let known: Vec<String> =
                    places.keys().map(|(org, name)| org.map_or_else(|| (*name).to_owned(), |org| format!("{org}/{name}"))).collect();
                let near = nearest(&name, known.iter().map(String::as_str)).map(|n| format!("did you mean `{n}`?"));
                let wrong = reader.wrong("fleet-reference", range, format!("there is no agent `{name}`"));
                wrong.label = near.unwrap_or_default();
                wrong.hints.push(
                    "an agent of an organisation is `organisation/agent`; pods of others are `{ namespace = \"…\", labels = … }`".into(),
                );
                return None;
            };
            let own = || agents[other].containers.iter().flat_map(|c| &c.ports).map(|(_, port)| *port).collect();
            Some(Peer::Agent(other, ports.unwrap_or_else(own)))
        }
        (None, Some(namespace), labels, None) => {
            let labels = labels.unwrap_or_default().value.into_iter().map(|(k, v)| (k, v.value)).collect();
            Some(Peer::Pods(Pods { namespace: namespace.value, labels, ports: ports.unwrap_or_default() }))
        }
        (None, None, None, Some(cidr)) => {
            let except: Vec<At<String>> = table.except.map(|e| e.value).unwrap_or_default();
            for At { value, range } in except.iter().chain([&cidr]) {
                if !is_cidr(value) {
                    reader.wrong("fleet-value", range.clone(), format!("`{value}` is no range of addresses")).label =
                        "expected for example \"10.0.0.0/8\"".into();
                }
            }
            let except = except.into_iter().map(|e| e.value).collect();
            Some(Peer::Addresses { cidr: cidr.value, except, ports: ports.unwrap_or_default() })
        }
        _ => {
            let wrong = reader.wrong("fleet-peer", range.clone(), "a peer is one thing: an agent, pods of a namespace, or addresses");
            wrong.label = "expected one of `agent`, `namespace` (with `labels`) and `cidr`".into();
            None
        }
    }
}

/// The agent of a name: of the same organisation first, then of none; `organisation/name` says which.
fn other(name: &str, agent: &Agent, places: &BTreeMap<(Option<&str>, &str), usize>) -> Option<usize> {
    match name.split_once('/') {
        Some((org, name)) => places.get(&(Some(org), name)).copied(),
        None => places.get(&(agent.org.as_deref(), name)).or_else(|| places.get(&(None, name))).copied(),
    }
}

/// Addresses and the length of their common part, as Kubernetes takes them in new objects.
fn is_cidr(text: &str) -> bool {
    let Some((address, length)) = text.split_once('/') else { return false };
    let longest = match address.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(_)) => 32,
        Ok(std::net::IpAddr::V6(_)) => 128,
        Err(_) => return false,
    };
    length.parse::<u8>().is_ok_and(|l| l <= longest)
}
