//! The templates of a fleet: the built-in ones, and files that replace or add to them.

use super::template::{self, Template};
use crate::diagnostic::{Diagnostic, Diagnostics, Source};
use crate::schema::{Schema, Version};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The built-in templates, by file name.
const BUILT_IN: [(&str, &str); 16] = [
    ("config-map.yaml", include_str!("../../templates/config-map.yaml")),
    ("deployment.yaml", include_str!("../../templates/deployment.yaml")),
    ("external-secret.yaml", include_str!("../../templates/external-secret.yaml")),
    ("fleet-prometheus-rule.yaml", include_str!("../../templates/fleet-prometheus-rule.yaml")),
    ("namespace.yaml", include_str!("../../templates/namespace.yaml")),
    ("namespace-limit-range.yaml", include_str!("../../templates/namespace-limit-range.yaml")),
    ("namespace-network-policy.yaml", include_str!("../../templates/namespace-network-policy.yaml")),
    ("namespace-resource-quota.yaml", include_str!("../../templates/namespace-resource-quota.yaml")),
    ("network-policy.yaml", include_str!("../../templates/network-policy.yaml")),
    ("persistent-volume-claim.yaml", include_str!("../../templates/persistent-volume-claim.yaml")),
    ("pod-disruption-budget.yaml", include_str!("../../templates/pod-disruption-budget.yaml")),
    ("role.yaml", include_str!("../../templates/role.yaml")),
    ("sealed-secret.yaml", include_str!("../../templates/sealed-secret.yaml")),
    ("service.yaml", include_str!("../../templates/service.yaml")),
    ("service-account.yaml", include_str!("../../templates/service-account.yaml")),
    ("stateful-set.yaml", include_str!("../../templates/stateful-set.yaml")),
];

/// Template files by name.
#[derive(Clone, Debug)]
pub struct Templates {
    files: BTreeMap<String, Arc<Source>>,
}

impl Default for Templates {
    fn default() -> Self {
        let source = |name: &str, text: &str| Arc::new(Source::new(PathBuf::from("built-in").join(name), text.to_owned()));
        Self { files: BUILT_IN.iter().map(|(name, text)| ((*name).to_owned(), source(name, text))).collect() }
    }
}

impl Templates {
    /// The built-in ones: file name and text.
    pub fn built_in() -> impl Iterator<Item = (&'static str, &'static str)> {
        BUILT_IN.into_iter()
    }

    /// The built-in ones, with the `*.yaml` and `*.yml` files of a directory in place of those of the same name or beside them.
    /// A directory that is not there adds nothing.
    ///
    /// # Errors
    /// Files that cannot be read, or are not UTF-8.
    pub fn with_directory(directory: &Path) -> Result<Self, Diagnostics> {
        let mut templates = Self::default();
        let unreadable = |path: &Path, e: &std::io::Error| {
            Diagnostics::from(Diagnostic::error("template-file", format!("cannot read `{}`: {e}", path.display())))
        };
        let entries = match std::fs::read_dir(directory) {
            Ok(entries) => entries,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(templates),
            Err(e) => return Err(unreadable(directory, &e)),
        };
        for entry in entries {
            let path = entry.map_err(|e| unreadable(directory, &e))?.path();
            let is_yaml = path.extension().is_some_and(|e| e == "yaml" || e == "yml");
            let Some(name) = path.file_name().and_then(|n| n.to_str()).filter(|n| is_yaml && !n.starts_with('.')) else { continue };
            let bytes = std::fs::read(&path).map_err(|e| unreadable(&path, &e))?;
            templates.add(name, Source::read(path.clone(), bytes)?);
        }
        Ok(templates)
    }

    /// Adds a template, in place of one of the same name.
    pub fn add(&mut self, name: &str, source: Arc<Source>) {
        let name = name.strip_suffix(".yml").map_or_else(|| name.to_owned(), |stem| format!("{stem}.yaml"));
        self.files.insert(name, source);
    }

    /// Whether they can be read as templates for a version of Kubernetes.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn check(&self, version: Version) -> Result<(), Diagnostics> {
        self.compile(Schema::of(version)).map(drop)
    }

    pub(super) fn compile(&self, schema: &Schema) -> Result<Vec<Template>, Diagnostics> {
        let mut problems = Vec::new();
        let compiled = self.files.iter().map(|(name, source)| template::compile(name, source, schema, &mut problems)).collect();
        if problems.is_empty() { Ok(compiled) } else { Err(Diagnostics(problems)) }
    }
}
