//! Which image an organisation's agent gets: an override, else the platform's, else the last resort, where the fleet allows one.

use super::platform::PlatformImage;
use std::fmt;

/// The annotation of a workload (never of its pod template) that says where its images came from: `agent=platform`.
pub const ANNOTATION: &str = "rollcast/image-source";

/// Where an image came from, the first that has one wins.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// The environment variable `CUSTOMER_AGENT_IMAGE`.
    Variable,
    /// `image` of the agent or of its organisation.
    Override,
    /// The platform's own.
    Platform,
    /// `[images.platform] last-resort`.
    LastResort,
}

impl Origin {
    /// As the annotation spells it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Variable => "customer-agent-image",
            Self::Override => "override",
            Self::Platform => "platform",
            Self::LastResort => "last-resort",
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What is known of images outside the fleet file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Supply {
    /// `CUSTOMER_AGENT_IMAGE`, if it is set and not empty.
    pub customer: Option<String>,
    /// The platform's image, if somebody read it; else why not.
    pub platform: Result<PlatformImage, String>,
}

/// One place where an image was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// Which.
    pub origin: Origin,
    /// The image; none if it has none.
    pub image: Option<String>,
    /// Where that stands, or why there is none.
    pub says: String,
}

/// All places in their order, and which one decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chain {
    /// The places.
    pub links: Vec<Link>,
}

impl Chain {
    /// Looks everywhere. `own` is the override of the agent or its organisation, and who says it.
    pub fn new(supply: &Supply, own: Option<(&str, &str)>, last_resort: Option<&str>) -> Self {
        let link = |origin, image: Option<&str>, says: String| Link { origin, image: image.map(str::to_owned), says };
        let customer = supply.customer.as_deref();
        let says_customer = format!("CUSTOMER_AGENT_IMAGE is {}", if customer.is_some() { "set" } else { "not set" });
        let says_own =
            own.map_or_else(|| "neither the agent nor its organisation has an `image` of its own".to_owned(), |(_, who)| who.to_owned());
        let (platform, says_platform) = match &supply.platform {
            Ok(read) => (Some(read.image.as_str()), format!("container {} of {}", read.container, read.from)),
            Err(why) => (None, why.clone()),
        };
        let says_last = match last_resort {
            Some(_) => "`[images.platform] last-resort`",
            None => "the fleet allows none: `[images.platform] last-resort` is not there",
        };
        Self {
            links: vec![
                link(Origin::Variable, customer, says_customer),
                link(Origin::Override, own.map(|(image, _)| image), says_own),
                link(Origin::Platform, platform, says_platform),
                link(Origin::LastResort, last_resort, says_last.to_owned()),
            ],
        }
    }

    /// The place that decides: the first that has an image.
    pub fn decision(&self) -> Option<(&Link, &str)> {
        self.links.iter().find_map(|link| Some((link, link.image.as_deref()?)))
    }
}

impl Default for Supply {
    fn default() -> Self {
        Self { customer: None, platform: Err("nobody read it".into()) }
    }
}

#[cfg(test)]
mod tests {
    use super::{Chain, Origin, Supply};
    use crate::images::PlatformImage;

    #[test]
    fn the_first_that_has_one_decides() {
        let platform = PlatformImage { image: "p:1".into(), container: "agent".into(), from: "Deployment/a/b of context c".into() };
        let all = Supply { customer: Some("c:1".into()), platform: Ok(platform) };
        let decided =
            |supply: &Supply, own, last| Chain::new(supply, own, last).decision().map(|(link, image)| (link.origin, image.to_owned()));
        let own = Some(("o:1", "`orgs.acme.image.agent`"));
        assert_eq!(decided(&all, own, Some("l:1")), Some((Origin::Variable, "c:1".into())));
        let without = Supply { customer: None, ..all };
        assert_eq!(decided(&without, own, Some("l:1")), Some((Origin::Override, "o:1".into())));
        assert_eq!(decided(&without, None, Some("l:1")), Some((Origin::Platform, "p:1".into())));
        assert_eq!(decided(&Supply::default(), None, Some("l:1")), Some((Origin::LastResort, "l:1".into())));
        assert_eq!(decided(&Supply::default(), None, None), None);
    }
}
