//! A pinned fleet and its templates become manifests: complete objects, in Kubernetes' field order, in install order.
//!
//! `namespace*.yaml` is rendered once for each namespace (variables `namespace`, `fleet`), `fleet*.yaml` once (`fleet`), every
//! other template once for each agent (`agent`, `fleet`). What templates may hold stands in `template.rs`.

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
use crate::object::{ObjectId, Value, text, yaml};
use crate::schema::{Schema, Version};
use expression::Scope;
use std::collections::BTreeMap;
use template::Template;

/// An object that is to be in the cluster, and where it came from.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// Which object.
    pub id: ObjectId,
    /// The object.
    pub value: Value,
    /// Where it came from.
    pub origin: Origin,
}

/// Where a manifest came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// The template's file name.
    pub template: String,
    /// The agent, if it is one's.
    pub agent: Option<String>,
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
    let schema = Schema::of(version(&fleet.fleet).0);
    let compiled = templates.compile(schema)?;
    let mut rendering = Rendering { schema, problems: Vec::new(), manifests: Vec::new() };
    let about = variables::fleet(&fleet.fleet)?;
    let base = Scope::default().with("fleet", &about);
    for template in compiled.iter().filter(|t| t.name.starts_with("fleet")) {
        rendering.template(template, None, &base);
    }
    let namespaces: BTreeMap<&str, ()> = fleet.fleet.agents.iter().map(|a| (a.namespace.as_str(), ())).collect();
    // `default` is there in every cluster.
    for name in namespaces.into_keys().filter(|n| *n != "default") {
        let namespace = variables::namespace(&fleet.fleet, name);
        for template in compiled.iter().filter(|t| t.name.starts_with("namespace")) {
            rendering.template(template, None, &base.with("namespace", &namespace));
        }
    }
    let per_agent: Vec<&Template> = compiled.iter().filter(|t| !t.name.starts_with("fleet") && !t.name.starts_with("namespace")).collect();
    for (agent, images) in fleet.fleet.agents.iter().zip(&fleet.images) {
        match variables::agent(&fleet.fleet, agent, images) {
            Ok(value) => per_agent.iter().for_each(|t| rendering.template(t, Some(&agent.name), &base.with("agent", &value))),
            Err(wrong) => rendering.wrong(wrong),
        }
    }
    rendering.finish()
}

/// The manifests as one YAML text.
pub fn to_yaml(manifests: &[Manifest]) -> String {
    yaml::to_documents(manifests.iter().map(|m| &m.value))
}

struct Rendering {
    schema: &'static Schema,
    problems: Vec<Diagnostic>,
    manifests: Vec<Manifest>,
}

impl Rendering {
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
        let origin = Origin { template: template.name.clone(), agent: agent.map(str::to_owned) };
        let id = ObjectId::of(&value);
        let missing = [("apiVersion", text(&value, &["apiVersion"])), ("kind", &id.kind), ("metadata.name", &id.name)];
        if let Some((what, _)) = missing.iter().find(|(_, text)| text.is_empty()) {
            return self
                .wrong(Diagnostic::error("render-object", format!("what {} gives is no object: it has no `{what}`", origin.describe())));
        }
        let namespaced = self.schema.resources().iter().find(|r| r.group == id.group && r.kind == id.kind).map(|r| r.namespaced);
        if namespaced == Some(true) && id.namespace.is_empty() {
            return self.wrong(
                Diagnostic::error("render-namespace", format!("`{id}` from {} has no `metadata.namespace`", origin.describe()))
                    .hint("write `namespace: \"{{ agent.namespace }}\"`: it must not depend on who applies it"),
            );
        }
        self.manifests.push(Manifest { id, value, origin });
    }

    fn finish(mut self) -> Result<Vec<Manifest>, Diagnostics> {
        order::install(&mut self.manifests);
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
