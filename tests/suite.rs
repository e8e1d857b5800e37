//! Everything that needs no cluster, as one test program.

mod yaml;
