//! Every code that a report or a message shows, explained.

mod bundle;
mod fleet;
mod images;
mod input;

/// One code.
#[derive(Debug)]
pub struct Code {
    /// `mutable-tag`.
    pub code: &'static str,
    /// One line.
    pub title: &'static str,
    /// What it means and why it matters; empty where the title says it all.
    pub text: &'static str,
    /// How it looks.
    pub example: &'static str,
    /// What to do.
    pub fix: &'static str,
}

/// The code of that name.
pub fn find(code: &str) -> Option<&'static Code> {
    all().find(|c| c.code == code)
}

/// Every code, reasons of verdicts first.
pub fn all() -> impl Iterator<Item = &'static Code> {
    GROUPS.iter().flat_map(|(_, codes)| codes.iter())
}

/// The codes by what they are about.
pub const GROUPS: [(&str, &[Code]); 5] = [
    ("Reasons of verdicts, and findings", REASONS),
    ("Input: command line, files, snapshots, manifests, clusters, revisions", input::CODES),
    ("The fleet: its file, images, templates, rendered files", fleet::CODES),
    ("Images: the platform's, the lock, registries, writing", images::CODES),
    ("The fleet: what stands around its workloads", bundle::CODES),
];

const REASONS: &[Code] = &[
    Code {
        code: "template-changed",
        title: "a field of the pod template changes, so the pods are replaced",
        text: "The controller compares the pod template that is stored with that of the current revision, after defaults are filled in and\nquantities are read. Any difference is a new revision, and a new revision replaces every pod, however small the change.",
        example: "container agent: spec.template.spec.containers[agent].image\n  registry/app:1 -> registry/app:2",
        fix: "If the roll is wanted, nothing. If not, leave the field as it stands in the cluster. If two steps each change the template,\nmake both changes in one step.",
    },
    Code {
        code: "returns-to-revision",
        title: "the template is an earlier one again",
        text: "A template that equals one of an earlier revision uses that revision's ReplicaSet (or ControllerRevision) again. The pods are\nreplaced all the same. It happens after an undo, and when a replace drops the annotation that a `rollout restart` wrote.",
        example: "kubectl rollout restart deployment/web\nkubectl replace -f web.yaml        # drops restartedAt: a second roll, back to the earlier ReplicaSet",
        fix: "Use `kubectl apply` instead of `replace`: it leaves fields alone that the manifest does not name.",
    },
    Code {
        code: "revision-replaced",
        title: "the current ReplicaSet no longer matches, so a new one is made",
        text: "Somebody edited the template of the Deployment's current ReplicaSet, or deleted it. The Deployment finds no ReplicaSet with its\ntemplate and makes one: every pod is replaced although the Deployment did not change.",
        example: "kubectl edit rs web-5d9c7b8f4\n# at the next sync of the Deployment: a full roll",
        fix: "Edit the Deployment, never its ReplicaSets.",
    },
    Code {
        code: "partition-lowered",
        title: "a lower partition lets waiting pods roll",
        text: "A StatefulSet's partition holds pods with a lower index at the old revision. Lowering it replaces those that waited, without\nany change of the template in this step.",
        example: "updateStrategy:\n  rollingUpdate: {partition: 0}      # was 2",
        fix: "If it is the next stage of a canary, nothing.",
    },
    Code {
        code: "on-delete-ended",
        title: "the strategy is no longer OnDelete, so waiting pods roll",
        text: "With OnDelete a new revision waits until pods are deleted. Changing the strategy to RollingUpdate releases it at once.",
        example: "updateStrategy: {type: RollingUpdate}   # was OnDelete",
        fix: "Look at what waits first: kubectl get pods -L controller-revision-hash",
    },
    Code {
        code: "resumed",
        title: "a paused Deployment is resumed, so the waiting template rolls",
        text: "While a Deployment is paused its template can change any number of times; resuming it makes one revision of the last one.",
        example: "kubectl rollout resume deployment/web",
        fix: "Nothing: this is also the way to make several changes in one roll.",
    },
    Code {
        code: "pods-deleted",
        title: "the step itself deletes pods",
        text: "Pods that a step deletes are made again by their controller, at the current revision.",
        example: "kubectl delete pod web-0",
        fix: "Use `kubectl rollout restart`, which keeps to the workload's strategy.",
    },
    Code {
        code: "recreated",
        title: "the workload is deleted and made again",
        text: "Its pods stop and new ones start at once, whatever its strategy says: it is down until the new pods are ready. It costs one of\nthe rolls of its budget.",
        example: "kubectl replace --force -f web.yaml\nkubectl delete -f web.yaml && kubectl apply -f web.yaml",
        fix: "Change it in place. For a field that cannot change, delete it with --cascade=orphan: the pods stay and are adopted.",
    },
    Code {
        code: "recreated-in-place",
        title: "the workload is deleted and made again, and its pods stay",
        text: "It was deleted with --cascade=orphan, or had no pods. What it left is adopted by the new one if the selector still matches;\npods roll only if the template is another one, as in any update.",
        example: "kubectl delete statefulset db --cascade=orphan && kubectl apply -f db.yaml",
        fix: "Nothing to fix.",
    },
    Code {
        code: "on-delete",
        title: "pending: pods take the new revision up when they are deleted",
        text: "The strategy is OnDelete. The revision moves, and nothing is replaced until somebody deletes the pods.",
        example: "updateStrategy: {type: OnDelete}",
        fix: "Delete the pods one by one when it suits, or use RollingUpdate.",
    },
    Code {
        code: "paused",
        title: "pending: the Deployment is paused",
        text: "A paused Deployment makes no new ReplicaSet. Its template waits for a resume.",
        example: "spec: {paused: true}",
        fix: "kubectl rollout resume deployment/NAME",
    },
    Code {
        code: "partition-holds",
        title: "pending: the partition keeps every pod at the old revision",
        text: "The partition is not below the number of replicas, so no pod is in the part that is updated.",
        example: "replicas: 3\nupdateStrategy:\n  rollingUpdate: {partition: 3}",
        fix: "Lower the partition when the new revision is to be taken up.",
    },
    Code {
        code: "no-replicas",
        title: "pending: there is no pod to replace",
        text: "The workload has zero replicas, or no node matches the DaemonSet. The next pods start at the new revision.",
        example: "spec: {replicas: 0}",
        fix: "Nothing.",
    },
    Code {
        code: "created",
        title: "the workload is new",
        text: "Its pods start; none is replaced. It costs nothing of a budget.",
        example: "Deployment/agents/new-agent",
        fix: "Nothing. If it should exist already, see whether the snapshot is of the right cluster and the name is right.",
    },
    Code {
        code: "deleted",
        title: "the workload is deleted",
        text: "A step deletes it and none makes it again.",
        example: "kubectl delete deployment old-agent",
        fix: "Nothing, if that is wanted.",
    },
    Code {
        code: "unchanged",
        title: "the pod template is the same",
        text: "What is stored after all steps equals what was stored before.",
        example: "kubectl apply -f of what the cluster has already",
        fix: "Nothing.",
    },
    Code {
        code: "same-value",
        title: "text that differs, and is the same value to Kubernetes",
        text: "A quantity in another notation, a default spelled out, an empty list: a text diff shows it, the controllers do not see it.",
        example: "memory: 1Gi -> 1024Mi",
        fix: "Nothing. Note that a StatefulSet compares bytes: 1Gi -> 1073741824 rolls one, though not a Deployment.",
    },
    Code {
        code: "outside-template",
        title: "only fields outside the pod template change",
        text: "Labels and annotations of the object itself, replicas, strategy, history limits: none of them replaces a pod.",
        example: "metadata.labels[team]: (none) -> blue",
        fix: "Nothing.",
    },
    Code {
        code: "stuck",
        title: "the rollout does not end",
        text: "A pod that it waits for cannot become ready: in the snapshot it crashes, cannot be scheduled or cannot pull its image, or a\nStatefulSet with OrderedReady waits for a broken pod before it updates any. Downtime then has no end that could be told.",
        example: "pod web-1 is in CrashLoopBackOff",
        fix: "Mend the cause first. A StatefulSet needs the broken pod deleted by hand after the template is mended.",
    },
    Code {
        code: "unknown",
        title: "it cannot be known, and why",
        text: "Something that the answer depends on could not be read or is not modelled. rollcast does not guess: `check` exits 1.",
        example: "the snapshot holds no objects of kind StatefulSet: it was not asked for them",
        fix: "Give it what is missing: a permission, a kind in the snapshot, a step it can simulate.",
    },
    Code {
        code: "over-budget",
        title: "a workload costs more than its budget allows",
        text: "It rolls more often, or is down longer, than the fleet allows for one deploy; one roll where nobody says. A budget of downtime\nis exceeded too where the downtime cannot be told.",
        example: "budget = { rolls = 1, downtime = \"3m\" }      # and two steps change the pod template",
        fix: "Look at the reasons: merge steps that change one template; or allow more where it is meant.",
    },
    Code {
        code: "step-fails",
        title: "the pipeline fails in this step",
        text: "The server refuses a write, in the words that follow. What comes after is not reached unless the step says `continue`.",
        example: "step \"Apply\": Error from server (NotFound): deployments.apps \"web\" not found",
        fix: "Mend the step or the manifest.",
    },
    Code {
        code: "script-fails",
        title: "the rehearsed script fails or was interrupted",
        text: "It ran on the simulated cluster, and its exit code is not 0.",
        example: "rollcast rehearse -- ./deploy.sh     # exits 1",
        fix: "Look at what the script printed.",
    },
    Code {
        code: "two-steps-one-template",
        title: "two steps change one pod template",
        text: "Each change of a pod template is a revision of its own and replaces every pod. A net diff of before and after shows one change;\nthe pods go through both.",
        example: "kubectl set image deployment/web app=registry/app:2\nkubectl apply -f web.yaml             # a newer sidecar: the second roll",
        fix: "Make both changes in one step, as the merged pipeline of `rollcast check` shows; or pause before and resume after.",
    },
    Code {
        code: "mutable-tag",
        title: "an image tag that can move",
        text: "No tag, `latest`, a branch name, a floating `v1`: the same text names another image tomorrow. A pod that restarts alone then runs\nsomething else than its neighbours, and no diff shows it.",
        example: "image: registry/app:latest",
        fix: "Name a digest, a full version or the commit that was built: registry/app:9f31c2e",
    },
    Code {
        code: "secret-in-manifest",
        title: "a manifest holds something that looks like a secret",
        text: "ConfigMaps, environment variables and arguments are read by everybody who may read the object, and stand in every backup\nand in the repository. Found as in fleet files, by the format of a known issuer or by how random a value is.",
        example: "env: [{name: API_KEY, value: …the key itself…}]",
        fix: "Revoke it. Keep the new one in a Secret: valueFrom: {secretKeyRef: {name: credentials, key: api-key}}",
    },
    Code {
        code: "config-without-roll",
        title: "a ConfigMap changes under pods that do not roll",
        text: "Environment variables and files mounted with `subPath` are taken when a pod starts. The running pods keep the old content, and\nthe next pod, whenever that is, has the new one.",
        example: "kubectl apply -f settings.yaml       # and nothing in the Deployment changes",
        fix: "Put a hash of the content into the ConfigMap's name or into an annotation of the pod template: `render` does either.",
    },
    Code {
        code: "claim-with-rolling-update",
        title: "a ReadWriteOnce claim in a Deployment that rolls with RollingUpdate",
        text: "RollingUpdate starts the new pod before the old one is gone. The claim can be mounted by one node at a time, so the new pod waits\nfor the old one, which is removed only when the new one is ready: on another node the rollout never ends.",
        example: "strategy: {type: RollingUpdate}\nvolumes: [{name: data, persistentVolumeClaim: {claimName: data}}]",
        fix: "strategy: {type: Recreate}, or a StatefulSet.",
    },
    Code {
        code: "claim-with-replicas",
        title: "several replicas share a ReadWriteOnce claim",
        text: "Pods on other nodes than the first cannot mount it.",
        example: "replicas: 3\nvolumes: [{name: data, persistentVolumeClaim: {claimName: data}}]",
        fix: "A StatefulSet with volumeClaimTemplates: a claim for each pod. Or one replica.",
    },
    Code {
        code: "pod-security",
        title: "the namespace lets no such pods in",
        text: "The namespace enforces a Pod Security Standard. The workload is stored all the same, with a warning; its pods are refused one by one,\nand the rollout never ends.",
        example: "metadata: {labels: {pod-security.kubernetes.io/enforce: restricted}}      # the namespace's\nsecurityContext: {}                                                     # the pods'",
        fix: "Give the pod and its containers the security context that the message names. In a fleet: security = \"hardened\".",
    },
    Code {
        code: "reference-missing",
        title: "pods need something that is not there",
        text: "A Secret, a ConfigMap, a key in one, a claim, an account or a StatefulSet's Service that is neither in the state nor among the\nmanifests. The workload is stored all the same; its pods wait, and a rollout does not end. Said only of what was read: of a\nsnapshot that `rollcast snapshot` made, or a live cluster.",
        example: "valueFrom: {secretKeyRef: {name: provider, key: api-key}}     # and no Secret provider",
        fix: "Mend the name, or make it in a step before. What may be missing says `optional: true`.",
    },
    Code {
        code: "disruption-budget-blocks",
        title: "a disruption budget lets no pod go",
        text: "Whoever drains a node evicts its pods, and waits for ever where the budget allows no eviction.",
        example: "replicas: 1\nminAvailable: 1",
        fix: "maxUnavailable: 1, or a replica more than must be available. A fleet has budgets only where replicas allow one.",
    },
    Code {
        code: "memory-volume",
        title: "a volume in memory that may fill a container's memory limit",
        text: "What is written to an emptyDir with `medium: Memory` counts as memory of the container that wrote it. When the limit is reached,\nthe container is killed, not the write refused.",
        example: "limits: {memory: 1Gi}\nemptyDir: {medium: Memory}      # no sizeLimit",
        fix: "emptyDir: {medium: Memory, sizeLimit: 64Mi}. In a fleet: tmp = \"64Mi\".",
    },
    Code {
        code: "kubernetes-version",
        title: "no data of this version of Kubernetes is shipped",
        text: "The closest version that is shipped stands in for it. Defaults, validation and fields differ between versions, so what is said\nholds as far as the two agree.",
        example: "kubernetes = \"1.22\"",
        fix: "Write the version that the cluster has, if it is another one; else take the verdicts as those of the version named.",
    },
    Code {
        code: "selector-changes",
        title: "the selector of a workload cannot change",
        text: "The API server refuses it (422), and the step fails.",
        example: "spec.selector: Invalid value: …: field is immutable",
        fix: "Keep the selector. To change it all the same: a workload of another name, then remove the old one.",
    },
    Code {
        code: "stateful-set-immutable",
        title: "a field of a StatefulSet that cannot change",
        text: "Of a StatefulSet's spec only replicas, ordinals, template, updateStrategy, revisionHistoryLimit,\npersistentVolumeClaimRetentionPolicy and minReadySeconds can change. The API server refuses the rest (422).",
        example: "volumeClaimTemplates: storage 1Gi -> 2Gi",
        fix: "kubectl delete statefulset NAME --cascade=orphan, then apply: the pods keep running and are adopted. Claims that exist are\nresized one by one.",
    },
    Code {
        code: "recreate-over-rolling-update",
        title: "Recreate over a defaulted rollingUpdate",
        text: "The stored strategy has a rollingUpdate that the server filled in and that no manager owns. A server-side apply of\n`strategy: {type: Recreate}` leaves it, and the server refuses the pair (422).",
        example: "spec.strategy.rollingUpdate: Forbidden: may not be specified when strategy `type` is 'Recreate'",
        fix: "Once, before the apply (it rolls nothing):\nkubectl patch deployment NAME --type=merge -p '{\"spec\":{\"strategy\":{\"type\":\"Recreate\",\"rollingUpdate\":null}}}'",
    },
    Code {
        code: "apply-conflict",
        title: "another manager owns a field that the apply would change",
        text: "Server-side apply refuses (409) to change a field that another manager owns, and names both.",
        example: "conflict with \"kubectl-set\" using apps/v1: .spec.template.spec.containers[name=\"app\"].image",
        fix: "Drop the field from the manifest, or write the same value, or take it over with --force-conflicts.",
    },
    Code {
        code: "job-immutable",
        title: "the template of a Job cannot change",
        text: "The API server refuses it (422), and the step fails.",
        example: "spec.template: Invalid value: …: field is immutable",
        fix: "A new name for each run (generateName), or delete the Job before it is applied.",
    },
    Code {
        code: "refused",
        title: "the server will refuse a write",
        text: "The message is the API server's own. What comes after the write in the pipeline is not reached, unless the step says `continue`.",
        example: "Deployment.apps \"web\" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0",
        fix: "Mend the manifest.",
    },
    Code {
        code: "script-not-rehearsed",
        title: "a step runs a script",
        text: "What a script writes is not known without running it, so nothing is known of the pipeline: not even that nothing rolls.",
        example: "[[pipeline]]\nname = \"Deploy\"\nrun = \"deploy/deploy.sh\"",
        fix: "rollcast rehearse --check -- deploy/deploy.sh",
    },
    Code {
        code: "kind-not-served",
        title: "the cluster does not serve a kind",
        text: "A manifest's kind is not Kubernetes' own, and the state holds no CustomResourceDefinition for it. The write fails, as kubectl's would.",
        example: "no matches for kind \"ExternalSecret\" in version \"external-secrets.io/v1\"",
        fix: "Apply the definition in a step before. If the cluster has it, start from a snapshot that `rollcast snapshot` made: it holds the definitions.",
    },
];
