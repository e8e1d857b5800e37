//! The `rollcast` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    rollcast::cli::run(std::env::args_os())
}
