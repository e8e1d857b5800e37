"""Makes descriptions.json.gz: what the OpenAPI documents of each version say in words, which make.py leaves out.

Read from `api/openapi-spec/swagger.json` of the Go modules k8s.io/kubernetes@vVERSION, the v2 document of a server of that version. Each text
is stored once. Of each version `schemas` names the text of a type (under the empty string) and of its fields, `operations` that of an
operation by its id, `parameters` that of a parameter by its place and name, and `at` those that differ from one operation or path to another.
What stands in none of make.py's files is left out.

usage: describe.py FOLDER SWAGGER.json…     the versions 1.34, 1.35, … in order; FOLDER has make.py's files
"""
import gzip
import json
import sys

texts, described = {}, {}


def number(text):
    return texts.setdefault(text, len(texts))


def parameters(document, path, item):
    """The parameters of a path and of its operations, with what they belong to."""
    shared = document.get("parameters", {})
    for owner, listed in [(path, item.get("parameters", []))] + [(o["operationId"], o.get("parameters", [])) for m, o in item.items() if m != "parameters"]:
        for parameter in listed:
            if "$ref" in parameter:
                parameter = shared[parameter["$ref"].rpartition("/")[2]]
            if parameter.get("description"):
                yield owner, f'{parameter["in"]} {parameter["name"]}', parameter["description"]


def numbers(content):
    return [n for c in content.values() for n in numbers(c)] if isinstance(content, dict) else [content]


def renumbered(content):
    return {k: renumbered(c) for k, c in content.items()} if isinstance(content, dict) else place[content]


for minor, name in enumerate(sys.argv[2:], 34):
    document = json.load(open(name))
    served = json.load(gzip.open(f"{sys.argv[1]}/openapi-1.{minor}.json.gz"))
    paths = {path for known in served["paths"].values() for path in known}
    schemas = {}
    for schema, content in document["definitions"].items():
        own = {field: number(p["description"]) for field, p in content.get("properties", {}).items() if p.get("description")}
        if content.get("description"):
            own[""] = number(content["description"])
        if own and schema in served["schemas"]:
            schemas[schema] = own
    operations, found = {}, {}
    for path, item in [(p, i) for p, i in document["paths"].items() if p in paths]:
        for method, operation in item.items():
            if method != "parameters" and operation.get("description"):
                operations[operation["operationId"]] = number(operation["description"])
        for owner, key, text in parameters(document, path, item):
            found.setdefault(key, {}).setdefault(text, set()).add(owner)
    common, at = {}, {}
    for key, by_text in found.items():
        most = max(sorted(by_text), key=lambda text: len(by_text[text]))
        common[key] = number(most)
        for text, owners in by_text.items():
            for owner in owners if text != most else ():
                at.setdefault(owner, {})[key] = number(text)
    described[f"1.{minor}"] = {"schemas": schemas, "operations": operations, "parameters": common, "at": at}

used = sorted({n for d in described.values() for part in d.values() for n in numbers(part)})
place = {n: i for i, n in enumerate(used)}
texts = [text for text, n in texts.items() if n in place]
described = {version: {part: renumbered(content) for part, content in d.items()} for version, d in described.items()}
data = json.dumps({"texts": texts, **described}, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
with open(f"{sys.argv[1]}/descriptions.json.gz", "wb") as file, gzip.GzipFile("", "wb", 9, file, mtime=0) as packed:
    packed.write(data)
