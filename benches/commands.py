#!/usr/bin/env python3
"""How long whole commands take beside their peers, on inputs made here.

usage: benches/commands.py [--rounds N=5] [render] [tenants] [plan] [deploy] [steps] [diff] [start]      all if none is named

Needs `cargo build --release` first, and what tests/controlplane/README.md names (diff: 10 s for a control plane once it is built).
Peers run in turn with rollcast on the same objects: a round is one run of each, and the ratio is taken round by round, so that a
machine that is busy for a while slows both. Printed: the median of the times, of the ratios, and the largest resident set.
"""
import copy
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
ROLLCAST = os.environ.get("ROLLCAST", os.path.join(ROOT, "target/release/rollcast"))
PLANE = os.path.join(ROOT, "tests/controlplane")


# Starts one command and prints its exit code, seconds and largest resident set in KiB. A small process of its own, because a child
# counts the memory of the process that it was forked from.
MEASURE = """
import os, sys, time
began = time.perf_counter()
child = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(child, 0)
print(os.waitstatus_to_exitcode(status), time.perf_counter() - began, usage.ru_maxrss, file=sys.stderr)
"""


def measure(command, codes, **options):
    """One run: seconds, and its largest resident set in MiB. Its output goes to a file, as in a pipeline."""
    runner = [sys.executable, "-I", "-S", "-c", MEASURE] + command
    with tempfile.TemporaryFile() as out:
        said = subprocess.run(runner, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.PIPE, text=True, check=True, **options).stderr
    code, seconds, memory = said.split("\n")[-2].split()
    if int(code) not in codes:
        sys.exit(f"{' '.join(command)} ended with {said[-2000:]}")
    return float(seconds), int(memory) / 1024


class Table:
    """The figures, printed as they come."""

    def __init__(self, rounds):
        self.rounds = rounds
        print(f"{'':46} {'rollcast':>10} {'peer':>10} {'ratio':>7}  memory (MiB)")

    def row(self, name, ours, peer=None):
        """Measures ours, and the peer beside it; each is (command, exit codes, options of Popen)."""
        sides = [side for side in (ours, peer) if side]
        for command, codes, options in sides:
            measure(command, codes, **options)
        runs = [[measure(command, codes, **options) for command, codes, options in sides] for _ in range(self.rounds)]
        median = [statistics.median(run[i][0] for run in runs) for i in range(len(sides))]
        memory = [max(run[i][1] for run in runs) for i in range(len(sides))]
        text = f"{name:46} {median[0] * 1000:8.1f}ms"
        if peer:
            ratios = sorted(run[1][0] / run[0][0] for run in runs)
            text += f" {median[1] * 1000:8.1f}ms {statistics.median(ratios):6.1f}x  {memory[0]:.0f} / {memory[1]:.0f}   (ratios {ratios[0]:.1f} to {ratios[-1]:.1f})"
        else:
            text += f" {'':10} {'':7}  {memory[0]:.0f}"
        print(text, flush=True)
        return median[0]


def write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
    return path


FLEET = """\
[fleet]
name = "bench"
kubernetes = "1.36"
namespace = "agents"

[images]
agent = "gcr.io/genbrain/agent-cli:b7d92e4"
git-sync = "gcr.io/genbrain/git-sync:b7d92e4"

[defaults]
containers = ["agent", "git-sync"]
ports = { http = 8080 }
"""

AGENT = """
[agents.{name}]
volumes.workspace = {{ size = "10Gi", mount = "/home/appuser/workspace" }}
config = {{ "agent.yaml" = "name: {name}\\n" }}
"""


def fleet(folder, names):
    return write(folder, "fleet.toml", FLEET + "".join(AGENT.format(name=n) for n in names))


def chart(folder, names):
    """A Helm chart of the same objects: what rollcast renders for one agent, with its name as the only variable."""
    sample = "sample-of-all"
    rendered = subprocess.run([ROLLCAST, "render", "--fleet", fleet(os.path.join(folder, "sample"), [sample])], check=True, stdout=subprocess.PIPE, text=True).stdout
    namespace, *objects = rendered.split("\n---\n")
    if len(objects) != 5:
        sys.exit(f"an agent of this bench is five objects, not {len(objects)}")
    objects = "".join("---\n" + o.rstrip("\n").replace(sample, "{{ .name }}") + "\n" for o in objects)
    write(folder, "chart/Chart.yaml", "apiVersion: v2\nname: bench\nversion: 0.1.0\n")
    write(folder, "chart/values.yaml", "agents:\n" + "".join(f"- name: {n}\n" for n in names))
    write(folder, "chart/templates/agents.yaml", namespace + "\n{{- range .Values.agents }}\n" + objects + "{{- end }}\n")
    return os.path.join(folder, "chart")


def clients():
    """The folder of kubectl and helm."""
    return subprocess.run([os.path.join(PLANE, "clients.sh")], check=True, stdout=subprocess.PIPE, text=True).stdout.split()[-1]


def render(table, folder):
    """A fleet of 1,000 agents, five objects each, beside `helm template`; then ten times as many alone."""
    times = {}
    for count in (1000, 10_000):
        names = [f"a{i:05}" for i in range(count)]
        at = os.path.join(folder, f"render-{count}")
        own = fleet(at, names)
        peer = None
        if count == 1000:
            peer = ([os.path.join(clients(), "helm"), "template", "bench", chart(at, names)], [0], {"cwd": at})
        times[count] = table.row(f"render, {5 * count:,} objects / helm template", ([ROLLCAST, "render", "--fleet", own], [0], {"cwd": at}), peer)
    print(f"    ten times the agents take {times[10_000] / times[1000]:.1f} times as long")


TENANTS = """\
[fleet]
name = "bench"
kubernetes = "1.36"

[images]
agent = "gcr.io/genbrain/agent-cli:b7d92e4"

[defaults]
containers = ["agent"]
ports = { http = 8080 }
resources = { requests = { cpu = "100m", memory = "256Mi" }, limits = { memory = "512Mi" } }
"""


def tenants(table, folder):
    """10,000 agents in 500 organisations, each with its bundle: on standard output, and a file an object in a directory of its own."""
    agents = ", ".join(f'"agent{i}"' for i in range(20))
    orgs = [f'[orgs.org{i}]\nagents = [{agents}]\n' for i in range(500)]
    write(folder, "one/fleet.toml", TENANTS + "".join(orgs))
    write(folder, "many/fleet.toml", 'include = ["orgs/*.toml"]\n' + TENANTS)
    for i, org in enumerate(orgs):
        write(folder, f"many/orgs/org{i}.toml", org)
    for name, words in [("one", "one file"), ("many", "500 included files")]:
        at = os.path.join(folder, name)
        render = [ROLLCAST, "render", "--fleet", os.path.join(at, "fleet.toml")]
        table.row(f"render, 500 organisations, {words}", (render, [0], {"cwd": at}))
        into = ["sh", "-c", 'exec "$@" --into "$(mktemp -d)/out"', "sh"] + render
        table.row(f"render --into, 500 organisations, {words}", (into, [0], {"cwd": at, "env": dict(os.environ, TMPDIR=at)}))


def snapshot(count):
    """The example's snapshot so often, each time in a namespace of its own, that it has `count` objects; and its Deployments with the next image."""
    with open(os.path.join(ROOT, "examples/genbrain.json")) as f:
        items = json.load(f)["items"]
    text = json.dumps(items)
    uids = sorted(set(re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", text)))
    every, following = [], []
    for i in range(-(-count // len(items))):
        own = text.replace('"namespace": "agents"', f'"namespace": "agents-{i}"')
        for j, uid in enumerate(uids):
            own = own.replace(uid, f"{i:08x}-{j:04x}-4000-8000-000000000000")
        for o in json.loads(own):
            if o["kind"] == "Namespace":
                o["metadata"]["name"] = f"agents-{i}"
            every.append(o)
            if o["kind"] == "Deployment":
                following.append(applied(o))
    return every, following


def applied(deployment):
    """What was applied to make a Deployment, near enough: its spec, with another build in every container."""
    o = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {k: deployment["metadata"][k] for k in ("name", "namespace", "labels") if k in deployment["metadata"]}}
    o["spec"] = {k: copy.deepcopy(deployment["spec"][k]) for k in ("replicas", "selector", "template")}
    if deployment["spec"]["strategy"]["type"] == "Recreate":
        o["spec"]["strategy"] = {"type": "Recreate"}
    for c in o["spec"]["template"]["spec"]["containers"]:
        c["image"] = c["image"].rsplit(":", 1)[0] + ":b7d92e4"
    return o


FLEET_OF_EXAMPLE = """\
[fleet]
name = "genbrain"
kubernetes = "1.36"
namespace = "agents"

[images]
agent = "gcr.io/genbrain/agent-cli:b7d92e4"
git-sync = "gcr.io/genbrain/git-sync:b7d92e4"
cai-runtime = "gcr.io/genbrain/cai-runtime:b7d92e4"

[defaults]
containers = ["agent", "git-sync"]
restart = "3m"
stop = "0s"
security = "restricted"
budget = {{ rolls = 1, downtime = "3m" }}

[[pipeline]]
name = "Update images"
set-images = {first}

[[pipeline]]
name = "Apply infrastructure manifests"
apply = {{ server-side = true }}

[[pipeline]]
name = "Scale"
scale = {{ replicas = 1 }}
"""

AGENTS_OF_EXAMPLE = {
    "ceo": 'volumes.workspace = { size = "10Gi", mount = "/home/appuser/workspace" }',
    "cto": "",
    "cso": 'containers = ["agent", "git-sync", "cai-runtime"]',
    "marketing": "",
}


def example(count, first, agents=None):
    """The example's snapshot so often in its one namespace, each time under other names, that it has `count` objects; and the fleet
    file of all its agents, or of so many, with a pipeline of three steps that begins with `first`."""
    with open(os.path.join(ROOT, "examples/genbrain.json")) as f:
        items = json.load(f)["items"]
    text = json.dumps([o for o in items if o["kind"] != "Namespace"])
    uids = sorted(set(re.findall(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", text)))
    every = [o for o in items if o["kind"] == "Namespace"]
    toml = FLEET_OF_EXAMPLE.format(first=first)
    for i in range(-(-(count - len(every)) // (len(items) - len(every)))):
        own = text
        for name in AGENTS_OF_EXAMPLE:
            own = re.sub(rf'(["/]|name=\\*")({name})-', rf"\g<1>\g<2>-{i}-", own)
            if agents is None or toml.count("[agents.") < agents:
                toml += f"\n[agents.{name}-{i}]\n{AGENTS_OF_EXAMPLE[name]}\n"
        for j, uid in enumerate(uids):
            own = own.replace(uid, f"{i:08x}-{j:04x}-4000-8000-000000000000")
        every.extend(json.loads(own))
    return every, toml


def as_list(items):
    return json.dumps({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": items})


def plan(table, folder):
    """4,000 objects from a snapshot, and every Deployment among them applied with another image."""
    every, following = snapshot(4000)
    state = write(folder, "plan/snapshot.json", as_list(every))
    manifests = write(folder, "plan/next.json", as_list(following))
    command = [ROLLCAST, "plan", "--from", state, "-f", manifests, "--as", "kubectl-server", "--report", "json"]
    table.row(f"plan, {len(every):,} objects, {len(following)} Deployments roll", (command, [0], {"cwd": folder}))


def deploy(table, folder):
    """4,000 objects, and a fleet of some of their workloads that goes through the three steps of `steps`; the others are only there."""
    for agents in (50, 200):
        every, toml = example(4000, "{}", agents)
        state = write(folder, "deploy/snapshot.json", as_list(every))
        own = write(folder, "deploy/fleet.toml", toml)
        command = [ROLLCAST, "plan", "--from", state, "--fleet", own, "--report", "json"]
        table.row(f"plan, {len(every):,} objects, 3 steps, {agents} workloads roll", (command, [0], {"cwd": folder}))


def steps(table, folder):
    """4,000 objects through a pipeline of three steps: one that rolls every Deployment once, and the example's, which rolls each
    twice, so that a merged pipeline is sought and run."""
    for what, first in [("one roll each", "{}"), ("two rolls each, merged", '{ containers = ["agent"] }')]:
        every, toml = example(4000, first)
        state = write(folder, "steps/snapshot.json", as_list(every))
        own = write(folder, "steps/fleet.toml", toml)
        command = [ROLLCAST, "plan", "--from", state, "--fleet", own, "--report", "json"]
        table.row(f"plan, {len(every):,} objects, 3 steps, {what}", (command, [0], {"cwd": folder}))
        print(f"    the snapshot has {os.path.getsize(state) / 2**20:.1f} MiB")


def diff(table, folder):
    """1,000 live objects, some of them changed, beside `kubectl diff --server-side`."""
    binary = subprocess.run([os.path.join(PLANE, "build.sh")], check=True, stdout=subprocess.PIPE, text=True).stdout.split()[-1]
    bin_folder, run = clients(), os.path.join(folder, "run")
    subprocess.run([os.path.join(PLANE, "up.sh"), binary, run, os.environ.get("PORT", "24000")], check=True, stdout=subprocess.DEVNULL)
    try:
        environment = dict(os.environ, KUBECONFIG=os.path.join(run, "kubeconfig"), PATH=bin_folder + ":" + os.environ["PATH"])
        objects = subprocess.run(["helm", "template", "bench", chart(folder, [f"a{i:03}" for i in range(200)])], check=True, env=environment, stdout=subprocess.PIPE, text=True).stdout
        now = write(folder, "diff/now.yaml", objects)
        following = write(folder, "diff/next.yaml", objects.replace("agent-cli:b7d92e4", "agent-cli:4c0ffee", 20))
        subprocess.run(["kubectl", "create", "namespace", "agents"], check=True, env=environment, stdout=subprocess.DEVNULL)
        subprocess.run(["kubectl", "apply", "--server-side", "-f", now], check=True, env=environment, stdout=subprocess.DEVNULL)
        subprocess.run(["kubectl", "-n", "agents", "wait", "deployment", "--all", "--for=condition=Available", "--timeout=120s"], check=True, env=environment, stdout=subprocess.DEVNULL)
        options = {"env": environment, "cwd": folder}
        ours = ([ROLLCAST, "diff", "-f", following, "--as", "kubectl-server", "--context", "test"], [1], options)
        table.row("diff, 1,000 live objects / kubectl diff", ours, (["kubectl", "diff", "--server-side", "-f", following], [1], options))
    finally:
        subprocess.run([os.path.join(PLANE, "down.sh"), run], check=True)


def start(table, folder):
    """What every call costs."""
    table.row("--help", ([ROLLCAST, "--help"], [0], {"cwd": folder}))
    table.row("check of the example", ([ROLLCAST, "check"], [1], {"cwd": ROOT}))


def main():
    arguments = sys.argv[1:]
    rounds = 5
    if "--rounds" in arguments:
        i = arguments.index("--rounds")
        rounds = int(arguments[i + 1])
        del arguments[i : i + 2]
    parts = {"render": render, "tenants": tenants, "plan": plan, "deploy": deploy, "steps": steps, "diff": diff, "start": start}
    unknown = [a for a in arguments if a not in parts]
    if unknown:
        sys.exit(f"no part {', '.join(unknown)}; there are {', '.join(parts)}")
    table = Table(rounds)
    with tempfile.TemporaryDirectory() as folder:
        for name in arguments or parts:
            parts[name](table, folder)


if __name__ == "__main__":
    main()
