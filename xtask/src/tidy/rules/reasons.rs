//! What needs a reason, and what must not be left behind.

use std::ops::Range;

use super::super::rust::{Rust, closing, words};
use super::super::tree::{Tree, Violation};
use super::Rule;

pub(super) const ALLOWED_LINTS: Rule = Rule {
    name: "allowed-lints",
    check: allowed_lints,
    broken: &[(
        "crates/checkpoint-core/src/store.rs",
        "#[allow(dead_code)]\nfn a() {}",
    )],
};

/// Clippy asks for the reason too, but only in code that this build compiles.
fn allowed_lints(tree: &Tree) -> Vec<Violation> {
    each_attribute(tree, |rust, attribute| {
        let code = &rust.code[attribute];
        let bare = words(code).any(|(at, word)| {
            let list = at + word.len();
            matches!(word, "allow" | "expect")
                && !code[..at].ends_with('.')
                && closing(code, list).is_some_and(|close| !gives_reason(&code[list..close]))
        });
        bare.then_some("a lint is silenced without a reason; add `reason = \"…\"`, or mend it")
    })
}

fn gives_reason(list: &str) -> bool {
    words(list)
        .any(|(at, word)| word == "reason" && list[at + word.len()..].trim_start().starts_with('='))
}

pub(super) const IGNORED_TESTS: Rule = Rule {
    name: "ignored-tests",
    check: ignored_tests,
    broken: &[(
        "crates/checkpoint-core/src/store.rs",
        "#[test]\n#[ignore]\nfn a() {}",
    )],
};

fn ignored_tests(tree: &Tree) -> Vec<Violation> {
    each_attribute(tree, |rust, attribute| {
        let code = &rust.code[attribute];
        let bare = words(code).any(|(at, word)| {
            word == "ignore" && !code[at + word.len()..].trim_start().starts_with('=')
        });
        bare.then_some("a test is ignored without a reason; write `#[ignore = \"…\"]`, or mend it")
    })
}

/// What `judge` says of each attribute.
fn each_attribute(
    tree: &Tree,
    judge: impl Fn(&Rust, Range<usize>) -> Option<&'static str>,
) -> Vec<Violation> {
    let mut found = Vec::new();
    for (file, rust) in tree.rust() {
        for attribute in rust.attributes() {
            let start = attribute.start;
            found.extend(judge(rust, attribute).map(|what| file.violation_at(start, what)));
        }
    }
    found
}

pub(super) const UNFINISHED: Rule = Rule {
    name: "unfinished",
    check: unfinished,
    broken: &[(
        "crates/checkpoint-core/src/store.rs",
        "fn a() {\n    todo!()\n}",
    )],
};

/// Unfinished work is an issue, where it is seen, and not a mark in the code.
fn unfinished(tree: &Tree) -> Vec<Violation> {
    let mut found = Vec::new();
    for (file, rust) in tree.rust() {
        let marks = words(&rust.commented).filter(|(at, word)| {
            let end = at + word.len();
            *word == "FIXME"
                || matches!(*word, "todo" | "unimplemented") && rust.code[end..].starts_with("!(")
        });
        found.extend(marks.map(|(at, word)| {
            file.violation_at(
                at,
                format!("`{word}` is left in the code; finish it or leave it out"),
            )
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
    fn a_lint_is_silenced_with_a_reason_or_not_at_all() {
        let text = "#![allow(unused)]\n\
                    #[expect(clippy::a, reason = \"b\")]\n\
                    #[cfg_attr(test, expect(unused))]\n\
                    #[allow(\n    unused,\n    reason = \"c\",\n)]\n\
                    #[allow(clippy::reason)]\n\
                    fn d() { e().expect(\"f\"); }";
        assert_eq!(lines(&ALLOWED_LINTS, PATH, text), [1, 3, 8]);
    }

    #[test]
    fn comments_and_strings_silence_no_lint() {
        let text = "// #[allow(unused)]\nlet a = \"#[allow(unused)]\";";
        assert_eq!(lines(&ALLOWED_LINTS, PATH, text), [0; 0]);
    }

    #[test]
    fn a_test_is_ignored_with_a_reason_or_not_at_all() {
        let text = "#[ignore]\nfn a() {}\n#[ignore = \"an hour\"]\nfn b() {}\n\
                    #[cfg_attr(windows, ignore)]\nfn c() {}\nfn ignore() {}";
        assert_eq!(lines(&IGNORED_TESTS, PATH, text), [1, 5]);
    }

    #[test]
    fn marks_of_unfinished_work_are_found_in_code_and_comments() {
        let text = concat!("todo!();\nunimplemented!(\"a\");\n// FIX", "ME: b\n");
        assert_eq!(lines(&UNFINISHED, PATH, text), [1, 2, 3]);
    }

    #[test]
    fn what_only_speaks_of_unfinished_work_is_let_be() {
        let text = "// todo!() is refused\nlet todo = \"FIXME\";\nif todo != 1 {}";
        assert_eq!(lines(&UNFINISHED, PATH, text), [0; 0]);
    }
}
