"""Joins what Go's types say (gotypes.go) with what the server's own OpenAPI and discovery say (a recorded
schema-VERSION.json.gz) into one file of JSON lines: first the version and its resources, then a line for each type.

usage: join.py SCHEMA.json.gz GOTYPES.jsonl > kubernetes-VERSION.jsonl
"""
import gzip
import json
import sys

recorded = json.load(gzip.open(sys.argv[1]))
go = {d["name"]: d for d in map(json.loads, open(sys.argv[2]))}
openapi, kinds = {}, {}
for document in recorded["openapi_v3"]["documents"].values():
    for name, schema in document.get("components", {}).get("schemas", {}).items():
        openapi[name] = schema
        for gvk in schema.get("x-kubernetes-group-version-kind", []):
            kinds[(gvk["group"], gvk["version"], gvk["kind"])] = name


def flat(definition):
    """The fields in Go's order, embedded structs spliced in where they stand (`em` names those on the way); in protobuf they
    are messages of their own."""
    for field in definition.get("fields") or []:
        if field.get("i"):
            for inner in flat(go[field["t"]["ref"]]):
                inner = {**inner, "em": ".".join([field["g"], *filter(None, [inner.get("em")])])}
                yield {**inner, "pi": field["pb"]} if field.get("pb") else inner
        else:
            yield field


def named(type_, out):
    if isinstance(type_, dict):
        if "ref" in type_:
            out.append(type_["ref"])
        else:
            named(type_.get("list", type_.get("map")), out)


def described(name):
    """One type: Go's fields, with the list kinds, keys, defaults and enums of the server's OpenAPI."""
    definition, schema = go[name], openapi.get(name, {})
    out = {"name": name, "go": definition["go"], "fields": []}
    if schema.get("x-kubernetes-map-type") == "atomic":
        out["atomic"] = True
    for field in flat(definition):
        told = schema.get("properties", {}).get(field["n"], {})
        field = {k: v for k, v in field.items() if k != "i"}
        if told.get("x-kubernetes-list-type"):
            field["lt"] = told["x-kubernetes-list-type"]
        if told.get("x-kubernetes-list-map-keys"):
            field["lk"] = told["x-kubernetes-list-map-keys"]
        if told.get("x-kubernetes-map-type") == "atomic":
            field["ma"] = True
        elif told.get("x-kubernetes-map-type") == "granular" and "ref" in field["t"]:
            # a struct that is merged field by field here, though its type is not
            field["ma"] = False
        if told.get("default") not in (None, {}):
            field["d"] = told["default"]
        elif told.get("default") == "":
            field["d"] = ""
        if told.get("enum"):
            field["e"] = told["enum"]
        if field["n"] in schema.get("required", []):
            field["r"] = True
        out["fields"].append(field)
    return out


resources = []
for group_version, answer in sorted(recorded["resources"].items()):
    group, _, version = group_version.rpartition("/")
    for resource in answer["resources"]:
        own = {"group": group, "version": version, "resource": resource["name"], "kind": resource["kind"], "namespaced": resource["namespaced"], "verbs": resource["verbs"]}
        for key, short in (("singularName", "singular"), ("shortNames", "short"), ("categories", "categories")):
            if resource.get(key):
                own[short] = resource[key]
        if "/" in resource["name"] and resource.get("version"):
            own["served"] = {"group": resource.get("group", ""), "version": resource["version"]}
        target = own.get("served", own)
        type_ = kinds.get((target["group"], target["version"], resource["kind"]))
        if type_ in go:
            own["type"] = type_
        resources.append(own)

wanted, todo = set(), [r["type"] for r in resources if "type" in r] + ["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"]
while todo:
    name = todo.pop()
    if name not in wanted:
        wanted.add(name)
        for field in flat(go[name]):
            named(field["t"], todo)

version = recorded["version"]
print(json.dumps({"version": version["gitVersion"].lstrip("v"), "resources": resources}, separators=(",", ":")))
for name in sorted(wanted):
    print(json.dumps(described(name), separators=(",", ":")))
