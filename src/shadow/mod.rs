//! The simulated cluster as a Kubernetes API server over HTTP, for real clients.
//!
//! A request comes in through `server`; `address` says what its path names; discovery, OpenAPI and the documents of the server itself
//! are answered from data, everything else is a verb on a resource (`resource`): reads are answered from the store (`list`, `watch`,
//! `table`), writes go through [`simulate::Cluster::write`](crate::simulate::Cluster::write), as declared steps do, and are noted in
//! the `journal`. Nothing here decides what a write does.

mod accept;
mod access;
mod address;
mod answer;
mod body;
mod brief;
mod discovery;
mod fields;
mod fresh;
mod history;
mod journal;
mod list;
mod openapi;
mod protobuf;
mod resource;
mod served;
mod server;
mod state;
mod subresource;
mod table;
mod text;
mod tls;
mod turns;
mod twice;
mod view;
mod watch;

pub use fresh::fill;
pub use journal::{Client, Journal};
pub use server::{Listening, listen, serve, threads};
pub use state::{Options, Reporter, Shadow};
pub use tls::Tls;
