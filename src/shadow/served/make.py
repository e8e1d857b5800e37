"""Makes discovery-VERSION.json.gz and openapi-VERSION.json.gz from a recorded schema-VERSION.json.gz: what a server says of itself.

What is common to the documents is stored once; `schemas_of` holds the few schemas that differ from document to document. A
document's components are those that its paths lead to, so they need not be listed.

usage: make.py VERSION SCHEMA.json.gz FOLDER
"""
import gzip
import json
import sys


def references(node, found):
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref" and isinstance(value, str):
                found.add(value.rpartition("/")[2])
            else:
                references(value, found)
    elif isinstance(node, list):
        for value in node:
            references(value, found)
    return found


recorded = json.load(gzip.open(sys.argv[2]))
documents = recorded["openapi_v3"]["documents"]
variants = {}
for name, document in documents.items():
    for schema, text in document.get("components", {}).get("schemas", {}).items():
        variants.setdefault(schema, {}).setdefault(json.dumps(text, sort_keys=True), []).append(name)
schemas, own = {}, {}
for schema, texts in variants.items():
    most = max(texts, key=lambda text: len(texts[text]))
    schemas[schema] = json.loads(most)
    for text, names in texts.items():
        if text != most:
            for name in names:
                own.setdefault(name, {})[schema] = json.loads(text)

paths = {}
for name, document in documents.items():
    todo, reached = references(document.get("paths", {}), set()), set()
    while todo:
        one = todo.pop()
        if one not in reached:
            reached.add(one)
            todo |= references(own.get(name, {}).get(one, schemas[one]), set()) - reached
    assert reached == set(document.get("components", {}).get("schemas", {})), name
    paths[name] = document.get("paths", {})

ORDER = [
    "kind", "apiVersion", "groupVersion", "major", "minor", "emulationMajor", "emulationMinor", "minCompatibilityMajor", "minCompatibilityMinor",
    "gitVersion", "gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler", "platform",
    "metadata", "items", "name", "resource", "subresource", "responseKind", "scope", "singularResource", "singularName", "namespaced",
    "group", "version", "kind", "verbs", "shortNames", "categories", "subresources", "storageVersionHash", "resources", "freshness",
    "versions", "preferredVersion", "groups",
]


def ordered(node):
    """Keys as the server writes them: in the order of Go's fields."""
    if isinstance(node, list):
        return [ordered(value) for value in node]
    if not isinstance(node, dict):
        return node
    # A kind stands first in a document and last in the name of one.
    last = ["kind"] if "apiVersion" not in node and "groupVersion" not in node and "versions" not in node else []
    place = {key: ORDER.index(key) for key in ORDER}
    after = {"kind": place["version"] + 0.5} if last else {}
    return {key: ordered(node[key]) for key in sorted(node, key=lambda k: after.get(k, place.get(k, len(ORDER))))}


discovery = {key: recorded[key] for key in ("version", "api", "apis", "resources", "aggregated")}
discovery = {key: {k: ordered(v) for k, v in value.items()} if key in ("resources", "aggregated") else ordered(value) for key, value in discovery.items()}
openapi = {"schemas": schemas, "schemas_of": own, "paths": paths}
for name, content in (("discovery", discovery), ("openapi", openapi)):
    data = json.dumps(content, separators=(",", ":")).encode()
    with open(f"{sys.argv[3]}/{name}-{sys.argv[1]}.json.gz", "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
        packed.write(data)
