#!/usr/bin/env python3
"""Records how a real API server takes custom resources: tests/recorded/custom.json.gz.

usage: make_custom.py SERVER TOKEN OUT     (SERVER: https://127.0.0.1:16443; needs nothing but the standard library)

A case is a sequence of writes, in the form of bundle.json.gz. Its first step creates a CustomResourceDefinition (a name of its own for each case), the others write
objects of its kinds (`{live}` stands for the stored resource version). Everything is recorded twice, and a step whose second answer differs (Go walks maps in any order) is dropped with what follows it.
Unlike in bundle.json.gz the status stays in `object` (without times), and so do the owners of the status but kube-apiserver; `warnings` are the Warning headers.
"""
import copy, gzip, json, ssl, sys, time, urllib.request, urllib.error, urllib.parse

SERVER, TOKEN, OUT = sys.argv[1:4]
TLS = ssl.create_default_context()
TLS.check_hostname, TLS.verify_mode = False, ssl.CERT_NONE
TYPES = {"json": "application/json-patch+json", "merge": "application/merge-patch+json", "strategic": "application/strategic-merge-patch+json", "apply": "application/apply-patch+yaml"}

def call(method, path, body=None, content_type="application/json", query=None):
    data = None if body is None else json.dumps(body).encode()
    url = SERVER + path + ("?" + urllib.parse.urlencode(query) if query else "")
    headers = {"Authorization": "Bearer " + TOKEN, "Content-Type": content_type, "User-Agent": "oracle"}
    try:
        answer = urllib.request.urlopen(urllib.request.Request(url, data, headers, method=method), context=TLS)
        return answer.status, json.load(answer), answer.headers.get_all("Warning") or []
    except urllib.error.HTTPError as error:
        text = error.read()
        try:
            return error.code, json.loads(text), error.headers.get_all("Warning") or []
        except ValueError: # no handler serves the path; what client-go makes of that
            return error.code, {"reason": "NotFound", "message": "the server could not find the requested resource"}, []

def normal(value, namespace):
    """Takes out what differs from one run to the next."""
    value = json.loads(json.dumps(value).replace(namespace, "{ns}"))
    meta = value.get("metadata", {})
    for key in ("uid", "resourceVersion", "creationTimestamp", "selfLink", "namespace", "deletionTimestamp"):
        meta.pop(key, None)
    owners = [o for o in meta.pop("managedFields", []) if o["manager"] != "kube-apiserver"]
    for owner in owners:
        owner.pop("time", None)
    owners.sort(key=lambda o: (o["manager"], o["operation"], o.get("subresource", ""), json.dumps(o.get("fieldsV1"), sort_keys=True, separators=(",", ":"))))
    if owners:
        meta["managedFields"] = owners
    for condition in (value.get("status") or {}).get("conditions", []) if isinstance(value.get("status"), dict) else []:
        if isinstance(condition, dict):
            condition.pop("lastTransitionTime", None)
    if isinstance(value.get("details"), dict):
        value["details"].pop("uid", None)
    return value

GROUP = "%s.example.com"

def version(name, schema=None, storage=True, served=True, **rest):
    out = {"name": name, "served": served, "storage": storage, **rest}
    out["schema"] = {"openAPIV3Schema": schema}
    return out

def obj(**properties):
    return {"type": "object", "properties": properties}

S, I, N, B = {"type": "string"}, {"type": "integer"}, {"type": "number"}, {"type": "boolean"}

def arr(items, **rest):
    return {"type": "array", "items": items, **rest}

def definition(case, versions, scope="Namespaced", names=None, **spec):
    group = GROUP % case
    names = {"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList", **(names or {})}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": names["plural"] + "." + group},
        "spec": {"group": group, "scope": scope, "names": names, "versions": versions, **spec}}

SUB = {"status": {}}
SCALE = {"status": {}, "scale": {"specReplicasPath": ".spec.replicas", "statusReplicasPath": ".status.replicas", "labelSelectorPath": ".status.selector"}}

def thing(case, name="x", v="v1", kind="Thing", **rest):
    meta = rest.pop("metadata", {})
    return {"apiVersion": GROUP % case + "/" + v, "kind": kind, "metadata": {"name": name, **meta}, **rest}

def post(body, **query):
    return ("POST", "", None, body, query)
def put(body, sub="", **query):
    return ("PUT", sub, None, body, query)
def patch(kind, body, sub="", **query):
    return ("PATCH", sub, kind, body, query)
def delete(body=None, sub=""):
    return ("DELETE", sub, None, body, {})

WIDE = obj(
    spec={**obj(a=S, n=I, f=N, b=B, size={"x-kubernetes-int-or-string": True}, mode={**S, "enum": ["On", "Off"]}, name={**S, "pattern": "^[a-z]+$", "minLength": 2, "maxLength": 5},
        count={**I, "minimum": 1, "maximum": 10}, even={**I, "multipleOf": 2}, ratio={**N, "minimum": 0, "exclusiveMinimum": True, "maximum": 1.5}, small={**I, "format": "int32"},
        when={**S, "format": "date-time"}, day={**S, "format": "date"}, ip={**S, "format": "ipv4"}, net={**S, "format": "cidr"}, id={**S, "format": "uuid"}, bytes={**S, "format": "byte"}, every={**S, "format": "duration"},
        mail={**S, "format": "email"}, host={**S, "format": "hostname"}, link={**S, "format": "uri"}, ip6={**S, "format": "ipv6"}, mac={**S, "format": "mac"}, odd={**S, "format": "whatever"},
        list=arr(S, minItems=1, maxItems=3), set=arr(S, **{"x-kubernetes-list-type": "set"}),
        items=arr({**obj(name=S, port={**I, "default": 80}, deep=obj(x=I, y={**S, "default": "why"})), "required": ["name"]}, **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}),
        map={"type": "object", "additionalProperties": S}, nums={"type": "object", "additionalProperties": I, "minProperties": 1, "maxProperties": 2}, maybe={**S, "nullable": True}, free={"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        any={"x-kubernetes-preserve-unknown-fields": True}, half={**obj(known=S), "x-kubernetes-preserve-unknown-fields": True}, atom={**obj(p=S, q=S), "x-kubernetes-map-type": "atomic"},
        open={"type": "object"}, pair=arr({**obj(k=S, v={**S, "default": "d"}), "required": ["k"]}, **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k", "v"]})), "required": ["a"]},
    status=obj(phase=S, conditions=arr({**obj(type=S, status=S), "required": ["type"]}, **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]})))

def wide():
    c, r = "wide", []
    ok = {"a": "x"}
    bad = lambda **spec: r.append(post(thing(c, "bad", spec={**ok, **spec})))
    r.append(post(thing(c, spec={"a": "x", "n": 1, "items": [{"name": "i"}, {"name": "j", "port": 5, "deep": {}}], "map": {"k": "v"}, "free": {"any": [1, {"x": None}]}, "set": ["a", "b"], "size": "10%", "maybe": None, "open": {"lost": 1}}, status={"phase": "lost"})))
    r.append(post(thing(c, spec=ok)))
    r.append(put(thing(c, spec=ok)))
    r.append(put(thing(c, spec={**ok, "items": [{"name": "i"}], "lost": 1}, metadata={"resourceVersion": "{live}"})))
    r.append(patch("merge", {"spec": {"n": 2}}))
    r.append(patch("merge", {"spec": {"n": None, "map": {"l": "w"}}}))
    r.append(patch("merge", {"metadata": {"labels": {"l": "1"}}}))
    r.append(patch("merge", {}))
    r.append(patch("merge", {"status": {"phase": "ignored"}}))
    r.append(patch("merge", {"spec": {"unknown": 1, "items": [{"name": "i", "extra": True}]}}))
    r.append(patch("merge", {"spec": {"unknown": 1}}, fieldValidation="Strict"))
    r.append(patch("merge", {"spec": {"unknown": 1}}, fieldValidation="Ignore"))
    r.append(patch("strategic", {"spec": {"n": 3}}))
    r.append(patch("json", [{"op": "add", "path": "/spec/n", "value": 7}]))
    r.append(patch("json", [{"op": "remove", "path": "/spec/nothing"}]))
    r.append(patch("json", [{"op": "test", "path": "/spec/n", "value": 8}]))
    r.append(patch("json", [{"op": "add", "path": "/spec/list", "value": ["a"]}, {"op": "replace", "path": "/spec/list/0", "value": "b"}]))
    r.append(patch("merge", {"spec": {"list": ["a", "b", "c", "d"]}}))
    r.append(patch("merge", {"spec": {"list": []}}))
    r.append(patch("merge", {"spec": {"set": ["a", "a"]}}))
    r.append(patch("merge", {"spec": {"items": [{"name": "i"}, {"name": "i"}]}}))
    r.append(patch("merge", {"spec": {"items": [{"port": 1}]}}))
    r.append(patch("merge", {"spec": {"pair": [{"k": "a"}, {"k": "a"}]}}))
    r.append(patch("merge", {"spec": {"a": None}}))
    r.append(patch("merge", {"spec": "text"}))
    r.append(patch("merge", {"metadata": {"name": "y"}}))
    r.append(patch("merge", {"metadata": {"labels": {"a": 1}}}))
    r.append(patch("merge", {"kind": "Other"}))
    r.append(patch("merge", {"metadata": {"annotations": {"a": "b"}, "extra": 1}}))
    for spec in ({"a": 1}, {"n": "1"}, {"n": 1.5}, {"n": 1.0}, {"f": 1}, {"f": "1"}, {"b": "true"}, {"b": 1}, {"size": True}, {"size": 5}, {"mode": "Maybe"}, {"mode": 3}, {"name": "UP"}, {"name": "a"}, {"name": "abcdefg"}, {"count": 0}, {"count": 11}, {"even": 3}, {"ratio": 0}, {"ratio": 1.6},
            {"small": 3000000000}, {"when": "yesterday"}, {"when": "2020-01-01T00:00:00Z"}, {"when": "2020-01-01"}, {"day": "2020-13-01"}, {"day": "2020-12-01"}, {"ip": "1.2.3"}, {"ip": "1.2.3.4"}, {"ip6": "1.2.3.4"}, {"ip6": "::1"}, {"net": "10.0.0.0/8"}, {"net": "10.0.0.0"}, {"id": "x"}, {"id": "726f6c6c-6361-4374-8000-0123456789ab"}, {"bytes": "***"}, {"bytes": "aGk="}, {"every": "1h5m"}, {"every": "soon"},
            {"mail": "a@b"}, {"mail": "a"}, {"host": "a_b"}, {"host": "a.b.c"}, {"link": "http://x"}, {"link": "x y"}, {"mac": "01:23:45:67:89:ab"}, {"mac": "x"}, {"odd": "anything"},
            {"list": "a"}, {"list": [1]}, {"list": [None]}, {"map": {"k": 1}}, {"map": {"k": None}}, {"map": []}, {"nums": {}}, {"nums": {"a": 1, "b": 2, "c": 3}}, {"free": "x"}, {"free": None}, {"any": "x"}, {"any": None}, {"half": {"known": 1, "x": 1}}, {"half": {"x": {"y": 1}}}, {"atom": {"p": "1", "z": 1}}, {"items": [{"name": "i", "deep": {"z": 1}}]}, {"items": [{}]}, {"items": ["x"]}, {"n": None}, {"items": None}, {"pair": [{"k": "a", "v": "b"}, {"k": "a", "v": "c"}]}, {"open": {"x": 1}}, {"a": ""}):
        r.append(post(thing(c, "bad", spec={**ok, **spec}), dryRun="All"))
    r.append(post(thing(c, "bad", spec={}), dryRun="All"))
    r.append(post(thing(c, "bad"), dryRun="All"))
    r.append(post(thing(c, "bad", spec=ok, extra=1), dryRun="All"))
    r.append(post(thing(c, "bad", spec=ok, extra=1), dryRun="All", fieldValidation="Strict"))
    r.append(post(thing(c, "bad", spec={**ok, "z": 1, "items": [{"name": "a", "y": 1}]}, metadata={"foo": 1}), dryRun="All", fieldValidation="Strict"))
    r.append(post(thing(c, "Bad_Name", spec=ok), dryRun="All"))
    r.append(post(thing(c, "bad", spec=ok, metadata={"labels": {"-": "x"}}), dryRun="All"))
    r.append(post(thing(c, "bad", spec=ok, metadata={"labels": "x"}), dryRun="All"))
    r.append(post(thing(c, "bad", spec=ok, metadata={"finalizers": ["mine"]}), dryRun="All"))
    r.append(post(thing(c, "bad", spec=ok, metadata={"finalizers": ["a.b/mine", "x.y"]}), dryRun="All"))
    r.append(post(thing(c, "bad", kind="Other", spec=ok), dryRun="All"))
    r.append(post(thing(c, "bad", v="v2", spec=ok), dryRun="All"))
    r.append(post({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "bare"}, "spec": ok}, dryRun="All"))
    r.append(post(thing(c, "", spec=ok), dryRun="All"))
    r.append(put(thing(c, "other", spec=ok)))
    r.append(put({**thing(c, spec=ok), "metadata": {"name": "x", "resourceVersion": "1"}}))
    r.append(patch("merge", {"status": {"phase": "Ready", "conditions": [{"type": "A", "status": "True"}]}, "spec": {"n": 99}, "metadata": {"labels": {"new": "1"}}}, "status"))
    r.append(patch("merge", {"status": {"phase": 1}}, "status"))
    r.append(patch("merge", {"status": {"other": 1}}, "status"))
    r.append(patch("apply", thing(c, status={"conditions": [{"type": "B", "status": "False"}]}), "status", fieldManager="c1"))
    r.append(patch("apply", thing(c, status={"conditions": [{"type": "A", "status": "False"}]}), "status", fieldManager="c2"))
    r.append(patch("apply", thing(c, status={"phase": "Mine"}), "status", fieldManager="c2", force="true"))
    r.append(patch("merge", {"spec": {"n": 1}}, "nothing"))
    r.append(patch("merge", {"spec": {"replicas": 1}}, "scale"))
    r.append(delete())
    r.append(delete())
    return [definition(c, [version("v1", WIDE, subresources=SUB)], names={"shortNames": ["th"], "categories": ["all"]})], r

def applied():
    c, r = "applied", []
    a = lambda spec, who="m1", **q: r.append(patch("apply", thing(c, spec=spec), fieldManager=who, **q))
    a({"a": "x", "items": [{"name": "i"}], "map": {"k": "1"}, "set": ["a"], "atom": {"p": "1"}})
    a({"a": "y"}, "m2")
    a({"a": "y"}, "m2", force="true")
    a({"a": "y", "items": [{"name": "j", "port": 9}], "set": ["b"], "map": {"l": "2"}}, "m2")
    a({"a": "y", "items": [{"name": "i", "port": 81}], "set": ["a"]})
    a({"a": "y", "items": [{"name": "i", "port": 81, "deep": {"x": 1}}], "atom": {"q": "2"}})
    a({"a": "y", "atom": {"p": "3"}}, "m2")
    a({"a": "y", "unknown": 1}, "m2")
    a({"a": "y", "items": [{"name": "k", "unknown": 1}]}, "m2")
    a({"a": 1}, "m2")
    a({"a": "y", "items": [{"port": 1}]}, "m2")
    a({"a": "y", "items": [{"name": "d"}, {"name": "d"}]}, "m2")
    a({"a": "y", "set": ["z", "z"]}, "m2")
    a({"a": "y", "free": {"x": {"y": 1}}, "any": {"z": [1]}, "half": {"known": "k", "more": {"x": 1}}, "open": {"q": 1}, "size": 3}, "m3")
    a({"a": "y", "free": {"x": {"w": 2}}, "any": "text", "half": {"more": {"y": 2}}, "size": "3"}, "m3")
    a({"a": "y", "free": {"x": {"w": 3}}}, "m4")
    a({"a": "y", "maybe": None, "n": None}, "m4")
    a({"n": 5}, "m5")
    a({}, "m5")
    r.append(patch("apply", thing(c, metadata={"labels": {"l": "1"}, "finalizers": ["a.b/c"]}), fieldManager="m6"))
    r.append(patch("apply", thing(c, metadata={"labels": {"l": "2"}}), fieldManager="m7"))
    r.append(patch("merge", {"spec": {"n": 6, "map": {"k": "9"}, "items": [{"name": "i", "port": 80}]}}))
    r.append(patch("merge", {"metadata": {"finalizers": []}}))
    r.append(patch("apply", thing(c, "new", spec={"n": 1}), fieldManager="m1"))
    r.append(patch("apply", thing(c, "x", v="v9", spec={"n": 1}), fieldManager="m1"))
    r.append(patch("apply", thing(c, spec={"a": "z"}), fieldManager="m1", dryRun="All", force="true"))
    r.append(delete({"propagationPolicy": "Foreground"}))
    return [definition(c, [version("v1", WIDE, subresources=SUB)])], r

def plain():
    """No status subresource: the status is a field like others."""
    c, r = "plain", []
    r.append(post(thing(c, spec={"n": 1}, status={"phase": "kept"})))
    r.append(patch("merge", {"status": {"phase": "more"}}))
    r.append(patch("merge", {"status": {"phase": "more"}}, "status"))
    r.append(put(thing(c, spec={"n": 1}, status={"phase": "less"}, metadata={"resourceVersion": "{live}"})))
    r.append(patch("merge", {"metadata": {"labels": {"a": "b"}}}))
    r.append(patch("merge", {"spec": None}))
    r.append(patch("merge", {"spec": {"e": {}, "l": []}}))
    r.append(patch("merge", {"spec": {"e": {}, "l": [1]}}))
    r.append(patch("apply", thing(c, spec={"n": 2}, status={"phase": "a"}), fieldManager="m", force="true"))
    return [definition(c, [version("v1", obj(spec=obj(n=I, e=obj(x=I), l=arr(I)), status=obj(phase=S)))])], r

def cluster():
    c, r = "cluster", []
    r.append(post(thing(c, spec={"replicas": 2})))
    r.append(post(thing(c, "ns", metadata={"namespace": "default"}, spec={"replicas": 2})))
    r.append(patch("merge", {"spec": {"replicas": 3}}, "scale"))
    r.append(put({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "x"}, "spec": {"replicas": 4}}, "scale"))
    r.append(patch("merge", {"spec": {"replicas": -1}}, "scale"))
    r.append(patch("merge", {"spec": {"replicas": -1}}))
    r.append(patch("merge", {"spec": {"replicas": 5000000000}}))
    r.append(patch("merge", {"status": {"replicas": -1}}, "status"))
    r.append(patch("merge", {"status": {"replicas": 2, "selector": "a=b"}}, "status"))
    r.append(patch("apply", {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "x"}, "spec": {"replicas": 7}}, "scale", fieldManager="scaler", force="true"))
    r.append(patch("apply", thing(c, spec={"replicas": 1}), fieldManager="m"))
    r.append(delete())
    return [definition(c, [version("v1", obj(spec=obj(replicas=I), status=obj(replicas=I, selector=S)), subresources=SCALE)], scope="Cluster", names={"plural": "widgets", "singular": "widget", "kind": "Widget", "listKind": "WidgetList"})], [
        (m, s, k, json.loads(json.dumps(b).replace('"Thing"', '"Widget"')), q) for m, s, k, b, q in r]

def open_():
    """Unknown fields are kept everywhere."""
    c, r = "open", []
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True, "properties": {"spec": {"type": "object", "properties": {"n": I}}}}
    r.append(post(thing(c, spec={"n": 1, "lost": 1}, top={"x": [1, {"y": None}]}, status={"any": 1})))
    r.append(patch("merge", {"top": {"x": None, "z": 1}}))
    r.append(patch("apply", thing(c, top={"z": 2, "w": {"a": 1}}), fieldManager="m"))
    r.append(patch("apply", thing(c, top={"z": 1, "w": {"a": 1}}), fieldManager="m"))
    r.append(patch("apply", thing(c, top={"z": 1}, spec={"n": 1, "q": 1}), fieldManager="m"))
    r.append(patch("merge", {"spec": {"n": "x"}}))
    return [definition(c, [version("v1", schema)])], r

def versions():
    c, r = "versions", []
    old = obj(spec=obj(a=S, only_old=S))
    new = obj(spec=obj(a=S, only_new=S))
    r.append(post(thing(c, v="v1beta1", spec={"a": "1", "only_old": "x", "only_new": "y"})))
    r.append(("PATCH", "@v1", "merge", {"spec": {"a": "2"}}, {}))
    r.append(("PATCH", "@v1beta1", "apply", thing(c, v="v1beta1", spec={"a": "3"}), {"fieldManager": "m", "force": "true"}))
    r.append(("PATCH", "@v1", "apply", thing(c, v="v1", spec={"a": "4"}), {"fieldManager": "m"}))
    r.append(("PATCH", "@v1", "apply", thing(c, v="v1", spec={"a": "5"}), {"fieldManager": "n"}))
    r.append(("PATCH", "@v1alpha1", "merge", {"spec": {"a": "2"}}, {}))
    r.append(("PUT", "@v1", None, thing(c, v="v1beta1", spec={"a": "6"}), {}))
    return [definition(c, [version("v1", new), version("v1beta1", old, storage=False, deprecated=True), version("v1alpha1", old, storage=False, served=False)])], r

def rules():
    c, r = "rules", []
    schema = obj(spec={**obj(n=I, m={**S, "enum": ["a"]}), "x-kubernetes-validations": [{"rule": "!has(self.n) || self.n > 0", "message": "n must be positive"}]})
    r.append(post(thing(c, spec={"n": 1})))
    r.append(patch("merge", {"spec": {"m": "z"}}))
    r.append(patch("merge", {"spec": {"n": "z"}}))
    return [definition(c, [version("v1", schema)])], r

def junctors():
    c, r = "junctors", []
    schema = obj(spec={**obj(a=S, b=S, port={"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, {"type": "string"}]}, kind={**S, "not": {"enum": ["bad"]}}, q={"x-kubernetes-int-or-string": True, "pattern": "^[0-9]+(k|M)?$", "anyOf": [{"type": "integer"}, {"type": "string"}]},
        both={**S, "allOf": [{"minLength": 2}, {"pattern": "^a"}]}, any={**S, "anyOf": [{"pattern": "^a"}, {"pattern": "^b"}]}), "oneOf": [{"required": ["a"]}, {"required": ["b"]}]})
    for spec in ({"a": "1"}, {}, {"a": "1", "b": "2"}, {"a": "1", "port": 1}, {"a": "1", "port": "x"}, {"a": "1", "port": True}, {"a": "1", "kind": "bad"}, {"a": "1", "q": "5k"}, {"a": "1", "q": "k"}, {"a": "1", "both": "a"}, {"a": "1", "both": "b"}, {"a": "1", "both": "ab"}, {"a": "1", "any": "c"}, {"a": "1", "any": "b"}):
        r.append(post(thing(c, "o", spec=spec), dryRun="All"))
    return [definition(c, [version("v1", schema)])], r

def embedded():
    c, r = "embedded", []
    schema = obj(spec=obj(template={"type": "object", "x-kubernetes-embedded-resource": True, "x-kubernetes-preserve-unknown-fields": True}, strict={**obj(spec=obj(x=I)), "x-kubernetes-embedded-resource": True}))
    for spec in ({"template": {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p", "labels": {"a": "b"}, "lost": 1}, "spec": {"x": 1}}}, {"template": {"kind": "Pod"}}, {"template": {"apiVersion": "v1", "kind": ""}}, {"template": {"apiVersion": "a/b/c", "kind": "K"}}, {"template": {"apiVersion": "v1", "kind": "K", "metadata": {"labels": {"-": "x"}}}},
            {"strict": {"apiVersion": "v1", "kind": "K", "spec": {"x": 1, "y": 1}, "more": 1}}, {"template": {"apiVersion": 1, "kind": "K"}}, {"template": {"apiVersion": "v1", "kind": "K", "metadata": {"labels": 1}}}):
        r.append(post(thing(c, "o", spec=spec), dryRun="All"))
    r.append(patch("apply", thing(c, "e", spec={"template": {"apiVersion": "v1", "kind": "K", "metadata": {"labels": {"a": "b"}}, "x": {"y": 1}}}), fieldManager="m"))
    r.append(patch("apply", thing(c, "e", spec={"template": {"apiVersion": "v1", "kind": "K", "metadata": {"labels": {"a": "c"}}}}), fieldManager="n"))
    return [definition(c, [version("v1", schema)])], r

def ratchet():
    """What was wrong before may stay."""
    c = "ratchet"
    loose = definition(c, [version("v1", obj(spec=obj(a=S, b=S, l=arr({**obj(k=S, v=S), "required": ["k"]}, **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]}), at=arr(S))))])
    tight = copy.deepcopy(loose["spec"])
    tight["versions"][0]["schema"]["openAPIV3Schema"] = obj(spec=obj(a={**S, "maxLength": 2}, b=S, l=arr({**obj(k=S, v={**S, "pattern": "^[a-z]$"}), "required": ["k"]}, **{"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["k"]}), at=arr({**S, "maxLength": 2})))
    r = [post(thing(c, spec={"a": "long", "b": "1", "l": [{"k": "1", "v": "UP"}], "at": ["long"]})),
        ("PATCH", "!crd", "merge", {"spec": tight}, {}),
        patch("merge", {"spec": {"b": "2"}}), patch("merge", {"spec": {"a": "longer"}}), patch("merge", {"spec": {"l": [{"k": "2", "v": "a"}, {"k": "1", "v": "UP"}]}}), patch("merge", {"spec": {"l": [{"k": "1", "v": "DOWN"}]}}),
        patch("merge", {"spec": {"at": ["long", "x"]}}), patch("merge", {"metadata": {"labels": {"a": "b"}}}), post(thing(c, "y", spec={"a": "long"}))]
    return [loose], r

def definitions():
    """Definitions themselves."""
    c = "definitions"
    one = definition(c, [version("v1", obj(spec=obj(a=S)))])
    r = [("PATCH", "!crd", "merge", {"metadata": {"labels": {"a": "b"}}}, {}),
        ("PATCH", "!crd", "merge", {"spec": {"names": {"shortNames": ["tt"]}}}, {}),
        post(thing(c, spec={"a": "1", "b": "2"})),
        ("PATCH", "!crd", "json", [{"op": "add", "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/b", "value": S}], {}),
        put(thing(c, spec={"a": "1", "b": "2"}, metadata={"resourceVersion": "{live}"})),
        patch("merge", {"spec": {"b": "3"}}),
        ("PATCH", "!crd", "json", [{"op": "add", "path": "/spec/versions/-", "value": version("v2", obj(spec=obj(a=S)), storage=False)}], {}),
        ("PATCH", "@v2", "merge", {"spec": {"a": "3"}}, {}),
        ("PATCH", "!crd", "apply", {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": one["metadata"]["name"], "annotations": {"x": "y"}}}, {"fieldManager": "m"}),
        ("DELETE", "!crd", None, None, {}),
        post(thing(c, spec={"a": "1"}))]
    return [one], r

def path_of(crd, v, name, sub):
    ns = "/namespaces/{ns}" if crd["spec"]["scope"] == "Namespaced" else ""
    path = "/apis/%s/%s%s/%s" % (crd["spec"]["group"], v, ns, crd["spec"]["names"]["plural"])
    return path + ("/" + name if name else "") + ("/" + sub if sub else "")

CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

def record(name, crds, writes, namespace):
    steps = []
    crd = crds[0]
    queue = [("POST", "!new", None, crd, {})] + writes
    for method, where, kind, body, query in queue:
        on_crd = where.startswith("!")
        v = crd["spec"]["versions"][0]["name"]
        if where.startswith("@"):
            v, where = where[1:], ""
        elif isinstance(body, dict) and body.get("apiVersion", "").startswith(crd["spec"]["group"] + "/") and method == "POST" and body["apiVersion"].split("/")[1] in [x["name"] for x in crd["spec"]["versions"]]:
            v = body["apiVersion"].split("/")[1]
        target = "x"
        if method == "POST":
            target = ""
        elif kind == "apply" and isinstance(body, dict) and body["metadata"]["name"] in ("new", "e"):
            target = body["metadata"]["name"]
        path = CRDS + ("" if where == "!new" else "/" + crd["metadata"]["name"]) if on_crd else path_of(crd, v, target, where)
        content_type = TYPES.get(kind, "application/json")
        sent = body
        if "{live}" in json.dumps(body):
            live = call("GET", path.replace("{ns}", namespace))[1]["metadata"]["resourceVersion"]
            sent = json.loads(json.dumps(body).replace("{live}", live))
        code, answer, warnings = call(method, path.replace("{ns}", namespace), sent, content_type, query)
        if on_crd and code < 300:
            time.sleep(2.5)
            if method != "DELETE":
                answer = call("GET", CRDS + "/" + crd["metadata"]["name"])[1]
        step = {"op": method.lower() + (":" + kind if kind else "") + (":" + where if where else ""), "method": method, "path": path, "query": query, "content_type": content_type, "body": body, "code": code}
        if code >= 400:
            step.update(reason=answer.get("reason", ""), message=answer["message"].replace(namespace, "{ns}"))
        else:
            step["object"] = normal(answer, namespace)
        if warnings:
            step["warnings"] = [w.split('"', 1)[1].rsplit('"', 1)[0].replace('\\"', '"').replace("\\\\", "\\") for w in warnings]
        steps.append(step)
    call("DELETE", CRDS + "/" + crd["metadata"]["name"])
    return {"name": name, "kind": "CustomResourceDefinition", "steps": steps}

CASES = {"wide": wide, "applied": applied, "plain": plain, "cluster": cluster, "open": open_, "versions": versions, "rules": rules, "junctors": junctors, "embedded": embedded, "ratchet": ratchet, "definitions": definitions}

def main():
    kubernetes = call("GET", "/version")[1]["gitVersion"]
    runs = []
    for round in range(2):
        namespace = "custom-%d" % round
        call("POST", "/api/v1/namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        runs.append([record(name, *make(), namespace) for name, make in CASES.items()])
        call("DELETE", "/api/v1/namespaces/" + namespace)
        time.sleep(5)
    cases, steps, dropped = [], 0, 0
    for one, two in zip(*runs):
        kept = []
        for a, b in zip(one["steps"], two["steps"]):
            if a == b:
                kept.append(a)
            else:
                dropped += 1
                print("dropped", one["name"], a["op"], json.dumps(a["body"])[:100], a.get("message"), "|", b.get("message"))
                if a["code"] < 300 and "dryRun" not in a["query"]:
                    break
        cases.append({**one, "steps": kept})
        steps += len(kept)
    with open(OUT, "wb") as out:
        out.write(gzip.compress(json.dumps({"kubernetes": kubernetes, "cases": cases}, separators=(",", ":")).encode(), mtime=0))
    for case in cases:
        if case["steps"][0]["code"] != 201:
            sys.exit("refused definition: " + case["steps"][0]["message"])
    print(kubernetes, len(cases), "cases,", steps, "steps,", dropped, "dropped")

main()
