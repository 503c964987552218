//! Words that must not stand in any file.
//!
//! Here they are written in two halves, since these rules read this file too.

use super::super::tree::{File, Violation};
use super::Rule;

/// Directories of one machine.
const PATHS: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/tmp/", "wt"),
    concat!("/ro", "ot/"),
];

/// Registries, the longer names first: a line is told once.
const HOSTS: &[&str] = &[
    concat!("static.crates", ".io"),
    concat!("index.crates", ".io"),
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("registry.npmjs", ".org"),
    concat!("deb.debian", ".org"),
];

pub(super) const MACHINE_PATHS: Rule = Rule {
    name: "machine-paths",
    check: |tree| {
        forbidden(
            tree.files(),
            PATHS,
            "is a place on one machine; use a relative path",
        )
    },
    broken: &[("docs/format.md", concat!("see /wo", "rk/notes.md"))],
};

pub(super) const REGISTRY_HOSTS: Rule = Rule {
    name: "registry-hosts",
    check: |tree| {
        // Cargo writes the lock file.
        let files = tree.files().filter(|file| file.name() != "Cargo.lock");
        forbidden(
            files,
            HOSTS,
            "ties the build to one host; leave it to the tool's own setting",
        )
    },
    broken: &[(".ci/run", concat!("curl https://static.crates", ".io/x"))],
};

fn forbidden<'a>(
    files: impl Iterator<Item = &'a File>,
    words: &[&str],
    advice: &str,
) -> Vec<Violation> {
    let mut found = Vec::new();
    for file in files {
        for (line, text) in (1..).zip(file.text.lines()) {
            let word = words.iter().find(|word| stands_in(text, word));
            found.extend(word.map(|word| file.violation(line, format!("`{word}` {advice}"))));
        }
    }
    found
}

/// Whether the word stands in the line as a whole: not as the end of a longer name or path.
fn stands_in(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        !before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '}'))
    })
}

#[cfg(test)]
mod tests {
    use super::super::tests::{lines, places};
    use super::*;

    #[test]
    fn a_machine_path_is_found_in_any_file_and_any_dress() {
        let text = PATHS.map_lines(|path| format!("a \"{path}b\"\nsqlite://{path}b\n"));
        assert_eq!(
            lines(&MACHINE_PATHS, "README.md", &text),
            [1, 2, 3, 4, 5, 6]
        );
    }

    #[test]
    fn relative_paths_are_no_machine_paths() {
        let text = PATHS.map_lines(|path| format!("target{path}b\n${{HOME}}{path}b\n"));
        assert_eq!(lines(&MACHINE_PATHS, "README.md", &text), [0; 0]);
    }

    #[test]
    fn a_registry_host_is_found_once_a_line_and_not_in_the_lock_file() {
        let text = HOSTS.map_lines(|host| format!("https://{host}/a\n"));
        let files = [("Cargo.lock", text.as_str()), ("deny.toml", text.as_str())];
        let expected: Vec<_> = (1..=6).map(|line| ("deny.toml".to_owned(), line)).collect();
        assert_eq!(places(&REGISTRY_HOSTS, &files), expected);
    }

    #[test]
    fn a_longer_name_is_another_host() {
        let text = HOSTS.map_lines(|host| format!("my-{host}\n"));
        assert_eq!(lines(&REGISTRY_HOSTS, "README.md", &text), [0; 0]);
    }

    trait MapLines {
        fn map_lines(&self, line: impl Fn(&str) -> String) -> String;
    }

    impl MapLines for [&str] {
        fn map_lines(&self, line: impl Fn(&str) -> String) -> String {
            self.iter().copied().map(line).collect()
        }
    }
}
