//! Which feature gates are on by default in which version, where the stored object depends on it.
//!
//! From `pkg/features/kube_features.go` (`defaultVersionedKubernetesFeatureGates`) and `kube-apiserver --help` of each version.

use crate::schema::Version;

/// A feature gate that defaulting or a strategy asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::simulate) enum Gate {
    AtomicWriteVolumeUserFields,
    ClusterTrustBundleProjection,
    ContainerRestartRules,
    ContainerStopSignals,
    EmptyDirVolumeMode,
    EnvFiles,
    EvictionRequestApi,
    GenericWorkload,
    GrpcContainerProbeTls,
    H2cContainerProbe,
    HostnameOverride,
    HpaConfigurableTolerance,
    HpaGeneration,
    HpaScaleToZero,
    ImageVolume,
    InPlacePodLevelResourcesVerticalScaling,
    MaxUnavailableStatefulSet,
    MutableCsiNodeAllocatableCount,
    PodCertificateRequest,
    PodLevelResourcesFixDefaulting,
    VolumeBindMountOptions,
    VolumeLimitScaling,
    WorkloadWithJob,
}

impl Gate {
    /// Whether it is on in a version unless somebody set it.
    pub(in crate::simulate) fn enabled(self, version: Version) -> bool {
        let since = match self {
            Self::ContainerRestartRules
            | Self::EnvFiles
            | Self::HostnameOverride
            | Self::HpaConfigurableTolerance
            | Self::ImageVolume
            | Self::MutableCsiNodeAllocatableCount => Some(Version::V1_35),
            Self::InPlacePodLevelResourcesVerticalScaling => Some(Version::V1_36),
            Self::ClusterTrustBundleProjection
            | Self::HpaGeneration
            | Self::HpaScaleToZero
            | Self::MaxUnavailableStatefulSet
            | Self::PodCertificateRequest
            | Self::PodLevelResourcesFixDefaulting
            | Self::VolumeLimitScaling => Some(Version::V1_37),
            Self::AtomicWriteVolumeUserFields
            | Self::ContainerStopSignals
            | Self::EmptyDirVolumeMode
            | Self::EvictionRequestApi
            | Self::GenericWorkload
            | Self::GrpcContainerProbeTls
            | Self::H2cContainerProbe
            | Self::VolumeBindMountOptions
            | Self::WorkloadWithJob => None,
        };
        since.is_some_and(|since| version >= since)
    }
}
