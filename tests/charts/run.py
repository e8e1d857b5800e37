#!/usr/bin/env python3
"""Public Helm charts on the shadow and on a real control plane: what each step exits with, says, stores and rolls is compared.

usage: run.py --repositories DIR [--rollcast FILE] [--port N] [--only TEXT]… [--way WAY]… [--rotate] [--first N] [--at-once N]

DIR holds clones of the repositories that charts.toml names, as OWNER+NAME (a bare repository, a clone, or OWNER+NAME/repo). Each
chart is installed at its first version, upgraded through the next ones, upgraded again without a change and rolled back, in three
ways: by helm, by `kubectl apply` and by `kubectl apply --server-side` of what `helm template` gives; with --rotate each chart in one
of them. --at-once N works on N charts at a time, each on a pair of planes of its own (ports N·4 from --port). Exits 1 if anything
differs. Interrupted, it still says what it found.
"""
import argparse
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import compare
import planes

HERE = Path(__file__).resolve().parent
WAYS = ["helm", "apply", "server-side"]
# What is compared as it is stored, beside workloads.
OTHERS = [("batch/v1", "jobs"), ("batch/v1", "cronjobs"), ("v1", "services"), ("v1", "configmaps"), ("v1", "secrets"), ("v1", "serviceaccounts"),
          ("v1", "persistentvolumeclaims"), ("rbac.authorization.k8s.io/v1", "roles"), ("rbac.authorization.k8s.io/v1", "rolebindings"),
          ("networking.k8s.io/v1", "ingresses"), ("networking.k8s.io/v1", "networkpolicies"), ("policy/v1", "poddisruptionbudgets"),
          ("autoscaling/v2", "horizontalpodautoscalers")]


class Missing(Exception):
    """A chart cannot be had."""


def git_directory(repositories, name):
    base = repositories / name.replace("/", "+")
    for folder in (base / "repo", base / "repo/.git", base / ".git", base):
        if (folder / "HEAD").exists():
            return folder
    raise Missing(f"{name} is not in {repositories}")


def extract(repositories, chart, tag, into):
    """A chart at a tag as a folder, with the charts it needs that its repository has; others are taken out of its Chart.yaml."""
    directory = git_directory(repositories, chart["repository"])
    git = ["git", f"--git-dir={directory}"]
    paths = [chart["path"], *chart.get("with", {}).values()]
    into.mkdir(parents=True)
    archive = subprocess.run([*git, "archive", tag, *([] if "." in paths else paths)], capture_output=True, check=False)
    if archive.returncode != 0:
        raise Missing(f"{tag}: {archive.stderr.decode().strip()}")
    subprocess.run(["tar", "-x", "-C", into], input=archive.stdout, check=True)
    folder = into / chart["path"]
    for name, path in chart.get("with", {}).items():
        target = folder / "charts" / name
        target.parent.mkdir(exist_ok=True)
        if not target.exists():
            subprocess.run(["cp", "-rL", into / path, target], check=True)
    for file in [*folder.rglob("Chart.yaml"), *folder.rglob("requirements.yaml")]:
        charts = file.parent / "charts"
        file.write_text(without({p.name for p in charts.iterdir()} if charts.is_dir() else set(), file.read_text()))
        file.with_suffix(".lock").unlink(missing_ok=True)
    return folder


def without(present, text):
    """A Chart.yaml without the dependencies that are not there."""
    out, item, inside, indent = [], [], False, None

    def flush():
        name = next((line.split("name:")[1].strip().strip("\"'") for line in item if line.strip(" -").startswith("name:")), None)
        if name is None or any(p == name or p.startswith(name + "-") for p in present):
            out.extend(item)
        item.clear()

    for line in text.splitlines():
        if inside and line.strip() and not line.startswith((" ", "-", "#")):
            flush()
            inside = False
        if inside and line.lstrip().startswith("- "):
            here = len(line) - len(line.lstrip())
            indent = here if indent is None else indent
            if here == indent:
                flush()
        (item if inside else out).append(line)
        if line.startswith("dependencies:"):
            inside = True
    flush()
    return "\n".join(out) + "\n"


def steps(way, charts, namespace, chart, number):
    """Label and command of each step of a way."""
    sets = " ".join(f"--set '{s}'" for s in chart.get("set", []))
    if way == "helm":
        wait = "--wait --timeout 40s" if number % 2 == 0 else "--timeout 60s"
        up = [f"helm upgrade --install app '{c}' -n {namespace} {sets} {wait}" for c in charts]
        yield "install", up[0]
        yield from ((f"upgrade {n}", command) for n, command in enumerate(up[1:], 1))
        yield "again", up[-1]
        yield "rollback", f"helm rollback app 1 -n {namespace} {wait}"
        yield "uninstall", f"helm uninstall app -n {namespace} --wait --timeout 40s"
        return
    apply = "kubectl apply" + (" --server-side" if way == "server-side" else "")
    files = [f"{namespace}-{n}.yaml" for n in range(len(charts))]
    yield "install", f"{apply} -f {files[0]}"
    for n, file in enumerate(files[1:], 1):
        yield f"upgrade {n}", f"{apply} -f {file}"
        if n == 1 and (way == "apply") == (number % 2 == 0):
            yield "restart", "kubectl get deploy,sts,ds -o name | xargs -r kubectl rollout restart"
    yield "again", f"{apply} -f {files[-1]}"
    yield "rollback", f"{apply} -f {files[0]}"
    yield "delete", f"kubectl delete --ignore-not-found --timeout=60s -f {files[-1]}"


class Side:
    """One plane in the course of one way."""

    def __init__(self, plane, namespace, folder):
        self.plane, self.namespace, self.folder = plane, namespace, folder
        self.before = {}
        self.cluster_wide = plane.cluster_wide()

    def step(self, command):
        self.said = self.plane.run(command, self.folder, self.namespace)
        items = self.plane.settled(self.namespace)
        after = planes.revisions(items)
        self.moves = planes.moves(self.before, after)
        self.before = after
        self.objects = {}
        for resource, o in items:
            if resource in ("deployments", "statefulsets", "daemonsets"):
                name = f"{resource}/{o['metadata']['name']}"
                self.objects[name] = {**compare.stored(resource, o), "numbers": compare.numbers(o)}
        for version, resource in OTHERS:
            for o in self.plane.list(version, resource, self.namespace):
                if resource == "jobs" and compare.timed(o):
                    continue
                self.objects[f"{resource}/{o['metadata']['name']}"] = compare.stored(resource, o)
        self.objects.pop("configmaps/kube-root-ca.crt", None)


def both(action, sides):
    with ThreadPoolExecutor(len(sides)) as threads:
        list(threads.map(action, sides))


def go(way, chart, number, charts, pair, folder):
    """Takes a chart one way; gives the differences, what the real control plane did, and the labels of the steps."""
    namespace = f"c{number}-{way}"
    if way != "helm":
        for n, c in enumerate(charts):
            sets = " ".join(f"--set '{s}'" for s in chart.get("set", []))
            code, out, err = pair[0].run(f"helm template app '{c}' -n {namespace} {sets} --include-crds --no-hooks --kube-version 1.36.2", folder)
            if code != 0:
                raise Missing(f"helm template: {err.strip()[:300]}")
            (folder / f"{namespace}-{n}.yaml").write_text(out)
    sides = [Side(plane, namespace, folder) for plane in pair]
    both(lambda s: s.plane.run(f"kubectl create namespace {namespace}", folder), sides)
    wrong, exits, moved, labels = [], [], [], []
    for label, command in steps(way, charts, namespace, chart, number):
        both(lambda s, c=command: s.step(c), sides)
        real, ours = sides
        labels.append(label)
        exits.append(real.said[0])
        moved.append(sum(m for m in real.moves.values() if isinstance(m, int)))
        where = f"{chart['path']} {way} {label}"
        if real.said[0] != ours.said[0]:
            wrong.append(("exit code", where, f"{real.said[0]} ≠ {ours.said[0]}\n    real: {real.said[2][-1500:]}\n    ours: {ours.said[2][-1500:]}"))
        elif compare.said(real.said) != compare.said(ours.said):
            wrong.append(("output", where, "\n    ".join(["", *compare.lines(real.said, ours.said)])))
        if real.moves != ours.moves:
            wrong.append(("moves", where, f"{real.moves} ≠ {ours.moves}"))
        for name in sorted(real.objects.keys() | ours.objects.keys()):
            found = compare.differences(real.objects.get(name), ours.objects.get(name))
            if found:
                wrong.append(("object", f"{where} {name}", "; ".join(found)))
    both(lambda s: s.plane.clean(s.cluster_wide, namespace), sides)
    return wrong, exits, moved, labels


class Figures:
    """What all charts came to; those at work at the same time add to it and print by turns."""

    def __init__(self):
        self.turn = threading.Lock()
        self.charts = self.whole = self.agreeing = self.missing = self.steps = self.moves = self.restarts = 0
        self.differing = {"exit code": 0, "output": 0, "moves": 0, "object": 0}

    def add(self, title, way, done, seconds):
        wrong, exits, moved, labels = done
        with self.turn:
            self.steps += len(exits)
            self.moves += sum(moved)
            self.restarts += labels.count("restart")
            failed = sum(code != 0 for code in exits)
            print(f"{title:58} {way:12} {len(exits):5} {failed:6} {sum(moved):5} {len(wrong):6}  {seconds:.0f}", flush=True)
            for what, where, text in wrong:
                self.differing[what] += 1
                print(f"  {what}: {where}: {text}", flush=True)

    def __str__(self):
        d = self.differing
        return (f"{self.charts} charts, {self.whole} of them in all three ways, {self.steps} steps ({self.restarts} restarts), {self.moves} revision moves; "
                f"{self.agreeing} charts agree in all; differing: exit codes {d['exit code']}, outputs {d['output']}, moves {d['moves']}, "
                f"objects {d['object']}; not to be had {self.missing}")


def take(number, chart, options, pair, folder, figures, over):
    """Takes a chart all its ways."""
    title = f"{chart['repository']} {chart['path'].split('/')[-1] if chart['path'] != '.' else ''}"
    ways = [WAYS[number % 3]] if options.rotate else options.way or WAYS
    wrong, done = 0, 0
    try:
        folders = [extract(options.repositories, chart, tag, folder / f"c{number}" / str(n)) for n, tag in enumerate(chart["tags"])]
        for way in ways:
            began = time.monotonic()
            result = go(way, chart, number, folders, pair, folder)
            if over.is_set():
                return
            figures.add(title, way, result, time.monotonic() - began)
            wrong += len(result[0])
            done += 1
    except Missing as e:
        with figures.turn:
            figures.missing += 1
            print(f"{title:58} cannot be had: {e}", flush=True)
        return
    finally:
        subprocess.run(["rm", "-rf", folder / f"c{number}"], check=True)
    with figures.turn:
        figures.charts += 1
        figures.whole += done == len(WAYS)
        figures.agreeing += wrong == 0


def work(number, waiting, options, figures, over):
    """One pair of planes takes charts until none waits."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pair = [planes.real(folder, options.port + 4 * number), planes.shadow(folder, options.rollcast)]
        try:
            planes.same_nodes(*pair)
            while not over.is_set():
                take(*waiting.get_nowait(), options, pair, folder, figures, over)
        except queue.Empty:
            return
        finally:
            for plane in pair:
                plane.stop()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repositories", type=Path, required=True)
    parser.add_argument("--rollcast", default=planes.ROOT / "target/release/rollcast")
    parser.add_argument("--port", type=int, default=17_700)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--way", action="append", choices=WAYS)
    parser.add_argument("--rotate", action="store_true")
    parser.add_argument("--first", type=int, default=1_000)
    parser.add_argument("--at-once", type=int, default=2)
    options = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    signal.signal(signal.SIGINT, signal.default_int_handler)
    charts = tomllib.loads((HERE / "charts.toml").read_text())["chart"]
    waiting = queue.SimpleQueue()
    for number, chart in enumerate(charts[: options.first]):
        if not options.only or any(o in f"{chart['repository']}/{chart['path']}" for o in options.only):
            waiting.put((number, chart))
    figures, over = Figures(), threading.Event()
    print(f"{'chart':58} {'way':12} {'steps':>5} {'failed':>6} {'moves':>5} {'differ':>6}  seconds", flush=True)
    began = time.monotonic()
    with ThreadPoolExecutor(options.at_once) as threads:
        works = [threads.submit(work, n, waiting, options, figures, over) for n in range(options.at_once)]
        try:
            for each in works:
                each.result()
        except BaseException as e:
            over.set()
            print("interrupted" if isinstance(e, KeyboardInterrupt) else f"stopped: {e!r}", flush=True)
            for each in works:
                each.exception()
    print(f"{figures}; {(time.monotonic() - began) / 60:.0f} minutes")
    sys.exit(0 if waiting.empty() and figures.agreeing == figures.charts and not figures.missing else 1)


if __name__ == "__main__":
    main()
