//! The `rollcast` command.

use std::process::ExitCode;

/// Objects are many small allocations, and those of the shadow are made by one thread and dropped by another (docs/decisions/0012-mimalloc.md).
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    rollcast::cli::run(std::env::args_os())
}
