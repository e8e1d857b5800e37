//! Patterns of paths, and the files below a directory.

use super::parts::Files;

/// How deep directories are followed: a link can lead in a circle.
const DEEPEST: usize = 16;

/// Every file below a directory, at any depth, as a path from the directory of the fleet file; sorted.
///
/// # Errors
/// Why it cannot be listed.
pub(super) fn below(directory: &str, files: &dyn Files) -> Result<Vec<String>, String> {
    let directory = directory.trim_start_matches("./").trim_matches('/');
    let directory = if directory == "." { "" } else { directory };
    let mut found = Vec::new();
    collect(directory, files.list(directory)?, files, DEEPEST, &mut found)?;
    found.sort();
    Ok(found)
}

fn collect(directory: &str, names: Vec<String>, files: &dyn Files, depth: usize, found: &mut Vec<String>) -> Result<(), String> {
    if depth == 0 {
        return Err(format!("`{directory}` is more than {DEEPEST} directories deep"));
    }
    for name in names.into_iter().filter(|n| n != ".git") {
        let path = if directory.is_empty() { name } else { format!("{directory}/{name}") };
        // What cannot be listed is a file.
        match files.list(&path) {
            Ok(names) => collect(&path, names, files, depth - 1, found)?,
            Err(_) => found.push(path),
        }
    }
    Ok(())
}

/// Whether a path matches a pattern: `*` and `?` within one part, `**` for any number of parts.
pub(super) fn matches(pattern: &str, path: &str) -> bool {
    let (pattern, path): (Vec<&str>, Vec<&str>) = (pattern.split('/').collect(), path.split('/').collect());
    parts_match(&pattern, &path)
}

fn parts_match(pattern: &[&str], path: &[&str]) -> bool {
    match pattern.split_first() {
        None => path.is_empty(),
        Some((&"**", rest)) => (0..=path.len()).any(|skipped| parts_match(rest, &path[skipped..])),
        Some((first, rest)) => path.split_first().is_some_and(|(name, more)| part_matches(first, name) && parts_match(rest, more)),
    }
}

fn part_matches(pattern: &str, name: &str) -> bool {
    match pattern.chars().next() {
        None => name.is_empty(),
        Some('*') => name.char_indices().map(|(i, _)| i).chain([name.len()]).any(|i| part_matches(&pattern[1..], &name[i..])),
        Some(c) => {
            let rest = &pattern[c.len_utf8()..];
            name.chars().next().is_some_and(|n| (c == '?' || c == n) && part_matches(rest, &name[n.len_utf8()..]))
        }
    }
}

/// The part of a pattern before its first wildcard: the directory to list.
pub(super) fn fixed_part(pattern: &str) -> &str {
    let wild = pattern.find(['*', '?']).unwrap_or(pattern.len());
    pattern[..wild].rfind('/').map_or("", |slash| &pattern[..slash])
}

#[cfg(test)]
mod tests {
    use super::{below, fixed_part, matches};
    use crate::fleet::OnDisk;

    #[test]
    fn patterns_keep_to_the_parts_of_a_path() {
        assert!(matches(".agentao/*.json", ".agentao/a.json"));
        assert!(!matches(".agentao/*.json", ".agentao/deep/a.json"));
        assert!(matches("skills/**/*.md", "skills/a.md") && matches("skills/**/*.md", "skills/a/b/c.md"));
        assert!(matches("**/SKILL.md", "SKILL.md") && matches("**", "a/b"));
        assert!(matches("a?c", "aéc") && !matches("a?c", "ac"));
        assert_eq!((fixed_part(".agentao/*.json"), fixed_part("*.md"), fixed_part("a/b")), (".agentao", "", "a"));
    }

    #[test]
    fn directories_are_listed_at_any_depth() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("skills/b")).unwrap();
        std::fs::create_dir_all(folder.path().join("skills/empty")).unwrap();
        for file in ["skills/z.md", "skills/b/SKILL.md"] {
            std::fs::write(folder.path().join(file), "x").unwrap();
        }
        let disk = OnDisk(folder.path().to_owned());
        assert_eq!(below("./skills/", &disk).unwrap(), ["skills/b/SKILL.md", "skills/z.md"]);
        assert_eq!(below(".", &disk).unwrap(), ["skills/b/SKILL.md", "skills/z.md"]);
        assert!(below("none", &disk).is_err());
    }
}
