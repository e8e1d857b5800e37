//! What a pod template is forgiven because the older object had it already, and what the version allows.
//!
//! Follows `GetValidationOptionsFromPodSpecAndMeta` of `pkg/api/pod/util.go`.

use super::{containers_of, resources, scheduling, security, volumes};
use crate::object::Value;
use crate::schema::Version;
use crate::simulate::validate::check::{Check, Place};
use crate::simulate::validate::read::Read;
use crate::simulate::validate::selector;

/// See the fields.
#[derive(Clone, Copy, Debug, Default)]
pub(in crate::simulate::validate) struct Options {
    /// The object is a Pod, not a template.
    pub(in crate::simulate::validate) is_pod: bool,
    /// Huge pages need not be multiples of their size.
    pub(super) odd_huge_pages: bool,
    /// Values in selectors of affinity may be no label values.
    pub(in crate::simulate::validate) lax_selectors: bool,
    /// Values of required node affinity may be no label values.
    pub(super) lax_node_affinity: bool,
    /// Selectors of topology spread constraints are not looked at.
    pub(super) lax_spread_selectors: bool,
    /// The match label keys of topology spread constraints are checked as before.
    pub(super) old_match_label_keys: bool,
    /// Token paths may leave the volume.
    pub(super) lax_token_paths: bool,
    /// Namespaced sysctls are allowed with the host's namespaces.
    pub(super) lax_sysctls: bool,
    /// A pod deletion cost need not be a number.
    pub(super) lax_deletion_cost: bool,
    /// Init containers that end may have a resize policy that restarts, as they all may before 1.36.
    pub(super) lax_resize: bool,
    /// Image volumes of templates may name no image, as they all may before 1.37.
    pub(super) lax_image_reference: bool,
    /// `CAP_SYS_ADMIN` is allowed without privilege escalation.
    pub(super) sys_admin_without_escalation: bool,
    /// Block devices are allowed with user namespaces.
    pub(super) devices_with_user_namespaces: bool,
    /// Host network is allowed with user namespaces.
    pub(super) host_network_with_user_namespaces: bool,
    /// Variables may come from files.
    pub(super) variable_files: bool,
    /// Containers may have restart policies and rules.
    pub(super) restart_rules: bool,
    /// Rules may restart all containers.
    pub(super) restart_all: bool,
    /// Tolerations may compare numbers.
    pub(super) toleration_comparison: bool,
    /// Volumes may be relabelled by mount option (the gate `SELinuxMount` is off by default up to 1.36).
    pub(super) mount_option: bool,
    /// Addresses must be in strict notation.
    pub(super) strict_addresses: bool,
}

impl Options {
    /// See the field.
    pub(in crate::simulate::validate) fn strict_addresses(&self) -> bool {
        self.strict_addresses
    }

    /// For a template (or a pod) with this metadata and spec, which was `old` before.
    pub(in crate::simulate::validate) fn of(version: Version, is_pod: bool, old: Option<&Value>) -> Self {
        let at_least = |v: Version| version >= v;
        let mut options = Self {
            is_pod,
            variable_files: at_least(Version::V1_35),
            restart_rules: at_least(Version::V1_35),
            restart_all: at_least(Version::V1_36),
            strict_addresses: at_least(Version::V1_36),
            mount_option: at_least(Version::V1_37),
            lax_resize: !at_least(Version::V1_36),
            lax_image_reference: !is_pod && !at_least(Version::V1_37),
            ..Self::default()
        };
        if let Some(old) = old {
            options.forgive(version, old.part("metadata"), old.part("spec"));
        }
        options
    }

    fn forgive(&mut self, version: Version, metadata: &Value, spec: &Value) {
        let mut check = Check::new(version);
        self.odd_huge_pages = resources::has_odd_huge_pages(spec);
        self.lax_selectors = scheduling::affinity_terms(spec).any(|t| {
            selector::has_bad_values(version, t.part("labelSelector")) || selector::has_bad_values(version, t.part("namespaceSelector"))
        });
        self.lax_node_affinity = scheduling::has_bad_node_values(version, scheduling::required_nodes(spec));
        let at = Place::root("");
        for constraint in spec.list("topologySpreadConstraints") {
            selector::selector(&mut check, constraint.part("labelSelector"), false, &at);
        }
        self.lax_spread_selectors = check.count() > 0;
        let before = check.count();
        for constraint in spec.list("topologySpreadConstraints") {
            scheduling::label_keys(&mut check, constraint, &at);
        }
        self.old_match_label_keys = check.count() > before;
        self.lax_token_paths = volumes::token_paths(spec).any(|p| {
            let before = check.count();
            volumes::local_path(&mut check, p, &at);
            check.count() > before
        });
        self.lax_sysctls =
            spec.part("securityContext").list("sysctls").iter().any(|s| security::host_sysctl(s.text("name"), spec).is_some());
        self.lax_deletion_cost = !super::deletion_cost_is_number(metadata);
        self.lax_resize |= spec
            .list("initContainers")
            .iter()
            .filter(|c| c.text("restartPolicy") != "Always")
            .any(|c| c.list("resizePolicy").iter().any(|p| p.text("restartPolicy") == "RestartContainer"));
        if version >= Version::V1_37 {
            let unnamed = |v: &Value| v.field("image").is_some_and(|image| image.text("reference").is_empty());
            self.lax_image_reference = spec.list("volumes").iter().any(unnamed);
            self.sys_admin_without_escalation = containers_of(spec).any(|(_, _, c)| security::is_held_sys_admin(c.part("securityContext")));
        }
        self.devices_with_user_namespaces =
            spec.flag("hostUsers") == Some(false) && containers_of(spec).any(|(_, _, c)| !c.list("volumeDevices").is_empty());
        self.host_network_with_user_namespaces = spec.flag("hostUsers") == Some(false) && spec.on("hostNetwork");
        self.variable_files |= containers_of(spec).any(|(_, _, c)| c.list("env").iter().any(|e| e.part("valueFrom").has("fileKeyRef")));
        let rules = || containers_of(spec).flat_map(|(_, _, c)| c.list("restartPolicyRules"));
        self.restart_rules |= rules().next().is_some() || spec.list("containers").iter().any(|c| c.has("restartPolicy"));
        self.restart_all |= rules().any(|r| r.text("action") == "RestartAllContainers");
        self.mount_option |= spec.part("securityContext").text("seLinuxChangePolicy") == "MountOption";
        self.toleration_comparison = spec.list("tolerations").iter().any(|t| ["Lt", "Gt"].contains(&t.text("operator")));
    }
}
