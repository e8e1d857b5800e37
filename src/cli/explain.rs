//! `rollcast explain`: what a code means, with an example and the way to mend it; or what an agent becomes.

use super::args::FleetFile;
use super::console::{Console, Failure};
use super::{CLEAN, agent_tree};
use crate::diagnostic::Diagnostic;
use crate::lint::codes;
use crate::report::style::Tone;

pub(super) fn run(code: Option<&str>, fleet: &FleetFile, console: &mut Console) -> Result<u8, Failure> {
    let mut out = String::new();
    match code {
        None => {
            let width = codes::all().map(|c| c.code.len()).max().unwrap_or(0);
            for (about, codes) in codes::GROUPS {
                let gap = if out.is_empty() { "" } else { "\n" };
                out.push_str(&format!("{gap}{}\n", console.dress.paint(Tone::Strong, about)));
                for c in codes {
                    out.push_str(&format!("  {:width$}  {}\n", c.code, c.title));
                }
            }
        }
        Some(code) => {
            let Some(found) = codes::find(code) else {
                // Whoever asks for what is neither is told of the codes, unless it was written as an agent is.
                let named = code.contains(['.', '/']) || fleet.fleet.exists();
                let tree = if named { agent_tree::tree(code, fleet, console)? } else { None };
                console.print(&tree.ok_or_else(|| unknown(code))?)?;
                return Ok(CLEAN);
            };
            out.push_str(&format!("{}: {}\n\n", console.dress.paint(Tone::Strong, found.code), found.title));
            if !found.text.is_empty() {
                out.push_str(&format!("{}\n\n", found.text));
            }
            out.push_str(&format!("Example:\n\n{}\n\n", indented(found.example)));
            out.push_str(&format!("What to do:\n\n{}\n", indented(found.fix)));
        }
    }
    console.print(&out)?;
    Ok(CLEAN)
}

fn indented(text: &str) -> String {
    text.lines().map(|l| if l.is_empty() { String::new() } else { format!("    {l}") }).collect::<Vec<_>>().join("\n")
}

fn unknown(code: &str) -> Diagnostic {
    let error = Diagnostic::error("unknown-code", format!("there is no code `{code}`"));
    match crate::diagnostic::nearest(code, codes::all().map(|c| c.code)) {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error.hint("`rollcast explain` without a code lists them all"),
    }
}
