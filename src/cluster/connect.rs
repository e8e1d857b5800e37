//! A kubeconfig becomes a client's configuration, by kubectl's rules (client-go `tools/clientcmd/loader.go`).
//!
//! Files of `KUBECONFIG` that are not there are skipped, the first file that sets something wins, an exec plugin is run once,
//! and a proxy is chosen as Go's clients choose it. The environment is handed in: only `cli` reads it.

use super::credentials::run_plugin;
use crate::diagnostic::{Diagnostic, Diagnostics};
use kube::config::{Config, KubeConfigOptions, Kubeconfig};
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// How to reach a cluster, as the user's environment and options say it.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// The files of `KUBECONFIG`, or `~/.kube/config`.
    pub kubeconfig: Vec<PathBuf>,
    /// `--context`; none for the current one.
    pub context: Option<String>,
    /// `HTTPS_PROXY` or `https_proxy`; the empty string if neither is set.
    pub https_proxy: String,
    /// `HTTP_PROXY` or `http_proxy`.
    pub http_proxy: String,
    /// `NO_PROXY` or `no_proxy`.
    pub no_proxy: String,
}

/// A cluster that can be asked. Nothing has been sent yet.
pub struct Connection {
    pub(super) config: Config,
    /// The context's name; none inside a cluster's pod.
    pub context: Option<String>,
    /// The namespace of objects that name none.
    pub namespace: String,
}

/// Finds the cluster that the user means. May run a credential plugin of the kubeconfig.
pub fn connect(access: &Access) -> Result<Connection, Diagnostics> {
    let kubeconfig = read_kubeconfig(access)?;
    let named = access.context.clone().or_else(|| kubeconfig.current_context.clone().filter(|c| !c.is_empty()));
    let (mut config, context) = match named {
        Some(context) => (of_context(kubeconfig, &context)?, Some(context)),
        None if kubeconfig.clusters.is_empty() && kubeconfig.contexts.is_empty() => (in_cluster(access)?, None),
        None => {
            let contexts = kubeconfig.contexts.iter().map(|c| c.name.as_str()).collect::<Vec<_>>().join(", ");
            return Err(failure("the kubeconfig has no current context").hint(format!("name one with `--context`: {contexts}")).into());
        }
    };
    if context.is_some() && config.proxy_url.is_none() {
        config.proxy_url = proxy(access, &config.cluster_url)?;
    }
    if let Some(plugin) = config.auth_info.exec.take() {
        run_plugin(&plugin)?.put_into(&mut config.auth_info);
    }
    config.connect_timeout = Some(Duration::from_secs(15));
    config.read_timeout = Some(Duration::from_secs(60));
    config.default_retry = false;
    let namespace = config.default_namespace.clone();
    Ok(Connection { config, context, namespace })
}

pub(super) fn failure(text: impl Into<String>) -> Diagnostic {
    Diagnostic::error("cluster-unreachable", text)
}

/// What a kubeconfig names, and none of its servers and credentials.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// The current context; empty if there is none.
    pub current: String,
    /// The contexts, in their order.
    pub contexts: Vec<ContextName>,
    /// Names of clusters.
    pub clusters: Vec<String>,
    /// Names of users.
    pub users: Vec<String>,
}

/// A context of a kubeconfig.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContextName {
    /// Its name.
    pub name: String,
    /// The name of its cluster.
    pub cluster: String,
    /// The name of its user; empty if it has none.
    pub user: String,
    /// Its namespace; empty if it has none.
    pub namespace: String,
}

/// What the user's kubeconfig names. Nothing is run and nothing is sent.
///
/// # Errors
/// If a file of the kubeconfig cannot be read.
pub fn names(access: &Access) -> Result<Names, Diagnostics> {
    let kubeconfig = read_kubeconfig(access)?;
    let context = |named: kube::config::NamedContext| {
        let context = named.context?;
        let (user, namespace) = (context.user.unwrap_or_default(), context.namespace.unwrap_or_default());
        Some(ContextName { name: named.name, cluster: context.cluster, user, namespace })
    };
    Ok(Names {
        current: kubeconfig.current_context.unwrap_or_default(),
        contexts: kubeconfig.contexts.into_iter().filter_map(context).collect(),
        clusters: kubeconfig.clusters.into_iter().map(|c| c.name).collect(),
        users: kubeconfig.auth_infos.into_iter().map(|u| u.name).collect(),
    })
}

fn read_kubeconfig(access: &Access) -> Result<Kubeconfig, Diagnostics> {
    let mut merged = Kubeconfig::default();
    for file in access.kubeconfig.iter().filter(|f| f.exists()) {
        let wrong = |e| failure(format!("cannot use the kubeconfig `{}`: {e}", file.display()));
        merged = Kubeconfig::read_from(file).and_then(|next| merged.merge(next)).map_err(wrong)?;
    }
    Ok(merged)
}

fn of_context(mut kubeconfig: Kubeconfig, context: &str) -> Result<Config, Diagnostics> {
    if !kubeconfig.contexts.iter().any(|c| c.name == context) {
        let known: Vec<&str> = kubeconfig.contexts.iter().map(|c| c.name.as_str()).collect();
        let hint = if known.is_empty() { "no kubeconfig names any context".into() } else { format!("there are: {}", known.join(", ")) };
        return Err(failure(format!("the kubeconfig has no context `{context}`")).hint(hint).into());
    }
    // The library would take the environment's proxy and match NO_PROXY against the proxy's own address: `proxy` does that job.
    let cluster_name = kubeconfig.contexts.iter().find(|c| c.name == context).and_then(|c| c.context.as_ref()).map(|c| c.cluster.clone());
    let cluster = kubeconfig.clusters.iter_mut().find(|c| Some(&c.name) == cluster_name.as_ref()).and_then(|c| c.cluster.as_mut());
    let own_proxy = cluster.and_then(|c| c.proxy_url.take()).filter(|p| !p.is_empty());
    let options = KubeConfigOptions { context: Some(context.to_owned()), ..KubeConfigOptions::default() };
    let runtime = super::live::runtime()?;
    let wrong = |e| failure(format!("cannot use the context `{context}`: {e}"));
    let mut config = runtime.block_on(Config::from_custom_kubeconfig(kubeconfig, &options)).map_err(wrong)?;
    config.proxy_url = own_proxy.map(|p| parse_proxy(&p)).transpose()?;
    Ok(config)
}

fn in_cluster(access: &Access) -> Result<Config, Diagnostics> {
    Config::incluster().map_err(|_| {
        let files: Vec<String> = access.kubeconfig.iter().map(|f| format!("`{}`", f.display())).collect();
        let looked = if files.is_empty() { "no file is named".to_owned() } else { format!("looked in {}", files.join(", ")) };
        failure(format!("there is no kubeconfig: {looked}")).hint("set KUBECONFIG, or use `--from FILE` with a snapshot").into()
    })
}

fn parse_proxy(url: &str) -> Result<http::Uri, Diagnostics> {
    let whole = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
    whole.parse().map_err(|e| failure(format!("the proxy `{url}` is no URL: {e}")).into())
}

/// The environment's proxy for an address that is no cluster's; none if it is reached directly or the proxy is no URL.
pub fn proxy_for(access: &Access, address: &http::Uri) -> Option<http::Uri> {
    proxy(access, address).ok().flatten()
}

/// The environment's proxy for a server, by the rules of Go's `golang.org/x/net/http/httpproxy`.
fn proxy(access: &Access, server: &http::Uri) -> Result<Option<http::Uri>, Diagnostics> {
    let url = if server.scheme_str() == Some("http") { &access.http_proxy } else { &access.https_proxy };
    let host = server.host().unwrap_or_default().trim_matches(['[', ']']);
    if url.is_empty() || goes_direct(&access.no_proxy, host, server.port_u16()) {
        return Ok(None);
    }
    parse_proxy(url).map(Some)
}

fn goes_direct(no_proxy: &str, host: &str, port: Option<u16>) -> bool {
    let (host, address) = (host.to_ascii_lowercase(), host.parse::<IpAddr>().ok());
    host == "localhost"
        || address.is_some_and(|a| a.is_loopback())
        || no_proxy.split(',').any(|rule| {
            let rule = rule.trim().to_ascii_lowercase();
            if let (Some(address), Some((network, bits))) = (address, rule.split_once('/')) {
                return in_network(address, network, bits);
            }
            let (name, rule_port) = match rule.rsplit_once(':') {
                Some((name, digits)) if !name.contains(':') => (name, digits.parse::<u16>().ok()),
                _ => (rule.as_str(), None),
            };
            let domain = name.trim_start_matches('*').trim_start_matches('.');
            let only_below = name.starts_with('.') || name.starts_with("*.");
            let matches = name == "*"
                || (!domain.is_empty() && ((host == domain && !only_below) || host.strip_suffix(domain).is_some_and(|h| h.ends_with('.'))));
            matches && (rule_port.is_none() || rule_port == port.or(Some(443)))
        })
}

fn in_network(address: IpAddr, network: &str, bits: &str) -> bool {
    let (Ok(network), Ok(bits)) = (network.parse::<IpAddr>(), bits.parse::<u32>()) else { return false };
    let (mine, net, width) = match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(n)) => (u128::from(a.to_bits()), u128::from(n.to_bits()), 32),
        (IpAddr::V6(a), IpAddr::V6(n)) => (a.to_bits(), n.to_bits(), 128),
        _ => return false,
    };
    bits <= width && (bits == 0 || (mine ^ net) >> (width - bits) == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(folder: &tempfile::TempDir, name: &str, text: &str) -> PathBuf {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    }

    fn kubeconfig(context: &str, server: &str, user: &str) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: {context}\nclusters: [{{name: c-{context}, cluster: {{server: '{server}'}}}}]\ncontexts: [{{name: {context}, context: {{cluster: c-{context}, user: u, namespace: ns-{context}}}}}]\nusers: [{{name: u, user: {user}}}]\n"
        )
    }

    #[test]
    fn files_merge_and_those_that_are_missing_are_skipped() {
        let folder = tempfile::tempdir().unwrap();
        let one = file(&folder, "one", &kubeconfig("one", "http://127.0.0.1:1", "{token: first}"));
        let two = file(&folder, "two", &kubeconfig("two", "http://127.0.0.1:2", "{token: second}"));
        let access = Access { kubeconfig: vec![folder.path().join("none"), one, two], ..Access::default() };
        let current = connect(&access).unwrap();
        assert_eq!((current.context.as_deref(), current.namespace.as_str()), (Some("one"), "ns-one"));
        let other = connect(&Access { context: Some("two".into()), ..access.clone() }).unwrap();
        assert_eq!(other.config.cluster_url.port_u16(), Some(2));
        let unknown = connect(&Access { context: Some("three".into()), ..access }).err().unwrap();
        assert_eq!(unknown.to_string(), "the kubeconfig has no context `three`");
        assert_eq!(unknown.0[0].hints, ["there are: one, two"]);
    }

    #[test]
    fn a_broken_file_and_none_at_all_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let broken = connect(&Access { kubeconfig: vec![file(&folder, "broken", "clusters: 7")], ..Access::default() }).err().unwrap();
        assert!(broken.to_string().contains("broken"), "{broken}");
        let none = connect(&Access { kubeconfig: vec![folder.path().join("none")], ..Access::default() }).err().unwrap();
        assert!(none.to_string().starts_with("there is no kubeconfig: looked in"), "{none}");
    }

    #[test]
    fn proxies_are_chosen_as_go_chooses_them() {
        for (rules, host, direct) in [
            ("", "localhost", true),
            ("", "127.0.0.9", true),
            ("", "api.example.com", false),
            ("*", "api.example.com", true),
            ("example.com", "api.example.com", true),
            ("example.com", "example.com", true),
            ("example.com", "badexample.com", false),
            (".example.com", "example.com", false),
            (" a.org , .example.com", "api.example.com", true),
            ("example.com:6443", "api.example.com", true),
            ("example.com:443", "api.example.com", false),
            ("10.0.0.0/8", "10.1.2.3", true),
            ("10.0.0.0/8", "11.1.2.3", false),
            ("10.1.2.3", "10.1.2.3", true),
            ("fd00::/8", "fd00::1", true),
        ] {
            assert_eq!(goes_direct(rules, host, Some(6443)), direct, "{rules} {host}");
        }
    }

    #[test]
    fn a_kubeconfigs_own_proxy_comes_first() {
        let folder = tempfile::tempdir().unwrap();
        let text = kubeconfig("one", "https://api.example.com:6443", "{token: t}");
        let own = text.replace("6443'", "6443', proxy-url: 'socks5://127.0.0.1:9'");
        let access = |file| Access { kubeconfig: vec![file], https_proxy: "proxy.example.org:3128".into(), ..Access::default() };
        let shown = |access: &Access| connect(access).unwrap().config.proxy_url.map(|u| u.to_string());
        assert_eq!(shown(&access(file(&folder, "own", &own))).as_deref(), Some("socks5://127.0.0.1:9/"));
        assert_eq!(shown(&access(file(&folder, "plain", &text))).as_deref(), Some("http://proxy.example.org:3128/"));
        let none = Access { no_proxy: "example.com".into(), ..access(file(&folder, "plain", &text)) };
        assert_eq!(shown(&none), None);
    }
}
