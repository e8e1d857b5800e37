//! kube-rs as a deploy script of its own: typed objects, every kind of patch, a watch until a rollout is complete.

use crate::plane::Said;
use futures_util::TryStreamExt;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, StatefulSet};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config, ResourceExt};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::path::Path;

/// What it does, in order.
pub const STEPS: [&str; 6] = ["install", "patch", "replace", "apply", "scale and restart", "remove"];

/// Does a step and tells what came back; a refusal is told, not thrown.
pub fn step(name: &str, kubeconfig: &Path) -> Said {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let said = runtime.block_on(async {
        let config =
            Config::from_custom_kubeconfig(Kubeconfig::read_from(kubeconfig).unwrap(), &KubeConfigOptions::default()).await.unwrap();
        let script = Script::new(Client::try_from(config).unwrap());
        match name {
            "install" => script.install().await,
            "patch" => script.patch().await,
            "replace" => script.replace().await,
            "apply" => script.apply().await,
            "scale and restart" => script.scale_and_restart().await,
            _ => script.remove().await,
        }
    });
    match said {
        Ok(lines) => Said { code: Some(0), stdout: lines.join("\n"), stderr: String::new() },
        Err(e) => Said { code: Some(1), stdout: String::new(), stderr: told(&e) },
    }
}

/// A refusal as the server told it.
fn told(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) => format!("{} {}: {}", status.code, status.reason, status.message),
        other => other.to_string(),
    }
}

/// The object of a kind in one of the manifests.
fn of<K: DeserializeOwned>(file: &str, kind: &str) -> K {
    let path = super::folder().join(file);
    let documents = rollcast::object::yaml::load_bytes(path.clone(), std::fs::read(path).unwrap()).unwrap();
    let object = documents.iter().find(|d| d.value["kind"] == kind).unwrap_or_else(|| panic!("{file} has no {kind}"));
    serde_json::from_str(&object.value.to_string()).unwrap()
}

struct Script {
    client: Client,
    deployments: Api<Deployment>,
    stateful_sets: Api<StatefulSet>,
    daemon_sets: Api<DaemonSet>,
}

type Told = Result<Vec<String>, kube::Error>;

impl Script {
    fn new(client: Client) -> Self {
        let (deployments, stateful_sets) = (Api::namespaced(client.clone(), "shop"), Api::namespaced(client.clone(), "shop"));
        Self { deployments, stateful_sets, daemon_sets: Api::namespaced(client.clone(), "shop"), client }
    }

    async fn install(&self) -> Told {
        let post = PostParams::default();
        let namespace: Namespace = serde_json::from_value(json!({"metadata": {"name": "shop"}})).unwrap();
        Api::all(self.client.clone()).create(&post, &namespace).await?;
        let maps: Api<ConfigMap> = Api::namespaced(self.client.clone(), "shop");
        let map = maps.create(&post, &of("v1.yaml", "ConfigMap")).await?;
        let web = self.deployments.create(&post, &of("v1.yaml", "Deployment")).await?;
        let store = self.stateful_sets.create(&post, &of("v1.yaml", "StatefulSet")).await?;
        let agent = self.daemon_sets.create(&post, &of("v1.yaml", "DaemonSet")).await?;
        let twice = maps.create(&post, &of("v1.yaml", "ConfigMap")).await.map(|m| m.name_any()).unwrap_or_else(|e| told(&e));
        Ok(vec![map.name_any(), web.name_any(), store.name_any(), agent.name_any(), twice, self.rolled_out().await?])
    }

    async fn patch(&self) -> Told {
        let params = PatchParams::default();
        let strategic = Patch::Strategic(
            json!({"spec": {"template": {"spec": {"containers": [{"name": "web", "image": "registry.example/web:2.0.0"}]}}}}),
        );
        let web = self.deployments.patch("web", &params, &strategic).await?;
        let merge = Patch::Merge(of::<Value>("v2.yaml", "StatefulSet"));
        let store = self.stateful_sets.patch("store", &params, &merge).await?;
        let dry = self.stateful_sets.patch("store", &params.clone().dry_run(), &Patch::Merge(json!({"spec": {"replicas": 5}}))).await?;
        let same = self.deployments.patch("web", &params, &strategic).await?;
        let generations = [web.metadata.generation, store.metadata.generation, dry.metadata.generation, same.metadata.generation];
        Ok(vec![format!("{generations:?}"), self.rolled_out().await?])
    }

    async fn replace(&self) -> Told {
        let stale = self.deployments.get("web").await?;
        let mut web = stale.clone();
        for container in &mut web.spec.template.spec.as_mut().unwrap().containers {
            container.image = Some(format!("registry.example/{}:3.0.0", container.name));
        }
        let web = self.deployments.replace("web", &PostParams::default(), &web).await?;
        let refused =
            self.deployments.replace("web", &PostParams::default(), &stale).await.map(|_| String::new()).unwrap_or_else(|e| told(&e));
        Ok(vec![format!("{:?}", web.metadata.generation), refused, self.rolled_out().await?])
    }

    async fn apply(&self) -> Told {
        let web = Patch::Apply(of::<Value>("v1.yaml", "Deployment"));
        let refused =
            self.deployments.patch("web", &PatchParams::apply("script"), &web).await.map(|_| String::new()).unwrap_or_else(|e| told(&e));
        let web = self.deployments.patch("web", &PatchParams::apply("script").force(), &web).await?;
        let store = Patch::Apply(of::<Value>("v1.yaml", "StatefulSet"));
        let store = self.stateful_sets.patch("store", &PatchParams::apply("script").force(), &store).await?;
        Ok(vec![refused, format!("{:?} {:?}", web.metadata.generation, store.metadata.generation), self.rolled_out().await?])
    }

    async fn scale_and_restart(&self) -> Told {
        let scale = self.deployments.patch_scale("web", &PatchParams::default(), &Patch::Merge(json!({"spec": {"replicas": 3}}))).await?;
        let metadata = self.deployments.get_metadata("web").await?;
        let agent = self.daemon_sets.restart("agent").await?;
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), "shop");
        let first = pods.list(&ListParams::default().labels("app in (web, store)").limit(2)).await?;
        let absent = self.deployments.get("absent").await.map(|_| String::new()).unwrap_or_else(|e| told(&e));
        let replicas = scale.spec.and_then(|s| s.replicas);
        let generations = format!("{replicas:?} {:?} {:?}", metadata.metadata.generation, agent.metadata.generation);
        Ok(vec![generations, first.items.len().to_string(), absent, self.rolled_out().await?])
    }

    async fn remove(&self) -> Told {
        let gone = self.deployments.delete("web", &DeleteParams::background()).await?.is_right();
        let sets = self.stateful_sets.delete_collection(&DeleteParams::default(), &ListParams::default().labels("app=store")).await?;
        self.daemon_sets.delete("agent", &DeleteParams::default()).await?;
        Ok(vec![gone.to_string(), sets.either(|l| l.items.len().to_string(), |s| format!("{:?}", s.status))])
    }

    /// Watches the Deployment until its rollout is complete.
    async fn rolled_out(&self) -> Result<String, kube::Error> {
        let params = WatchParams::default().fields("metadata.name=web").timeout(60);
        let mut events = std::pin::pin!(self.deployments.watch(&params, "0").await?);
        while let Some(event) = events.try_next().await? {
            let (WatchEvent::Added(web) | WatchEvent::Modified(web)) = event else { continue };
            let (spec, status) = (web.spec, web.status.unwrap_or_default());
            let seen = status.observed_generation == web.metadata.generation;
            if seen
                && spec.replicas == status.updated_replicas
                && spec.replicas == status.available_replicas
                && spec.replicas == status.replicas
            {
                return Ok("web is rolled out".into());
            }
        }
        Ok("web is not rolled out".into())
    }
}
