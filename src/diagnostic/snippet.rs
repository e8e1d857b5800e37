//! A diagnostic becomes text as compilers print it: the sentence, the place, the line with the place underlined, the hints.

use super::{Diagnostic, Diagnostics, Severity};
use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet};

/// Longer lines are named by line and column, not shown.
const SHOWN_LINE: usize = 2_000;

/// One diagnostic as text, with a newline at its end. `colour` is for terminals.
pub fn render(diagnostic: &Diagnostic, colour: bool) -> String {
    let renderer = if colour { Renderer::styled() } else { Renderer::plain() };
    let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(160);
    let level = match diagnostic.severity {
        Severity::Note => Level::NOTE,
        Severity::Warning => Level::WARNING,
        Severity::Error => Level::ERROR,
    };
    let title = level.primary_title(diagnostic.text.as_str()).id(diagnostic.code);
    let file = diagnostic.position().map(|(file, ..)| file.display().to_string()).unwrap_or_default();
    let shown = diagnostic.place.as_ref().and_then(|(source, range)| {
        let own = source.file_at(range.start).1;
        let (start, end) = (range.start - own.start, range.end.max(range.start) - own.start);
        lines_around(source.text.get(own)?, start, end)
    });
    let mut group = match (&shown, diagnostic.position()) {
        (Some(shown), _) => {
            let mark =
                AnnotationKind::Primary.span(shown.start..shown.end).label(Some(diagnostic.label.as_str()).filter(|l| !l.is_empty()));
            title.element(Snippet::source(shown.text).path(file.as_str()).line_start(shown.line).annotation(mark))
        }
        (None, Some((_, line, column))) => title.element(Origin::path(file.as_str()).line(line).char_column(column)),
        (None, None) => annotate_snippets::Group::with_title(title),
    };
    for hint in &diagnostic.hints {
        group = group.element(Level::HELP.message(hint.as_str()));
    }
    let mut text = renderer.render(&[group]);
    text.push('\n');
    text
}

/// All of them, with an empty line between.
pub fn render_all(diagnostics: &Diagnostics, colour: bool) -> String {
    diagnostics.0.iter().map(|d| render(d, colour)).collect::<Vec<_>>().join("\n")
}

/// The lines that a range touches, with the range as it stands in them.
struct Shown<'t> {
    text: &'t str,
    line: usize,
    start: usize,
    end: usize,
}

fn lines_around(text: &str, start: usize, end: usize) -> Option<Shown<'_>> {
    let start = start.min(text.len());
    let first = text.get(..start)?.rfind('\n').map_or(0, |i| i + 1);
    // Of a value over several lines the first one is enough.
    let line_end = text.get(start..)?.find('\n').map_or(text.len(), |i| start + i);
    if line_end - first > SHOWN_LINE {
        return None;
    }
    let end = end.clamp(start, line_end);
    Some(Shown { text: &text[first..line_end], line: text[..first].matches('\n').count() + 1, start: start - first, end: end - first })
}

#[cfg(test)]
mod tests {
    use super::render;
    use crate::diagnostic::{Diagnostic, Source};

    #[test]
    fn points_at_the_place() {
        let source = Source::read("fleet.toml".into(), b"[fleet]\nnmae = \"x\"\n".to_vec()).unwrap();
        let d =
            Diagnostic::error("fleet-unknown-key", "unknown key `nmae`").at(&source, 8..12).label("did you mean `name`?").hint("see docs");
        let text = "\
error[fleet-unknown-key]: unknown key `nmae`
 --> fleet.toml:2:1
  |
2 | nmae = \"x\"
  | ^^^^ did you mean `name`?
  |
  = help: see docs
";
        assert_eq!(render(&d, false), text);
        assert!(render(&d, true).contains('\u{1b}'));
    }
}
