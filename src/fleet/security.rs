//! The security settings of an agent: a profile, and single settings laid over it.

use super::file::{SecurityFile, SecurityProfile, SecurityTable};
use super::read::At;

/// The user and the groups of a hardened agent: none that a node has.
const NOBODYS: i64 = 10001;

/// Security contexts of a pod and of each of its containers; what is none is left to Kubernetes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Security {
    /// The user's number.
    pub run_as_user: Option<i64>,
    /// The group's number.
    pub run_as_group: Option<i64>,
    /// The group that owns volumes.
    pub fs_group: Option<i64>,
    /// Whether root is refused.
    pub non_root: Option<bool>,
    /// Whether the root file system is read-only.
    pub read_only_root: Option<bool>,
    /// Whether a process may gain rights.
    pub privilege_escalation: Option<bool>,
    /// Capabilities to take away.
    pub drop: Vec<String>,
    /// Whether system calls are filtered as the container runtime does.
    pub seccomp: bool,
}

impl Security {
    fn of(profile: SecurityProfile) -> Self {
        let restricted =
            Self { non_root: Some(true), privilege_escalation: Some(false), drop: vec!["ALL".into()], seccomp: true, ..Self::default() };
        match profile {
            SecurityProfile::None => Self::default(),
            SecurityProfile::Restricted => restricted,
            SecurityProfile::Hardened => Self {
                run_as_user: Some(NOBODYS),
                run_as_group: Some(NOBODYS),
                fs_group: Some(NOBODYS),
                read_only_root: Some(true),
                ..restricted
            },
        }
    }

    /// Whether pods with it meet the `restricted` Pod Security Standard, as far as security contexts decide that.
    pub fn restricted(&self) -> bool {
        let all = self.drop.iter().any(|c| c == "ALL");
        self.non_root == Some(true) && self.run_as_user != Some(0) && self.privilege_escalation == Some(false) && all && self.seccomp
    }
}

/// What is written, over the profile that holds where nothing is.
pub(super) fn security(file: Option<&At<SecurityFile>>, unless_given: SecurityProfile) -> Security {
    let table = match file.map(|f| &f.value) {
        None => return Security::of(unless_given),
        Some(SecurityFile::Short(profile)) => return Security::of(*profile),
        Some(SecurityFile::Table(table)) => table,
    };
    let SecurityTable { profile, run_as_user, run_as_group, fs_group, non_root, read_only_root, privilege_escalation, drop } = &**table;
    let base = Security::of(profile.as_ref().map_or(unless_given, |p| p.value));
    let number = |own: &Option<At<i64>>, base: Option<i64>| own.as_ref().map(|n| n.value).or(base);
    let flag = |own: &Option<At<bool>>, base: Option<bool>| own.as_ref().map(|b| b.value).or(base);
    Security {
        run_as_user: number(run_as_user, base.run_as_user),
        run_as_group: number(run_as_group, base.run_as_group),
        fs_group: number(fs_group, base.fs_group),
        non_root: flag(non_root, base.non_root),
        read_only_root: flag(read_only_root, base.read_only_root),
        privilege_escalation: flag(privilege_escalation, base.privilege_escalation),
        drop: drop.as_ref().map_or(base.drop, |d| d.value.iter().map(|c| c.value.clone()).collect()),
        seccomp: base.seccomp,
    }
}
