//! `rollcast serve`: the shadow alone, until it is interrupted.

use super::CLEAN;
use super::args::{PodsName, Serve};
use super::console::{Console, Failure};
use super::start::{self, Behaviour, Started};
use crate::cluster;
use crate::diagnostic::Diagnostic;
use crate::object::json;
use crate::shadow;
use std::net::SocketAddr;
use std::sync::Arc;

pub(super) fn run(options: &Serve, console: &mut Console) -> Result<u8, Failure> {
    if !options.listen.ip().is_loopback() {
        let error = Diagnostic::error("not-loopback", format!("`{}` can be reached from other machines", options.listen));
        return Err(error.hint("listen on the loopback: 127.0.0.1 or [::1]").into());
    }
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
    let failed = |what: &str, e: std::io::Error| Failure::from(Diagnostic::error("cannot-serve", format!("cannot {what}: {e}")));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|e| failed("start threads", e))?;
    runtime.block_on(async {
        let at = format!("listen at {}", options.listen);
        let listening = shadow::listen(Arc::new(shadow), options.listen).await.map_err(|e| failed(&at, e))?;
        if let Some(path) = &options.kubeconfig {
            let text = kubeconfig(listening.address, options.token.as_deref());
            cluster::write_file(path, text.as_bytes()).map_err(|e| failed(&format!("write `{}`", path.display()), e))?;
        }
        console.print(&format!("http://{}\n", listening.address))?;
        console.remark(&format!("{} objects of {}", state.objects.len(), state.source));
        tokio::signal::ctrl_c().await.map_err(|e| failed("wait for a signal", e))?;
        listening.stop().await;
        Ok(CLEAN)
    })
}

/// A kubeconfig that leads to the shadow.
fn kubeconfig(address: SocketAddr, token: Option<&str>) -> String {
    let user = token.map_or_else(|| json!({}), |token| json!({"token": token}));
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "rollcast",
        "clusters": [{"name": "rollcast", "cluster": {"server": format!("http://{address}")}}],
        "users": [{"name": "rollcast", "user": user}],
        "contexts": [{"name": "rollcast", "context": {"cluster": "rollcast", "user": "rollcast"}}],
    });
    crate::object::yaml::to_yaml(&config)
}
