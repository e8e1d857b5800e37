"""Deploys the manifests of a file with Python's client, as scripts do, and prints what the server made of it.

usage: library.py STEP
"""
import sys
import time

import yaml
from kubernetes import client, config, dynamic, utils, watch
from kubernetes.client.rest import ApiException

NAMESPACE = "shop"
config.load_kube_config()
apps, core = client.AppsV1Api(), client.CoreV1Api()


def manifests(file):
    with open(file) as f:
        return list(yaml.safe_load_all(f))


def of(file, kind):
    return next(o for o in manifests(file) if o["kind"] == kind)


def rolled_out(name, seconds=60):
    """Watches a Deployment until its rollout is complete."""
    for event in watch.Watch().stream(apps.list_namespaced_deployment, NAMESPACE, field_selector=f"metadata.name={name}", timeout_seconds=seconds):
        o, status = event["object"], event["object"].status
        if status.observed_generation == o.metadata.generation and status.updated_replicas == status.available_replicas == o.spec.replicas and not status.unavailable_replicas:
            return f"{name} is rolled out"
    return f"{name} is not rolled out"


def say(o):
    print(o.kind or type(o).__name__, o.metadata.name, o.metadata.generation, [c.image for c in o.spec.template.spec.containers])


def install():
    core.create_namespace(client.V1Namespace(metadata=client.V1ObjectMeta(name=NAMESPACE)))
    utils.create_from_yaml(client.ApiClient(), yaml_objects=manifests("v1.yaml"), namespace=NAMESPACE)
    print(rolled_out("web"))


def again():
    try:
        utils.create_from_yaml(client.ApiClient(), yaml_objects=[of("v1.yaml", "ConfigMap")], namespace=NAMESPACE)
    except utils.FailToCreateError as e:
        print([(x.status, x.reason) for x in e.api_exceptions])


def patch():
    say(apps.patch_namespaced_deployment("web", NAMESPACE, of("v2.yaml", "Deployment")))
    say(apps.patch_namespaced_stateful_set("store", NAMESPACE, of("v2.yaml", "StatefulSet")))
    print(rolled_out("web"))
    say(apps.patch_namespaced_deployment("web", NAMESPACE, [{"op": "replace", "path": "/spec/replicas", "value": 3}]))


def replace():
    o = apps.read_namespaced_deployment("web", NAMESPACE)
    stale = o.metadata.resource_version
    o.spec.template.spec.containers[0].image = "registry.example/web:3.0.0"
    say(apps.replace_namespaced_deployment("web", NAMESPACE, o))
    print(rolled_out("web"))
    o.metadata.resource_version = stale
    try:
        apps.replace_namespaced_deployment("web", NAMESPACE, o)
    except ApiException as e:
        print(e.status, e.reason)


def apply():
    cluster = dynamic.DynamicClient(client.ApiClient())
    for kind in ("Deployment", "StatefulSet"):
        resource = cluster.resources.get(api_version="apps/v1", kind=kind)
        body = of("v1.yaml", kind)
        try:
            resource.server_side_apply(body=body, name=body["metadata"]["name"], namespace=NAMESPACE, field_manager="script")
        except ApiException as e:
            print(kind, e.status, e.reason)
        o = resource.server_side_apply(body=body, name=body["metadata"]["name"], namespace=NAMESPACE, field_manager="script", force_conflicts=True)
        print(kind, o.metadata.generation)


def restart():
    annotations = {"kubectl.kubernetes.io/restartedAt": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())}
    body = {"spec": {"template": {"metadata": {"annotations": annotations}}}}
    say(apps.patch_namespaced_daemon_set("agent", NAMESPACE, body))
    scale = apps.read_namespaced_deployment_scale("web", NAMESPACE)
    scale.spec.replicas = 1
    print(apps.replace_namespaced_deployment_scale("web", NAMESPACE, scale).spec.replicas)
    print(len(core.list_namespaced_pod(NAMESPACE, label_selector="app=web", limit=1).items))


def remove():
    for name in ("web", "absent"):
        try:
            apps.delete_namespaced_deployment(name, NAMESPACE, propagation_policy="Foreground")
            print(name, "deleted")
        except ApiException as e:
            print(e.status, e.reason)
    # The Deployment goes after its pods: its finalizer is taken off last.
    for _ in range(300):
        pods = [p for p in core.list_namespaced_pod(NAMESPACE).items if p.metadata.labels["app"] == "web"]
        if not pods and not [d for d in apps.list_namespaced_deployment(NAMESPACE).items if d.metadata.name == "web"]:
            break
        time.sleep(0.1)
    print(sorted(o.metadata.name for o in apps.list_namespaced_deployment(NAMESPACE).items))


globals()[sys.argv[1]]()
