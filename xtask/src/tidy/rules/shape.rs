//! How long things may be, and what tests are called.

use super::super::rust::{Rust, body, closing, words};
use super::super::tree::{File, Tree, Violation};
use super::Rule;

const FILE_LINES: usize = 400;
const TEST_FILE_LINES: usize = 600;
const FUNCTION_LINES: usize = 60;

/// Files that are better long, each with the reason.
const LONG_FILES: &[(&str, &str)] = &[];

/// Functions that are better long, as `path::name`, each with the reason.
const LONG_FUNCTIONS: &[(&str, &str)] = &[];

/// Eight times the text, for samples that are long.
macro_rules! eight {
    ($text:expr) => {
        concat!($text, $text, $text, $text, $text, $text, $text, $text)
    };
}

pub(super) const FILE_LENGTH: Rule = Rule {
    name: "file-length",
    check: |tree| {
        let long = tree.rust().filter_map(|(file, _)| long_file(file));
        excused(tree, long, LONG_FILES, "LONG_FILES")
    },
    broken: &[("crates/a/src/lib.rs", eight!(eight!(eight!("\n"))))],
};

/// Past a few hundred lines a file usually hides a second one.
fn long_file(file: &File) -> Option<(String, Violation)> {
    let most = if file.is_test() {
        TEST_FILE_LINES
    } else {
        FILE_LINES
    };
    let lines = file.text.lines().count();
    let message = format!("{lines} lines, at most {most}; move what hides in it to a module");
    (lines > most).then(|| (file.path.clone(), file.violation(most + 1, message)))
}

pub(super) const FUNCTION_LENGTH: Rule = Rule {
    name: "function-length",
    check: |tree| {
        let long = tree
            .rust()
            .flat_map(|(file, rust)| long_functions(file, rust));
        excused(tree, long, LONG_FUNCTIONS, "LONG_FUNCTIONS")
    },
    broken: &[(
        "crates/a/src/lib.rs",
        concat!("fn save() {", eight!(eight!("\n")), "}"),
    )],
};

fn long_functions(file: &File, rust: &Rust) -> Vec<(String, Violation)> {
    let mut long = Vec::new();
    for (start, name) in functions(rust) {
        let end = body(&rust.code, start).and_then(|open| closing(&rust.code, open));
        let Some(end) = end else { continue };
        let lines = file.line_at(end) - file.line_at(start) + 1;
        if lines > FUNCTION_LINES {
            let message = format!(
                "`{name}` has {lines} lines, at most {FUNCTION_LINES}; give its parts names"
            );
            long.push((
                format!("{}::{name}", file.path),
                file.violation_at(start, message),
            ));
        }
    }
    long
}

/// Every function that has a name, with the offset of its `fn`.
fn functions(rust: &Rust) -> impl Iterator<Item = (usize, &str)> {
    let mut words = rust.words().peekable();
    std::iter::from_fn(move || {
        loop {
            let (start, word) = words.next()?;
            // `fn(u8) -> u8` is a type: the next word belongs to something else.
            let named = rust.code[start + word.len()..].starts_with(char::is_whitespace);
            if word == "fn" && named {
                return words.peek().map(|(_, name)| (start, *name));
            }
        }
    })
}

/// The violations that no exception covers, and the exceptions that the tree no longer needs.
fn excused(
    tree: &Tree,
    long: impl Iterator<Item = (String, Violation)>,
    exceptions: &[(&str, &str)],
    list: &str,
) -> Vec<Violation> {
    let (excused, mut found): (Vec<_>, Vec<_>) =
        long.partition(|(name, _)| exceptions.iter().any(|(exception, _)| exception == name));
    for (name, reason) in exceptions {
        let file = name.split("::").next().and_then(|path| tree.get(path));
        let used = !reason.is_empty() && excused.iter().any(|(long, _)| long == name);
        if let Some(file) = file.filter(|_| !used) {
            let message =
                format!("{list} has `{name}`, which is not long or has no reason; remove it");
            found.push((String::new(), file.violation(1, message)));
        }
    }
    found.into_iter().map(|(_, violation)| violation).collect()
}

pub(super) const TEST_NAMES: Rule = Rule {
    name: "test-names",
    check: test_names,
    broken: &[(
        "crates/checkpoint-core/src/id.rs",
        "#[test]\nfn test_id() {}",
    )],
};

/// A test's name is the behaviour it shows; that it is a test is known.
fn test_names(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (file, rust) in tree.rust() {
        let tests = rust.attributes().into_iter().filter(|attribute| {
            let attribute = &rust.code[attribute.clone()];
            let path = attribute.split('(').next().unwrap_or(attribute);
            matches!(words(path).last(), Some((_, "test" | "rstest")))
        });
        let badly_named = tests.filter_map(|attribute| {
            let (_, name) = functions(rust).find(|(start, _)| *start > attribute.end)?;
            name.starts_with("test_").then_some((attribute.start, name))
        });
        found.extend(badly_named.map(|(at, name)| {
            let message = format!("`{name}` begins with `test_`; name the behaviour it shows");
            file.violation_at(at, message)
        }));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::tests::lines;
    use super::*;

    const PATH: &str = "crates/checkpoint-core/src/store.rs";

    #[test]
    fn files_may_have_400_lines_and_test_files_600() {
        assert_eq!(lines(&FILE_LENGTH, PATH, &"\n".repeat(400)), [0; 0]);
        assert_eq!(lines(&FILE_LENGTH, PATH, &"\n".repeat(401)), [401]);
        let tests = "crates/checkpoint-core/src/store/tests.rs";
        assert_eq!(lines(&FILE_LENGTH, tests, &"\n".repeat(600)), [0; 0]);
        assert_eq!(lines(&FILE_LENGTH, tests, &"\n".repeat(601)), [601]);
        assert_eq!(
            lines(&FILE_LENGTH, "docs/format.md", &"\n".repeat(900)),
            [0; 0]
        );
    }

    fn function(lines: usize) -> String {
        format!("struct A;\n\nfn save() {{{}}}\n", "\n".repeat(lines - 1))
    }

    #[test]
    fn functions_may_have_60_lines() {
        assert_eq!(lines(&FUNCTION_LENGTH, PATH, &function(60)), [0; 0]);
        assert_eq!(lines(&FUNCTION_LENGTH, PATH, &function(61)), [3]);
    }

    #[test]
    fn braces_in_literals_and_types_of_functions_do_not_confuse_the_count() {
        let text = format!("fn a(f: fn(u8) -> u8) {{ g(\"{{\") }}{}", "\n".repeat(100));
        assert_eq!(lines(&FUNCTION_LENGTH, PATH, &text), [0; 0]);
        let declared = format!("trait A {{ fn a();{} }}", "\n".repeat(100));
        assert_eq!(lines(&FUNCTION_LENGTH, PATH, &declared), [0; 0]);
    }

    /// What is left of `long` in a tree of the files `a` and `b`.
    fn left(long: &[&str], exceptions: &[(&str, &str)]) -> Vec<Violation> {
        let tree = Tree::new(["a", "b"].map(|path| (path.to_owned(), String::new())));
        let long = long
            .iter()
            .map(|name| ((*name).to_owned(), Violation::new(*name, 9, "long")));
        excused(&tree, long, exceptions, "LIST")
    }

    #[test]
    fn an_exception_covers_what_it_names_and_nothing_else() {
        let found = left(&["a", "b"], &[("a", "one table")]);
        assert_eq!(found, [Violation::new("b", 9, "long")]);
        assert_eq!(left(&["a::f"], &[("a::f", "one match")]), []);
    }

    #[test]
    fn an_exception_that_covers_nothing_or_gives_no_reason_must_go() {
        assert_eq!(left(&[], &[("a", "one table")]).len(), 1);
        assert_eq!(left(&["a::f"], &[("a::f", "")]).len(), 1);
    }

    #[test]
    fn names_of_tests_do_not_say_that_they_are_tests() {
        let text = "#[tokio::test(flavor = \"multi_thread\")]\nasync fn test_a() {}\n\
                    #[test]\n#[ignore = \"slow\"]\nfn test_b() {}\n\
                    #[test]\nfn second_open_is_refused() {}\n\
                    #[cfg(test)]\nfn test_store() {}";
        assert_eq!(lines(&TEST_NAMES, PATH, text), [1, 3]);
    }
}
