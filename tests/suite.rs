//! Everything that needs no cluster, as one test program.

mod bad_input;
mod golden_render;
mod yaml;
