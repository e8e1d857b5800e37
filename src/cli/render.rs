//! `rollcast render`: the fleet's manifests.

use super::args::{Render, Target};
use super::console::{Console, Failure};
use super::{CLEAN, inputs};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::object::yaml;
use crate::render::{self, compose};

/// What stands between two documents.
const SEPARATOR: &str = "---\n";
/// How many manifests are printed with one write.
const AT_ONCE: usize = 1_000;

pub(super) fn run(options: &Render, console: &mut Console) -> Result<u8, Failure> {
    let fleet = inputs::fleet(&options.fleet, console)?;
    let asked = fleet.fleet.kubernetes.as_ref();
    if let Some((k, odd)) = asked.and_then(|k| Some((k, inputs::stands_in(Some(&k.value), render::version(&fleet.fleet).0)?))) {
        console.complain(&odd.at(&fleet.fleet.source, k.range.clone()).into());
    }
    if options.target != Target::Kubernetes && options.into.is_some() {
        let error = Diagnostic::error("target-one-file", "`--into` is for manifests: this target is one file");
        return Err(error.hint("redirect it: `rollcast render --target compose > compose.yaml`").into());
    }
    match options.target {
        Target::Kubernetes => {}
        Target::Compose => {
            let made = compose::compose(&fleet.fleet.name, &inputs::rendered(&fleet, &options.fleet)?);
            console.complain(&Diagnostics(made.notes));
            console.print(&yaml::to_yaml(&made.file))?;
            return Ok(CLEAN);
        }
        Target::Prometheus => {
            console.print(&render::rules(&fleet.fleet)?)?;
            return Ok(CLEAN);
        }
    }
    let manifests = render::render_text(&fleet, &inputs::templates(&options.fleet)?)?;
    match &options.into {
        None => {
            for (i, part) in manifests.chunks(AT_ONCE).enumerate() {
                let mut text = if i == 0 { String::new() } else { SEPARATOR.to_owned() };
                text.push_str(&part.iter().map(|m| m.value.as_str()).collect::<Vec<_>>().join(SEPARATOR));
                console.print(&text)?;
            }
        }
        Some(dir) => {
            let written = render::write_into(dir, &manifests)?;
            console.complain(&Diagnostics(written.notes.clone()));
            let (created, changed, removed) = (written.created.len(), written.changed.len(), written.removed.len());
            let unchanged = written.unchanged;
            console.remark(&format!("{}: {created} created, {changed} changed, {removed} removed, {unchanged} unchanged", dir.display()));
        }
    }
    // The process ends here: to take thousands of manifests apart value by value would be a tenth of its work.
    std::mem::forget((manifests, fleet));
    Ok(CLEAN)
}
