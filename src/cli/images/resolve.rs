//! `rollcast images resolve`: every place where the image of an organisation's agents is looked for, and which one decides.

use super::args::Resolve;
use super::{lock, output, sources};
use crate::cli::CLEAN;
use crate::cli::console::{Console, Failure};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::fleet::{Container, Fleet};
use crate::images::{self, Chain, Origin, Supply};
use crate::object::{Value, json};
use std::path::PathBuf;

/// A chain, and whose it is.
struct Resolved {
    who: String,
    chain: Chain,
}

pub(super) fn run(options: &Resolve, console: &mut Console) -> Result<u8, Failure> {
    let fleet = sources::fleet(&options.fleet, console)?;
    let file = sources::fleet_file(&options.fleet).unwrap_or_else(|| PathBuf::from("fleet.toml"));
    let choice = sources::choice(fleet.as_ref());
    let mut supply = lock::supply(lock::beside(&file)?.as_ref());
    let by_map = !choice.given && fleet.as_ref().is_some_and(|f| f.images.contains_key(&choice.container));
    let named = options.cluster.context.is_some() || options.cluster.from.is_some();
    if !by_map && (named || supply.platform.is_err()) {
        let looked = sources::platform(&options.cluster, fleet.as_ref(), &file);
        match looked {
            Ok(looked) => {
                looked.warn(console);
                supply.platform = Ok(looked.image);
            }
            // What cannot be pinned to is refused, whatever else there is to fall back to.
            Err(Failure::Wrong(wrong)) if wrong.0.iter().any(|d| d.code == "image-platform-mutable") => return Err(wrong.into()),
            Err(Failure::Wrong(wrong)) => {
                supply.platform = Err(wrong.to_string());
                if fleet.is_none() && supply.customer.is_none() {
                    return Err(wrong.into());
                }
            }
            Err(other) => return Err(other),
        }
    }
    let resolved = chains(fleet.as_ref(), &supply, options.org.as_deref())?;
    let mut problems = Vec::new();
    for one in &resolved {
        problems.extend(wrong(one, fleet.as_ref()));
    }
    let shown = |one: &Resolved| {
        let links = one.chain.links.iter().map(|l| json!({ "source": l.origin.as_str(), "image": l.image, "says": l.says }));
        let decision = one.chain.decision();
        json!({
            "for": one.who, "container": choice.container, "image": decision.map(|(_, image)| image),
            "source": decision.map(|(link, _)| link.origin.as_str()), "chain": links.collect::<Vec<Value>>(),
        })
    };
    if !output::print(&options.output, || json!({ "items": resolved.iter().map(shown).collect::<Vec<Value>>() }), console)? {
        console.print(&text(&resolved, &choice.container))?;
    }
    for one in &resolved {
        if let Some((_, image)) = one.chain.decision().filter(|(link, _)| link.origin == Origin::LastResort) {
            let text = format!("{} get the last resort `{image}`: the platform's image is not known", one.who);
            let why = one.chain.links.iter().filter(|l| l.origin == Origin::Platform).map(|l| l.says.clone());
            console.complain(&why.fold(Diagnostic::warning("image-last-resort", text), Diagnostic::hint).into());
        }
    }
    if problems.is_empty() { Ok(CLEAN) } else { Err(Diagnostics(problems).into()) }
}

/// One for each agent of an organisation that has an image of its own, and one for all others.
fn chains(fleet: Option<&Fleet>, supply: &Supply, org: Option<&str>) -> Result<Vec<Resolved>, Failure> {
    let Some(fleet) = fleet else {
        if let Some(org) = org {
            return Err(Diagnostic::error("no-such-organisation", format!("there is no fleet file with an organisation `{org}`")).into());
        }
        return Ok(vec![Resolved { who: "organisations' agents".into(), chain: Chain::new(supply, None, None) }]);
    };
    if let Some(org) = org.filter(|org| !fleet.orgs.iter().any(|o| o.name == *org)) {
        let near = crate::diagnostic::nearest(org, fleet.orgs.iter().map(|o| o.name.as_str()));
        let error = Diagnostic::error("no-such-organisation", format!("the fleet has no organisation `{org}`"));
        return Err(match near {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None if fleet.orgs.is_empty() => error.hint("it has none: write a table [orgs.NAME]"),
            None => error.hint(format!("it has {}", fleet.orgs.iter().map(|o| o.name.as_str()).collect::<Vec<_>>().join(", "))),
        }
        .into());
    }
    let name = &fleet.image_settings.platform.container;
    let container = |agent: &'_ crate::fleet::Agent| agent.containers.iter().find(|c| c.name == *name).cloned();
    let tenants = fleet.agents.iter().filter(|a| a.org.is_some() && org.is_none_or(|o| a.org.as_deref() == Some(o)));
    let (mut out, mut others) = (Vec::new(), 0);
    for agent in tenants {
        let Some(own): Option<Container> = container(agent) else { continue };
        if own.image.is_some() {
            let who = format!("{}/{}", agent.namespace, agent.workload);
            out.push(Resolved { who, chain: images::chain(fleet, Some(&own), supply) });
        } else {
            others += 1;
        }
    }
    if others > 0 || out.is_empty() {
        let who = match org {
            Some(org) => format!("agents of {org}"),
            None if out.is_empty() => "organisations' agents".to_owned(),
            None => format!("{others} other agents of organisations"),
        };
        out.push(Resolved { who, chain: images::chain(fleet, None, supply) });
    }
    Ok(out)
}

/// What is wrong with a decision: there is none, or it can change under its name.
fn wrong(one: &Resolved, fleet: Option<&Fleet>) -> Option<Diagnostic> {
    let Some((link, image)) = one.chain.decision() else {
        return Some(match fleet {
            Some(fleet) => images::unresolved(fleet, &one.chain),
            None => Diagnostic::error("image-unresolved", "organisations' agents have no image"),
        });
    };
    let rules = fleet.map(|f| f.image_settings.tags.clone()).unwrap_or_default();
    let allowed = fleet.is_some_and(|f| f.allow_mutable);
    match images::parse(image) {
        Err(why) => Some(Diagnostic::error("image-reference", format!("`{image}` ({}) is no image reference: {why}", link.origin))),
        Ok(reference) => images::mutable_by(&reference, &rules).filter(|_| !allowed).map(|why| {
            Diagnostic::error("image-mutable", format!("the image `{image}` ({}) can change under its name: {why}", link.origin))
                .hint("a commit, a full version, a dated build or a digest names one build")
        }),
    }
}

fn text(resolved: &[Resolved], container: &str) -> String {
    let mut out = String::new();
    for one in resolved {
        let decision = one.chain.decision().map(|(link, _)| link.origin);
        out += &format!("{}, container {container}\n", one.who);
        let rows: Vec<Vec<String>> = one
            .chain
            .links
            .iter()
            .map(|link| {
                let mark = if decision == Some(link.origin) { "=>" } else { "  " };
                let image = link.image.clone().unwrap_or_else(|| "-".into());
                vec![mark.to_owned(), link.origin.to_string(), image, link.says.clone()]
            })
            .collect();
        out += &output::table(&rows);
    }
    out
}
