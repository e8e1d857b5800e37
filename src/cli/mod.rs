//! The commands, one file each. The only place that prints, reads the environment, knows exit codes or opens clients.

mod agent_tree;
mod args;
mod assemble;
mod base;
mod check;
mod console;
mod diff;
mod explain;
mod fleet;
mod images;
mod init;
mod inputs;
mod left_behind;
mod manifests;
mod mistakes;
mod owners;
mod rehearse;
mod render;
mod serve;
mod snapshot;
mod start;

use args::{Cli, Command, SchemaFormat};
use clap::{CommandFactory, Parser};
use console::{Console, Failure};
use std::ffi::OsString;
use std::process::ExitCode;

/// Exit code of a command that did its work and found nothing.
const CLEAN: u8 = 0;
/// Exit code of a command that found something: differences, a budget exceeded.
const FOUND: u8 = 1;
/// Exit code for an error of use, input or reading.
const ERROR: u8 = 2;

/// Runs one command line and gives its exit code: 0 clean, 1 differences or over budget, 2 error.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Nothing is left to do where even the help cannot be written.
            drop(error.print());
            return ExitCode::from(if error.use_stderr() { ERROR } else { CLEAN });
        }
    };
    if !matches!(cli.command, Command::Serve(_) | Command::Rehearse(_) | Command::Isolated(_)) {
        use_small_pages();
    }
    let mut console = Console::new(cli.color);
    match dispatch(&cli.command, &mut console) {
        Ok(code) => ExitCode::from(code),
        Err(Failure::Pipe) => ExitCode::from(CLEAN),
        Err(Failure::Wrong(diagnostics)) => {
            console.complain(&diagnostics);
            ExitCode::from(ERROR)
        }
    }
}

/// Huge pages make a server of many objects faster. A command that is soon over gains nothing, and is given memory that it has no use for
/// (docs/decisions/0012-mimalloc.md).
fn use_small_pages() {
    // Where it cannot be done, the kernel has none.
    #[cfg(target_os = "linux")]
    rustix::thread::disable_transparent_huge_pages(true).ok();
}

fn dispatch(command: &Command, console: &mut Console) -> Result<u8, Failure> {
    match command {
        Command::Check(options) => check::run(options, true, console),
        Command::Plan { plan, check } => check::run(plan, *check, console),
        Command::Diff(options) => diff::run(options, console),
        Command::Render(options) => render::run(options, console),
        Command::Snapshot(options) => snapshot::run(options, console),
        Command::Init(options) => init::run(options, console),
        Command::Rehearse(options) => rehearse::run(options, console),
        Command::Serve(options) => serve::run(options, console),
        Command::Fleet(args::Fleet::Show { fleet, key }) => fleet::show(fleet, key, console),
        Command::Images(options) => images::run(options, console),
        Command::Isolated(options) => Ok(rehearse::become_command(options)),
        Command::Explain { code, fleet } => explain::run(code.as_deref(), fleet, console),
        Command::Schema { format: SchemaFormat::Fleet } => {
            let schema = serde_json::to_string_pretty(&crate::fleet::json_schema()).expect("a schema has only string keys");
            console.print(&(schema + "\n"))?;
            Ok(CLEAN)
        }
        Command::Completions { shell } => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "rollcast", &mut script);
            console.print(&String::from_utf8_lossy(&script))?;
            Ok(CLEAN)
        }
    }
}
