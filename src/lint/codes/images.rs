//! Codes of `rollcast images`: the platform's image, the lock, registries, writing.

use super::Code;

/// Those codes.
pub(super) const CODES: &[Code] = &[
    Code {
        code: "image-platform",
        title: "the Deployment with the platform's image is not there, or has no such container",
        text: "Tenants get the image that the platform itself runs: that of a container of a reference Deployment. The table\n[images.platform] names it (agents/agent-ceo, container agent, unless given); PLATFORM_IMAGE_NAMESPACE,\nPLATFORM_IMAGE_DEPLOYMENT and PLATFORM_IMAGE_CONTAINER override it.",
        example: "rollcast images resolve --context prod\n# there is no Deployment/agents/agent-ceo in context prod",
        fix: "Name the right one:\n[images.platform]\nnamespace = \"platform\"\ndeployment = \"agent-main\"",
    },
    Code {
        code: "image-platform-mutable",
        title: "the platform's image can change under its name",
        text: "Pinning tenants to `:latest` pins them to nothing: each pod gets what the tag is when it starts, and nobody sees that they\ndiffer. So rollcast refuses to take such an image as the platform's.",
        example: "the platform's image `gcr.io/genbrain/agent-cli:latest` (Deployment/agents/agent-ceo in context prod) can change under its name",
        fix: "Deploy the platform with a commit, a full version or a digest. If the tag never moves, say so:\n[images.tags]\nimmutable = [\"release-.*\"]",
    },
    Code {
        code: "image-platform-rolling",
        title: "the platform's own rollout with its image has not ended",
        text: "A warning: the image that tenants would get has not shown yet that it runs.",
        example: "0 of its 1 pods have this image and 1 are available: its rollout has not ended",
        fix: "Wait: kubectl rollout status -n agents deployment/agent-ceo",
    },
    Code {
        code: "image-unresolved",
        title: "the image of an organisation's agents is given nowhere",
        text: "It is looked for in CUSTOMER_AGENT_IMAGE, in `image` of the agent or its organisation, with the platform (as fleet.lock has\nit), and in `[images.platform] last-resort`. Nothing is made up where none of them has one.",
        example: "[images.platform]\nnamespace = \"agents\"\n[orgs.acme]\nagents = [\"support\"]",
        fix: "rollcast images lock --context NAME reads the platform's image into fleet.lock; rollcast images resolve shows every place.",
    },
    Code {
        code: "image-last-resort",
        title: "organisations' agents get the last resort",
        text: "The platform's image is not known and the fleet allows a last resort. It is said wherever it is used, and the workload's\nannotation rollcast/image-source says it too: agents that stay on it are easily forgotten.",
        example: "[images.platform]\nlast-resort = \"gcr.io/genbrain/agent-cli:1.4.2\"",
        fix: "Run rollcast images lock with a cluster, or take the last resort away.",
    },
    Code {
        code: "image-lock",
        title: "fleet.lock cannot be read",
        text: "",
        example: "version = 2        # written by a newer rollcast",
        fix: "Remove the file and run rollcast images lock.",
    },
    Code {
        code: "image-lock-stale",
        title: "an image of the fleet is not in fleet.lock",
        text: "With --locked every image is rendered with the digest that its registry gave when the lock was written. An image that came\nlater has none.",
        example: "rollcast render --locked      # after a tag in fleet.toml was changed",
        fix: "rollcast images lock",
    },
    Code {
        code: "image-registry",
        title: "a registry does not answer, or not in a way that helps",
        text: "It cannot be reached (no network, no such host, a time-out), was busy each time it was asked (429, 5xx), or does not speak the\nOCI distribution protocol.",
        example: "`registry.example.com/agent:1.4.2`: registry.example.com did not answer within 15 s",
        fix: "Without a network nothing can be locked; `render` without `--locked` needs no registry. HTTPS_PROXY is honoured; --plain-http HOST\nis for a registry without TLS.",
    },
    Code {
        code: "image-registry-denied",
        title: "a registry does not let us read an image",
        text: "The credentials come from ~/.docker/config.json (or DOCKER_CONFIG, REGISTRY_AUTH_FILE) and the credential helpers it names.",
        example: "registry.example.com does not let us read `agent:1.4.2` (401); there are no credentials for it",
        fix: "docker login registry.example.com",
    },
    Code {
        code: "image-missing-in-registry",
        title: "a registry has no such image",
        text: "",
        example: "registry.example.com has no `agent:1.4.3`",
        fix: "Push it first, or mend the tag.",
    },
    Code {
        code: "image-not-live",
        title: "a snapshot cannot be written to",
        text: "",
        example: "rollcast images sync --from cluster.json",
        fix: "Add --dry-run, or name a live cluster with --context.",
    },
    Code {
        code: "image-over-budget",
        title: "setting the images would cost more than allowed",
        text: "Before the first patch is sent the simulator runs all of them. A workload that would roll more often or be down longer than its\nbudget, or of which nobody can say, stops everything: nothing is written.",
        example: "Deployment/agents/ceo-agent rolls (Recreate), down 3m, over its budget",
        fix: "Raise the budget, wait for a better time, or --force.",
    },
    Code {
        code: "image-no-workloads",
        title: "what is to be set is not named, or not known",
        text: "",
        example: "rollcast images set deploy",
        fix: "rollcast images set deployment/agents/ceo-agent --image agent=gcr.io/genbrain/agent-cli:4f6e2c1",
    },
    Code {
        code: "json-path",
        title: "the path after jsonpath= cannot be read",
        text: "",
        example: "rollcast images list -o jsonpath='{.items[}'",
        fix: "rollcast images list -o jsonpath='{.items[*].image}'",
    },
    Code {
        code: "no-such-organisation",
        title: "the fleet has no organisation of that name",
        text: "",
        example: "rollcast images resolve --org acmee",
        fix: "rollcast images resolve --org acme",
    },
];
