//! Codes of what is wrong with what stands around the workloads of a fleet: secrets, rights, peers, quotas.

use super::Code;

/// Those codes.
pub(super) const CODES: &[Code] = &[
    Code {
        code: "fleet-bundle",
        title: "a bundle where there can be none, or what needs one without it",
        text: "Network policies, quota and limits belong to a namespace with a bundle: each agent's own, an organisation's, or with `bundle = true` under\n[fleet] the one that agents share. What a shared namespace may use is said once, where the namespace is.",
        example: "[agents.web]\nquota = { pods = 4 }          # of a namespace that it shares",
        fix: "[fleet]\nbundle = true\nquota = { pods = 40 }",
    },
    Code {
        code: "fleet-quota",
        title: "the agents' own pods do not fit into the quota",
        text: "Counted are the requests (or limits) of all containers, times the replicas and the pods that the strategy starts before old ones end.\nA container that says nothing of what a quota counts is refused, unless the namespace's limits give it a default.",
        example: "replicas = 4\nresources.requests.cpu = \"500m\"\nquota = { \"requests.cpu\" = \"2\" }     # 4 pods, and 1 more while they roll: 2500m",
        fix: "quota = { \"requests.cpu\" = \"5\" }: twice as much lets a change of the requests roll, too. Or leave it out: it is derived.",
    },
    Code {
        code: "fleet-limits",
        title: "a container asks for more or less than its namespace allows",
        text: "A LimitRange refuses its pods.",
        example: "limits = { max = { memory = \"1Gi\" } }\nresources.limits.memory = \"2Gi\"",
        fix: "Raise the limit of the namespace, or lower that of the container.",
    },
    Code {
        code: "fleet-memory",
        title: "what may be written to memory leaves nothing of the memory limit",
        text: "Files of an emptyDir in memory (/tmp of a read-only root file system is one) count against the limit of the container that writes them.\nWhere they may grow as large as the limit, the container is killed before the volume is full.",
        example: "tmp = \"512Mi\"\nresources.limits.memory = \"512Mi\"",
        fix: "tmp = \"64Mi\"",
    },
    Code {
        code: "fleet-rights",
        title: "a right that is incomplete, or that is not scoped to its agent",
        text: "",
        example: "rights = [{ resources = [\"*\"], verbs = [\"*\"] }]",
        fix: "rights = [{ resources = [\"configmaps\"], names = [\"settings\"], verbs = [\"get\", \"watch\"] }]",
    },
    Code {
        code: "fleet-peer",
        title: "a peer is not one thing",
        text: "",
        example: "peers = [{ agent = \"cto\", cidr = \"10.0.0.0/8\" }]",
        fix: "peers = [\"cto\", { cidr = \"10.0.0.0/8\", ports = [443] }, { namespace = \"db\", labels = { app = \"postgres\" }, ports = [5432] }]",
    },
    Code {
        code: "fleet-pre-stop",
        title: "`pre-stop` does nothing, or several things",
        text: "",
        example: "pre-stop = { sleep = \"5s\", exec = [\"drain\"] }",
        fix: "pre-stop = { exec = [\"sh\", \"-c\", \"sleep 5; drain\"] }",
    },
    Code {
        code: "fleet-secret-source",
        title: "a secret is not from one place",
        text: "",
        example: "secrets.keys = { env = true }",
        fix: "secrets.keys = { existing = \"my-keys\", env = true }       # or `external = …`, or `sealed = …`",
    },
    Code {
        code: "unknown-agent",
        title: "the fleet has no such agent",
        text: "",
        example: "rollcast explain agents.cfo",
        fix: "rollcast explain agents.ceo; an organisation's: rollcast explain acme/support",
    },
];
