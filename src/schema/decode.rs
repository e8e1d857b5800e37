//! The round trip through a Go type: what a server keeps of a JSON value, and what it says about the rest.
