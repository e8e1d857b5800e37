//! The image that the platform itself runs, read from a container of its reference Deployment: what tenants are pinned to.

use super::pinned::mutable_by;
use super::places::{CustomImages, places};
use super::reference::parse;
use crate::diagnostic::{Diagnostic, nearest};
use crate::fleet::images::{PlatformChoice, TagRules};
use crate::object::{ObjectId, Value, integer};

/// The platform's image, and where it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformImage {
    /// The image.
    pub image: String,
    /// The container that has it, and of tenants the one that gets it.
    pub container: String,
    /// `Deployment/agents/agent-ceo of context prod`.
    pub from: String,
}

/// The Deployment whose image is the platform's.
pub fn platform_id(choice: &PlatformChoice) -> ObjectId {
    ObjectId {
        group: "apps".into(),
        kind: "Deployment".into(),
        namespace: choice.namespace.as_str().into(),
        name: choice.deployment.as_str().into(),
    }
}

/// Reads the image from the Deployment, which is none if it is not there. `source` says whose it is: `context prod`.
///
/// # Errors
/// The Deployment or its container is not there, or its image is no reference, or one that can change under its name: pinning to
/// that would pin to nothing.
pub fn platform(deployment: Option<&Value>, choice: &PlatformChoice, rules: &TagRules, source: &str) -> Result<PlatformImage, Diagnostic> {
    let id = platform_id(choice);
    let elsewhere = "`[images.platform]` says which Deployment has the platform's image, and so do PLATFORM_IMAGE_NAMESPACE, PLATFORM_IMAGE_DEPLOYMENT and PLATFORM_IMAGE_CONTAINER";
    let Some(deployment) = deployment else {
        let error = Diagnostic::error("image-platform", format!("there is no {id} in {source} to read the platform's image from"));
        return Err(error.hint(elsewhere));
    };
    let found = places(deployment, &CustomImages::default());
    let of_containers = || found.iter().filter(|p| p.list == "containers" || p.list == "initContainers");
    let Some(place) = of_containers().find(|p| p.container == choice.container) else {
        let text = format!("{id} in {source} has no container `{}` to read the platform's image from", choice.container);
        let near = nearest(&choice.container, of_containers().map(|p| p.container));
        let there = of_containers().map(|p| format!("`{}`", p.container)).collect::<Vec<_>>().join(", ");
        let error = Diagnostic::error("image-platform", text).hint(format!("it has {there}"));
        return Err(error.hint(near.map_or_else(|| elsewhere.to_owned(), |n| format!("did you mean `{n}`?"))));
    };
    let image = place.image;
    let reference = parse(image)
        .map_err(|why| Diagnostic::error("image-reference", format!("{id} in {source} has image `{image}`, which is none: {why}")))?;
    if let Some(why) = mutable_by(&reference, rules) {
        let text = format!("the platform's image `{image}` ({id} in {source}) can change under its name: {why}");
        return Err(Diagnostic::error("image-platform-mutable", text)
            .hint("pinning tenants to it would pin them to nothing: deploy the platform with a tag that names one build, or a digest")
            .hint("`[images.tags] immutable` says which further tags never move"));
    }
    Ok(PlatformImage { image: image.to_owned(), container: choice.container.clone(), from: format!("{id} of {source}") })
}

/// Why the platform itself may not be well with its image: its rollout has not ended. One without a status tells nothing.
pub fn unfinished(deployment: &Value) -> Option<String> {
    deployment.get("status")?;
    let wanted = integer(deployment, &["spec", "replicas"]).unwrap_or(1);
    let number = |field: &str| integer(deployment, &["status", field]).unwrap_or(0);
    let seen = number("observedGeneration") >= integer(deployment, &["metadata", "generation"]).unwrap_or(0);
    let (updated, available) = (number("updatedReplicas"), number("availableReplicas"));
    if seen && updated >= wanted && available >= wanted {
        return None;
    }
    Some(format!("{updated} of its {wanted} pods have this image and {available} are available: its rollout has not ended"))
}

#[cfg(test)]
mod tests {
    use super::platform;
    use crate::fleet::images::{PlatformChoice, TagRules};
    use crate::object::{Value, json};

    fn deployment(image: &str) -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "agents", "name": "agent-ceo"},
            "spec": {"template": {"spec": {"containers": [{"name": "sidecar", "image": "x:1"}, {"name": "agent", "image": image}]}}},
        })
    }

    fn read(deployment: Option<&Value>, container: &str) -> Result<String, String> {
        let choice = PlatformChoice { container: container.into(), ..PlatformChoice::default() };
        platform(deployment, &choice, &TagRules::default(), "context prod").map(|p| p.image).map_err(|d| d.text)
    }

    #[test]
    fn the_image_of_the_container() {
        assert_eq!(read(Some(&deployment("gcr.io/a/b:4f6e2c1")), "agent"), Ok("gcr.io/a/b:4f6e2c1".into()));
    }

    #[test]
    fn what_cannot_be_pinned_to_is_refused() {
        let error = read(Some(&deployment("gcr.io/a/b:latest")), "agent").unwrap_err();
        assert!(error.starts_with("the platform's image `gcr.io/a/b:latest` (Deployment/agents/agent-ceo in context prod) can"), "{error}");
        assert!(read(Some(&deployment("gcr.io/a/B:1")), "agent").unwrap_err().contains("which is none"));
        assert!(read(Some(&deployment("a:1")), "agnet").unwrap_err().contains("has no container `agnet`"));
        assert!(read(None, "agent").unwrap_err().contains("there is no Deployment/agents/agent-ceo in context prod"));
    }
}
