//! The caller's environment becomes the script's: nothing in it leads to a cluster but the kubeconfig that was made for it.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

/// What names that lead clients to a cluster begin with: kubectl and client libraries in a pod, helm, Terraform's and Ansible's
/// providers, kapp.
const LEADING: [&str; 6] = ["KUBERNETES_", "HELM_KUBE", "KUBE_", "K8S_AUTH_", "KAPP_KUBE", "KUBEMASTER"];

/// Begins like one of those and leads nowhere.
const HARMLESS: [&str; 1] = ["KUBE_EDITOR"];

/// Where a proxy is named.
const PROXIES: [&str; 6] = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"];

/// Gives a command its environment. `folder` holds `config`, the folder `bin` to be found first, and a cache.
pub(super) fn set(command: &mut Command, caller: &BTreeMap<String, String>, folder: &Path) {
    for name in caller.keys().filter(|name| leads_to_a_cluster(name)) {
        command.env_remove(name);
    }
    command.env("KUBECONFIG", folder.join("config"));
    // Discovery is cached by host and port, which the next rehearsal may have again with another cluster behind it.
    command.env("KUBECACHEDIR", folder.join("cache"));
    let old = caller.get("PATH").map_or("/usr/local/bin:/usr/bin:/bin", String::as_str);
    command.env("PATH", format!("{}:{old}", folder.join("bin").display()));
    if PROXIES.iter().any(|name| caller.get(*name).is_some_and(|value| !value.is_empty())) {
        for name in ["NO_PROXY", "no_proxy"] {
            let known = caller.get(name).filter(|rules| !rules.is_empty()).map(|rules| format!("{rules},")).unwrap_or_default();
            command.env(name, format!("{known}127.0.0.1,localhost"));
        }
    }
}

fn leads_to_a_cluster(name: &str) -> bool {
    LEADING.iter().any(|start| name.starts_with(start)) && !HARMLESS.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::set;
    use std::collections::BTreeMap;
    use std::path::Path;
    use std::process::Command;

    #[test]
    fn what_leads_to_a_cluster_is_cleared_and_proxies_are_passed_by() {
        let caller = ["KUBERNETES_SERVICE_HOST", "HELM_KUBETOKEN", "KUBE_TOKEN", "KUBE_EDITOR", "HTTPS_PROXY", "NO_PROXY", "PATH"];
        let caller: BTreeMap<String, String> = caller.map(|name| (name.into(), "x".into())).into();
        let mut command = Command::new("true");
        set(&mut command, &caller, Path::new("/made"));
        let text = |value: &std::ffi::OsStr| value.to_str().unwrap().to_owned();
        let given: BTreeMap<String, Option<String>> = command.get_envs().map(|(k, v)| (text(k), v.map(text))).collect();
        let is = |name: &str| given.get(name).cloned();
        assert_eq!([is("KUBERNETES_SERVICE_HOST"), is("HELM_KUBETOKEN"), is("KUBE_TOKEN")], [Some(None), Some(None), Some(None)]);
        assert_eq!(is("KUBE_EDITOR"), None);
        assert_eq!(is("PATH"), Some(Some("/made/bin:x".into())));
        assert_eq!(is("NO_PROXY"), Some(Some("x,127.0.0.1,localhost".into())));
        assert_eq!(is("KUBECONFIG"), Some(Some("/made/config".into())));
    }
}
