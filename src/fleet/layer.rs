//! Layers: a table laid over another one, key by key. Agents are laid over what they extend and over defaults, environments over the
//! whole file. Lists and plain values are replaced; `key = { remove = true }` takes a key away.
//!
//! This happens before anything is read, and every value keeps its place: so a mistake is shown where it was written, and
//! `fleet show` can say where each value comes from.

use super::parts::{empty, key};
use std::collections::BTreeSet;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value of a fleet file and its place.
pub(super) type Tree<'s> = Spanned<DeValue<'s>>;

/// Where the `{ remove = true }` stand that took something away.
pub(super) type Removals = BTreeSet<usize>;

/// Whether a value says that its key is to be removed.
pub(super) fn removes(value: &DeValue<'_>) -> bool {
    let Some(table) = value.as_table() else { return false };
    table.len() == 1 && table.get("remove").is_some_and(|v| v.get_ref().as_bool() == Some(true))
}

/// Which of two tables laid over each other tells where the result stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The one above.
    Over,
    /// The one below.
    Base,
}

/// Lays one value over another.
pub(super) fn lay<'s>(over: &Tree<'s>, base: Tree<'s>, place: Place, removals: &mut Removals) -> Tree<'s> {
    let below = base.span();
    match (over.get_ref(), base.into_inner()) {
        (marker, base) if removes(marker) => {
            if !removes(&base) {
                removals.insert(over.span().start);
            }
            over.clone()
        }
        (DeValue::Table(own), base) if !removes(&base) && base.is_table() => {
            let DeValue::Table(mut table) = base else { return over.clone() };
            for (name, value) in own {
                // What is below keeps its key's place, so that the order of the file stays.
                match table.get_mut(name.get_ref().as_ref() as &str) {
                    Some(there) => {
                        let inner = std::mem::replace(there, empty(0..0));
                        *there = lay(value, inner, place, removals);
                    }
                    None => drop(table.insert(name.clone(), value.clone())),
                }
            }
            Spanned::new(if place == Place::Over { over.span() } else { below }, DeValue::Table(table))
        }
        _ => over.clone(),
    }
}

/// An environment over the whole file. Agents that an organisation lists by name can be changed by tables.
pub(super) fn lay_environment<'s>(environment: &Tree<'s>, base: Tree<'s>, removals: &mut Removals) -> Tree<'s> {
    let mut base = base;
    let tables = |tree: &Tree<'s>| -> Vec<String> {
        let orgs = tree.get_ref().as_table().and_then(|t| t.get("orgs")?.get_ref().as_table());
        let with = orgs.into_iter().flatten().filter(|(_, org)| org.get_ref().get("agents").is_some_and(|a| a.get_ref().is_table()));
        with.map(|(name, _)| name.get_ref().to_string()).collect()
    };
    for org in tables(environment) {
        let agents = table_mut(&mut base).and_then(|t| table_mut(t.get_mut("orgs")?)?.get_mut(org.as_str()));
        let agents = agents.and_then(|org| table_mut(org)?.get_mut("agents"));
        if let Some(agents) = agents.filter(|a| a.get_ref().is_array()) {
            *agents = named(agents);
        }
    }
    lay(environment, base, Place::Base, removals)
}

fn table_mut<'t, 's>(tree: &'t mut Tree<'s>) -> Option<&'t mut DeTable<'s>> {
    match tree.get_mut() {
        DeValue::Table(table) => Some(table),
        _ => None,
    }
}

/// A list of names as a table of empty tables.
pub(super) fn named<'s>(list: &Tree<'s>) -> Tree<'s> {
    let items = list.get_ref().as_array().into_iter().flat_map(|l| l.iter());
    let entries = items.filter_map(|item| match item.get_ref() {
        DeValue::String(name) => Some((key(name.clone(), item.span()), empty(item.span()))),
        _ => None,
    });
    Spanned::new(list.span(), DeValue::Table(entries.collect()))
}

/// Every `{ remove = true }` that took nothing away, with the keys that lead to it.
pub(super) fn idle(tree: &Tree<'_>, removals: &Removals, path: &mut Vec<String>, out: &mut Vec<(String, Range<usize>)>) {
    let Some(table) = tree.get_ref().as_table() else { return };
    for (name, value) in table {
        path.push(name.get_ref().to_string());
        if !removes(value.get_ref()) {
            idle(value, removals, path, out);
        } else if !removals.contains(&value.span().start) {
            out.push((path.join("."), value.span()));
        }
        path.pop();
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, Removals, Tree, idle, lay, lay_environment};
    use toml::Spanned;
    use toml::de::{DeTable, DeValue};

    fn tree(text: &str) -> Tree<'_> {
        let table = DeTable::parse(text).unwrap();
        Spanned::new(table.span(), DeValue::Table(table.into_inner()))
    }

    fn shown(tree: &Tree<'_>) -> String {
        match tree.get_ref() {
            DeValue::Table(t) => {
                format!("{{{}}}", t.iter().map(|(k, v)| format!("{}={}", k.get_ref(), shown(v))).collect::<Vec<_>>().join(" "))
            }
            DeValue::Array(l) => format!("[{}]", l.iter().map(shown).collect::<Vec<_>>().join(" ")),
            DeValue::String(s) => s.to_string(),
            DeValue::Integer(i) => i.to_string(),
            DeValue::Boolean(b) => b.to_string(),
            _ => unreachable!("not in these tests"),
        }
    }

    #[test]
    fn tables_are_laid_key_by_key_and_lists_replaced() {
        let mut removals = Removals::new();
        let base = "a.x = 1\na.y = 2\nl = [1, 2]\ns = 'old'\n[t]\nq = 1\n";
        let over = "a.y = 3\na.z = 4\nl = [3]\nt = { remove = true }\nu.remove = true\ns.deep = true\n";
        let laid = lay(&tree(over), tree(base), Place::Over, &mut removals);
        assert_eq!(shown(&laid), "{a={x=1 y=3 z=4} l=[3] s={deep=true} t={remove=true} u={remove=true}}");
        let mut without = Vec::new();
        idle(&laid, &removals, &mut Vec::new(), &mut without);
        assert_eq!(without.len(), 1, "only `t` was there to be removed");
        assert_eq!(without[0].0, "u");
        let again = lay(&tree("t = 5\n"), laid, Place::Over, &mut removals);
        assert!(shown(&again).contains("t=5"), "what was removed can be given anew");
    }

    #[test]
    fn agents_listed_by_name_can_be_changed() {
        let base = tree("[orgs.acme]\nagents = ['b', 'a']\n");
        let laid = lay_environment(&tree("orgs.acme.agents.a.replicas = 2\n"), base, &mut Removals::new());
        assert_eq!(shown(&laid), "{orgs={acme={agents={a={replicas=2} b={}}}}}");
    }
}
