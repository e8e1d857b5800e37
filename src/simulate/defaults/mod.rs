//! The defaults that Kubernetes fills into an object, kind by kind.
