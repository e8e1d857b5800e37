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
mod rollout;
mod stale;
mod tenants;

pub use drift::{Behind, Release, behind, history};
pub use lock::{Lock, pin_in_fleet, read_lock, with_lock, write_lock};
pub use pinned::{Mutable, mutable, mutable_by};
pub use places::{CustomImages, Place, places, pod_spec_path};
pub use platform::{PlatformImage, platform, platform_id, unfinished};
pub use precedence::{ANNOTATION, Chain, Link, Origin, Supply};
pub use reference::{Reference, parse};
pub use rollout::{Rollout, lacks_pods, rollout};
pub use stale::{Change, Comparison, compare, patch, same};
pub use tenants::{Selection, Standing, Tenant, noted, tenants};

use crate::diagnostic::{Diagnostic, Diagnostics, nearest};
use crate::fleet::{Agent, Container, Fleet};
use std::collections::BTreeMap;
use std::ops::Range;

/// A fleet whose containers all have an image.
#[derive(Clone, Debug)]
pub struct PinnedFleet {
    /// The fleet.
    pub fleet: Fleet,
    /// For each agent, in their order: container to image.
    pub images: Vec<BTreeMap<String, String>>,
    /// For each agent, in their order: where an organisation's agent has its image from, as its workload's annotation says it.
    pub sources: Vec<Option<String>>,
    /// Images that can move and are allowed to, and those that are a last resort.
    pub notes: Vec<Diagnostic>,
}

/// Finds the image of every container: the agent's own, else the image map's. The platform's container of an organisation's agent
/// goes by [`Chain`] instead.
///
/// # Errors
/// Containers without an image, texts that are no image reference, tags that can move.
pub fn pin(fleet: Fleet, supply: &Supply) -> Result<PinnedFleet, Diagnostics> {
    let (mut problems, mut notes, mut images, mut sources) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for agent in &fleet.agents {
        let (mut own, mut source) = (BTreeMap::new(), None);
        for container in &agent.containers {
            let tenants = agent.org.is_some() && container.name == fleet.image_settings.platform.container;
            let found = if tenants {
                tenant_image(&fleet, agent, container, supply, &mut notes).map(|(image, origin)| {
                    source = Some(noted(&container.name, origin));
                    image
                })
            } else {
                image(&fleet, container, &mut notes)
            };
            match found {
                Ok(image) => {
                    own.insert(container.name.clone(), image);
                }
                // One wrong entry of the image map is one mistake, whoever uses it.
                Err(wrong) if problems.contains(&wrong) => {}
                Err(wrong) => problems.push(wrong),
            }
        }
        images.push(own);
        sources.push(source);
    }
    notes.dedup();
    if problems.is_empty() { Ok(PinnedFleet { fleet, images, sources, notes }) } else { Err(Diagnostics(problems)) }
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
    checked(fleet, container, &image.value, Some(&image.range), notes)
}

/// An image that is a reference and cannot move, or may.
fn checked(
    fleet: &Fleet,
    container: &Container,
    image: &str,
    range: Option<&Range<usize>>,
    notes: &mut Vec<Diagnostic>,
) -> Result<String, Diagnostic> {
    let place = |d: Diagnostic| match range {
        Some(range) => d.at(&fleet.source, range.clone()),
        None => d,
    };
    let reference =
        parse(image).map_err(|why| place(Diagnostic::error("image-reference", format!("`{image}` is no image reference: {why}"))))?;
    let Some(why) = mutable_by(&reference, &fleet.image_settings.tags) else { return Ok(image.to_owned()) };
    let text = format!("the image `{image}` of the container `{}` can change under its name: {why}", container.name);
    if fleet.allow_mutable {
        let note = place(Diagnostic::warning("image-mutable", text));
        if !notes.contains(&note) {
            notes.push(note);
        }
        return Ok(image.to_owned());
    }
    Err(place(Diagnostic::error("image-mutable", text))
        .label("expected a digest, or a tag that names one build")
        .hint("a commit (`:4f6e2c1`), a full version (`:1.4.2`), a dated build (`:2026-11-21.3`) or a digest (`@sha256:…`) names one build")
        .hint("`allow-mutable = true` under [fleet] turns this into a warning, and `[images.tags] immutable` names tags that never move"))
}

/// Where an organisation's agent is looked for an image, and which place decides.
pub fn chain(fleet: &Fleet, container: Option<&Container>, supply: &Supply) -> Chain {
    let own = container.and_then(|c| c.image.as_ref());
    let said = own.map(|image| {
        let (file, line, column) = fleet.source.position(image.range.start);
        (image.value.as_str(), format!("`image` at {}:{line}:{column}", file.display()))
    });
    let settings = &fleet.image_settings;
    let last = settings.last_resort.as_ref().map(|l| l.value.as_str());
    let own = said.as_ref().map(|(image, place)| (*image, place.as_str()));
    match fleet.images.get(&settings.platform.container) {
        // Without a reference Deployment the image map says what the platform runs.
        Some(map) if !settings.platform.given => {
            let container = settings.platform.container.clone();
            let platform = PlatformImage { image: map.value.clone(), container, from: "the image map".into() };
            Chain::new(&Supply { platform: Ok(platform), ..supply.clone() }, own, last)
        }
        _ => Chain::new(supply, own, last),
    }
}

fn tenant_image(
    fleet: &Fleet,
    agent: &Agent,
    container: &Container,
    supply: &Supply,
    notes: &mut Vec<Diagnostic>,
) -> Result<(String, Origin), Diagnostic> {
    let chain = chain(fleet, Some(container), supply);
    let Some((link, image)) = chain.decision() else { return Err(unresolved(fleet, &chain).at(&fleet.source, agent.at.clone())) };
    let settings = &fleet.image_settings;
    let range = match link.origin {
        Origin::Override => container.image.as_ref().map(|i| &i.range),
        Origin::LastResort => settings.last_resort.as_ref().map(|l| &l.range),
        Origin::Platform if !settings.platform.given => fleet.images.get(&container.name).map(|i| &i.range),
        Origin::Variable | Origin::Platform => None,
    };
    let image = checked(fleet, container, image, range, notes)?;
    if link.origin == Origin::LastResort {
        let why = chain.links.iter().find(|l| l.origin == Origin::Platform).map_or("", |l| l.says.as_str());
        let text = format!("organisations' agents get the last resort `{image}`, because the platform's image is not known: {why}");
        let note = Diagnostic::warning("image-last-resort", text).at(&fleet.source, range.cloned().unwrap_or_default());
        if !notes.contains(&note) {
            notes.push(note);
        }
    }
    Ok((image, link.origin))
}

/// No place has an image.
pub fn unresolved(fleet: &Fleet, chain: &Chain) -> Diagnostic {
    let container = &fleet.image_settings.platform.container;
    let error = Diagnostic::error("image-unresolved", format!("the container `{container}` of organisations' agents has no image"));
    let looked = chain.links.iter().map(|l| format!("{}: {}", l.origin, l.says));
    looked
        .fold(error, Diagnostic::hint)
        .hint("`rollcast images lock --context NAME` reads the platform's image into fleet.lock; `image` of an organisation overrides it")
}
