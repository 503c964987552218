//! The files that rules look at, and what rules answer.

use super::rust::Rust;

#[derive(Debug)]
pub(super) struct Tree {
    files: Vec<File>,
}

impl Tree {
    pub(super) fn new(files: impl IntoIterator<Item = (String, String)>) -> Self {
        let files = files
            .into_iter()
            .map(|(path, text)| File::new(path, text))
            .collect();
        Self { files }
    }

    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    pub(super) fn files(&self) -> impl Iterator<Item = &File> {
        self.files.iter()
    }

    /// The Rust files, each with what was found by reading it.
    pub(super) fn rust(&self) -> impl Iterator<Item = (&File, &Rust)> {
        self.files
            .iter()
            .filter_map(|file| Some((file, file.rust.as_ref()?)))
    }

    pub(super) fn get(&self, path: &str) -> Option<&File> {
        self.files.iter().find(|file| file.path == path)
    }

    /// Whether a module stands at `path` (`src/query.rs`), as a file or as a directory.
    pub(super) fn has_room(&self, path: &str) -> bool {
        let directory = path.strip_suffix(".rs").map(|stem| format!("{stem}/"));
        self.files.iter().any(|file| {
            file.path == path || directory.as_ref().is_some_and(|d| file.path.starts_with(d))
        })
    }
}

#[derive(Debug)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) text: String,
    rust: Option<Rust>,
}

impl File {
    fn new(path: String, text: String) -> Self {
        let rust = path.ends_with(".rs").then(|| Rust::read(&text));
        Self { path, text, rust }
    }

    pub(super) fn name(&self) -> &str {
        self.path.rsplit('/').next().unwrap_or(&self.path)
    }

    /// Whether the file lies in one of these directories.
    pub(super) fn is_in(&self, directories: &[&str]) -> bool {
        directories.iter().any(|directory| {
            self.path
                .strip_prefix(directory)
                .is_some_and(|rest| rest.starts_with('/'))
        })
    }

    /// Whether the file is one of these rooms of its crate: `query` is `src/query.rs` and all
    /// below `src/query/`.
    pub(super) fn is_room(&self, rooms: &[&str]) -> bool {
        let Some((_, inside)) = self.path.split_once("src/") else {
            return false;
        };
        let first = inside.split('/').next().unwrap_or(inside);
        rooms.contains(&first.strip_suffix(".rs").unwrap_or(first))
    }

    /// Whether the whole file is a test: `tests.rs`, or anything below a `tests` directory.
    pub(super) fn is_test(&self) -> bool {
        self.name() == "tests.rs" || self.path.split('/').any(|part| part == "tests")
    }

    /// Whether the file is a member's manifest; the root's only lists members and versions.
    pub(super) fn is_manifest_of_member(&self) -> bool {
        self.path.ends_with("/Cargo.toml")
    }

    pub(super) fn line_at(&self, offset: usize) -> usize {
        self.text
            .bytes()
            .take(offset)
            .filter(|byte| *byte == b'\n')
            .count()
            + 1
    }

    pub(super) fn violation(&self, line: usize, message: impl Into<String>) -> Violation {
        Violation {
            path: self.path.clone(),
            line,
            message: message.into(),
        }
    }

    pub(super) fn violation_at(&self, offset: usize, message: impl Into<String>) -> Violation {
        self.violation(self.line_at(offset), message)
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Violation {
    path: String,
    line: usize,
    message: String,
}

impl Violation {
    pub(super) fn render(&self, rule: &str) -> String {
        let Self {
            path,
            line,
            message,
        } = self;
        format!("{path}:{line}: {rule}: {message}")
    }

    #[cfg(test)]
    pub(super) fn new(path: impl Into<String>, line: usize, message: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            line,
            message: message.into(),
        }
    }

    #[cfg(test)]
    pub(super) fn place(&self) -> (&str, usize) {
        (&self.path, self.line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> File {
        File::new(path.to_owned(), String::new())
    }

    #[test]
    fn a_room_is_a_file_of_that_name_or_all_below_a_directory_of_it() {
        assert!(file("crates/a/src/query.rs").is_room(&["query"]));
        assert!(file("crates/a/src/query/page.rs").is_room(&["query"]));
        assert!(!file("crates/a/src/worker/query.rs").is_room(&["query"]));
        assert!(!file("crates/a/src/query_plan.rs").is_room(&["query"]));
        assert!(!file("crates/a/tests/query.rs").is_room(&["query"]));
    }

    #[test]
    fn a_directory_is_not_confused_with_one_whose_name_is_longer() {
        assert!(file("crates/checkpoint/src/lib.rs").is_in(&["crates/checkpoint"]));
        assert!(!file("crates/checkpoint-core/src/lib.rs").is_in(&["crates/checkpoint"]));
    }

    #[test]
    fn files_of_tests_are_known_by_their_place() {
        assert!(file("crates/a/src/store/tests.rs").is_test());
        assert!(file("crates/a/tests/format.rs").is_test());
        assert!(!file("crates/a/src/tests_of_time.rs").is_test());
    }

    #[test]
    fn a_violation_says_where_which_rule_and_what_to_do() {
        let violation = file("src/a.rs").violation(3, "x; write y");
        assert_eq!(
            violation.render("letters"),
            "src/a.rs:3: letters: x; write y"
        );
    }
}
