//! A container of a pod becomes a service of a compose file.

use crate::diagnostic::Diagnostic;
use crate::object::quantity::Quantity;
use crate::object::{Map, Value, at, integer, items, json, text};
use crate::render::Manifest;
use std::collections::BTreeMap;

/// What a service is made from.
pub(super) struct Service<'m> {
    pub(super) workload: &'m Manifest,
    /// The pod template.
    pub(super) pod: &'m Value,
    pub(super) container: &'m Value,
    /// The service's name.
    pub(super) name: &'m str,
    /// The ConfigMaps of its namespace that are known.
    pub(super) config_maps: &'m BTreeMap<&'m str, &'m Value>,
    /// The keys of its namespace's Secrets, where all are known.
    pub(super) secrets: &'m BTreeMap<&'m str, Vec<&'m str>>,
}

/// A service, and what it needs beside it.
pub(super) struct Made {
    pub(super) service: Value,
    pub(super) volumes: Vec<String>,
    pub(super) configs: Vec<(String, Value)>,
    pub(super) notes: Vec<Diagnostic>,
}

impl Service<'_> {
    pub(super) fn make(&self) -> Made {
        let mut made = Made { service: Value::Null, volumes: Vec::new(), configs: Vec::new(), notes: Vec::new() };
        let container = self.container;
        let mut out = Map::new();
        let mut put = |key: &str, value: Value| {
            let empty = value.is_null() || value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Map::is_empty);
            if !empty {
                out.insert(key.into(), value);
            }
        };
        put("image", escaped(text(container, &["image"])).into());
        let variables = self.environment(&mut made);
        let words = |key: &str| {
            items(container, &[key]).iter().map(|w| expanded(w.as_str().unwrap_or_default(), &variables).into()).collect::<Vec<Value>>()
        };
        put("entrypoint", words("command").into());
        put("command", words("args").into());
        put("working_dir", container["workingDir"].clone());
        put("environment", variables.into_iter().map(|(name, value)| (name, value.into())).collect::<Map>().into());
        put("expose", items(container, &["ports"]).iter().map(|p| p["containerPort"].to_string()).collect());
        let (volumes, configs, tmpfs) = self.mounts(&mut made);
        put("volumes", volumes.into());
        put("configs", configs.into());
        self.security(tmpfs, &mut put);
        put("deploy", self.limits());
        put("healthcheck", self.health(&mut made));
        if let Some(seconds) = integer(self.pod, &["spec", "terminationGracePeriodSeconds"]) {
            put("stop_grace_period", format!("{seconds}s").into());
        }
        put("init", true.into());
        put("restart", "unless-stopped".into());
        made.service = Value::Object(out);
        made
    }

    /// What holds whatever the manifest says nothing about: nothing may be written, gained or asked of the kernel. What it says
    /// itself is kept.
    fn security(&self, tmpfs: bool, put: &mut impl FnMut(&str, Value)) {
        let own = |key: &str| {
            [&self.container["securityContext"][key], &self.pod["spec"]["securityContext"][key]].into_iter().find(|v| !v.is_null())
        };
        let user = own("runAsUser").map(|user| own("runAsGroup").map_or_else(|| user.to_string(), |group| format!("{user}:{group}")));
        put("user", user.into());
        if let Some(group) = self.pod["spec"]["securityContext"]["fsGroup"].as_i64() {
            put("group_add", json!([group.to_string()]));
        }
        if own("privileged").and_then(Value::as_bool) == Some(true) {
            return put("privileged", true.into());
        }
        let read_only = own("readOnlyRootFilesystem").and_then(Value::as_bool).unwrap_or(true);
        put("read_only", read_only.into());
        if read_only && !tmpfs {
            put("tmpfs", json!(["/tmp"]));
        }
        let capabilities = &self.container["securityContext"]["capabilities"];
        let dropped = if capabilities["drop"].is_null() { json!(["ALL"]) } else { capabilities["drop"].clone() };
        put("cap_drop", dropped);
        put("cap_add", capabilities["add"].clone());
        if own("allowPrivilegeEscalation").and_then(Value::as_bool) != Some(true) {
            put("security_opt", json!(["no-new-privileges:true"]));
        }
    }

    /// The keys of whole Secrets and ConfigMaps that become variables. Other variables are not replaced by these, and win.
    fn whole(&self, made: &mut Made) -> Vec<(String, String)> {
        let mut out = Vec::new();
        for source in items(self.container, &["envFrom"]) {
            let prefix = text(source, &["prefix"]);
            let (secret, config_map) = (text(source, &["secretRef", "name"]), text(source, &["configMapRef", "name"]));
            if let Some(keys) = self.secrets.get(secret) {
                let named = Value::from(secret);
                out.extend(keys.iter().map(|key| (format!("{prefix}{key}"), reference("Secret", Some(&named), Some(&Value::from(*key))))));
            } else if let Some(map) = self.config_maps.get(config_map).and_then(|map| map["data"].as_object()) {
                out.extend(map.iter().map(|(key, value)| (format!("{prefix}{key}"), escaped(value.as_str().unwrap_or_default()))));
            } else {
                let whose = if secret.is_empty() { format!("ConfigMap `{config_map}`") } else { format!("Secret `{secret}`") };
                let text = format!("{}: every key of the {whose} is a variable, and which they are is not known: left out", self.name);
                made.notes.push(Diagnostic::warning("compose-environment", text).hint("name them in compose.override.yaml"));
            }
        }
        out
    }

    fn environment(&self, made: &mut Made) -> Vec<(String, String)> {
        let mut out: Vec<(String, String)> = Vec::new();
        for variable in items(self.container, &["env"]) {
            let name = text(variable, &["name"]).to_owned();
            let from = &variable["valueFrom"];
            let value = if from.is_null() {
                expanded(text(variable, &["value"]), &out)
            } else if let Some(key) = from["secretKeyRef"].as_object() {
                reference("Secret", key.get("name"), key.get("key"))
            } else if let Some(key) = from["configMapKeyRef"].as_object() {
                let name = key.get("name").and_then(Value::as_str).unwrap_or_default();
                let known = self.config_maps.get(name).and_then(|map| map["data"][key.get("key")?.as_str()?].as_str());
                known.map_or_else(|| reference("ConfigMap", key.get("name"), key.get("key")), escaped)
            } else {
                match self.of_the_pod(text(from, &["fieldRef", "fieldPath"])) {
                    Some(value) => value,
                    None => {
                        let text = format!("{}: `{name}` comes from the pod or the node, which compose has not: left out", self.name);
                        made.notes.push(Diagnostic::warning("compose-environment", text).hint("give it a value in compose.override.yaml"));
                        continue;
                    }
                }
            };
            out.push((name, value));
        }
        let mut all = self.whole(made);
        all.extend(out);
        all
    }

    /// What a pod is told of itself.
    fn of_the_pod(&self, path: &str) -> Option<String> {
        let id = &self.workload.id;
        match path {
            "metadata.name" => Some(self.name.to_owned()),
            "metadata.namespace" => Some(id.namespace.to_string()),
            "spec.serviceAccountName" => Some(text(self.pod, &["spec", "serviceAccountName"]).to_owned()),
            "status.podIP" | "status.hostIP" => Some("127.0.0.1".to_owned()),
            _ => None,
        }
    }

    /// Volumes, configs, and whether something is mounted at `/tmp`.
    fn mounts(&self, made: &mut Made) -> (Vec<Value>, Vec<Value>, bool) {
        let (mut volumes, mut configs, mut tmp) = (Vec::new(), Vec::new(), false);
        for mount in items(self.container, &["volumeMounts"]) {
            let (name, target) = (text(mount, &["name"]), text(mount, &["mountPath"]));
            tmp |= target == "/tmp";
            let source = items(self.pod, &["spec", "volumes"]).iter().find(|v| v["name"] == name).unwrap_or(&Value::Null);
            let read_only = mount["readOnly"].as_bool() == Some(true);
            if let Some(map) = source["configMap"].as_object() {
                let name = map.get("name").and_then(Value::as_str).unwrap_or_default();
                match self.config_maps.get(name) {
                    Some(known) => configs.extend(self.files(known, source, mount, made)),
                    None => volumes.push(bind(&format!("./config/{name}"), target)),
                }
            } else if let Some(secret) = source["secret"].as_object() {
                let name = secret.get("secretName").and_then(Value::as_str).unwrap_or_default();
                volumes.push(bind(&format!("./secrets/{name}"), target));
            } else if text(source, &["emptyDir", "medium"]) == "Memory" {
                let size = at(source, &["emptyDir", "sizeLimit"]).and_then(bytes);
                let mut volume = json!({ "type": "tmpfs", "target": target });
                if let Some(size) = size {
                    volume["tmpfs"] = json!({ "size": size });
                }
                volumes.push(volume);
            } else {
                let claim = text(source, &["persistentVolumeClaim", "claimName"]);
                let volume = if claim.is_empty() { format!("{}-{name}", self.workload.id.name) } else { claim.to_owned() };
                let mut out = json!({ "type": "volume", "source": volume, "target": target });
                if read_only {
                    out["read_only"] = true.into();
                }
                let below = text(mount, &["subPath"]);
                if !below.is_empty() {
                    out["volume"] = json!({ "subpath": below });
                }
                volumes.push(out);
                made.volumes.push(volume);
            }
        }
        (volumes, configs, tmp)
    }

    /// The files of a ConfigMap where a mount puts them.
    fn files(&self, known: &Value, source: &Value, mount: &Value, made: &mut Made) -> Vec<Value> {
        let (target, only) = (text(mount, &["mountPath"]), text(mount, &["subPath"]));
        let map = text(known, &["metadata", "name"]);
        let chosen = items(source, &["configMap", "items"]);
        let mut files: Vec<(&str, &str, &str)> = Vec::new();
        for (key, content) in known["data"].as_object().into_iter().flat_map(Map::iter) {
            let path = chosen.iter().find(|i| i["key"] == key.as_str()).map(|i| text(i, &["path"]));
            let Some(path) = path.or(chosen.is_empty().then_some(key.as_str())) else { continue };
            files.push((key.as_str(), path, content.as_str().unwrap_or_default()));
        }
        let mut out = Vec::new();
        for (key, path, content) in files {
            let place = match only {
                "" => format!("{}/{path}", target.trim_end_matches('/')),
                wanted if wanted == path => target.to_owned(),
                _ => continue,
            };
            let name = format!("{map}-{key}");
            made.configs.push((name.clone(), json!({ "content": escaped(content) })));
            out.push(json!({ "source": name, "target": place }));
        }
        out
    }

    fn limits(&self) -> Value {
        let resources = &self.container["resources"];
        let side = |which: &str| {
            let mut out = Map::new();
            if let Some(cpus) = resources[which]["cpu"].as_str().and_then(|q| Quantity::parse(q).ok()?.milli_value()) {
                out.insert("cpus".into(), format!("{}", cpus as f64 / 1000.0).into());
            }
            if let Some(memory) = bytes(&resources[which]["memory"]) {
                out.insert("memory".into(), memory.into());
            }
            out
        };
        let mut out = Map::new();
        for (ours, theirs) in [("limits", "limits"), ("requests", "reservations")] {
            let side = side(ours);
            if !side.is_empty() {
                out.insert(theirs.into(), side.into());
            }
        }
        if out.is_empty() { Value::Null } else { json!({ "resources": out }) }
    }

    /// One check stands for three probes: whether it is alive, and for how long it may take to start.
    fn health(&self, made: &mut Made) -> Value {
        let probe = ["livenessProbe", "readinessProbe", "startupProbe"].into_iter().map(|key| &self.container[key]).find(|p| !p.is_null());
        let Some(probe) = probe else { return Value::Null };
        let test = if let Some(exec) = probe["exec"]["command"].as_array() {
            let words = exec.iter().map(|w| escaped(w.as_str().unwrap_or_default()).into());
            Value::Array([Value::from("CMD")].into_iter().chain(words).collect())
        } else if let Some(http) = probe["httpGet"].as_object() {
            let scheme = http.get("scheme").and_then(Value::as_str).unwrap_or("HTTP").to_lowercase();
            let path = http.get("path").and_then(Value::as_str).unwrap_or("/");
            let url = format!("{scheme}://127.0.0.1:{}{}", self.port(http.get("port")), escaped(path));
            json!(["CMD-SHELL", format!("wget -q -O /dev/null '{url}' || curl -fsSo /dev/null '{url}'")])
        } else if let Some(tcp) = probe["tcpSocket"].as_object() {
            json!(["CMD-SHELL", format!("nc -z 127.0.0.1 {0} || (exec 3<>/dev/tcp/127.0.0.1/{0})", self.port(tcp.get("port")))])
        } else {
            let text = format!("{}: a gRPC probe has no counterpart in compose: left out", self.name);
            made.notes.push(Diagnostic::warning("compose-probe", text).hint("write a healthcheck in compose.override.yaml"));
            return Value::Null;
        };
        let seconds = |key: &str, default: i64| format!("{}s", probe[key].as_i64().unwrap_or(default));
        let mut out = json!({
            "test": test,
            "interval": seconds("periodSeconds", 10),
            "timeout": seconds("timeoutSeconds", 1),
            "retries": probe["failureThreshold"].as_i64().unwrap_or(3),
        });
        let startup = &self.container["startupProbe"];
        let patience = match startup.is_null() {
            true => probe["initialDelaySeconds"].as_i64().unwrap_or(0),
            false => startup["failureThreshold"].as_i64().unwrap_or(3) * startup["periodSeconds"].as_i64().unwrap_or(10),
        };
        if patience > 0 {
            out["start_period"] = format!("{patience}s").into();
        }
        out
    }

    /// The number of a port that is named.
    fn port(&self, port: Option<&Value>) -> String {
        let Some(port) = port else { return String::new() };
        let named = items(self.container, &["ports"]).iter().find(|p| p["name"] == *port);
        named.map_or_else(|| port.to_string().trim_matches('"').to_owned(), |p| p["containerPort"].to_string())
    }
}

/// A directory of the machine that must be there; what it holds is shown and never written.
fn bind(source: &str, target: &str) -> Value {
    json!({ "type": "bind", "source": source, "target": target, "read_only": true, "bind": { "create_host_path": false } })
}

/// A value that compose takes from its environment or `.env`, and does not start without.
fn reference(kind: &str, name: Option<&Value>, key: Option<&Value>) -> String {
    let word = |v: Option<&Value>| v.and_then(Value::as_str).unwrap_or_default().to_owned();
    let (name, key) = (word(name), word(key));
    let variable: String =
        format!("{name}_{key}").to_uppercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' }).collect();
    format!("${{{variable}:?key {key} of {kind} {name}}}")
}

/// A dollar sign is compose's own.
fn escaped(text: &str) -> String {
    text.replace('$', "$$")
}

/// `$(NAME)` replaced as Kubernetes does, in compose's spelling: what is not known stays, `$$` stands for one. What is known is
/// in compose's spelling already.
fn expanded(text: &str, known: &[(String, String)]) -> String {
    let (mut out, mut rest) = (String::new(), text);
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let tail = &rest[at..];
        let inner = tail.strip_prefix("$(").and_then(|t| t.split_once(')'));
        let value = inner.and_then(|(name, after)| Some((known.iter().rev().find(|(n, _)| n == name)?, after)));
        rest = match value {
            Some(((_, value), after)) => {
                out.push_str(value);
                after
            }
            None => {
                out.push_str("$$");
                tail.strip_prefix("$$").unwrap_or(&tail[1..])
            }
        };
    }
    out.push_str(rest);
    out
}

/// A quantity of memory as compose writes it.
fn bytes(quantity: &Value) -> Option<String> {
    let quantity = Some(quantity).filter(|q| !q.is_null())?;
    let value = Quantity::from_value(quantity).ok()?.value()?;
    let unit = [(1 << 30, "g"), (1 << 20, "m"), (1 << 10, "k")].into_iter().find(|(size, _)| value > 0 && value % size == 0);
    Some(unit.map_or_else(|| format!("{value}b"), |(size, unit)| format!("{}{unit}", value / size)))
}

#[cfg(test)]
mod tests {
    use super::{bytes, escaped, expanded};
    use crate::object::json;

    #[test]
    fn dollars_keep_their_meaning() {
        let known = [("A".to_owned(), "1".to_owned())];
        assert_eq!(expanded("$(A)$(B)$$(A)${HOME}", &known), "1$$(B)$$(A)$${HOME}");
        assert_eq!(escaped("${HOME}"), "$${HOME}");
    }

    #[test]
    fn memory_in_the_largest_whole_unit() {
        let of = |text: &str| bytes(&json!(text)).unwrap();
        assert_eq!([of("1Gi"), of("512Mi"), of("1500M"), of("3Ki")], ["1g", "512m", "1500000000b", "3k"]);
    }
}
