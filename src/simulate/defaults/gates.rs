//! Which feature gates are on by default in which version, where the stored object depends on it.
//!
//! From `pkg/features/kube_features.go` (`defaultVersionedKubernetesFeatureGates`) and `kube-apiserver --help` of each version.

use crate::schema::Version;

/// A feature gate that defaulting or a strategy asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulate) enum Gate {
    ClusterTrustBundleProjection,
    ContainerRestartRules,
    ContainerStopSignals,
    EnvFiles,
    GenericWorkload,
    HostnameOverride,
    ImageVolume,
    MaxUnavailableStatefulSet,
    PodCertificateRequest,
}

impl Gate {
    /// Whether it is on in a version unless somebody set it.
    pub(in crate::simulate) fn enabled(self, version: Version) -> bool {
        let since = match self {
            Self::ContainerRestartRules | Self::EnvFiles | Self::HostnameOverride | Self::ImageVolume => Some(Version::V1_35),
            Self::MaxUnavailableStatefulSet => Some(Version::V1_37),
            Self::ClusterTrustBundleProjection | Self::ContainerStopSignals | Self::GenericWorkload | Self::PodCertificateRequest => None,
        };
        since.is_some_and(|since| version >= since)
    }
}
