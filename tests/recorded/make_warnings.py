"""Records what a kube-apiserver warns of and takes all the same: warnings.json.gz.

Each case is an object with something odd in it, as a dry-run POST, or a dry-run PUT over `old` (to `subresource`); kept are the object as it
was answered and the texts of the Warning headers.

usage: make_warnings.py https://HOST:PORT TOKEN warnings.json.gz
"""
import base64
import copy
import gzip
import json
import ssl
import sys
import urllib.error
import urllib.request
from pathlib import Path

SERVER, TOKEN, OUT = sys.argv[1:4]
TLS = ssl.create_default_context()
TLS.check_hostname, TLS.verify_mode = False, ssl.CERT_NONE
NS = "warnings"


def call(method, path, body=None):
    headers = {"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"}
    request = urllib.request.Request(SERVER + path, None if body is None else json.dumps(body).encode(), headers, method=method)
    try:
        with urllib.request.urlopen(request, context=TLS) as answer:
            return answer.status, json.load(answer), answer.headers.get_all("Warning") or []
    except urllib.error.HTTPError as error:
        return error.code, json.load(error), error.headers.get_all("Warning") or []


def texts(warnings):
    return [w.split('"', 1)[1].rsplit('"', 1)[0].replace('\\"', '"').replace("\\\\", "\\") for w in warnings]


C = {"name": "c", "image": "i"}
OLD_LABELS = ["beta.kubernetes.io/arch", "beta.kubernetes.io/os", "failure-domain.beta.kubernetes.io/region", "failure-domain.beta.kubernetes.io/zone",
              "beta.kubernetes.io/instance-type", "app.kubernetes.io/created-by", "scheduler.alpha.kubernetes.io/preferAvoidPods", "node-role.kubernetes.io/master"]
REQUIRED, PREFERRED = "requiredDuringSchedulingIgnoredDuringExecution", "preferredDuringSchedulingIgnoredDuringExecution"


def expression(key, *values):
    return {"key": key, "operator": "In", "values": list(values)} if values else {"key": key, "operator": "Exists"}


def files(*paths):
    return [{"key": f"k{n}", "path": path} for n, path in enumerate(paths)]


def ref(*paths):
    return [{"path": path, "fieldRef": {"fieldPath": "metadata.name"}} for path in paths]


def ports(*all_ports):
    return {"containers": [{**C, "ports": list(all_ports)}]}


def claim(requests, limits=None):
    return {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": requests}, **({"limits": {"storage": limits}} if limits else {})}}


# Specs of pods: what is odd in each. A second item holds annotations.
PODS = [({"nodeSelector": {label: "x"}}, {}) for label in OLD_LABELS] + [(spec, {}) for spec in [
    {"affinity": {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": [expression("a"), expression("beta.kubernetes.io/os", "b")]}]}}}},
    {"affinity": {"nodeAffinity": {PREFERRED: [{"weight": 1, "preference": {"matchExpressions": [expression("beta.kubernetes.io/os", "-a", "b", "c/d")]}}]}}},
    {"affinity": {"nodeAffinity": {PREFERRED: [{"weight": 1, "preference": {"matchExpressions": [expression("x", "a" * 64)]}}]}}},
    {"affinity": {"podAffinity": {REQUIRED: [{"topologyKey": "k"}], PREFERRED: [{"weight": 1, "podAffinityTerm": {"topologyKey": "k"}}]},
                  "podAntiAffinity": {REQUIRED: [{"topologyKey": "k", "labelSelector": {}}, {"topologyKey": "k"}], PREFERRED: [{"weight": 1, "podAffinityTerm": {"topologyKey": "k"}}]}}},
    {"topologySpreadConstraints": [{"maxSkew": 1, "topologyKey": "failure-domain.beta.kubernetes.io/zone", "whenUnsatisfiable": "DoNotSchedule"}]},
    {"volumes": [{"name": "a", "photonPersistentDisk": {"pdID": "x"}}, {"name": "b", "gitRepo": {"repository": "r"}}, {"name": "d", "flocker": {"datasetName": "d"}}]},
    {"volumes": [{"name": "a", "scaleIO": {"gateway": "g", "system": "s", "volumeName": "v", "secretRef": {"name": "s"}}}, {"name": "b", "storageos": {"volumeName": "v"}}]},
    {"volumes": [{"name": "a", "quobyte": {"registry": "r:1", "volume": "v"}}, {"name": "b", "glusterfs": {"endpoints": "e", "path": "p"}}]},
    {"volumes": [{"name": "a", "cephfs": {"monitors": ["m"]}}, {"name": "b", "rbd": {"monitors": ["m"], "image": "i"}}]},
    {"volumes": [{"name": "a", "ephemeral": {"volumeClaimTemplate": {"spec": claim("1500m")}}}]},
    {"volumes": [{"name": "v", "configMap": {"name": "m", "items": files("a", "a/b", "c", "a")}}, {"name": "w", "configMap": {"name": "m", "items": files("ab", "a")}}]},
    {"volumes": [{"name": "v", "secret": {"secretName": "s", "items": files("a/b/c", "a/b/", "a")}}]},
    {"volumes": [{"name": "v", "downwardAPI": {"items": ref("a", "a/b")}}]},
    {"volumes": [{"name": "v", "projected": {"sources": [{"configMap": {"name": "m", "items": files("a")}}, {"secret": {"name": "s", "items": files("b", "a/c")}}]}}]},
    {"volumes": [{"name": "v", "projected": {"sources": [{}, {"downwardAPI": {"items": ref("token", "t/a")}}, {"secret": {"name": "s", "items": files("token/x", "t")}}, {"secret": {"name": "whole"}}]}}]},
    {"volumes": [{"name": "v", "projected": {"sources": [{"configMap": {"name": "m", "items": files("t")}}, {"clusterTrustBundle": {"name": "n", "path": "t/x"}},
                                                         {"clusterTrustBundle": {"signerName": "example.com/s", "labelSelector": {}, "path": "t"}}]}}]},
    {"volumes": [{"name": "v", "projected": {"sources": []}}]},
    {"hostAliases": [{"ip": "1.2.3.4"}, {"ip": "1.2.3.4"}, {"ip": "2001:DB8::1"}]},
    {"imagePullSecrets": [{"name": "a"}, {"name": "a"}, {"name": ""}]},
    {"dnsConfig": {"nameservers": ["1.2.3.4", "2001:db8:0:0::1"]}},
    {"terminationGracePeriodSeconds": -1},
    {"containers": [{**C, "resources": {"limits": {"memory": "1500m", "ephemeral-storage": "2500m"}, "requests": {"memory": "100m", "ephemeral-storage": "500m"}}}]},
    {"containers": [{**C, "env": [{"name": "A", "value": "1"}, {"name": "A", "value": "$(A)2"}, {"name": "A", "value": "$(A)"}, {"name": "A", "value": "x"},
                                  {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}]},
    ports({"containerPort": 80, "hostIP": "127.0.0.1"}, {"name": "b", "containerPort": 81, "protocol": "UDP", "hostIP": "::1"}),
    ports({"containerPort": 80}, {"containerPort": 80}, {"containerPort": 80, "hostPort": 81}, {"containerPort": 80, "protocol": "UDP"}),
    ports({"containerPort": 80, "hostPort": 80}, {"containerPort": 80, "hostPort": 80, "hostIP": "1.2.3.4"}, {"containerPort": 80, "hostPort": 81}),
    {"containers": [{**C, "ports": [{"name": "p", "containerPort": 1}]}, {"name": "d", "image": "i", "ports": [{"name": "p", "containerPort": 2}]}],
     "initContainers": [{"name": "i", "image": "i", "ports": [{"name": "p", "containerPort": 1}]}]},
    {"containers": [{**C, "securityContext": {"seccompProfile": {"type": "RuntimeDefault"}}}]},
]] + [({}, {key: value}) for key, value in [
    ("scheduler.alpha.kubernetes.io/critical-pod", ""), ("security.alpha.kubernetes.io/sysctls", "a=b"), ("security.alpha.kubernetes.io/unsafe-sysctls", "a=b"),
    ("seccomp.security.alpha.kubernetes.io/pod", "runtime/default"), ("container.seccomp.security.alpha.kubernetes.io/c", "runtime/default"),
]]
# For templates only: in pods these become fields.
TEMPLATES = [({}, {"container.apparmor.security.beta.kubernetes.io/c": "runtime/default"}),
             ({"securityContext": {"appArmorProfile": {"type": "RuntimeDefault"}}}, {"container.apparmor.security.beta.kubernetes.io/c": "runtime/default"}),
             ({"securityContext": {"appArmorProfile": {"type": "Localhost", "localhostProfile": "p"}}}, {"container.apparmor.security.beta.kubernetes.io/c": "localhost/p"})]
PEM = "-----BEGIN {0}-----\nTm90aGluZw==\n-----END {0}-----\n".format


def secret(certificate, key):
    return {"type": "kubernetes.io/tls", "data": {"tls.crt": base64.b64encode(certificate.encode()).decode(), "tls.key": base64.b64encode(key.encode()).decode()}}


def service(**spec):
    return {"spec": {"ports": [{"port": 80}], "selector": {"a": "b"}, **spec}}


def volume(source, annotations=None, **spec):
    return {"metadata": {"annotations": annotations or {}}, "spec": {"capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"], **source, **spec}}


NFS = {"nfs": {"server": "s", "path": "/"}}
# Group version, resource, kind, and the odd objects.
OTHERS = [
    ("v1", "persistentvolumes", "PersistentVolume", [volume(s) for s in [
        {"cephfs": {"monitors": ["m"]}}, {"photonPersistentDisk": {"pdID": "x"}}, {"storageos": {"volumeName": "v", "volumeNamespace": "n"}}, {"glusterfs": {"endpoints": "e", "path": "p"}},
        {"rbd": {"monitors": ["m"], "image": "i"}}, {"scaleIO": {"gateway": "g", "system": "s", "volumeName": "v", "secretRef": {"name": "s", "namespace": "n"}}}]] + [
        volume({"hostPath": {"path": "/tmp"}}, persistentVolumeReclaimPolicy="Recycle"),
        volume(NFS, {"volume.beta.kubernetes.io/storage-class": "x", "volume.beta.kubernetes.io/mount-options": "ro"}),
        volume(NFS, nodeAffinity={"required": {"nodeSelectorTerms": [{"matchExpressions": [expression("beta.kubernetes.io/os", "x")]}]}})]),
    ("v1", "persistentvolumeclaims", "PersistentVolumeClaim", [{"spec": claim("1500m", "2500m")}, {"metadata": {"annotations": {"volume.beta.kubernetes.io/storage-class": "x"}}, "spec": claim("1Gi")}]),
    ("v1", "services", "Service", [
        {**service(), "metadata": {"annotations": {"service.kubernetes.io/topology-aware-hints": "auto"}}}, service(clusterIP="10.96.3.4"), service(externalIPs=["1.2.3.4", "2001:DB8::1"]),
        service(clusterIP="None", externalIPs=["1.2.3.4"], sessionAffinity="ClientIP"), service(clusterIP="None", externalIPs=["2001:db8:0::4"]),
        service(type="LoadBalancer", loadBalancerIP="2001:DB8::1", loadBalancerSourceRanges=["10.0.0.0/8", "2001:DB8::/32"]),
        service(type="ExternalName", externalName="a.b", externalIPs=["1.2.3.4"]), service(externalName="a.b"), service(trafficDistribution="PreferClose")]),
    ("v1", "secrets", "Secret", [secret("x", "y"), secret(PEM("CERTIFICATE"), "y"), secret(PEM("X"), "y"), secret(PEM("RSA PRIVATE KEY"), "y"), secret(PEM("CERTIFICATE"), PEM("CERTIFICATE")), secret(PEM("CERTIFICATE"), PEM("Y"))]),
    ("v1", "nodes", "Node", [{"spec": {"externalID": "x", "podCIDRs": ["2001:DB8::/64"]}}, {"spec": {"configSource": {"configMap": {"name": "n", "namespace": "n", "kubeletConfigKey": "k"}}}}]),
    ("v1", "resourcequotas", "ResourceQuota", [{"spec": {"hard": h}} for h in [{"cpu": "2", "limits.cpu": "1"}, {"requests.memory": "2Gi", "limits.memory": "1Gi"}, {"cpu": "1", "requests.cpu": "3", "limits.cpu": "2"},
                                                                              {"requests.ephemeral-storage": "2", "limits.ephemeral-storage": "1"}, {"memory": "1", "limits.memory": "2"}]]),
    ("v1", "endpoints", "Endpoints", [{"subsets": [{"addresses": [{"ip": "2001:DB8::2"}], "notReadyAddresses": [{"ip": "2001:DB8::1"}], "ports": [{"port": 1}]}]}]),
    ("v1", "replicationcontrollers", "ReplicationController", [{"metadata": {"name": "a.b"}, "spec": {"selector": {"a": "b"}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [C], "nodeSelector": {"beta.kubernetes.io/os": "x"}}}}}]),
    ("v1", "podtemplates", "PodTemplate", [{"template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [C], "nodeSelector": {"beta.kubernetes.io/os": "x"}}}}]),
    ("discovery.k8s.io/v1", "endpointslices", "EndpointSlice", [{"addressType": "FQDN", "endpoints": [{"addresses": ["a.b"]}]}, {"addressType": "IPv6", "endpoints": [{"addresses": ["2001:DB8::1"]}]},
        {"metadata": {"labels": {"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"}}, "addressType": "IPv6", "endpoints": [{"addresses": ["2001:DB8::1"]}]}]),
    ("networking.k8s.io/v1", "ingresses", "Ingress", [{"metadata": {"annotations": {"kubernetes.io/ingress.class": "x"}}, "spec": {"defaultBackend": {"service": {"name": "s", "port": {"number": 80}}}}}]),
    ("networking.k8s.io/v1", "networkpolicies", "NetworkPolicy", [{"spec": {"podSelector": {}, "ingress": [{"from": [{"ipBlock": {"cidr": "2001:DB8::/32", "except": ["2001:DB8:1::/48"]}}]}],
                                                                            "egress": [{"to": [{"podSelector": {}}, {"ipBlock": {"cidr": "2001:DB8::/32"}}]}]}}]),
    ("node.k8s.io/v1", "runtimeclasses", "RuntimeClass", [{"handler": "h", "scheduling": {"nodeSelector": {"beta.kubernetes.io/os": "x"}}}]),
    ("storage.k8s.io/v1", "storageclasses", "StorageClass", [{"provisioner": "p", "allowedTopologies": [{"matchLabelExpressions": [{"key": "beta.kubernetes.io/os", "values": ["x"]}]}]}]),
    ("storage.k8s.io/v1", "csistoragecapacities", "CSIStorageCapacity", [{"storageClassName": "s", "nodeTopology": {"matchLabels": {"beta.kubernetes.io/os": "x"}, "matchExpressions": [{"key": "beta.kubernetes.io/arch", "operator": "Exists"}]}}]),
    ("storage.k8s.io/v1", "csidrivers", "CSIDriver", [{"spec": {"tokenRequests": [{"audience": "a"}]}}, {"spec": {"tokenRequests": [{"audience": "a"}], "serviceAccountTokenInSecrets": True}}]),
    ("resource.k8s.io/v1", "resourceslices", "ResourceSlice", [{"spec": {"driver": "Driver.example.com", "pool": {"name": "p", "resourceSliceCount": 1}, "allNodes": True}}]),
    ("admissionregistration.k8s.io/v1", "validatingwebhookconfigurations", "ValidatingWebhookConfiguration", [{"metadata": {"name": "x.static.k8s.io"}}]),
    ("apps/v1", "deployments", "Deployment", [{"metadata": {"name": "a.b"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [C]}}}}]),
    ("apps/v1", "statefulsets", "StatefulSet", [{"spec": {"revisionHistoryLimit": -1, "serviceName": "s", "selector": {"matchLabels": {"a": "b"}}, "template": {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [C]}},
                                                          "volumeClaimTemplates": [{"metadata": {"name": "v"}, "spec": claim("1500m")}]}}]),
    ("batch/v1", "jobs", "Job", [{"spec": {"completionMode": "Indexed", "completions": 100_001, "parallelism": 10_001, "template": {"spec": {"restartPolicy": "Never", "containers": [C], "nodeSelector": {"beta.kubernetes.io/os": "x"}}}}}]),
    ("batch/v1", "cronjobs", "CronJob", [{"metadata": {"name": "a.b"}, "spec": {"schedule": "0 0 * * *", "jobTemplate": {"spec": {"template": {"spec": {"restartPolicy": "Never", "containers": [C], "terminationGracePeriodSeconds": -1}}}}}}]),
]
CLUSTER = ("persistentvolumes", "nodes", "runtimeclasses", "storageclasses", "csidrivers", "resourceslices", "validatingwebhookconfigurations")


def collection(version, resource):
    root = "/api/v1" if version == "v1" else "/apis/" + version
    return f"{root}/{resource}" if resource in CLUSTER else f"{root}/namespaces/{NS}/{resource}"


def main():
    call("POST", "/api/v1/namespaces", {"metadata": {"name": NS}})
    cases, refused = [], []

    def record(method, path, body, **rest):
        code, answer, warnings = call(method, path + "?dryRun=All", body)
        if code >= 300:
            refused.append((path, answer["message"]))
            return
        answer["metadata"].pop("managedFields", None)
        cases.append({"path": path, "object": answer, "warnings": texts(warnings), **rest})

    for spec, annotations in PODS:
        record("POST", collection("v1", "pods"), {"metadata": {"name": "x", "annotations": annotations}, "spec": {"containers": [C], **spec}})
    for spec, annotations in PODS + TEMPLATES:
        template = {"metadata": {"labels": {"a": "b"}, "annotations": annotations}, "spec": {"containers": [C], **spec}}
        record("POST", collection("apps/v1", "daemonsets"), {"metadata": {"name": "x"}, "spec": {"selector": {"matchLabels": {"a": "b"}}, "template": template}})
    for version, resource, kind, objects in OTHERS:
        for odd in objects:
            body = {"apiVersion": version, "kind": kind, **copy.deepcopy(odd)}
            body["metadata"] = {"name": "x", **body.get("metadata", {})}
            record("POST", collection(version, resource), body)
            if resource in ("services", "replicationcontrollers", "statefulsets", "podtemplates", "csidrivers", "deployments"):
                own = collection(version, resource) + "/" + body["metadata"]["name"]
                call("POST", collection(version, resource), body)
                code, old, _ = call("GET", own)
                if code != 200:
                    continue
                old["metadata"].pop("managedFields", None)
                new = copy.deepcopy(old)
                # Without its version a PUT does not mind what controllers wrote in between.
                new["metadata"].pop("resourceVersion")
                template = new.get("template") or new["spec"].get("template")
                if template:
                    template["spec"]["nodeSelector"] = {"beta.kubernetes.io/arch": "y"}
                record("PUT", own, new, old=old)
                if body.get("spec", {}).get("type") == "LoadBalancer":
                    status = {**copy.deepcopy(old), "status": {"loadBalancer": {"ingress": [{"ip": "2001:DB8::1"}]}}}
                    record("PUT", own + "/status", status, old=old, subresource="status")
                call("DELETE", own)
    version = call("GET", "/version")[1]["gitVersion"]
    Path(OUT).write_bytes(gzip.compress(json.dumps({"kubernetes": version, "cases": cases}, separators=(",", ":")).encode(), mtime=0))
    print(version, len(cases), "cases,", sum(len(c["warnings"]) for c in cases), "warnings; refused:")
    for path, message in refused:
        print(" ", path, message[:200])


main()
