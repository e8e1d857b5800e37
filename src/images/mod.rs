//! Image references: what they name, whether they are pinned, and the image map. A [`Fleet`] becomes a [`PinnedFleet`]: every
//! container has an image, and no image has a tag that can move (unless the fleet says that it may).

mod drift;
mod lock;
mod pinned;
mod places;
mod platform;
mod precedence;
mod reference;
pub mod registry;
mod stale;
mod tenants;

pub use drift::{Behind, Release, behind, history};
pub use lock::{Lock, pin_in_fleet, read_lock, with_lock, write_lock};
pub use pinned::{Mutable, mutable, mutable_by};
pub use places::{CustomImages, Place, places, pod_spec_path};
pub use platform::{PlatformImage, platform, platform_id, unfinished};
pub use precedence::{ANNOTATION, Chain, Link, Origin, Supply};
pub use reference::{Reference, parse};
pub use stale::{Change, Comparison, compare, patch, same};
pub use tenants::{Selection, Standing, Tenant, noted, tenants};

use crate::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::fleet::{Container, Fleet};
use std::collections::BTreeMap;

/// A fleet whose containers all have an image.
#[derive(Clone, Debug)]
pub struct PinnedFleet {
    /// The fleet.
    pub fleet: Fleet,
    /// For each agent, in their order: container to image.
    pub images: Vec<BTreeMap<String, String>>,
    /// Images that can move and are allowed to.
    pub notes: Vec<Diagnostic>,
}

/// Finds the image of every container: the agent's own, else the image map's.
///
/// # Errors
/// Containers without an image, texts that are no image reference, tags that can move.
pub fn pin(fleet: Fleet) -> Result<PinnedFleet, Diagnostics> {
    let (mut problems, mut notes, mut images) = (Vec::new(), Vec::new(), Vec::new());
    for agent in &fleet.agents {
        let mut own = BTreeMap::new();
        for container in &agent.containers {
            match image(&fleet, container, &mut notes) {
                Ok(image) => {
                    own.insert(container.name.clone(), image);
                }
                // One wrong entry of the image map is one mistake, whoever uses it.
                Err(wrong) if problems.contains(&wrong) => {}
                Err(wrong) => problems.push(wrong),
            }
        }
        images.push(own);
    }
    notes.dedup();
    if problems.is_empty() { Ok(PinnedFleet { fleet, images, notes }) } else { Err(Diagnostics(problems)) }
}

fn image(fleet: &Fleet, container: &Container, notes: &mut Vec<Diagnostic>) -> Result<String, Diagnostic> {
    let Some(image) = container.image.as_ref().or_else(|| fleet.images.get(&container.name)) else {
        let wrong = Diagnostic::error("image-missing", format!("the container `{}` has no image", container.name))
            .at(&fleet.source, container.at.clone())
            .hint(format!("add `{} = \"…\"` under [images], or `image.{} = \"…\"` to the agent", container.name, container.name));
        return Err(match nearest(&container.name, fleet.images.keys().map(String::as_str)) {
            Some(near) => wrong.label(format!("the image map has `{near}`")),
            None => wrong,
        });
    };
    let reference = parse(&image.value).map_err(|why| {
        Diagnostic::error("image-reference", format!("`{}` is no image reference: {why}", image.value))
            .at(&fleet.source, image.range.clone())
    })?;
    let Some(why) = mutable_by(&reference, &fleet.image_settings.tags) else { return Ok(image.value.clone()) };
    let text = format!("the image `{}` of the container `{}` can change under its name: {why}", image.value, container.name);
    if fleet.allow_mutable {
        let note = Diagnostic::warning("image-mutable", text).at(&fleet.source, image.range.clone());
        if !notes.contains(&note) {
            notes.push(note);
        }
        return Ok(image.value.clone());
    }
    Err(Diagnostic::error("image-mutable", text)
        .at(&fleet.source, image.range.clone())
        .label("expected a digest, or a tag that names one build")
        .hint("a commit (`:4f6e2c1`), a full version (`:1.4.2`), a dated build (`:2026-11-21.3`) or a digest (`@sha256:…`) names one build")
        .hint("`allow-mutable = true` under [fleet] turns this into a warning"))
}
