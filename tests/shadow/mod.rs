//! The shadow as a client sees it: over HTTP, on the loopback.

mod hostile;
mod http;
mod protobuf;
mod refusals;
mod replay;
mod tables;
mod watch;
