//! `rollcast serve`: the shadow alone, until it is interrupted.

use super::CLEAN;
use super::args::{PodsName, Serve};
use super::console::{Console, Failure};
use super::start::{self, Behaviour, Started};
use crate::cluster;
use crate::diagnostic::Diagnostic;
use crate::object::{Value, base64, json};
use crate::shadow::{self, Tls};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::path::Path;
use std::sync::Arc;

pub(super) fn run(options: &Serve, console: &mut Console) -> Result<u8, Failure> {
    let names = names(options);
    let tls = tls(options, &names)?;
    let behaviour = Behaviour {
        kubernetes: options.kubernetes.as_deref(),
        timing: (options.timing.restart, options.timing.stop),
        pods_stay_pending: options.pods == PodsName::Pending,
        pace: options.pace,
        trusted: &[],
        token: options.token.clone(),
    };
    let Started { shadow, state, assumptions } = start::start(&options.state, &behaviour, console)?;
    assumptions.iter().for_each(|a| console.remark(a));
    as_many_files_as_allowed();
    let failed = |what: &str, e: std::io::Error| Failure::from(Diagnostic::error("cannot-serve", format!("cannot {what}: {e}")));
    let runtime = shadow::threads().map_err(|e| failed("start threads", e))?;
    runtime.block_on(async {
        let at = |e| failed(&format!("listen at {}", options.listen), e);
        let listener = TcpListener::bind(options.listen).map_err(at)?;
        let listening = shadow::serve(Arc::new(shadow), listener, tls.clone()).map_err(at)?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", with_port(&names[0], listening.address));
        if let Some(path) = &options.kubeconfig {
            let text = kubeconfig(&url, options.token.as_deref(), tls.as_ref());
            cluster::write_private_file(path, text.as_bytes()).map_err(|e| failed(&format!("write `{}`", path.display()), e))?;
        }
        console.print(&format!("{url}\n"))?;
        console.remark(&format!("{} objects of {}", state.objects.len(), state.source));
        tokio::signal::ctrl_c().await.map_err(|e| failed("wait for a signal", e))?;
        listening.stop().await;
        Ok(CLEAN)
    })
}

/// Each watch of each client holds a connection: as many of them as this process may have.
fn as_many_files_as_allowed() {
    let limit = getrlimit(Resource::Nofile);
    // Where that fails it is as it was.
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).ok();
}

/// Under which names clients may reach it, the one for the kubeconfig first.
fn names(options: &Serve) -> Vec<String> {
    let mut names = options.advertise.clone();
    let address = options.listen.ip();
    if address.is_unspecified() {
        names.extend(own_address(address).map(|own| own.to_string()));
    } else {
        names.push(address.to_string());
    }
    for always in ["127.0.0.1", "localhost"] {
        if !names.iter().any(|n| n == always) {
            names.push(always.to_owned());
        }
    }
    names
}

/// The address from which this machine would send to another one; nothing is sent.
fn own_address(like: IpAddr) -> Option<IpAddr> {
    let far = if like.is_ipv4() { "192.0.2.1:9" } else { "[2001:db8::1]:9" };
    let socket = UdpSocket::bind((like, 0)).ok()?;
    socket.connect(far).ok()?;
    socket.local_addr().ok().map(|a| a.ip()).filter(|a| !a.is_unspecified())
}

fn with_port(host: &str, address: SocketAddr) -> String {
    match host.parse::<IpAddr>() {
        Ok(ip) => SocketAddr::new(ip, address.port()).to_string(),
        Err(_) => format!("{host}:{}", address.port()),
    }
}

/// What to encrypt with; beyond the loopback nothing goes without, nor without a token.
fn tls(options: &Serve, names: &[String]) -> Result<Option<Tls>, Diagnostic> {
    let beyond = !options.listen.ip().is_loopback();
    if beyond && options.token.as_deref().is_none_or(str::is_empty) {
        let error = Diagnostic::error(
            "not-loopback",
            format!("`{}` can be reached from other machines, and no token is asked for", options.listen),
        );
        return Err(error.hint("give one, `--token` or ROLLCAST_TOKEN, or listen on the loopback: 127.0.0.1 or [::1]"));
    }
    let refused = |why: String| Diagnostic::error("cannot-serve", format!("cannot encrypt: {why}"));
    if let (Some(certificate), Some(key)) = (&options.tls_cert, &options.tls_key) {
        let read = |path: &Path| {
            std::fs::read(path).map_err(|e| Diagnostic::error("input-unreadable", format!("cannot read `{}`: {e}", path.display())))
        };
        return Tls::of(&read(certificate)?, &read(key)?).map(Some).map_err(refused);
    }
    if beyond || options.tls { Tls::made_for(names).map(Some).map_err(refused) } else { Ok(None) }
}

/// A kubeconfig that leads to the shadow.
fn kubeconfig(url: &str, token: Option<&str>, tls: Option<&Tls>) -> String {
    let user = token.map_or_else(|| json!({}), |token| json!({"token": token}));
    let mut cluster = json!({"server": url});
    if let Some(tls) = tls {
        cluster["certificate-authority-data"] = Value::from(base64::encode(tls.authority.as_bytes()));
    }
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "rollcast",
        "clusters": [{"name": "rollcast", "cluster": cluster}],
        "users": [{"name": "rollcast", "user": user}],
        "contexts": [{"name": "rollcast", "context": {"cluster": "rollcast", "user": "rollcast"}}],
    });
    crate::object::yaml::to_yaml(&config)
}
