//! Quantities: `1Gi`, `500m`, `1e3`, read, written and compared as Kubernetes does (apimachinery `pkg/api/resource`).
