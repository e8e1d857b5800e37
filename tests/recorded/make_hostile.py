"""Records what a kube-apiserver answers to requests that nobody means well: hostile.json.

usage: make_hostile.py HOST PORT TOKEN | gzip -9n > hostile.json.gz

The server must be fresh: the ConfigMap `target` is created first, and deleted by what follows. A request is a list of pieces [text, times], bytes as latin1, sent as they stand; only the token is put in after the first line. What is
kept: the code (0: closed without an answer) and, of a refusal in JSON, reason, message and details.
"""
import json
import re
import socket
import ssl
import sys
import threading
import time

NS = "/api/v1/namespaces"
MAPS = NS + "/default/configmaps"
DEPLOYMENTS = "/apis/apps/v1/namespaces/default/deployments"
DRY = "?dryRun=All&fieldManager=m"
REQUESTS = []


def raw(name, *pieces):
    REQUESTS.append({"name": name, "pieces": [p if isinstance(p, list) else [p, 1] for p in pieces]})


def send(name, method, path, headers=(), *body):
    body = [p if isinstance(p, list) else [p, 1] for p in body]
    length = sum(len(text) * times for text, times in body)
    head = f"{method} {path} HTTP/1.1\r\nHost: server\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers)
    if body or method in ("POST", "PUT", "PATCH"):
        head += f"Content-Length: {length}\r\n"
    raw(name, head + "\r\n", *body)


def typed(content_type):
    return [("Content-Type", content_type), ("Accept", "application/json")]


def media_types():
    odd = ["application/cbor", "application/apply-patch+cbor", "application/cbor-seq", "text/plain", "text/yaml", "application/x-yaml",
           "APPLICATION/JSON", "application/json; charset=utf-8", "application/json;charset=utf-16", "application/json, application/yaml",
           "application/json;", "application/json;=", "garbage", "/", ";", "application/", "*/*", "application/*", "application/merge-patch+yaml",
           "application/json-patch+yaml", "multipart/form-data; boundary=x", "application/json;stream=watch", '"application/json"', "application /json"]
    body = '{"metadata":{"name":"odd"}}'
    for t in odd:
        send(f"create as {t}", "POST", MAPS + DRY, typed(t), body)
        send(f"update as {t}", "PUT", MAPS + "/target" + DRY, typed(t), '{"metadata":{"name":"target"}}')
        send(f"patch as {t}", "PATCH", MAPS + "/target" + DRY, typed(t), "{}")
        send(f"delete as {t}", "DELETE", MAPS + "/nope", typed(t), "{}")
    # A client may say twice what it sends.
    send("create as two types", "POST", MAPS + DRY, typed("application/json") + [("Content-Type", "application/yaml")], body)
    accepted = ["application/cbor", "application/cbor-seq", "application/vnd.kubernetes.protobuf", "text/*", "text/plain", "application/json;q=0",
                "application/json;q=x", ";;;", ",", "application/json;as=Table", "application/json;as=Table;g=meta.k8s.io;v=v2",
                "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1", "application/json;as=Nope;g=meta.k8s.io;v=v1",
                "application/yaml;as=Table;g=meta.k8s.io;v=v1", "application/cbor,application/json", "application/cbor;q=0.9,*/*;q=0.1",
                "application/json;stream=watch", "application/vnd.kubernetes.protobuf,application/json", "*/json", "application/json;pretty=1"]
    for a in accepted:
        send(f"get accepting {a}", "GET", MAPS + "/nope", [("Accept", a)])
        send(f"list accepting {a}", "GET", MAPS + "?limit=1", [("Accept", a)])
        send(f"watch accepting {a}", "GET", MAPS + "?watch=1&timeoutSeconds=1&resourceVersion=x", [("Accept", a)])
        send(f"custom list accepting {a}", "GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions?limit=1", [("Accept", a)])
        send(f"version accepting {a}", "GET", "/version", [("Accept", a)])
        send(f"openapi accepting {a}", "GET", "/openapi/v2", [("Accept", a)])


def bodies():
    deep = [["[", 20000]], [['{"a":', 20000]], [['{"metadata":{"annotations":', 1], ['{"a":', 12000], ["1", 1], ["}", 12002]]
    odd = {
        "nothing": [""], "a byte order mark": ['\xef\xbb\xbf{"metadata":{"name":"x"}}'], "no UTF-8": ['{"metadata":{"name":"\xff\xfe"}}'],
        "only zeros": [["\0", 64]], "a zero in a name": ['{"metadata":{"name":"a\\u0000b"}}'], "half a surrogate": ['{"metadata":{"name":"\\ud800"}}'],
        "a large number": ['{"metadata":{"name":"x","generation":1e400}}'], "a long integer": ['{"metadata":{"name":"x","generation":99999999999999999999}}'],
        "a fraction": ['{"metadata":{"name":"x","generation":1.5}}'], "NaN": ['{"metadata":{"name":"x","generation":NaN}}'],
        "keys twice": ['{"metadata":{"name":"x","name":"y"},"data":{"a":"1","a":"2"}}'], "keys in other case": ['{"Metadata":{"Name":"x"}}'],
        "an empty key": ['{"":1,"metadata":{"name":"x"}}'], "a list for a map": ['{"metadata":[]}'], "a map for a text": ['{"metadata":{"name":{}}}'],
        "a text for a map": ['{"metadata":{"name":"x"},"data":"x"}'], "a number for a value": ['{"metadata":{"name":"x"},"data":{"a":1}}'],
        "data that is no base64": ['{"metadata":{"name":"x"},"binaryData":{"a":"*"}}'], "a wrong time": ['{"metadata":{"name":"x","creationTimestamp":"yesterday"}}'],
        "unknown fields": ['{"metadata":{"name":"x","nope":1},"nope":{"a":1}}'], "two documents": ['{"metadata":{"name":"x"}}{"metadata":{"name":"y"}}'],
        "a comment": ['{"metadata":{"name":"x"}} // yes'], "single quotes": ["{'metadata':{'name':'x'}}"], "markup": ["<xml/>"], "a null object": ['{"metadata":null}'],
        "null items": ['{"metadata":{"name":"x","finalizers":[null],"ownerReferences":[null]}}'], "another kind": ['{"kind":"Secret","apiVersion":"v1","metadata":{"name":"x"}}'],
        "a kind of nobody": ['{"kind":"Nope","apiVersion":"nope.io/v1","metadata":{"name":"x"}}'], "a version of odd shape": ['{"kind":"ConfigMap","apiVersion":"a/b/c","metadata":{"name":"x"}}'],
        "a list": ['{"kind":"ConfigMapList","apiVersion":"v1","items":[]}'], "no name": ["{}"], "a long name": ['{"metadata":{"name":"', ["x", 300], '"}}'],
        "another namespace": ['{"metadata":{"name":"x","namespace":"other"}}'], "generateName": ['{"metadata":{"generateName":"', ["x", 260], '"}}'],
    }
    for i, pieces in enumerate(deep):
        odd[f"depth {i}"] = pieces
    for name, pieces in odd.items():
        for media in ("json", "yaml", "vnd.kubernetes.protobuf"):
            send(f"create {media}: {name}", "POST", MAPS + DRY, typed("application/" + media), *pieces)
        send(f"update: {name}", "PUT", MAPS + "/target" + DRY, typed("application/json"), *pieces)
        send(f"strict: {name}", "POST", MAPS + DRY + "&fieldValidation=Strict", typed("application/json"), *pieces)
        for kind in ("merge-patch+json", "strategic-merge-patch+json", "apply-patch+yaml", "json-patch+json"):
            send(f"{kind}: {name}", "PATCH", MAPS + "/target" + DRY, typed("application/" + kind), *pieces)
        send(f"delete: {name}", "DELETE", MAPS + "/nope", typed("application/json"), *pieces)


def yaml():
    laughs = ["a: &a [x,x,x,x,x,x,x,x,x]\n"] + [f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 9)}]\n" for i in range(9)]
    odd = {
        "laughs": ["".join(laughs)], "an alias to itself": ["metadata: &a {name: x, annotations: *a}\n"], "an alias of nobody": ["metadata: *a\n"],
        "tabs": ["metadata:\n\tname: x\n"], "two documents": ["metadata: {name: x}\n---\nmetadata: {name: y}\n"], "an end": ["metadata: {name: x}\n...\ngarbage"],
        "number keys": ["metadata: {name: x}\ndata: {1: a}\n"], "list keys": ["metadata: {name: x}\n? [a]\n: b\n"], "null keys": ["metadata: {name: x}\ndata: {~: a}\n"],
        "keys twice": ["metadata: {name: x}\ndata: {a: b, a: c}\n"], "tags": ["metadata: {name: !!python/object:os.system x}\n"], "a directive": ["%YAML 9.9\n---\nmetadata: {name: x}\n"],
        "binary": ["metadata: {name: x}\nbinaryData: {a: !!binary aGVsbG8=}\n"], "a merge key": ["metadata: &m {name: x}\nother: {<<: *m}\n"], "a name that is a number": ["metadata: {name: 5}\n"],
        "a name that is a truth": ["metadata: {name: yes}\n"], "an open quote": ["metadata: {name: 'x}\n"], "only a comment": ["# nothing\n"], "deep flow": [["[", 20000]], "deep block": [["- ", 12000], "x"],
        "zeros": [["\0", 10]], "an odd escape": ['metadata: {name: "\\q"}\n'], "infinity": ["metadata: {name: x, generation: .inf}\n"],
    }
    for name, pieces in odd.items():
        send(f"create from yaml: {name}", "POST", MAPS + DRY, typed("application/yaml"), *pieces)
        send(f"apply yaml: {name}", "PATCH", MAPS + "/target" + DRY, typed("application/apply-patch+yaml"), *pieces)


def protobuf():
    magic = "k8s\0"
    meta = "\x0a\x0f\x0a\x02v1\x12\x09ConfigMap"
    odd = {
        "only magic": [magic], "a wrong magic": ["k9s\0\x0a"], "no object": [magic + meta], "cut off": [magic + meta[:5]], "a length too long": [magic + meta + "\x12\x7fabc"],
        "a negative length": [magic + meta + "\x12\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"], "a number without end": [magic, ["\xff", 20]], "group tags": [magic + meta + "\x12\x02\x0b\x0c"],
        "wire type 6": [magic + meta + "\x12\x02\x0e\x01"], "field 0": [magic + meta + "\x12\x02\x02\x00"], "unknown fields": [magic + meta + "\x12\x03\xa2\x06\x00"],
        "a text that is no UTF-8": [magic + meta + "\x12\x05\x0a\x03\x0a\x01\xff"], "a wrong type": [magic + meta + "\x12\x02\x08\x01"], "no kind": [magic + "\x12\x00"],
        "another kind": [magic + "\x0a\x0c\x0a\x02v1\x12\x06Secret\x12\x00"], "a kind of nobody": [magic + "\x0a\x0a\x0a\x02v1\x12\x04Nope\x12\x00"],
        "an encoding": [magic + meta + "\x12\x00\x1a\x04gzip"], "much after": [magic + meta + "\x12\x00", ["\x0a\x00", 5000]],
    }
    for name, pieces in odd.items():
        send(f"protobuf: {name}", "POST", MAPS + DRY, typed("application/vnd.kubernetes.protobuf"), *pieces)
        send(f"protobuf delete options: {name}", "DELETE", MAPS + "/nope", typed("application/vnd.kubernetes.protobuf"), *pieces)


def patches():
    target = MAPS + "/target" + DRY
    lists = [
        "[5]", "[null]", "[[]]", '[{}]', '[{"op":"nope","path":"/a"}]', '[{"op":"add"}]', '[{"op":"add","path":"/data/x"}]', '[{"op":"add","path":"x","value":1}]',
        '[{"op":"remove","path":"/nope"}]', '[{"op":"remove","path":""}]', '[{"op":"replace","path":"","value":5}]', '[{"op":"test","path":"/metadata/name","value":"x"}]',
        '[{"op":"move","from":"/metadata","path":"/metadata/a"}]', '[{"op":"copy","from":"/nope","path":"/a"}]', '[{"op":"add","path":"/metadata/finalizers/5","value":"a"}]',
        '[{"op":"add","path":"/metadata/managedFields/-1","value":{}}]', '[{"op":"add","path":"/metadata/managedFields/99999999999999999999","value":{}}]', '[{"op":"add","path":"/~2","value":1}]',
        '[{"op":"add","path":"/data/a","value":"1","more":true}]', '[{"op":5,"path":"/a"}]', '[{"op":"add","path":5,"value":1}]', '{"op":"add"}', '[{"op":"remove","path":"/metadata/name"}]',
        '[{"op":"add","path":"/metadata/managedFields/-","value":5}]',
    ]
    for body in lists:
        send(f"json patch {body}", "PATCH", target, typed("application/json-patch+json"), body)
    many = ['[{"op":"test","path":"/kind","value":"ConfigMap"}', [',{"op":"test","path":"/kind","value":"ConfigMap"}', 10000], "]"]
    send("json patch of too many operations", "PATCH", target, typed("application/json-patch+json"), *many)
    copies = ['[{"op":"copy","from":"/data","path":"/data/a"}', [',{"op":"copy","from":"/data","path":"/data/a"}', 60], "]"]
    send("json patch that doubles", "PATCH", target, typed("application/json-patch+json"), *copies)
    for body in ['{"metadata":{"$patch":"nope"}}', '{"$patch":"delete"}', '{"$patch":5}', '{"data":{"$retainKeys":["a"],"b":"c"}}', '{"metadata":{"$setElementOrder/finalizers":5}}',
                 '{"metadata":{"$deleteFromPrimitiveList/finalizers":["a"]}}', '{"metadata":{"$deleteFromPrimitiveList/finalizers":5}}', '{"metadata":{"ownerReferences":[{"name":"x"}]}}',
                 '{"metadata":{"ownerReferences":[5]}}', '{"metadata":{"ownerReferences":{}}}', '{"metadata":5}', '{"metadata":{"name":"other"}}', '{"kind":"Secret"}', '{"apiVersion":"v9"}',
                 '{"metadata":{"resourceVersion":"1"}}', '{"metadata":{"uid":"x"}}', '{"metadata":{"managedFields":[{}]}}', '{"metadata":{"managedFields":[{"manager":5}]}}']:
        for kind in ("strategic-merge-patch+json", "merge-patch+json"):
            send(f"{kind} {body}", "PATCH", target, typed("application/" + kind), body)
    for body in ['{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"other"}}', '{"apiVersion":"v1","kind":"Secret"}', '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"managedFields":[{}]}}',
                 '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"target","uid":"x"}}', '{"apiVersion":"v1","kind":"ConfigMap","nope":1}', '{"apiVersion":"v1","kind":"ConfigMap","data":{"a":1}}']:
        send(f"apply {body}", "PATCH", target, typed("application/apply-patch+yaml"), body)
    send("apply without a manager", "PATCH", MAPS + "/x?dryRun=All", typed("application/apply-patch+yaml"), '{"apiVersion":"v1","kind":"ConfigMap"}')
    send("apply with a long manager", "PATCH", MAPS + "/x?dryRun=All&fieldManager=" + "m" * 200, typed("application/apply-patch+yaml"), '{"apiVersion":"v1","kind":"ConfigMap"}')
    send("force of a merge", "PATCH", MAPS + "/target?dryRun=All&force=true", typed("application/merge-patch+json"), "{}")


def sizes():
    limit = 3 << 20
    for kind, around in (("json", '{"a":""}'), ("yaml", 'a: ""'), ("vnd.kubernetes.protobuf", "k8s\0")):
        for n in (limit, limit + 1, 10 << 20):
            send(f"{n} bytes of {kind}", "POST", MAPS + DRY, typed("application/" + kind), around[:-2] if kind == "json" else around[:-1], ["x", n - len(around)], around[-2:] if kind == "json" else around[-1:])
    for kind in ("merge-patch+json", "apply-patch+yaml", "json-patch+json"):
        send(f"10 MB of {kind}", "PATCH", MAPS + "/target" + DRY, typed("application/" + kind), '{"a":"', ["x", 10 << 20], '"}')
    send("10 MB of delete options", "DELETE", MAPS + "/nope", typed("application/json"), '{"a":"', ["x", 10 << 20], '"}')
    send("a ConfigMap above a megabyte", "POST", MAPS + DRY, typed("application/json"), '{"metadata":{"name":"x"},"data":{"a":"', ["x", (1 << 20) + 1], '"}}')
    send("annotations above 256 KiB", "POST", MAPS + DRY, typed("application/json"), '{"metadata":{"name":"x","annotations":{"a":"', ["x", 256 << 10], '"}}}')
    chunk = 1 << 8
    raw("4 MB in chunks", f"POST {MAPS}{DRY} HTTP/1.1\r\nHost: server\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n", [f"{chunk:x}\r\n" + "x" * chunk + "\r\n", 1 << 14], "0\r\n\r\n")
    send("a body that a GET has", "GET", MAPS + "/nope", typed("application/json"), '{"a":', ["1", 100], "}")
    send("10 MB that a GET has", "GET", MAPS + "/nope", typed("application/json"), ["x", 10 << 20])
    send("10 MB for nobody", "POST", "/nope", typed("application/json"), ["x", 10 << 20])


def paths():
    for p in ["/api/v1/../../etc/passwd", "/../etc/passwd", "/api/v1/namespaces/../../../etc/passwd", "/api/v1/namespaces/..%2f..%2fetc", "/api/v1/namespaces/%2e%2e%2f%2e%2e", "/api/v1/namespaces/default/configmaps/..",
              "/api/v1/namespaces/default/configmaps/.", "/api/v1/namespaces/default/configmaps/%2e%2e", "/api/v1/namespaces/default/configmaps/a%2fb", "/api/v1/namespaces/default/configmaps/a%00b", "/api/v1/namespaces/default/configmaps/%ff",
              "/api/v1/namespaces/default/configmaps/a%5cb", "/api/v1/namespaces/default/configmaps/A_B", "/api/v1/namespaces/default/configmaps/" + "x" * 300, "/api/v1/namespaces/" + "x" * 300 + "/configmaps", "/api/v1/namespaces/a%20b/configmaps",
              "/api/v1/namespaces/default/configmaps//", "//api/v1/namespaces/default", "/api//v1", "/api/v1/", "/apis/", "/api/v1/namespaces/default/configmaps/x/", "/api/v1/namespaces/default/configmaps/x/y/z/w", "/api/v1/namespaces/default//configmaps",
              "/api/v1/proxy/namespaces/default/pods/x", "/api/v1/namespaces/default/pods/x/proxy/../../..", "/openapi/v3/../../version", "/openapi/v3/%2e%2e/x", "/healthz/../version", "/apis/apps/v1/namespaces/default/deployments/x/scale/y",
              "/apis/..", "/apis/%2e%2e/v1/x", "/api/v1?watch=1", "/api/v1/namespaces/default;a=b", "/api/v1/namespaces/default?a;b=c", "/" + "a/" * 5000, "/api/v1/namespaces/default/configmaps?" + "a=b&" * 20000,
              "/api/v1/watch", "/api/v1/watch/", "/api/v1/watch/namespaces", "/api/v1/watch/watch/namespaces", "/api/v2", "/api/v1/namespaces/default/configmaps?labelSelector=" + "a%2C" * 3000,
              "/metrics", "/debug/pprof/", "/logs", "/.well-known/openid-configuration", "/openapi/v2/x", "/version/x", "/version/"]:
        name = p if len(p) < 100 else f"{p[:60]}… of {len(p)}"
        if p.startswith(("/api/v1/watch", "/metrics", "/debug", "/logs", "/.well")) and p not in ("/logs",):
            if p in ("/metrics", "/debug/pprof/", "/.well-known/openid-configuration", "/api/v1/watch/namespaces"):
                continue
        send(f"path {name}", "GET", p)
        send(f"delete path {name}", "DELETE", p + ("&" if "?" in p else "?") + "dryRun=All", typed("application/json"), "{}")


def heads():
    ask = f"GET {MAPS}/nope HTTP/1.1\r\nHost: server\r\n"
    post = f"POST {MAPS}{DRY} HTTP/1.1\r\nHost: server\r\nContent-Type: application/json\r\n"
    raw("3000 headers", ask, ["A: b\r\n", 3000], "\r\n")
    raw("a header of 100 KB", ask, "A: ", ["b", 100_000], "\r\n\r\n")
    raw("a header of 2 MB", ask, "A: ", ["b", 2_000_000], "\r\n\r\n")
    raw("headers of 2 MB", ask, ["A: " + "b" * 995 + "\r\n", 2000], "\r\n")
    raw("a path of 2 MB", "GET /", ["a", 2_000_000], " HTTP/1.1\r\nHost: server\r\n\r\n")
    raw("no host", f"GET {MAPS}/nope HTTP/1.1\r\nA: b\r\n\r\n")
    raw("two hosts", ask + "Host: other\r\n\r\n")
    raw("an odd host", f"GET {MAPS}/nope HTTP/1.1\r\nHost: a b\r\n\r\n")
    raw("HTTP/1.0", f"GET {MAPS}/nope HTTP/1.0\r\nA: b\r\n\r\n")
    raw("HTTP/1.2", f"GET {MAPS}/nope HTTP/1.2\r\nHost: server\r\n\r\n")
    raw("HTTP/2.0", f"GET {MAPS}/nope HTTP/2.0\r\nHost: server\r\n\r\n")
    raw("HTTP/3", f"GET {MAPS}/nope HTTP/3\r\nHost: server\r\n\r\n")
    raw("no version", f"GET {MAPS}/nope\r\nHost: server\r\n\r\n")
    raw("no protocol", f"GET {MAPS}/nope FOO/1.1\r\nHost: server\r\n\r\n")
    raw("no method", f" {MAPS}/nope HTTP/1.1\r\nHost: server\r\n\r\n")
    raw("a method in small letters", f"get {MAPS}/nope HTTP/1.1\r\nHost: server\r\n\r\n")
    raw("an odd method", f"G@T {MAPS}/nope HTTP/1.1\r\nHost: server\r\n\r\n")
    raw("a method with a colon", f"G:T {MAPS}/nope HTTP/1.1\r\nHost: server\r\n\r\n")
    raw("TRACE", f"TRACE {MAPS}/nope HTTP/1.1\r\nHost: server\r\n\r\n")
    raw("CONNECT", "CONNECT other:443 HTTP/1.1\r\nHost: server\r\n\r\n")
    raw("a star", "OPTIONS * HTTP/1.1\r\nHost: server\r\n\r\n")
    raw("an absolute target", f"GET http://other{MAPS}/nope HTTP/1.1\r\nHost: server\r\n\r\n")
    raw("a target without a slash", "GET nope HTTP/1.1\r\nHost: server\r\n\r\n")
    raw("spaces in the target", f"GET {MAPS}/a b HTTP/1.1\r\nHost: server\r\n\r\n")
    raw("bytes in the target", f"GET {MAPS}/\xff\xfe HTTP/1.1\r\nHost: server\r\n\r\n")
    raw("a fragment", f"GET {MAPS}/nope#x HTTP/1.1\r\nHost: server\r\n\r\n")
    raw("a header without a colon", ask + "nothing\r\n\r\n")
    raw("a header with a space before the colon", ask + "A : b\r\n\r\n")
    raw("a header with an odd name", ask + "A(b: c\r\n\r\n")
    raw("a header without a name", ask + ": c\r\n\r\n")
    raw("a folded header", ask + "A: b\r\n c\r\n\r\n")
    raw("a zero in a header", ask + "A: b\0c\r\n\r\n")
    raw("control letters in a header", ask + "A: b\x01c\r\n\r\n")
    raw("bytes in a header", ask + "A: \xff\xfe\r\n\r\n")
    raw("only line feeds", ask.replace("\r\n", "\n") + "\n")
    raw("garbage", ["\xff\x00\x80\r\n", 100], "\r\n")
    raw("empty lines first", "\r\n\r\n" + ask + "\r\n")
    raw("a length that is none", post + "Content-Length: x\r\n\r\n{}")
    raw("a negative length", post + "Content-Length: -1\r\n\r\n{}")
    raw("a length with a sign", post + "Content-Length: +2\r\n\r\n{}")
    raw("a long length", post + "Content-Length: 99999999999999999999\r\n\r\n{}")
    raw("two lengths", post + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ")
    raw("two equal lengths", post + "Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}")
    raw("a length and chunks", post + "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
    raw("an unknown coding", post + "Transfer-Encoding: gzip\r\n\r\n{}")
    raw("two codings", post + "Transfer-Encoding: gzip, chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n")
    raw("a chunk size that is none", post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n0\r\n\r\n")
    raw("a long chunk size", post + "Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n")
    raw("a chunk without an end", post + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}x\r\n0\r\n\r\n")
    raw("trailers", post + "Transfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nA: b\r\n\r\n")
    raw("chunk extensions", post + "Transfer-Encoding: chunked\r\n\r\n2;a=b\r\n{}\r\n0\r\n\r\n")
    raw("an expectation", post + "Content-Length: 2\r\nExpect: nothing\r\n\r\n{}")
    raw("an encoding", post + "Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}")
    raw("no length", f"POST {MAPS}{DRY} HTTP/1.1\r\nHost: server\r\nContent-Type: application/json\r\n\r\n")
    raw("an upgrade", ask + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    raw("an upgrade to HTTP/2", ask + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n\r\n")
    raw("a method in a header", f"POST {MAPS}/nope HTTP/1.1\r\nHost: server\r\nX-HTTP-Method-Override: DELETE\r\nContent-Length: 0\r\n\r\n")
    raw("an impersonation", f"GET {NS}/default/configmaps/nope HTTP/1.1\r\nHost: server\r\nImpersonate-Group: x\r\n\r\n")


def exchange(host, port, token, pieces):
    context = ssl._create_unverified_context()
    context.set_alpn_protocols(["http/1.1"])
    for patience in range(20):
        try:
            stream = context.wrap_socket(socket.create_connection((host, port), timeout=8))
            break
        except OSError:
            time.sleep(patience / 10)
    text = "".join(t * n for t, n in pieces).encode("latin1")
    cut = re.search(rb"\r?\n", text)
    if cut and not text.startswith(b"\r\n") and len(text.split(b" ")[0]) < 20:
        text = text[:cut.end()] + b"Authorization: Bearer " + token.encode() + b"\r\nUser-Agent: oracle\r\n" + text[cut.end():]
    elif text.startswith(b"\r\n"):
        text = text.replace(b"Host:", b"Authorization: Bearer " + token.encode() + b"\r\nHost:", 1)

    def write():
        try:
            stream.sendall(text)
        except OSError:
            pass
    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    got = b""
    try:
        while True:
            head, _, body = got.partition(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            if b"\r\n\r\n" in got and (length and len(body) >= int(length[1]) or b"hunked" in head and body.endswith(b"0\r\n\r\n")):
                break
            piece = stream.recv(65536)
            if not piece:
                break
            got += piece
    except OSError:
        pass
    stream.close()
    return got


def kept(got):
    head, _, body = got.partition(b"\r\n\r\n")
    code = int(head.split(b" ")[1]) if head.startswith(b"HTTP/") else 0
    answer = {"code": code}
    if b"hunked" in head:
        parts, rest = [], body
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            n = int(size, 16)
            parts.append(rest[:n])
            rest = rest[n + 2:]
            if n == 0:
                break
        body = b"".join(parts)
    warnings = [w.decode("latin1") for w in re.findall(rb"(?im)^warning: (.*?)\r?$", head)]
    if warnings:
        answer["warnings"] = warnings
    if code >= 400 and b"application/json" in head and body:
        status = json.loads(body)
        answer["status"] = {key: status[key] for key in ("reason", "message", "details") if key in status}
    elif code >= 400:
        answer["text"] = body.decode("latin1")[:300]
    else:
        answer["type"] = (re.search(rb"(?i)content-type: ([^\r;]*)", head) or [b"", b""])[1].decode()
    return answer


def plain(text):
    """Without what is another one each time."""
    text = re.sub(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UID", text)
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME", text)
    return re.sub(r'resourceVersion(\\*":\\*")\d+', r"resourceVersion\1RV", text)


def main(host, port, token):
    for part in (media_types, bodies, yaml, protobuf, patches, sizes, paths, heads):
        part()
    body = '{"metadata":{"name":"target"},"data":{"a":"b"}}'
    head = f"POST {MAPS}?fieldManager=setup HTTP/1.1\r\nHost: server\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    assert kept(exchange(host, int(port), token, [[head + body, 1]]))["code"] == 201
    lines = []
    for request in REQUESTS:
        # A machine that is busy loses a connection now and then: what is closed without an answer is closed each time.
        for _ in range(4):
            answer = kept(exchange(host, int(port), token, request["pieces"]))
            if answer["code"]:
                break
        lines.append(plain(json.dumps({**request, **answer})))
    asked = exchange(host, int(port), token, [["GET /version HTTP/1.1\r\nHost: server\r\nConnection: close\r\n\r\n", 1]])
    version = re.search(rb'"gitVersion": "v([^"]*)"', asked)[1].decode()
    print('{"kubernetes": "%s", "requests": [\n' % version + ",\n".join(lines) + "\n]}")


if __name__ == "__main__":
    main(*sys.argv[1:4])
