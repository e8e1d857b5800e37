//! An Ingress without a class gets the default one.
//!
//! Follows `plugin/pkg/admission/network/defaultingressclass/admission.go`.

use super::storage::newest_first;
use crate::object::{Value, at, map_at};
use crate::simulate::Cluster;

pub(super) fn default_class(cluster: &Cluster, ingress: &mut Value) {
    let named = at(ingress, &["spec", "ingressClassName"]).is_some();
    if named || at(ingress, &["metadata", "annotations", "kubernetes.io/ingress.class"]).is_some() {
        return;
    }
    let classes = cluster.store.list("networking.k8s.io", "IngressClass", None).map(|(_, class)| &**class);
    let default = |class: &&Value| class["metadata"]["annotations"]["ingressclass.kubernetes.io/is-default-class"] == "true";
    if let Some(class) = classes.filter(default).min_by(|a, b| newest_first(a, b)) {
        map_at(ingress, &["spec"]).insert("ingressClassName".into(), class["metadata"]["name"].clone());
    }
}
