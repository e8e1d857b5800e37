//! A pinned fleet and its templates become manifests: complete objects, in Kubernetes' field order, in install order.
//!
//! `namespace*.yaml` is rendered once for each namespace (variables `namespace`, `fleet`), `fleet*.yaml` once (`fleet`), every
//! other template once for each agent (`agent`, `fleet`). What templates may hold stands in `template.rs`.

mod alerts;
mod bundle;
pub mod compose;
mod config_map;
mod evaluate;
mod expression;
mod into;
mod order;
mod strategy;
mod template;
mod templates;
mod variables;

pub use into::{Written, write_into};
pub use templates::Templates;

use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::images::PinnedFleet;
use crate::object::{ObjectId, Text, Value, text, yaml};
use crate::schema::{Schema, Version};
use expression::Scope;
use std::collections::BTreeMap;
use template::Template;

/// An object that is to be in the cluster, and where it came from. As a value, or as its YAML: a tenth of that in memory.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest<V = Value> {
    /// Which object.
    pub id: ObjectId,
    /// The object.
    pub value: V,
    /// Where it came from.
    pub origin: Origin,
}

/// Where a manifest came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The template's file name.
    pub template: Text,
    /// The agent, if it is one's.
    pub agent: Option<Text>,
}

/// Which Kubernetes version a fleet is rendered for, and whether its data is of that very one.
pub fn version(fleet: &crate::fleet::Fleet) -> (Version, bool) {
    fleet.kubernetes.as_ref().and_then(|k| Version::nearest(&k.value)).unwrap_or((Version::default(), true))
}

/// Renders every agent through every template.
///
/// # Errors
/// Everything that is wrong with the templates, each once, whoever they are rendered for; objects that two templates or agents
/// make.
pub fn render(fleet: &PinnedFleet, templates: &Templates) -> Result<Vec<Manifest>, Diagnostics> {
    render_as(fleet, templates, |value| value)
}

/// As [`render`], each object as its YAML as soon as it is there, so that never all of them are held as values.
///
/// # Errors
/// As of [`render`].
pub fn render_text(fleet: &PinnedFleet, templates: &Templates) -> Result<Vec<Manifest<String>>, Diagnostics> {
    render_as(fleet, templates, |value| yaml::to_yaml(&value))
}

fn render_as<V: Send>(fleet: &PinnedFleet, templates: &Templates, make: fn(Value) -> V) -> Result<Vec<Manifest<V>>, Diagnostics> {
    let schema = Schema::of(version(&fleet.fleet).0);
    let compiled = templates.compile(schema)?;
    let namespaced = &schema.resources().iter().map(|r| ((r.group.as_str(), r.kind.as_str()), r.namespaced)).collect();
    let mut rendering = Rendering { schema, namespaced, make, problems: Vec::new(), manifests: Vec::new() };
    let about = variables::fleet(&fleet.fleet)?;
    let base = Scope::default().with("fleet", &about);
    for template in compiled.iter().filter(|t| t.name.starts_with("fleet")) {
        rendering.template(template, None, &base);
    }
    // `default` is there in every cluster.
    for space in fleet.fleet.spaces.iter().filter(|s| s.name != "default") {
        let namespace = bundle::namespace(&fleet.fleet, space);
        for template in compiled.iter().filter(|t| t.name.starts_with("namespace")) {
            rendering.template(template, None, &base.with("namespace", &namespace));
        }
    }
    let per_agent: Vec<&Template> = compiled.iter().filter(|t| !t.name.starts_with("fleet") && !t.name.starts_with("namespace")).collect();
    let agents: Vec<variables::Given<'_>> = (0..fleet.fleet.agents.len())
        .map(|i| variables::Given {
            agent: &fleet.fleet.agents[i],
            contacts: fleet.fleet.contacts.get(i),
            images: &fleet.images[i],
            source: fleet.sources[i].as_deref(),
        })
        .collect();
    for part in in_parallel(&agents, |agents| {
        let mut part = Rendering { schema, namespaced, make, problems: Vec::new(), manifests: Vec::new() };
        for given in agents {
            let agent = given.agent;
            match variables::agent(&fleet.fleet, given) {
                Ok(value) => per_agent.iter().for_each(|t| part.template(t, Some(&agent.name), &base.with("agent", &value))),
                Err(wrong) => part.wrong(wrong),
            }
        }
        part
    }) {
        rendering.manifests.extend(part.manifests);
        part.problems.into_iter().for_each(|wrong| rendering.wrong(wrong));
    }
    rendering.finish()
}

/// The manifests as one YAML text.
pub fn to_yaml(manifests: &[Manifest]) -> String {
    in_parallel(manifests, |part| yaml::to_documents(part.iter().map(|m| &m.value))).join("---\n")
}

/// The alerts of a fleet as a plain rules file of Prometheus.
///
/// # Errors
/// The fleet has no alerts.
pub fn rules(fleet: &crate::fleet::Fleet) -> Result<String, Diagnostic> {
    let Some(alerts) = &fleet.alerts else {
        return Err(
            Diagnostic::error("alerts-none", "the fleet has no alerts").hint("write a table [alerts]: empty, it gives the usual ones")
        );
    };
    Ok(yaml::to_yaml(&crate::object::json!({ "groups": alerts::groups(fleet, alerts) })))
}

/// Does parts of a list at the same time, where it is long enough to gain by it; the results are in the list's order.
fn in_parallel<'t, T: Sync, R: Send>(list: &'t [T], work: impl Fn(&'t [T]) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(8);
    if list.len() < SHORT || threads == 1 {
        return vec![work(list)];
    }
    std::thread::scope(|scope| {
        let work = &work;
        let parts: Vec<_> = list.chunks(list.len().div_ceil(threads)).map(|part| scope.spawn(move || work(part))).collect();
        parts.into_iter().map(|p| p.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))).collect()
    })
}

/// Below this length another thread costs more than it saves.
const SHORT: usize = 64;

struct Rendering<'r, V> {
    schema: &'static Schema,
    /// What is kept of an object.
    make: fn(Value) -> V,
    /// Whether the objects of a group and kind live in namespaces.
    namespaced: &'r BTreeMap<(&'static str, &'static str), bool>,
    problems: Vec<Diagnostic>,
    manifests: Vec<Manifest<V>>,
}

impl<V> Rendering<'_, V> {
    fn template(&mut self, template: &Template, agent: Option<&str>, scope: &Scope<'_>) {
        for document in &template.documents {
            match evaluate::document(document, scope, self.schema) {
                Ok(values) => values.into_iter().for_each(|v| self.add(v, template, agent)),
                Err(wrong) => self.wrong(wrong),
            }
        }
    }

    /// A mistake in a template is one mistake, however many agents meet it.
    fn wrong(&mut self, wrong: Diagnostic) {
        if !self.problems.contains(&wrong) {
            self.problems.push(wrong);
        }
    }

    fn add(&mut self, value: Value, template: &Template, agent: Option<&str>) {
        let origin = Origin { template: template.name.clone(), agent: agent.map(Text::from) };
        let id = ObjectId::of(&value);
        let missing = [("apiVersion", text(&value, &["apiVersion"])), ("kind", &id.kind), ("metadata.name", &id.name)];
        if let Some((what, _)) = missing.iter().find(|(_, text)| text.is_empty()) {
            return self
                .wrong(Diagnostic::error("render-object", format!("what {} gives is no object: it has no `{what}`", origin.describe())));
        }
        let namespaced = self.namespaced.get(&(id.group.as_str(), id.kind.as_str()));
        if namespaced == Some(&true) && id.namespace.is_empty() {
            return self.wrong(
                Diagnostic::error("render-namespace", format!("`{id}` from {} has no `metadata.namespace`", origin.describe()))
                    .hint("write `namespace: \"{{ agent.namespace }}\"`: it must not depend on who applies it"),
            );
        }
        self.manifests.push(Manifest { id, value: (self.make)(value), origin });
    }

    fn finish(mut self) -> Result<Vec<Manifest<V>>, Diagnostics> {
        self.manifests = order::install(self.manifests);
        let twins = self.manifests.windows(2).filter(|w| w[0].id == w[1].id).map(|w| {
            let (first, second) = (w[0].origin.describe(), w[1].origin.describe());
            Diagnostic::error("render-duplicate", format!("`{}` is made twice: by {first} and by {second}", w[0].id))
                .hint("one would overwrite the other: give each its own name, for example with `{{ agent.workload }}` in it")
        });
        self.problems.extend(twins);
        self.problems.sort_by_key(|d| d.place.as_ref().map(|(source, range)| (source.file.clone(), range.start)));
        if self.problems.is_empty() { Ok(self.manifests) } else { Err(Diagnostics(self.problems)) }
    }
}

impl Origin {
    fn describe(&self) -> String {
        match &self.agent {
            Some(agent) => format!("`{}` for agent `{agent}`", self.template),
            None => format!("`{}`", self.template),
        }
    }
}
