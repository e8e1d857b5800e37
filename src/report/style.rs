//! Colour, or none: the only place that knows escape codes.

use anstyle::{AnsiColor, Style};

/// How output is dressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dress {
    /// Plain text.
    Plain,
    /// Colour and box characters, for a terminal.
    Terminal,
}

/// What a piece of text means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// A heading.
    Strong,
    /// Something costs too much.
    Bad,
    /// Something changes.
    Change,
    /// All is well.
    Good,
    /// Of less weight.
    Faint,
}

impl Dress {
    /// The text in its tone.
    pub fn paint(self, tone: Tone, text: &str) -> String {
        if text.is_empty() {
            return String::new();
        }
        if self == Self::Plain {
            return text.to_owned();
        }
        let style = match tone {
            Tone::Strong => Style::new().bold(),
            Tone::Bad => Style::new().bold().fg_color(Some(AnsiColor::Red.into())),
            Tone::Change => Style::new().fg_color(Some(AnsiColor::Yellow.into())),
            Tone::Good => Style::new().fg_color(Some(AnsiColor::Green.into())),
            Tone::Faint => Style::new().dimmed(),
        };
        format!("{style}{text}{style:#}")
    }

    /// The arrow between old and new.
    pub fn arrow(self) -> &'static str {
        if self == Self::Plain { "->" } else { "→" }
    }
}
