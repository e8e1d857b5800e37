//! The agents of a fleet, each with everything that it inherits laid under it: what it extends, the defaults of its organisation,
//! the defaults of the fleet. One agent at a time, because ten thousand such tables would not be small.

use super::layer::{Place, Removals, Tree, idle, lay, named, removes};
use super::parts::{empty, key, take};
use super::read::Reader;
use crate::diagnostic::nearest;
use std::collections::BTreeSet;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The keys of an agent that are for its first container.
const FIRST_CONTAINER: [&str; 6] = ["command", "args", "env", "ports", "resources", "probes"];

/// The tables of a fleet file that say who there is.
pub(super) struct Inheritance<'s> {
    /// `[defaults]`
    pub(super) defaults: Tree<'s>,
    /// `[agents]`
    pub(super) agents: Tree<'s>,
    /// `[orgs]`, in the order of their names.
    pub(super) orgs: Vec<OrgTree<'s>>,
    /// Whether anything in the file is to be removed.
    removing: bool,
}

/// An organisation: its agents, and what stands beside them.
pub(super) struct OrgTree<'s> {
    /// Its name.
    pub(super) name: String,
    /// Its other keys.
    pub(super) rest: Tree<'s>,
    /// What its agents inherit first.
    defaults: Option<Tree<'s>>,
    /// Its agents, as a table.
    agents: Option<Tree<'s>>,
}

/// An agent with all that it inherits.
pub(super) struct Heir<'t, 's> {
    /// Its name.
    pub(super) name: &'t str,
    /// Its organisation, by its place among them.
    pub(super) org: Option<usize>,
    /// Its keys.
    pub(super) tree: Tree<'s>,
}

impl<'s> Inheritance<'s> {
    /// Takes those tables out of a file.
    pub(super) fn of(whole: &mut Tree<'s>, reader: &mut Reader<'_>) -> Self {
        let removing = reader.source.text.contains("remove");
        for table in ["agents", "orgs"].iter().filter_map(|key| whole.get_ref().get(*key)).filter(|_| removing) {
            report_idle_keys(table, reader);
        }
        let defaults = take(whole, "defaults").unwrap_or_else(|| empty(0..0));
        let agents = take(whole, "agents").unwrap_or_else(|| empty(0..0));
        let mut orgs = Vec::new();
        if let Some(table) = take(whole, "orgs") {
            let known = reader.entries(&table, "a table").is_some();
            for (name, org) in table.into_inner().into_table().filter(|_| known).into_iter().flatten() {
                if !removes(org.get_ref()) {
                    let org = OrgTree::of(name.get_ref().to_string(), org, reader);
                    org.iter().filter(|_| removing).for_each(|o| report_idle(&o.rest, reader));
                    orgs.extend(org);
                }
            }
        }
        Self { defaults, agents, orgs, removing }
    }

    /// Every agent, those of the fleet first, one after the other.
    pub(super) fn each(&self, reader: &mut Reader<'_>, mut then: impl FnMut(Heir<'_, 's>, &mut Reader<'_>)) {
        for (name, agent) in by_name(&self.agents, reader) {
            let tree = self.heir(name, agent, &[], &self.defaults, reader);
            then(Heir { name, org: None, tree }, reader);
        }
        for (place, org) in self.orgs.iter().enumerate() {
            let Some(own) = &org.agents else { continue };
            let base = match &org.defaults {
                Some(over) => lay(over, self.defaults.clone(), Place::Over, &mut reader.removals),
                None => self.defaults.clone(),
            };
            for (name, agent) in by_name(own, reader) {
                let tree = self.heir(name, agent, &[own], &base, reader);
                then(Heir { name, org: Some(place), tree }, reader);
            }
        }
    }

    fn heir(&self, name: &str, agent: &Tree<'s>, near: &[&Tree<'s>], base: &Tree<'s>, reader: &mut Reader<'_>) -> Tree<'s> {
        let mut layers: Vec<&Tree<'s>> = vec![agent];
        let mut seen = vec![name.to_owned()];
        while let Some(link) = layers.last().and_then(|t| t.get_ref().get("extends")) {
            let Some(parent) = link.get_ref().as_str() else { break };
            let find = |tree: &&Tree<'s>| tree.get_ref().get(parent).filter(|t| t.get_ref().is_table() && !removes(t.get_ref())).is_some();
            let all = near.iter().copied().chain([&self.agents]);
            let Some(found) = all.clone().find(find).and_then(|t| t.get_ref().get(parent)) else {
                let names: Vec<String> = all.flat_map(|t| t.get_ref().as_table()).flatten().map(|(k, _)| k.get_ref().to_string()).collect();
                let near = nearest(parent, names.iter().map(String::as_str)).map(|n| format!("did you mean `{n}`?"));
                reader.wrong("fleet-reference", link.span(), format!("there is no agent `{parent}`")).label = near.unwrap_or_default();
                break;
            };
            if layers.iter().any(|l| std::ptr::eq(*l, found)) {
                seen.push(parent.to_owned());
                let chain = seen.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(" extends ");
                reader.wrong("fleet-reference", link.span(), format!("agents extend each other in a circle: {chain}"));
                break;
            }
            seen.push(parent.to_owned());
            layers.push(found);
        }
        let mut tree = base.clone();
        for layer in layers.into_iter().rev() {
            tree = lay(layer, tree, Place::Over, &mut reader.removals);
        }
        if self.removing {
            report_idle(&tree, reader);
        }
        tree
    }
}

/// The agents of a table.
fn by_name<'t, 's>(agents: &'t Tree<'s>, reader: &mut Reader<'_>) -> Vec<(&'t str, &'t Tree<'s>)> {
    let entries = reader.entries(agents, "a table of agents").unwrap_or_default();
    let mut named: Vec<_> = entries.into_iter().map(|(name, agent)| (name.get_ref().as_ref(), agent)).collect();
    named.sort_by_key(|(name, _)| *name);
    named
}

impl<'s> OrgTree<'s> {
    fn of(name: String, org: Tree<'s>, reader: &mut Reader<'_>) -> Option<Self> {
        let mut rest = org;
        reader.entries(&rest, "a table")?;
        let mut agents = take(&mut rest, "agents");
        if let Some(agents) = agents.as_ref().filter(|a| a.get_ref().is_table()) {
            report_idle_keys(agents, reader);
        }
        if let Some(list) = agents.as_ref().and_then(|a| a.get_ref().as_array()) {
            let mut seen = BTreeSet::new();
            for item in list {
                match item.get_ref().as_str() {
                    None => reader.expected(item, "an agent's name"),
                    Some(name) if !seen.insert(name.to_owned()) => {
                        reader.wrong("fleet-duplicate", item.span(), format!("the agent `{name}` is listed twice"));
                    }
                    Some(_) => {}
                }
            }
            agents = agents.as_ref().map(named);
        }
        let defaults = take(&mut rest, "defaults").filter(|d| !removes(d.get_ref()));
        Some(Self { name, rest, defaults, agents: agents.filter(|a| !removes(a.get_ref())) })
    }
}

/// Notes each key of a table that is to be removed and is not there.
fn report_idle_keys(table: &Tree<'_>, reader: &mut Reader<'_>) {
    for (name, value) in table.get_ref().as_table().into_iter().flatten() {
        if removes(value.get_ref()) && !reader.removals.contains(&value.span().start) {
            let text = format!("there is no `{}` to remove", name.get_ref());
            reader.wrong("fleet-removal", value.span(), text).label = "no layer below gives it".into();
        }
    }
}

/// Notes each `{ remove = true }` with nothing to remove.
pub(super) fn report_idle(tree: &Tree<'_>, reader: &mut Reader<'_>) {
    let mut without = Vec::new();
    idle(tree, &reader.removals, &mut Vec::new(), &mut without);
    // What a canary takes away is looked at when it is laid over its agent.
    for (path, range) in without.into_iter().filter(|(path, _)| !path.starts_with("canary.set.")) {
        reader.wrong("fleet-removal", range, format!("there is no `{path}` to remove")).label = "no layer below gives it".into();
    }
}

/// What an agent says of its first container goes to that one's own table, which wins.
pub(super) fn first_container(tree: &mut Tree<'_>, removals: &mut Removals) {
    let place = tree.span();
    let first = |tree: &Tree<'_>| tree.get_ref().get("containers")?.get_ref().as_array()?.first()?.get_ref().as_str().map(str::to_owned);
    let Some(name) = first(tree) else { return };
    let DeValue::Table(table) = tree.get_mut() else { return };
    if table.get("container").is_some_and(|c| !c.get_ref().is_table()) {
        return;
    }
    let own: DeTable<'_> = FIRST_CONTAINER.iter().filter_map(|k| table.remove_entry(*k)).collect();
    if own.is_empty() {
        return;
    }
    let base = Spanned::new(place.clone(), DeValue::Table(own));
    let containers = table.entry(key("container", place.clone())).or_insert_with(|| empty(place.clone()));
    let DeValue::Table(containers) = containers.get_mut() else { return };
    let laid = match containers.remove(name.as_str()) {
        Some(over) => lay(&over, base, Place::Base, removals),
        None => base,
    };
    containers.insert(key(name, Range { start: place.start, end: place.start }), laid);
}

/// The keys of an agent's canary: what its `set` says, laid over the agent's own.
pub(super) fn canary_tree<'s>(tree: &Tree<'s>, reader: &mut Reader<'_>) -> Option<Tree<'s>> {
    let mut set = tree.get_ref().get("canary")?.get_ref().get("set").filter(|s| s.get_ref().is_table())?.clone();
    let mut base = tree.clone();
    take(&mut base, "canary");
    // `env` and the like are of the first container there too, so `set` is told which that is.
    let containers = base.get_ref().get("containers").cloned();
    if let (Some(containers), DeValue::Table(table)) = (containers, set.get_mut()) {
        let place = containers.span();
        table.entry(key("containers", place)).or_insert(containers);
    }
    first_container(&mut set, &mut reader.removals);
    let laid = lay(&set, base, Place::Over, &mut reader.removals);
    report_idle(&laid, reader);
    Some(laid)
}

/// A table of a value.
trait IntoTable<'s> {
    fn into_table(self) -> Option<DeTable<'s>>;
}

impl<'s> IntoTable<'s> for DeValue<'s> {
    fn into_table(self) -> Option<DeTable<'s>> {
        match self {
            DeValue::Table(table) => Some(table),
            _ => None,
        }
    }
}
